"""What the engines of the production relations are given: all nineteen sectors, from whichever source has them."""

import duckdb
import pytest

from dagster_project.demo.figures import SECTORS
from dagster_project.study.production import INPUTS

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
