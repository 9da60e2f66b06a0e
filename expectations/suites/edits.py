"""Suite `edits`: figures of a load that cannot be right, beside what is used in their place. Told, not refused."""

from collections.abc import Mapping

import pandas as pd
from great_expectations.core import ExpectationSuite

from expectations import paste
from expectations.columns import Rule, must_be_used_as_printed
from expectations.contract import Baseline

NAME = "edits"

USED = Rule(
    rule_id="figure_is_used_as_printed",
    sentence="Every figure is used as it is printed.",
    noun="figures that a rule doubts",
    fault="are left out or replaced",
    example="{city_name} {variable_code} ({scope}) {year} printed '{text}', used {used_value} ({rule}: {evidence})",
    advice="Nothing: they are not used. A `keep` row in correction.csv if the page is right, else `replace`.",
    severity="warn",
)


def prepare(frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> pd.DataFrame:
    """The proposed edits, the most influential first, with the row of correction.csv that keeps a figure."""
    frame = frames["edits"].reset_index(drop=True)
    frame = frame.astype({"printed_value": "float64", "used_value": "float64"})
    rows = [
        paste.keep_row(baseline.source, {str(k): v for k, v in row.items()}, "reviewed: as the page prints it")
        for row in frame.to_dict("records")
    ]
    return frame.assign(paste_into=paste.CORRECTION, paste_rows=pd.Series(rows, index=frame.index, dtype="object"))


def build_suite(baseline: Baseline) -> ExpectationSuite:
    """Printed and used figures are the same."""
    expectations = [must_be_used_as_printed("printed_value", "used_value", USED)]
    return ExpectationSuite(name=NAME, expectations=expectations, meta={"suite": NAME})
