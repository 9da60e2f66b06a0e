"""Suite `fills`: one row per variable, scope and year. Was a whole year filled in without saying so?

A fill is kept and flagged cell by cell behind the gate (`int_values_flagged`); here a person is told of it.
"""

from collections.abc import Mapping

import pandas as pd
from great_expectations.core import ExpectationSuite

from expectations.blocks import BlockYear
from expectations.columns import Rule, must_be_between
from expectations.contract import Baseline
from expectations.judged import judged_years

NAME = "fills"

MIN_CITIES = 10
MAX_MIDPOINT_SHARE = 0.5
MAX_REPEAT_SHARE = 0.2
# a city that hardly moves is near the midpoint by chance: only moves of several printed digits are evidence
WIDE_MOVE_STEPS = 4

_EXAMPLE = "{variable_code} ({scope}) {year}: {share_text} of {n_cities} cities, for example {city_name} {text}"
MIDPOINT = Rule(
    rule_id="year_is_no_midpoint",
    sentence="No year of a column is the mean of its neighbours in half of the cities.",
    noun="columns and years with both neighbours",
    fault="are exact means of the year before and the year after",
    example=_EXAMPLE,
    advice="No action if this is known; the cells are flagged as suspected fills and left out of `nofill` variants.",
    severity="warn",
)
REPEAT = Rule(
    rule_id="year_is_no_repeat",
    sentence="No year of a column repeats the year before in 20 % of the cities.",
    noun="columns and years with the year before",
    fault="repeat the year before",
    example=_EXAMPLE,
    advice="No action if this is known; repeats of a compilation are flagged as suspected fills.",
    severity="warn",
)
_COLUMNS = [
    "block",
    "variable_code",
    "scope",
    "year",
    "n_cities",
    "share_text",
    "share_midpoint",
    "share_repeat",
    "city_id",
    "city_name",
    "value",
    "text",
    "unit",
    "file",
    "sheet",
    "cell",
]


def prepare(frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> pd.DataFrame:
    """One row per block and kind of fill that can be looked for, with the share of cities and one example.

    share_midpoint: of the cities whose neighbours lie at least four printed digits apart. share_repeat: of the cities
    with a figure in the year before; zeros do not count. Corrected cells count as they are now.
    """
    years = {one.year: one for one in judged_years(frames, baseline)}
    rows = []
    for one in years.values():
        for block in one.wide.columns:
            before = _neighbour(one, years.get(one.year - 1), block)
            after = years[one.year + 1].wide.get(block) if one.year + 1 in years else None
            cells = one.of(block).set_index("city_id")
            rows += [found for found in (_repeats(cells, before), _midpoints(cells, before, after)) if found]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _neighbour(one: BlockYear, before: BlockYear | None, block: str) -> pd.Series | None:
    """Figures of the year before: of this load, or of the last accepted one."""
    if before is not None and block in before.wide.columns:
        return before.wide[block]
    return one.past[block] if one.year_last.get(block) == one.year - 1 else None


def _repeats(cells: pd.DataFrame, before: pd.Series | None) -> dict[str, object] | None:
    if before is None:
        return None
    past = before.reindex(cells.index)
    kept = past.notna() & (cells["value"] != 0)
    return _row(cells[kept], (cells["value"] == past)[kept], "share_repeat")


def _midpoints(cells: pd.DataFrame, before: pd.Series | None, after: pd.Series | None) -> dict[str, object] | None:
    if before is None or after is None:
        return None
    first, last = before.reindex(cells.index), after.reindex(cells.index)
    known = first.notna() & last.notna()
    step = printed_step(cells[known])
    kept = known & ((last - first).abs() >= WIDE_MOVE_STEPS * step)
    gap = (cells["value"] - (first + last) / 2).abs()
    is_fill = gap <= 0.5 * step + 1e-9 * cells["value"].abs()
    return _row(cells[kept], is_fill[kept], "share_midpoint")


def printed_step(cells: pd.DataFrame) -> float:
    """One unit of the last printed digit of a column, in the unit of its values; 0 where no text is a number."""
    numbers = pd.to_numeric(cells["text"], errors="coerce")
    factor = (cells["value"] / numbers.where(numbers != 0)).median()
    decimals = cells["text"].astype("string").str.extract(r"\.(\d*?)0*$", expand=False).str.len().max()
    return 0.0 if pd.isna(factor) else float(factor) * 10.0 ** -(0 if pd.isna(decimals) else int(decimals))


def _row(cells: pd.DataFrame, is_fill: pd.Series, share: str) -> dict[str, object] | None:
    if len(cells) < MIN_CITIES:
        return None
    example = cells[is_fill].iloc[0] if is_fill.any() else cells.iloc[0]
    part = float(is_fill.mean())
    place = ["variable_code", "scope", "year", "city_name", "value", "text", "unit", "file", "sheet", "cell"]
    return {
        **{name: example[name] for name in place},
        "city_id": example.name,
        "n_cities": len(cells),
        "share_text": f"{part:.1%}",
        share: part,
        "block": f"{example['block']}/{example['year']}",
    }


def build_suite(baseline: Baseline) -> ExpectationSuite:
    """Expectations on the originality of whole years."""
    expectations = [
        must_be_between("share_midpoint", None, MAX_MIDPOINT_SHARE, MIDPOINT),
        must_be_between("share_repeat", None, MAX_REPEAT_SHARE, REPEAT),
    ]
    return ExpectationSuite(name=NAME, expectations=expectations, meta={"suite": NAME})
