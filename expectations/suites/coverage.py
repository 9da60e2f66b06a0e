"""Suite `coverage`: one row per variable. Do enough cities have a number?"""

from collections.abc import Mapping

import pandas as pd
from great_expectations.core import ExpectationSuite

from expectations.columns import Rule, as_number, must_be_between, must_be_true, only_where
from expectations.contract import Baseline

NAME = "coverage"

MAX_BLANK_SHARE = 0.3

HAS_COLUMN = Rule(
    rule_id="required_variable_has_column",
    sentence="Every variable that this source must deliver has a column.",
    noun="required variables",
    fault="have no column",
    example="{variable_code}",
    advice="Look for the column under a new name (then add it to header_map.csv), or change the baseline "
    "with a reason.",
)
REQUIRED = Rule(
    rule_id="coverage_of_required_variable",
    sentence="Every required variable has a number in enough cities.",
    noun="required variables",
    fault="have too few numbers",
    example="{variable_code}: {n_numbers} of {n_city_rows} city rows ({coverage}; expected {min_coverage})",
    advice="Look at the column in the file: shifted cells, text instead of numbers, or a block left out.",
)
LEFT_OUT = Rule(
    rule_id="required_variable_is_not_left_out",
    sentence="No required variable is left out by an `ignore` row for this year.",
    noun="required variables",
    fault="are left out by a row of header_map.csv for this year",
    example="{variable_code}",
    advice="No action if the column is wrong in print; delete the `ignore` row once a corrected edition is here.",
    severity="warn",
)
OTHER = Rule(
    rule_id="coverage_of_other_variable",
    sentence="No other variable is blank in more than 30 % of the city rows.",
    noun="other variables",
    fault="are blank in more than 30 % of the city rows",
    example="{variable_code}: {n_numbers} of {n_city_rows} city rows",
    advice="Check that the source really prints so few; imputation will not fill such a variable.",
    severity="warn",
)


def prepare(frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> pd.DataFrame:
    """One row per variable that the load has, or must have, a column for.

    coverage = city-years with a number in any scope / city-years of the load. Years without a single number
    are left out (they have their own rule); a variable without a column has no coverage.
    """
    values, rows, headers = frames["values"], frames["rows"], frames["headers"]
    filled = values[as_number(values["value"]).notna()]
    years = set(as_number(filled["year"]).dropna())
    is_city = (rows["row_kind"] == "city") & rows["city_id"].notna() & as_number(rows["year"]).isin(years)
    places = rows.loc[is_city, ["city_id", "year"]].drop_duplicates()
    counts = filled.drop_duplicates(["variable_code", "city_id", "year"]).groupby("variable_code").size()
    present = {str(code) for code in [*headers["variable_code"].dropna(), *counts.index]} - {"ignore"}
    codes = sorted(present | set(baseline.required_variables))
    frame = pd.DataFrame({"variable_code": pd.Series(codes, dtype="object")})
    is_needed = frame["variable_code"].isin(baseline.required_variables)
    left_out = set(headers["variable_left_out"].dropna())
    # a person has decided to go on without the column of this year
    is_left_out = frame["variable_code"].isin(left_out - present)
    required = is_needed & ~is_left_out
    frame["is_not_left_out"] = only_where(is_needed, ~is_left_out)
    has_column = frame["variable_code"].isin(present)
    frame["has_column"] = only_where(required, has_column)
    frame["n_city_rows"] = len(places)
    frame["n_numbers"] = frame["variable_code"].map(counts).fillna(0).astype("int64")
    coverage = as_number(frame["n_numbers"] / len(places) if len(places) else frame["n_numbers"] * float("nan"))
    frame["coverage"] = coverage
    frame["min_coverage"] = baseline.min_coverage
    frame["coverage_required"] = coverage.where(required & has_column)
    frame["coverage_other"] = coverage.where(~is_needed)
    return frame


def build_suite(baseline: Baseline) -> ExpectationSuite:
    """Expectations on the variables of a load."""
    expectations = [
        must_be_true("has_column", HAS_COLUMN),
        must_be_true("is_not_left_out", LEFT_OUT),
        must_be_between("coverage_required", baseline.min_coverage, None, REQUIRED),
        must_be_between("coverage_other", 1 - MAX_BLANK_SHARE, None, OTHER),
    ]
    return ExpectationSuite(name=NAME, expectations=expectations, meta={"suite": NAME})
