"""Suite `values`: one row per cell. Is it a number, inside its band, and not far from its own past?"""

from collections.abc import Mapping

import pandas as pd
from great_expectations.core import ExpectationSuite

from expectations.columns import Rule, as_flag, as_number, is_blank, must_be_true, only_where
from expectations.contract import Baseline
from expectations.judged import judged_blocks
from expectations.slips import log_ratio, slip_text

NAME = "values"

# A log change beyond median +- 6 MAD of its variable and year is looked at by a person (docs/formulas.md#gate).
MAX_MADS = 6.0
# Where nearly all cities move alike, 6 MAD would flag rounding: a MAD counts as 2 % at least.
MIN_MAD = 0.02
MIN_CITIES_FOR_MAD = 8

IS_NUMBER = Rule(
    rule_id="value_is_number",
    sentence="Every cell that is not blank is a number.",
    noun="cells",
    fault="hold text instead of a number",
    example="{city_name} {year} {variable_code}: '{text}'",
    advice="Compare with the printed page and add a row to correction.csv.",
    group="variable_code",
)
IN_BAND = Rule(
    rule_id="value_is_inside_band",
    sentence="Every value is inside the band of its variable.",
    noun="values",
    fault="lie outside the band of their variable",
    example="{city_name} {year} {variable_code} = {value} {unit} (printed '{text}', band {band_low} to {band_high})",
    advice="One city: compare with the printed page and add a row to correction.csv. Many cities: the unit "
    "or the header is wrong; correct header_map.csv or mark the block `ignore`.",
    group="variable_code",
)
NEAR_PAST = Rule(
    rule_id="value_is_near_last",
    sentence="No city moves more than 6 MAD away from the median change of its variable.",
    noun="values with an earlier value",
    fault="moved far more than the other cities",
    example="{city_name} {year} {variable_code} = {value} {unit} (printed '{text}', before {value_last}){slip}",
    advice="Compare with the printed page: a slip needs a row in correction.csv, a true change needs no action.",
    severity="warn",
    group="variable_code",
)


def prepare(frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> pd.DataFrame:
    """The `values` frame with one true/false column per rule, null where the rule does not apply.

    A corrected cell is exempt from all: a person has looked at it. A cell of a refused block is only asked whether it
    is a number. influence: weight of the variable times the distance of the figure from its column's median move; the
    most influential come first.
    """
    frame = frames["values"].reset_index(drop=True)
    value, low, high = (as_number(frame[column]) for column in ("value", "band_low", "band_high"))
    judged = ~as_flag(frame["is_corrected"])
    frame["is_number_text"] = only_where(judged & ~is_blank(frame["text"]), as_flag(frame["is_number"]))
    is_inside = ~((value < low) | (value > high))
    asked = judged & ~_is_refused(frame, judged_blocks(frames, baseline))
    frame["is_inside_band"] = only_where(asked & value.notna() & (low.notna() | high.notna()), is_inside)
    ratio = log_ratio(frame)
    frame["slip"] = ratio.map(slip_text)
    # A value outside its band has been reported already: one slip, one message.
    distance, is_near = from_median(ratio, frame)
    frame["is_near_last"] = only_where(asked & ratio.notna() & is_inside, is_near)
    weight = [baseline.weight(*figure) for figure in zip(frame["variable_code"], frame["scope"], strict=True)]
    frame["influence"] = (distance.fillna(0.0) * weight).round(3)
    return frame.sort_values("influence", ascending=False, kind="stable", ignore_index=True)


def _is_refused(frame: pd.DataFrame, blocks: pd.DataFrame) -> pd.Series:
    """True for the cells of blocks at fault: one fault, one message."""
    refused = set(blocks.loc[blocks["fault"] != "", "block"])
    year = as_number(frame["year"]).astype("Int64").astype("string")
    names = frame["variable_code"].astype("string") + "/" + frame["scope"].astype("string") + "/" + year
    return names.isin(refused)


def from_median(ratio: pd.Series, frame: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """|r - median| within variable, scope, year; whether it is <= 6 max(MAD, floor), true for few cities or null r."""
    by = [frame["variable_code"], frame["scope"], frame["year"]]
    distance = (ratio - ratio.groupby(by, dropna=False).transform("median")).abs()
    mad = distance.groupby(by, dropna=False).transform("median").clip(lower=MIN_MAD)
    enough = ratio.groupby(by, dropna=False).transform("count") >= MIN_CITIES_FOR_MAD
    return distance, ~(enough & (distance > MAX_MADS * mad))


def build_suite(baseline: Baseline) -> ExpectationSuite:
    """Expectations on the cells of a load."""
    expectations = [
        must_be_true("is_number_text", IS_NUMBER),
        must_be_true("is_inside_band", IN_BAND),
        must_be_true("is_near_last", NEAR_PAST),
    ]
    return ExpectationSuite(name=NAME, expectations=expectations, meta={"suite": NAME})
