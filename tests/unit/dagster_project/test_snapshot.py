"""The published file: the rows of the build, sorted, in small blocks; made from the one before or from nothing."""

from pathlib import Path

import duckdb
import pytest

from dagster_project.publish.release import snapshot
from dagster_project.publish.release.packed import PACKED
from dagster_project.publish.release.snapshot import Base, _chains, same_content, write_snapshot


def describe(con: duckdb.DuckDBPyConnection, *tables: str) -> None:
    for table in tables:
        for (column,) in con.execute(f"select column_name from (describe {table})").fetchall():
            con.execute(f"comment on column {table}.{column} is 'It is {column}.'")


@pytest.fixture
def build(tmp_path):
    file = tmp_path / "build.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute("""
        create schema easy; create schema mart; create schema ops; create schema int;
        create table int.private as select 1 as n;
        create table easy.ranking as from (values (2, 'b'), (1, 'a')) as t (rank_year, city_id);
        create table mart.mart_run_manifest (run_id varchar, status varchar, ended_at timestamp);
        insert into mart.mart_run_manifest values ('r1', 'running', null);
        create table mart.mart_index_score (city_id varchar not null, score double, score_100 double);
        insert into mart.mart_index_score select 'c' || n, sin(n), 100 * sin(n) from range(99, -1, -1) as t (n);
        """)
        describe(con, "easy.ranking", "mart.mart_run_manifest", "mart.mart_index_score")
    return file


def published(build: Path, sql: str) -> list[tuple[object, ...]]:
    target = build.with_name("city.duckdb")
    write_snapshot(build, target, run_id="r1")
    with duckdb.connect(str(target), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_every_row_and_figure_is_that_of_the_build(build):
    with duckdb.connect(str(build)) as con:
        expected = con.execute("from mart.mart_index_score order by all").fetchall()
    assert published(build, "from mart.mart_index_score order by all") == expected
    assert published(build, "select table_name from duckdb_tables() where schema_name = 'int'") == []
    assert published(build, "select status from mart.mart_run_manifest") == [("published",)]


def test_comments_types_and_order_come_along_in_small_blocks(build):
    columns = "select column_name, data_type, is_nullable, comment from duckdb_columns()"
    sql = f"{columns} where table_name = 'mart_index_score'"
    assert published(build, sql) == [
        ("city_id", "VARCHAR", False, "It is city_id."),
        ("score", "DOUBLE", True, "It is score."),
        ("score_100", "DOUBLE", True, "It is score_100."),
    ]
    assert published(build, "select city_id from mart.mart_index_score limit 3") == [("c0",), ("c1",), ("c10",)]
    assert published(build, "from easy.ranking") == [(2, "b"), (1, "a")]
    assert published(build, "select block_size from pragma_database_size()") == [(32_768,)]


SEVERAL = """
create table mart.dim_index as
from (values ('nqpf', 'frozen', 'flat', true), ('nqpf_other', 'frozen', 'flat', false))
    as t (index_code, basis, weight_scheme, is_headline);
create table mart.dim_model_spec as select 'nqpf_sdm' as model_id, 'nqpf' as y_code, true as is_headline;
create table mart.mart_gini as
from (values ('nqpf', 'frozen'), ('nqpf', 'restated'), ('nqpf_other', 'frozen'), ('nqpf', null))
    as t (index_code, basis);
