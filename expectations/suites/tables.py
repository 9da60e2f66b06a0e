"""Suite `tables`: one row per sheet and year. Are the cities there, as many as expected, and with numbers?"""

from collections.abc import Mapping

import pandas as pd
from great_expectations.core import ExpectationSuite

from expectations.columns import Rule, as_number, must_be_between, must_be_true
from expectations.contract import Baseline

NAME = "tables"

HAS_CITIES = Rule(
    rule_id="table_has_cities",
    sentence="Every sheet has at least one city row.",
    noun="sheets and years",
    fault="have no city row",
    example="no city",
    advice="Check `sheet`, `layout` and the city key in the sidecar, or leave the sheet out of the load.",
)
COUNT = Rule(
    rule_id="table_city_count_is_expected",
    sentence="The number of cities is what the baseline expects.",
    noun="sheets and years",
    fault="have too few or too many cities",
    example="{year}: {n_cities} cities (expected {rows_min} to {rows_max})",
    advice="Look for cut-off or doubled blocks in the file; if the number is right, change the baseline with a reason.",
)
NOT_EMPTY = Rule(
    rule_id="year_has_numbers",
    sentence="Every year has numbers.",
    noun="sheets and years",
    fault="belong to a year without a single number",
    example="{year}: {n_cities} cities, no number",
    advice="Check that the file really covers this year; if not, leave the year out of the load.",
)


def prepare(frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> pd.DataFrame:
    """One row per file, sheet and year of the load; a sheet without any city row has year null.

    n_cities: distinct cities, null where there is none (reported by its own rule).
    n_numbers_in_year: numbers of that year anywhere in the load.
    """
    rows, values = frames["rows"], frames["values"]
    cities = rows[(rows["row_kind"] == "city") & rows["city_id"].notna()]
    # A city row without a year is reported by `row_year_is_expected`; its sheet is not without cities.
    counts = (
        cities.groupby(["file", "sheet", "year"], dropna=False)["city_id"].nunique().rename("n_cities").reset_index()
    )
    sheets = pd.concat([frames["headers"][["file", "sheet"]], rows[["file", "sheet"]]]).drop_duplicates()
    frame = sheets.merge(counts, on=["file", "sheet"], how="left").reset_index(drop=True)
    frame["has_cities"] = frame["n_cities"].notna()
    frame["n_cities"] = as_number(frame["n_cities"])
    numbers = as_number(values["value"])
    per_year = numbers.notna().groupby(as_number(values["year"])).sum()
    year = as_number(frame["year"])
    frame["n_numbers_in_year"] = year.map(per_year).fillna(0).where(year.notna()).astype("float64")
    frame["rows_min"], frame["rows_max"] = baseline.rows_min, baseline.rows_max
    return frame


def build_suite(baseline: Baseline) -> ExpectationSuite:
    """Expectations on sheets and years of a load."""
    expectations = [
        must_be_true("has_cities", HAS_CITIES),
        must_be_between("n_cities", baseline.rows_min, baseline.rows_max, COUNT),
        must_be_between("n_numbers_in_year", 1, None, NOT_EMPTY),
    ]
    return ExpectationSuite(name=NAME, expectations=expectations, meta={"suite": NAME})
