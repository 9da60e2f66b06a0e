"""Production relations from labelled frames: right rows, identities, and what happens without data."""

import itertools
import numpy as np
import pandas as pd
import pytest
from study_tools import settings
from text_table import words
from dagster_project.study import production
from dagster_project.study.production import INDICATORS, TABLES
import duckdb
from dagster_project.demo.figures import SECTORS
from dagster_project.study.production import INPUTS


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


PRINTED = {"information": "emp_it_services", "research": "emp_sci_tech"}  # as the yearbook's variables are called
SECTOR_CODES = {f"emp_sector_{name}" for name in SECTORS}


@pytest.fixture
def database():
    con = duckdb.connect()
    con.execute("create schema int")
    con.execute("create schema ops")
    con.execute("create table ops.index_spec as select 2012 as window_start")
    con.execute(
        "create table int.int_values_completed (city_id varchar, year integer, variable_code varchar, value double,"
        " value_origin varchar, edit_policy varchar default 'edited')"
    )
    return con


def given(con: duckdb.DuckDBPyConnection, codes: dict[str, float]) -> dict[str, float]:
    rows = [("CN110000", 2018, code, value, "observed") for code, value in codes.items()]
    columns = "city_id, year, variable_code, value, value_origin"
    con.executemany(f"insert into int.int_values_completed ({columns}) values (?, ?, ?, ?, ?)", rows)
    frame = con.execute(INPUTS["values"]).df()
    return dict(zip(frame["variable_code"], frame["value"], strict=True))


def test_two_sectors_of_the_yearbook_are_given_under_the_names_of_the_others(database):
    yearbook = {PRINTED.get(name, f"emp_sector_{name}"): float(at) for at, name in enumerate(SECTORS)}
    found = given(database, yearbook)
    assert set(found) == SECTOR_CODES
    assert found == {f"emp_sector_{name}": float(at) for at, name in enumerate(SECTORS)}


def test_a_source_of_all_sectors_is_not_mixed_with_another(database):
    found = given(database, dict.fromkeys([*sorted(SECTOR_CODES), *PRINTED.values()], 1.0) | {"emp_it_services": 9.0})
    assert found == dict.fromkeys(SECTOR_CODES, 1.0)
