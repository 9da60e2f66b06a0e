"""Tables of the production relations from labelled frames: right rows, identities, and what happens without data."""

import itertools

import numpy as np
import pandas as pd
import pytest
from study_tools import settings
from text_table import words

from dagster_project.study import production
from dagster_project.study.production import INDICATORS, TABLES

CITIES = [f"CN{i:06d}" for i in range(12)]
YEARS = range(2012, 2017)
COLUMNS = {
    "values": ["city_id", "year", "variable_code", "value", "value_origin"],
    "investment": ["city_id", "year", "variable_code", "value"],
    "nation": ["year", "variable_code", "value"],
    "deflator": ["city_id", "year", "deflator"],
    "texts": ["city_id", "year", "text"],
    "keyword": ["dict_version", "group_name", "term", "is_active"],
    "city": ["city_id", "province_code"],
    "region": ["city_id", "group_code"],
    "neighbours": ["city_id_a", "city_id_b"],
}


def build(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return production.build(frames, settings())


def long(names, draw, years=YEARS) -> pd.DataFrame:
    rows = [(c, y, name, draw(name, c, y), "observed") for name in names for c in CITIES for y in years]
    return pd.DataFrame(rows, columns=COLUMNS["values"])


def country() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(5)
    names = words(
        "gdp_nom emp_total ip_cases_closed gdp_court_nom emp_sector_manufacturing emp_sector_finance emp_sector_trade"
    )
    values = long(names, lambda *_: float(np.exp(rng.normal(8, 0.4))))
    prices = long(["cpi_food", "cpi_health", "cpi_housing"], lambda *_: float(100 + rng.normal()))
    flow = long(["fai_nom"], lambda *_: float(np.exp(rng.normal(7, 0.1))), range(2008, 2017))
    index = long(["price_investment"], lambda *_: 102.0, range(2008, 2017))
    nation = pd.DataFrame(
        [(y, name, total) for y in YEARS for name, total in (("ip_cases_closed", 9e4), ("gdp_court_nom", 9e4))],
        columns=COLUMNS["nation"],
    )
    return {
        "values": pd.concat([values, prices]),
        "investment": pd.concat([flow, index]).drop(columns="value_origin"),
        "nation": nation,
        "deflator": pd.DataFrame(
            [(c, y, 1.02 ** (y - 2012)) for c in CITIES for y in YEARS], columns=COLUMNS["deflator"]
        ),
        "texts": pd.DataFrame([(CITIES[0], 2012, "发展大数据，改善民生。")], columns=COLUMNS["texts"]),
        "keyword": pd.DataFrame(
            [("v1", "data", "大数据", True), ("v1", "data", "云", False)], columns=COLUMNS["keyword"]
        ),
        "city": pd.DataFrame({"city_id": CITIES, "province_code": ["a"] * 6 + ["b"] * 6}),
        "region": pd.DataFrame({"city_id": CITIES, "group_code": ["east"] * 6 + ["west"] * 6}),
        "neighbours": pd.DataFrame(list(itertools.pairwise(CITIES)), columns=COLUMNS["neighbours"]),
    }


@pytest.fixture
def frames():
    return country()


def test_every_table_has_rows_and_every_indicator_a_value(frames):
    tables = build(frames)
    assert [name for name in TABLES if tables[name].empty] == []
    assert set(tables["engine_indicator"]["indicator_code"]) == set(INDICATORS)


def test_misallocation_adds_up_within_each_year(frames):
    table = build(frames)["misallocation"]
    for _, part in table.groupby("year"):
        weight = part["y_real"] * part["beta_k"]
        assert (weight * part["gamma_k"]).sum() / weight.sum() == pytest.approx(1, abs=1e-10)
        labour = part["y_real"] * (1 - part["beta_k"])
        assert (labour * part["gamma_l"]).sum() / labour.sum() == pytest.approx(1, abs=1e-10)


def test_labour_without_capital_uses_one_elasticity(frames):
    table = build(frames | {"investment": frames["investment"].iloc[:0]})["misallocation"]
    assert table["tau_k"].isna().all()
    assert (table["beta_basis"] == "one_elasticity").all()
    for _, part in table.groupby("year"):
        mean = part["y_real"].sum() / part["labour"].sum()
        assert (part["tau_l"] + 1).to_numpy() == pytest.approx((part["y_real"] / part["labour"] / mean).to_numpy())


def test_location_quotient_averages_to_the_covered_share(frames):
    table = build(frames)["ip_protection"]
    for _, part in table.groupby("year"):
        mean = (part["ip_lq"] * part["gdp_city_nom"]).sum() / part["gdp_national_nom"].iloc[0]
        assert mean == pytest.approx(part["cases_city"].sum() / part["cases_national"].iloc[0], abs=1e-12)


def test_segmentation_of_a_city_is_the_mean_of_its_pairs(frames):
    tables = build(frames)
    pair, unit = tables["market_segmentation_pair"], tables["market_segmentation"]
    city, year = CITIES[3], 2014
    mine = pair[((pair["unit_i"] == city) | (pair["unit_j"] == city)) & (pair["year"] == year)]
    assert len(mine) == 2
    seg = unit.loc[(unit["city_id"] == city) & (unit["year"] == year), "seg"].item()
    assert seg == pytest.approx(1e4 * mine["v_ij"].mean())
    assert pair.loc[(pair["unit_i"] == CITIES[5]), "same_province"].eq(False).all()


def test_only_active_terms_count(frames):
    row = build(frames)["gov_digital_attention"].iloc[0]
    assert (row["hits"], row["hits_by_group"]) == (1, '{"data": 1}')
    assert row["tokenizer_version"].startswith("jieba 0.")


def test_a_city_without_one_raw_column_is_left_out_of_that_engine_only(frames):
    values = frames["values"]
    hole = (values["city_id"] == CITIES[0]) & (values["variable_code"] == "emp_total")
    tables = build(frames | {"values": values[~hole]})
    assert CITIES[0] not in set(tables["misallocation"]["city_id"])
    assert CITIES[0] in set(tables["specialisation"]["city_id"])