create table mart.mart_coef as select unnest(['nqpf_sdm', 'other_sdm']) as model_id;
"""


def test_rows_of_several_indices_say_which_are_the_headline_ones(build):
    with duckdb.connect(str(build)) as con:
        con.execute(SEVERAL)
        describe(con, "mart.dim_index", "mart.dim_model_spec", "mart.mart_gini", "mart.mart_coef")
    assert published(build, "select index_code, basis from mart.mart_gini where is_headline") == [("nqpf", "frozen")]
    assert published(build, "select count(*) from mart.mart_gini where not is_headline") == [(3,)]
    assert published(build, "select model_id from mart.mart_coef where is_headline") == [("nqpf_sdm",)]
    assert published(build, "select index_code from mart.dim_index where is_headline") == [("nqpf",)]
    columns = published(build, "select column_name from duckdb_columns() where table_name = 'mart_index_score'")
    assert columns == [("city_id",), ("score",), ("score_100",)]


def test_a_packed_table_is_copied_after_its_origins_and_in_their_list():
    tables = ["easy.panel_long", "mart.dim_city", *PACKED]
    chains = _chains(list(dict.fromkeys(tables)))
    assert sorted(table for chain in chains for table in chain) == sorted(set(tables))
    for table, plan in PACKED.items():
        own = next(chain for chain in chains if table in chain)
        assert all(own.index(origin.table) < own.index(table) for origin in plan.origins)


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
def full(tmp_path):
    file = tmp_path / "build.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute(BUILD)
        describe(con, *TABLES, "mart.mart_indicator_source")
    return file


# SQL of a change and the tables that it touches
CHANGES = {
    "a figure": (
        "update mart.mart_source_value set used_value = 99, edit_rule = 'E1' where city_id = 'c3';"
        "update mart.mart_indicator_source set used_value = 99, edit_rule = 'E1' where city_id = 'c3'",
        {"mart.mart_source_value", "mart.mart_indicator_source"},
    ),
    "the second of a chain": (
        "delete from mart.mart_indicator_source where index_code = 'pr'",
        {"mart.mart_indicator_source"},
    ),
    "a table more and one less": (
        "drop table easy.ranking; create table easy.other as select 1 as index_code;"
        "comment on column easy.other.index_code is 'It is index_code.'",
        {"easy.other"},
    ),
    "another headline": ("update mart.dim_index set index_code = 'pr'", {"mart.dim_index"}),
    "nothing": ("select 1", set()),
}
SHAPE = """
select schema_name, table_name, column_name, data_type, is_nullable, comment from duckdb_columns()
where not internal order by all
"""


@pytest.mark.parametrize(("change", "changed"), CHANGES.values(), ids=CHANGES)
def test_a_file_made_from_the_one_before_is_that_made_from_nothing(full, tmp_path, change, changed):
    before, again, clean = (tmp_path / f"{name}.duckdb" for name in ("before", "again", "clean"))
    write_snapshot(full, before, run_id="r0")
    held = before.read_bytes()
    with duckdb.connect(str(full)) as con:
        con.execute(change)
    same = {*TABLES, "mart.mart_indicator_source"} - changed - {"mart.mart_run_manifest"}
    counts = write_snapshot(full, again, run_id="r0", base=Base(before, same))
    assert counts == write_snapshot(full, clean, run_id="r0")
    assert same_content(again, clean)
    shapes = []
    for file in (again, clean):
        with duckdb.connect(str(file), read_only=True) as con:
            shapes.append(con.execute(SHAPE).fetchall())
            assert con.execute("select status from mart.mart_run_manifest").fetchall() == [("published",)]
    assert shapes[0] == shapes[1]
    assert same_content(before, clean) == (not changed)
    assert before.read_bytes() == held


def test_only_what_changed_is_made_again(full, tmp_path, monkeypatch):
    before, again = tmp_path / "before.duckdb", tmp_path / "again.duckdb"
    write_snapshot(full, before, run_id="r0")
    with duckdb.connect(str(before), read_only=True) as con:  # else this would say nothing of chains
        stored = con.execute("select table_name from duckdb_tables() where schema_name = 'store'").fetchall()
    assert {("mart_source_value",), ("mart_indicator_source",)} <= set(stored)
    copied, copy = [], snapshot._copy_table
    monkeypatch.setattr(
        snapshot, "_copy_table", lambda con, table, *rest: copied.append(table) or copy(con, table, *rest)
    )
    all_tables = {*TABLES, "mart.mart_indicator_source"} - {"mart.mart_run_manifest"}
    write_snapshot(full, again, run_id="r0", base=Base(before, all_tables - {"easy.ranking"}))
    assert sorted(copied) == ["easy.ranking", "mart.mart_run_manifest"]
    copied.clear()
    write_snapshot(full, again, run_id="r0", base=Base(before, all_tables - {"mart.mart_source_value"}))
    assert sorted(copied) == sorted({*TABLES, "mart.mart_indicator_source"})  # the large ones would leave a hole
