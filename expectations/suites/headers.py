"""Suite `headers`: one row per column of the file. Do we know what each column means and in which unit?"""

from collections.abc import Mapping

import pandas as pd
from great_expectations.core import ExpectationSuite

from expectations.columns import Rule, as_flag, must_be_true, must_be_unique, must_have_rows, only_where
from expectations.contract import Baseline

NAME = "headers"

EXISTS = Rule(
    rule_id="header_exists",
    sentence="The load has at least one column with a header.",
    noun="columns",
    fault="the load has no column with a header",
    example="",
    advice="Check `layout` and `sheet` in the sidecar: the header rows were not found.",
)
KNOWN = Rule(
    rule_id="header_is_known",
    sentence="Every header is listed in the header map.",
    noun="headers",
    fault="are not in the header map",
    example="'{header_path}' (key '{header_key}')",
    advice="Add a row for each key to header_map.csv: its variable, or `ignore` with a reason.",
)
UNIT_KNOWN = Rule(
    rule_id="header_unit_is_known",
    sentence="Every unit printed in a header is listed in the unit table.",
    noun="headers",
    fault="print a unit that is not in the unit table, or have no unit at all",
    example="unit '{header_unit}' of '{header_path}' ({variable_code})",
    advice="Add the symbol to unit.csv, or give the unit of this header in header_map.csv.",
)
UNIT_CONSISTENT = Rule(
    rule_id="header_unit_is_consistent",
    sentence="Every unit measures what its variable measures (money, persons, area ...).",
    noun="headers",
    fault="have a unit of another dimension than their variable",
    example="unit '{header_unit}' of '{header_path}' ({variable_code})",
    advice="Compare with the printed table: correct the variable or the unit in header_map.csv.",
)
ONCE = Rule(
    rule_id="header_meaning_is_unique",
    sentence="A sheet has one column for each variable and scope.",
    noun="headers",
    fault="mean the same variable and scope as another column of their sheet",
    example="'{header_path}' ({variable_code}, {scope})",
    advice="Look at both columns: one of them is something else, or printed twice and must be ignored with a reason.",
)


def prepare(frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> pd.DataFrame:
    """The `headers` frame with true/false columns that are null where a rule does not apply."""
    frame = frames["headers"].reset_index(drop=True)
    known, unit_known = as_flag(frame["is_known"]), as_flag(frame["is_unit_known"])
    # A column nobody reads may have any unit; an unknown column or unit is reported once, as unknown.
    is_read = known & (frame["variable_code"] != "ignore")
    frame["column_key"] = only_where(is_read, _column_key(frame))
    frame["is_known"] = known
    frame["is_unit_known"] = only_where(is_read, unit_known)
    frame["is_unit_consistent"] = only_where(is_read & unit_known, as_flag(frame["is_unit_consistent"]))
    return frame


def _column_key(frame: pd.DataFrame) -> pd.Series:
    """Sheet, variable and scope of each column in one text, '?' for a null."""
    texts = frame[["file", "sheet", "variable_code", "scope"]].astype("string").fillna("?")
    return texts["file"].str.cat(texts.drop(columns="file"), sep=" | ")


def build_suite(baseline: Baseline) -> ExpectationSuite:
    """Expectations on the columns of a load."""
    expectations = [
        must_have_rows(EXISTS),
        must_be_true("is_known", KNOWN),
        must_be_unique("column_key", ONCE),
        must_be_true("is_unit_known", UNIT_KNOWN),
        must_be_true("is_unit_consistent", UNIT_CONSISTENT),
    ]
    return ExpectationSuite(name=NAME, expectations=expectations, meta={"suite": NAME})
