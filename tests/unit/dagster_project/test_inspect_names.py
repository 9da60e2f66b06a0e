"""The house's variables under the names and units of the method's list of raw columns."""

import csv

import pytest

from dagster_project.inspect.names import OTHER_UNITS, RAW_COLUMNS, UNITS, raw_column, unit_of
from dagster_project.paths import PROJECT


@pytest.fixture(scope="module")
def variables() -> list[dict[str, str]]:
    with (PROJECT / "dbt" / "seeds" / "variable.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_every_difference_is_about_a_variable_of_the_house(variables):
    codes = {row["variable_code"] for row in variables}
    assert set(RAW_COLUMNS) <= codes
    assert set(OTHER_UNITS) <= codes


def test_no_two_variables_share_a_name(variables):
    names = [raw_column(row["variable_code"]) for row in variables]
    assert len(set(names)) == len(names)


def test_money_people_energy_and_area_have_the_units_of_the_list(variables):
    units = {raw_column(row["variable_code"]): unit_of(row["variable_code"], row["unit"]) for row in variables}
    for name in (
        "gdp_nom",
        "va_primary_nom",
        "va_secondary_nom",
        "va_tertiary_nom",
        "fiscal_expenditure",
        "fiscal_education",
        "fiscal_science",
        "fiscal_revenue",
        "telecom_revenue",
        "retail_sales",
        "loans_balance",
        "wage_bill_urban_units",
    ):
        assert units[name] == ("10k yuan", 1.0)
    for name in (
        "population_resident",
        "population_registered",
        "population_urban",
        "he_students",
        "secondary_students",
        "emp_urban_units",
        "emp_private_self",
        "emp_mining",
        "emp_health",
    ):
        assert units[name] == ("persons", 1.0)
    assert units["electricity_total"] == ("10k kWh", 1.0)
    assert units["built_up_area"] == units["area_km2"] == ("km2", 1.0)
    assert units["road_area"] == ("m2", 1e6)
    assert units["fdi_usd"] == ("10k US dollars", 1.0)
    assert units["industrial_so2"] == ("t", 1.0)
    assert units["pm25_popw"] == ("ug/m3", 1.0)


def test_unit_that_the_list_lacks_keeps_its_code():
    assert unit_of("something_new", "parsec") == ("parsec", 1.0)
    assert "parsec" not in UNITS
