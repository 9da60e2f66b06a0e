"""Files behind the production relations: parts below wholes, the nation, prices, capital, texts."""

from functools import cache

import pytest

from dagster_project.demo.country import read_geography
from dagster_project.demo.figures import SECTORS
from dagster_project.paths import demo_paths


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
