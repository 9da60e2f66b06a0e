"""Suite `jumps`: one row per variable, scope and year. Has a whole column moved against its past?"""

import math
from collections.abc import Mapping

import pandas as pd
from great_expectations.core import ExpectationSuite

from expectations.columns import Rule, as_number, must_be_between
from expectations.contract import Baseline

NAME = "jumps"

# Below this many cities with both values a median says little.
MIN_CITIES = 5
# A spike within a factor of 1.5 of a power of ten is called a unit slip: real growth comes on top of it.
SLIP_TOLERANCE_LOG = math.log(1.5)

JUMP = Rule(
    rule_id="jump_of_variable_is_small",
    sentence="No variable jumps, in the median city, against its last accepted values.",
    noun="variables and years",
    fault="jumped in the median city",
    example="{variable_code} ({scope}) {year}: median change x{median_ratio} over {n_cities} cities{slip}; "
    "{city_name}: {value} {unit} after {value_last}",
    advice="Compare unit and header with the printed table: correct unit or variable in header_map.csv, or "
    "mark the block `ignore`.",
)


def log_ratio(frame: pd.DataFrame) -> pd.Series:
    """ln(value / value_last); null unless both are above 0."""
    value, last = as_number(frame["value"]), as_number(frame["value_last"])
    return (value.where(value > 0) / last.where(last > 0)).map(math.log)


def slip_text(ratio: float) -> str:
    """', looks like a unit slip of x10,000' when a log ratio is close to a power of ten, else ''."""
    power = round(ratio / math.log(10)) if math.isfinite(ratio) else 0
    if power == 0 or abs(ratio - power * math.log(10)) > SLIP_TOLERANCE_LOG:
        return ""
    factor = f"{10 ** abs(power):,}"
    return f", looks like a unit slip of x{factor}" if power > 0 else f", looks like a unit slip of x1/{factor}"


def prepare(frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> pd.DataFrame:
    """One row per variable, scope and year with at least `MIN_CITIES` pairs of values.

    median_log_ratio = median over cities of ln(value / value_last); the city shown is the one nearest to it.
    """
    values = frames["values"]
    frame = values.assign(ratio=log_ratio(values)).dropna(subset=["ratio"])
    by = ["variable_code", "scope", "year"]
    groups = frame.groupby(by, dropna=False)["ratio"]
    frame["median_log_ratio"] = groups.transform("median")
    frame["n_cities"] = groups.transform("count")
    frame["distance"] = (frame["ratio"] - frame["median_log_ratio"]).abs()
    frame = frame[frame["n_cities"] >= MIN_CITIES].sort_values("distance", kind="stable").drop_duplicates(by)
    frame = frame.sort_values("median_log_ratio", key=pd.Series.abs, ascending=False, kind="stable")
    frame["median_ratio"] = frame["median_log_ratio"].map(math.exp)
    frame["slip"] = frame["median_log_ratio"].map(slip_text).astype("object")
    place = ["city_name", "value", "value_last", "unit", "file", "sheet", "cell"]
    return frame[[*by, "n_cities", "median_log_ratio", "median_ratio", "slip", *place]].reset_index(drop=True)


def build_suite(baseline: Baseline) -> ExpectationSuite:
    """Expectations on the movement of whole variables."""
    limit = baseline.jump_limit_log
    expectations = [must_be_between("median_log_ratio", -limit, limit, JUMP)]
    return ExpectationSuite(name=NAME, expectations=expectations, meta={"suite": NAME})
