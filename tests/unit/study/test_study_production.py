"""Production relations from labelled frames: right rows, identities, and what happens without data."""

import itertools

import duckdb
import numpy as np
import pandas as pd
import pytest
from study_tools import settings
from text_table import words

from dagster_project.demo.figures import SECTORS
from dagster_project.study import production
from dagster_project.study.production import INDICATORS, INPUTS, TABLES

CITIES = [f"CN{i:06d}" for i in range(12)]
YEARS = range(2012, 2017)


def build(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return production.build(frames, settings())


def long(names, draw, years=YEARS) -> pd.DataFrame:
    rows = [(c, y, name, draw(name, c, y), "observed") for name in names for c in CITIES for y in years]
    frame = pd.DataFrame(rows, columns=words("city_id year variable_code value value_origin"))
    return frame.assign(value_unbridged=frame["value"])


def country() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(5)
    names = words("gdp_nom emp_total ip_cases_closed gdp_court_nom")
    names += [f"emp_sector_{name}" for name in ("manufacturing", "finance", "trade")]
    values = long(names, lambda *_: float(np.exp(rng.normal(8, 0.4))))
    prices = long(["cpi_food", "cpi_health", "cpi_housing"], lambda *_: float(100 + rng.normal()))
    flow = long(["fai_nom"], lambda *_: float(np.exp(rng.normal(7, 0.1))), range(2008, 2017))
    index = long(["price_investment"], lambda *_: 102.0, range(2008, 2017))
    nation = pd.DataFrame([(y, name) for y in YEARS for name in ("ip_cases_closed", "gdp_court_nom")])
    years = pd.DataFrame([(c, y, 1.02 ** (y - 2012)) for c in CITIES for y in YEARS])
    keyword = pd.DataFrame({"dict_version": "v1", "group_name": "data", "term": ["大数据", "云"]})
    return {
        "values": pd.concat([values, prices]),
        "investment": pd.concat([flow, index]).drop(columns="value_origin"),
        "nation": nation.set_axis(["year", "variable_code"], axis=1).assign(value=9e4),
        "deflator": years.set_axis(["city_id", "year", "deflator"], axis=1),
        "texts": pd.DataFrame({"city_id": CITIES[:1], "year": 2012, "text": "发展大数据，改善民生。"}),
        "keyword": keyword.assign(is_active=[True, False]),
        "city": pd.DataFrame({"city_id": CITIES, "province_code": ["a"] * 6 + ["b"] * 6}),
        "region": pd.DataFrame({"city_id": CITIES, "group_code": ["east"] * 6 + ["west"] * 6}),
        "neighbours": pd.DataFrame(list(itertools.pairwise(CITIES)), columns=["city_id_a", "city_id_b"]),
    }


@pytest.fixture(scope="module")
def frames():
    return country()


def test_every_table_has_rows_every_indicator_a_value_and_only_active_terms_count(frames):
    tables = build(frames)
    assert [name for name in TABLES if tables[name].empty] == []
    assert set(tables["engine_indicator"]["indicator_code"]) == set(INDICATORS)
    row = build(frames)["gov_digital_attention"].iloc[0]
    assert (row["hits"], row["hits_by_group"]) == (1, '{"data": 1}')
    assert row["tokenizer_version"].startswith("jieba 0.")


def test_misallocation_and_location_quotient_add_up_within_each_year(frames):
    table = build(frames)["misallocation"]
    for _, part in table.groupby("year"):
        weight = part["y_real"] * part["beta_k"]
        assert (weight * part["gamma_k"]).sum() / weight.sum() == pytest.approx(1, abs=1e-10)
        labour = part["y_real"] * (1 - part["beta_k"])
        assert (labour * part["gamma_l"]).sum() / labour.sum() == pytest.approx(1, abs=1e-10)
    keys = ["city_id", "year"]
    quotient = build(frames)["engine_indicator"].query("indicator_code == 'p3_ip'").set_index(keys)["value"]
    city = frames["values"].pivot(index=keys, columns="variable_code", values="value").loc[quotient.index]
    nation = frames["nation"].pivot(index="year", columns="variable_code", values="value")
    weighted = (quotient * city["gdp_court_nom"]).groupby("year").sum() / nation["gdp_court_nom"]
    cases = city["ip_cases_closed"].groupby("year").sum() / nation["ip_cases_closed"]
    np.testing.assert_allclose(weighted, cases, rtol=0, atol=1e-12)


def test_labour_without_capital_uses_one_elasticity_and_a_city_leaves_only_the_engine_it_lacks(frames):
    table = build(frames | {"investment": frames["investment"].iloc[:0]})["misallocation"]
    assert table["tau_k"].isna().all()
    assert (table["beta_basis"] == "one_elasticity").all()
    for _, part in table.groupby("year"):
        mean = part["y_real"].sum() / part["labour"].sum()
        assert (part["tau_l"] + 1).to_numpy() == pytest.approx((part["y_real"] / part["labour"] / mean).to_numpy())
    values = frames["values"]
    hole = (values["city_id"] == CITIES[0]) & (values["variable_code"] == "emp_total")
    tables = build(frames | {"values": values[~hole]})
    assert CITIES[0] not in set(tables["misallocation"]["city_id"])
    assert CITIES[0] in set(tables["engine_indicator"].query("indicator_code == 'p1_special'")["city_id"])


def test_segmentation_of_a_city_is_the_mean_of_its_pairs(frames):
    tables = build(frames)
    pair, unit = tables["market_segmentation_pair"], tables["market_segmentation"]
    city, year = CITIES[3], 2014
    mine = pair[((pair["unit_i"] == city) | (pair["unit_j"] == city)) & (pair["year"] == year)]
    assert len(mine) == 2
    seg = unit.loc[(unit["city_id"] == city) & (unit["year"] == year), "seg"].item()
    assert seg == pytest.approx(1e4 * mine["v_ij"].mean())
    assert pair.loc[(pair["unit_i"] == CITIES[5]), "same_province"].eq(False).all()


PRINTED = {"information": "emp_it_services", "research": "emp_sci_tech"}  # as the yearbook's variables are called
SECTOR_CODES = {f"emp_sector_{name}" for name in SECTORS}


def given(codes: dict[str, float]) -> dict[str, float]:
    with duckdb.connect() as con:
        con.execute(
            "create schema int; create schema ops; create table ops.index_spec as select 2012 as window_start;"
            "create table int.int_values_completed (city_id varchar, year integer, variable_code varchar, value double,"
            " value_unbridged double, value_origin varchar, edit_policy varchar default 'edited')"
        )
        rows = [("CN110000", 2018, code, value, value, "observed", "edited") for code, value in codes.items()]
        con.executemany("insert into int.int_values_completed values (?, ?, ?, ?, ?, ?, ?)", rows)
        frame = con.execute(INPUTS["values"]).df()
    return dict(zip(frame["variable_code"], frame["value"], strict=True))


def test_two_sectors_of_the_yearbook_have_the_names_of_the_others_and_sources_are_not_mixed():
    yearbook = {PRINTED.get(name, f"emp_sector_{name}"): float(at) for at, name in enumerate(SECTORS)}
    assert given(yearbook) == {f"emp_sector_{name}": float(at) for at, name in enumerate(SECTORS)}
    both = dict.fromkeys([*sorted(SECTOR_CODES), *PRINTED.values()], 1.0) | {"emp_it_services": 9.0}
    assert given(both) == dict.fromkeys(SECTOR_CODES, 1.0)
