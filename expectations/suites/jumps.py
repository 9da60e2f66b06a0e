"""Suite `jumps`: one row per variable, scope and year. Has a whole column moved against its past?

A move by a power of ten is a slip of the unit and belongs to suite `blocks`; so does every other refused column.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from great_expectations.core import ExpectationSuite

from expectations import paste
from expectations.blocks import BlockYear
from expectations.columns import Rule, must_be_between
from expectations.contract import Baseline
from expectations.judged import headers_of, judged_years

NAME = "jumps"

# Below this many cities with both values a median says little.
MIN_CITIES = 5
# Growth adds up over years without an edition: the limit widens by a quarter for each of them.
LIMIT_MORE_A_YEAR = 0.25

JUMP = Rule(
    rule_id="jump_of_variable_is_small",
    sentence="No variable jumps, in the median city, against its last accepted values.",
    noun="variables and years",
    fault="jumped in the median city",
    example="{variable_code} ({scope}) {year}: median change x{median_ratio} over {n_cities} cities since {year_last}; "
    "{city_name}: {value} {unit} after {value_last}",
    advice="Compare unit and header with the printed table: correct unit or variable in header_map.csv, or "
    "paste the ready-made `ignore` row.",
)
_COLUMNS = [
    "block",
    "variable_code",
    "scope",
    "year",
    "year_last",
    "n_cities",
    "median_log_ratio",
    "median_ratio",
    "jump",
    "city_id",
    "city_name",
    "value",
    "value_last",
    "unit",
    "text",
    "file",
    "sheet",
    "cell",
    "header_path",
    "paste_into",
    "paste_rows",
]


def prepare(frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> pd.DataFrame:
    """One row per variable, scope and year with at least `MIN_CITIES` pairs of values above 0.

    median_log_ratio = median over cities of ln(value / value_last); jump = the same for one year of distance.
    The city shown is the one nearest to the median.
    """
    rows = [
        _row(one, block, frames, baseline)
        for one in judged_years(frames, baseline)
        for block in one.wide.columns
        if block not in one.faults
    ]
    frame = pd.DataFrame([row for row in rows if row], columns=_COLUMNS)
    return frame.sort_values("median_log_ratio", key=pd.Series.abs, ascending=False, kind="stable", ignore_index=True)


def _row(one: BlockYear, block: str, frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> dict[str, object]:
    now, last = one.column(block), one.column(block, of_past=True)
    both = (now > 0) & (last > 0)
    if both.sum() < MIN_CITIES:
        return {}
    ratios = pd.Series(np.log(now[both] / last[both]), index=one.wide.index[both])
    median = float(ratios.median())
    city = str((ratios - median).abs().idxmin())
    cell: Any = one.of(block).set_index("city_id").loc[city]
    years_back = one.year - one.year_last[block]
    heads = headers_of(frames, cell["variable_code"], cell["scope"])
    reason = f"{one.year} refused by {JUMP.rule_id}: x{np.exp(median):.3g} against {one.year_last[block]}"
    place = ["variable_code", "scope", "year", "city_name", "value", "unit", "text", "file", "sheet", "cell"]
    return {
        **{name: cell[name] for name in place},
        "block": f"{block}/{one.year}",
        "city_id": city,
        "year_last": one.year_last[block],
        "n_cities": int(both.sum()),
        "median_log_ratio": median,
        "median_ratio": float(np.exp(median)),
        "jump": median / (1 + LIMIT_MORE_A_YEAR * (years_back - 1)),
        "value_last": float(last[one.wide.index.get_loc(city)]),
        "header_path": " | ".join(str(head["header_path"]) for head in heads),
        "paste_into": paste.HEADER_MAP,
        "paste_rows": "\n".join(paste.ignore_rows(baseline.source, heads, one.year, reason)),
    }


def build_suite(baseline: Baseline) -> ExpectationSuite:
    """Expectations on the movement of whole variables."""
    limit = baseline.jump_limit_log
    expectations = [must_be_between("jump", -limit, limit, JUMP)]
    return ExpectationSuite(name=NAME, expectations=expectations, meta={"suite": NAME})
