"""What the gate is handed, and a fault of the seeds of editing, which ends a run before a load is judged."""

from __future__ import annotations

import dagster as dg
import duckdb
import pytest

from dagster_project.defs.ahead import Ahead
from dagster_project.defs.gate import ROWS_SQL, _judge_all
from dagster_project.paths import Paths
from dagster_project.store import Warehouse

FAULT = "correction.csv: two decisions (drop, keep) for one cell."


def test_a_fault_of_the_seeds_ends_the_run_before_a_load_is_judged(tmp_path):
    paths = Paths(tmp_path / "warehouse", tmp_path / "landing", tmp_path / "landing")
    warehouse = Warehouse(paths.build_file)
    warehouse.prepare()
    with warehouse.connect() as con:
        con.execute("create schema if not exists int")
        con.execute("create table int.int_edit_faults as select ? as sentence", [FAULT])
    with pytest.raises(dg.Failure) as failed:
        list(_judge_all(dg.build_asset_context(), paths, warehouse, [], "", Ahead(paths, warehouse)))  # type: ignore[arg-type]
    assert failed.value.description == FAULT
    assert warehouse.read_value("select count(*) from ops.validation_result") == 0


def test_a_city_above_its_counties_is_none_of_the_rows_of_a_source_about_counties():
    with duckdb.connect() as con:
        con.execute("create schema seed; create schema int")
        con.execute(
            "create table seed.source as from (values ('county_tables'), ('yearbook'), ('other')) as t (source)"
        )
        con.execute(
            "create table seed.row_count as from (values ('county_tables', 'county'), ('yearbook', 'city'))"
            " as t (source, level)"
        )
        con.execute(
            "create table int.int_rows_matched_to_cities as select *, 2020 as data_year, 'a' as vintage, 2020 as year,"
            " '' as file, '' as sheet from (values ('county_tables', 1, 'city'), ('county_tables', 2, 'county'),"
            " ('county_tables', 3, 'unknown'), ('yearbook', 1, 'city'), ('yearbook', 2, 'county'),"
            " ('other', 1, 'city')) as t (source, row_no, row_kind)"
        )
        kinds = {
            source: [row[2] for row in con.execute(ROWS_SQL, [source, 2020, "a"]).fetchall()]
            for source in ("county_tables", "yearbook", "other")
        }
    assert kinds == {"county_tables": ["other", "city", "unknown"], "yearbook": ["city", "county"], "other": ["city"]}
