"""A published file made from the one before: the same as one made from nothing, whatever changed."""

import duckdb
import pytest

from dagster_project.publish.release import snapshot
from dagster_project.publish.release.snapshot import Base, same_content, write_snapshot

HEADLINE = {"mart.dim_index", "mart.dim_model_spec"}
BUILD = """
create schema easy; create schema mart; create schema ops;
create table easy.ranking as select * from (values (2, 'b'), (1, 'a')) as t (rank_year, city_id);
create view mart.mart_run_manifest as select 'r' || n as run_id, 'built' as status, null::timestamp as ended_at
from range(1) as t (n);
create table mart.dim_index as
select 'nqpf' as index_code, 'frozen' as basis, 'flat' as weight_scheme, true as is_headline;
create table mart.dim_model_spec as select 'm' as model_id, 'nqpf' as y_code, true as is_headline;
create table mart.mart_source_value as
select 'bank' as source, 'v1' as vintage, 'a.csv' as file, '' as sheet, 'F' || i as cell,
    'bank@v1:a.csv!!F' || i as source_cell_id, 'gdp' as variable_code, 'c' || i as city_id, 2020 as year,
    i / 4.0 as value, i / 4.0 as value_printed, i / 4.0 as used_value, i::varchar as text, 'yuan' as unit_printed,
    'yuan' as unit, null::varchar as edit_rule, null::varchar as edit_action
from range(1, 10) as t (i);
create table mart.mart_indicator_source as
select index_code, 'n1' as indicator_code, s.* exclude (vintage, value_printed)
from mart.mart_source_value as s, (values ('nqpf'), ('pr')) as x (index_code);
"""
TABLES = ("easy.ranking", "mart.mart_run_manifest", *sorted(HEADLINE), "mart.mart_source_value")


@pytest.fixture
def build(tmp_path):
    file = tmp_path / "build.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute(BUILD)
        describe(con, *TABLES, "mart.mart_indicator_source")
    return file


def describe(con: duckdb.DuckDBPyConnection, *tables: str) -> None:
    for table in tables:
        for (column,) in con.execute(f"select column_name from (describe {table})").fetchall():
            con.execute(f"comment on column {table}.{column} is 'It is {column}.'")


def a_figure(con: duckdb.DuckDBPyConnection) -> set[str]:
    con.execute("update mart.mart_source_value set used_value = 99, edit_rule = 'E1' where city_id = 'c3'")
    con.execute("update mart.mart_indicator_source set used_value = 99, edit_rule = 'E1' where city_id = 'c3'")
    return {"mart.mart_source_value", "mart.mart_indicator_source"}


def the_second_of_a_chain(con: duckdb.DuckDBPyConnection) -> set[str]:
    con.execute("delete from mart.mart_indicator_source where index_code = 'pr'")
    return {"mart.mart_indicator_source"}


def a_table_more_and_one_less(con: duckdb.DuckDBPyConnection) -> set[str]:
    con.execute("drop table easy.ranking; create table easy.other as select 1 as index_code")
    describe(con, "easy.other")
    return {"easy.other"}


def another_headline(con: duckdb.DuckDBPyConnection) -> set[str]:
    con.execute("update mart.dim_index set index_code = 'pr'")
    return {"mart.dim_index"}


def nothing(con: duckdb.DuckDBPyConnection) -> set[str]:
    return set()


CHANGES = (a_figure, the_second_of_a_chain, a_table_more_and_one_less, another_headline, nothing)
SHAPE = """
select schema_name, table_name, column_name, data_type, is_nullable, comment from duckdb_columns()
where not internal order by all
"""


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_made_from_the_one_before_is_that_made_from_nothing(build, tmp_path, change):
    before, again, clean = (tmp_path / f"{name}.duckdb" for name in ("before", "again", "clean"))
    write_snapshot(build, before, run_id="r0")
    held = before.read_bytes()
    with duckdb.connect(str(build)) as con:
        changed = change(con)
    same = {*TABLES, "mart.mart_indicator_source"} - changed - {"mart.mart_run_manifest"}
    counts = write_snapshot(build, again, run_id="r0", base=Base(before, same))
    assert counts == write_snapshot(build, clean, run_id="r0")
    assert same_content(again, clean)
    shapes = []
    for file in (again, clean):
        with duckdb.connect(str(file), read_only=True) as con:
            shapes.append(con.execute(SHAPE).fetchall())
            assert con.execute("select status from mart.mart_run_manifest").fetchall() == [("published",)]
    assert shapes[0] == shapes[1]
    assert same_content(before, clean) == (not changed)
    assert before.read_bytes() == held


def test_only_what_changed_is_made_again(build, tmp_path, monkeypatch):
    before, again = tmp_path / "before.duckdb", tmp_path / "again.duckdb"
    write_snapshot(build, before, run_id="r0")
    copied: list[str] = []
    copy = snapshot._copy_table
    monkeypatch.setattr(
        snapshot, "_copy_table", lambda con, table, *rest: copied.append(table) or copy(con, table, *rest)
    )
    all_tables = {*TABLES, "mart.mart_indicator_source"} - {"mart.mart_run_manifest"}
    write_snapshot(build, again, run_id="r0", base=Base(before, all_tables - {"easy.ranking"}))
    assert sorted(copied) == ["easy.ranking", "mart.mart_run_manifest"]
    copied.clear()
    write_snapshot(build, again, run_id="r0", base=Base(before, all_tables - {"mart.mart_source_value"}))
    assert sorted(copied) == sorted({*TABLES, "mart.mart_indicator_source"})  # the large ones would leave a hole


def test_the_source_value_is_packed_here(build, tmp_path):
    """Else the tests above would say nothing of chains."""
    target = tmp_path / "city.duckdb"
    write_snapshot(build, target, run_id="r0")
    with duckdb.connect(str(target), read_only=True) as con:
        stored = con.execute("select table_name from duckdb_tables() where schema_name = 'store'").fetchall()
    assert {("mart_source_value",), ("mart_indicator_source",)} <= set(stored)
