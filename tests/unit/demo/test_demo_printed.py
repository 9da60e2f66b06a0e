"""Printed figures are consistent in themselves and with the truth behind them."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from text_table import words

from dagster_project.demo.books import UNITS, tables_of
from dagster_project.demo.country import read_geography
from dagster_project.demo.figures import SECTORS
from dagster_project.paths import demo_paths

ADDITIVE = tuple(
    words(
        "population_resident population_registered gdp_nom va_primary_nom va_secondary_nom va_tertiary_nom"
        " fiscal_expenditure fiscal_education fiscal_science emp_urban_units emp_it_services emp_sci_tech"
        " industrial_firms industrial_profit"
    )
)


@pytest.fixture(scope="module")
def printed(demo):
    """Printed numbers of the yearbooks without any damaged cell, one column per variable and scope."""
    cells = demo.cells[(demo.cells["source"] == "yearbook") & (demo.cells["vintage"] == "")].copy()
    cells["number"] = pd.to_numeric(cells["text"], errors="coerce")
    wide = cells.pivot_table(index=["city", "year"], columns=["variable", "scope"], values="number")
    slips = demo.truth.faults[demo.truth.faults["kind"] == "unit_slip"]
    names = {c: row["name_zh"] for c, row in read_geography(demo_paths().seeds).units.items()}
    wrong = demo.truth.slips[demo.truth.slips["source"] == "yearbook"]
    wrong = wrong[wrong["true_value"] != wrong["printed_value"]]
    for slip in (*slips.itertuples(), *wrong.itertuples()):
        scope = "built_up" if slip.variable_code == "built_up_area" else "city"
        wide.loc[(names[slip.city_id], slip.year), (slip.variable_code, scope)] = np.nan
    return wide


@pytest.fixture(scope="module")
def raw(demo):
    return demo.truth.raw.pivot_table(index=["city_id", "year"], columns="variable_code", values="value")


@pytest.mark.parametrize("scope", ["city", "district"])
def test_gdp_when_printed_is_the_sum_of_its_sectors(printed, scope):
    parts = sum(printed[(name, scope)] for name in ("va_primary_nom", "va_secondary_nom", "va_tertiary_nom"))
    gap = (printed[("gdp_nom", scope)] - parts).abs().dropna()
    years = gap.index.get_level_values("year")
    assert gap[years < 2019].max() == 0
    assert gap[years >= 2019].max() <= 0.0201


@pytest.mark.parametrize("variable", ADDITIVE)
def test_district_when_printed_is_not_above_the_whole_city(printed, variable):
    both = printed[[(variable, "city"), (variable, "district")]].dropna()
    assert len(both) > 2000
    assert (both[(variable, "district")] <= both[(variable, "city")] + 1e-9).all()


def test_parts_when_printed_stay_below_their_wholes(printed):
    city = printed.xs("city", axis=1, level="scope")
    for part, whole in (
        ("fiscal_education", "fiscal_expenditure"),
        ("fiscal_science", "fiscal_expenditure"),
        ("emp_it_services", "emp_urban_units"),
        ("emp_urban_units", "emp_total"),
        ("x_invention", "x_all_grants"),
    ):
        both = city[[part, whole]].dropna()
        assert (both[part] <= both[whole]).all(), part


def test_last_printed_year_when_rescaled_equals_the_truth(demo, printed, raw):
    names = {c: row["name_zh"] for c, row in read_geography(demo_paths().seeds).units.items()}
    truth = raw.xs(2021, level="year").rename(index=names)
    book = printed.xs(2021, level="year")
    checked = 0
    for item in (item for table in tables_of(2021) for item in table.items):
        scope = "built_up" if item.variable == "built_up_area" else "city"
        if item.variable.startswith("x_") or (item.variable, scope) not in book:
            continue
        factor, decimals = UNITS[item.unit]
        both = pd.concat([book[(item.variable, scope)], truth[item.variable] * factor], axis=1).dropna()
        assert (both.iloc[:, 0] - both.iloc[:, 1]).abs().max() <= 0.5001 * 10.0**-decimals, item.variable
        checked += 1
    assert checked >= 25


@cache
def names_of() -> dict[str, str]:
    return {city_id: row["name_zh"] for city_id, row in read_geography(demo_paths().seeds).units.items()}


@pytest.fixture(scope="module")
def wide(demo):
    chosen = demo.cells[demo.cells["source"].isin(["society", "sector_employment", "consumer_prices", "investment"])]
    table = chosen[chosen["text"] != ""].pivot_table(
        index=["city", "year"], columns="variable", values="text", aggfunc="first"
    )
    table = table.astype(float)
    slips = demo.truth.slips[demo.truth.slips["source"] == "society"]
    for slip in slips.itertuples():
        table.loc[(names_of()[slip.city_id], slip.year), slip.variable_code] = slip.true_value
    return table


def test_food_is_a_part_of_consumption_and_consumption_of_income(wide):
    window = wide.dropna(subset=["income_urban"])
    assert len(window) == 2860
    assert (window["food_urban"] < window["consumption_urban"]).all()
    assert (window["consumption_urban"] < window["income_urban"]).all()
    assert (window["income_rural"] < window["income_urban"]).mean() > 0.99


def test_sectors_add_up_to_urban_employment(demo, wide):
    total = wide[[f"emp_sector_{s}" for s in SECTORS]].dropna().sum(axis=1)
    raw = demo.truth.raw
    units = raw[raw["variable_code"] == "emp_urban_units"]["value"]
    assert total.sum() == pytest.approx(units.sum(), rel=1e-6)


def test_reports_say_synthetic_and_differ(demo):
    texts = demo.cells[(demo.cells["source"] == "work_report") & (demo.cells["variable"] == "work_report_text")]["text"]
    assert len(texts) == 2860
    assert texts.str.startswith("SYNTHETIC").all()
    assert texts.nunique() == len(texts)
