"""Printed figures are consistent in themselves and with the truth behind them."""

import numpy as np
import pandas as pd
import pytest
from text_table import words

from dagster_project.demo.books import UNITS, tables_of
from dagster_project.demo.figures import SECTORS

ADDITIVE = tuple(
    words(
        "population_resident population_registered gdp_nom va_primary_nom va_secondary_nom va_tertiary_nom"
        " fiscal_expenditure fiscal_education fiscal_science emp_urban_units emp_it_services emp_sci_tech"
        " industrial_firms industrial_profit"
    )
)


@pytest.fixture(scope="module")
def wide(demo, names) -> pd.DataFrame:
    chosen = demo.cells[demo.cells["source"].isin(["society", "sector_employment", "consumer_prices", "investment"])]
    chosen = chosen[chosen["text"] != ""]
    table = chosen.pivot_table(index=["city", "year"], columns="variable", values="text", aggfunc="first").astype(float)
    for slip in demo.truth.slips[demo.truth.slips["source"] == "society"].itertuples():
        table.loc[(names[slip.city_id], slip.year), slip.variable_code] = slip.true_value
    return table


@pytest.fixture(scope="module")
def printed(demo, names):
    """Printed numbers of the yearbooks without any damaged cell, one column per variable and scope."""
    wide = demo.of().pivot_table(index=["city", "year"], columns=["variable", "scope"], values="number")
    faults, slips = demo.truth.faults, demo.truth.slips
    wrong = slips[(slips["source"] == "yearbook") & (slips["true_value"] != slips["printed_value"])]
    for slip in (*faults[faults["kind"] == "unit_slip"].itertuples(), *wrong.itertuples()):
        wide.loc[(names[slip.city_id], slip.year), (slip.variable_code, scope_of(slip.variable_code))] = np.nan
    return wide


def scope_of(variable):
    return "built_up" if variable == "built_up_area" else "city"


def test_last_printed_year_when_rescaled_equals_the_truth(demo, printed, names):
    raw = demo.truth.raw.query("year == 2021").pivot(index="city_id", columns="variable_code", values="value")
    truth, book, checked = raw.rename(index=names), printed.xs(2021, level="year").copy(), 0
    slips = demo.truth.slips.query("slip_class == 'census_break' and true_value != printed_value")
    moved = slips["city_id"].map(names).unique()
    shares = [("secondary_share", "city"), ("tertiary_share", "city")]  # follow their sectors over the break
    assert 0 < len(moved) < len(book) / 3
    book.loc[moved, shares] = np.nan
    for item in (item for table in tables_of(2021) for item in table.items):
        column = (item.variable, scope_of(item.variable))
        if item.variable.startswith("x_") or column not in book:
            continue
        factor, decimals = UNITS[item.unit]
        gap = (book[column] - truth[item.variable] * factor).abs()
        assert gap.max() <= 0.5001 * 10.0**-decimals, item.variable
        checked += 1
    assert checked >= 25


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


def test_parts_of_consumption_and_sectors_add_up_and_reports_say_synthetic(wide, demo):
    window = wide.dropna(subset=["income_urban"])
    assert len(window) == 2860
    assert (window["food_urban"] < window["consumption_urban"]).all()
    assert (window["consumption_urban"] < window["income_urban"]).all()
    assert (window["income_rural"] < window["income_urban"]).mean() > 0.99
    total = wide[[f"emp_sector_{s}" for s in SECTORS]].dropna().sum(axis=1)
    raw = demo.truth.raw
    units = raw[raw["variable_code"] == "emp_urban_units"]["value"]
    assert total.sum() == pytest.approx(units.sum(), rel=1e-6)
    texts = demo.cells[(demo.cells["source"] == "work_report") & (demo.cells["variable"] == "work_report_text")]["text"]
    assert len(texts) == 2860
    assert texts.str.startswith("SYNTHETIC").all()
    assert texts.nunique() == len(texts)
