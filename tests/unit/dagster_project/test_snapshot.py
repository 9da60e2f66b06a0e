"""The published file: the rows of the build, sorted, in small blocks. How large tables are packed: test_packed."""

from pathlib import Path

import duckdb
import pytest

from dagster_project.publish.release.packed import PACKED
from dagster_project.publish.release.snapshot import _chains, write_snapshot


@pytest.fixture
def build(tmp_path):
    file = tmp_path / "build.duckdb"
    with duckdb.connect(str(file)) as con:
        for schema in ("easy", "mart", "ops", "int"):
            con.execute(f"create schema {schema}")
        con.execute("create table int.private as select 1 as n")
        con.execute("create table easy.ranking as select * from (values (2, 'b'), (1, 'a')) as t (rank_year, city_id)")
        con.execute("create table mart.mart_run_manifest (run_id varchar, status varchar, ended_at timestamp)")
        con.execute("insert into mart.mart_run_manifest values ('r1', 'running', null)")
        con.execute("create table mart.mart_index_score (city_id varchar not null, score double, score_100 double)")
        con.execute(
            "insert into mart.mart_index_score select 'c' || range, sin(range), 100 * sin(range) from range(99, -1, -1)"
        )
        for table in ("easy.ranking", "mart.mart_run_manifest", "mart.mart_index_score"):
            for (column,) in con.execute(f"select column_name from (describe {table})").fetchall():
                con.execute(f"comment on column {table}.{column} is 'It is {column}.'")
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


def test_comments_types_and_constraints_come_along(build):
    sql = (
        "select column_name, data_type, is_nullable, comment from duckdb_columns()"
        " where table_name = 'mart_index_score'"
    )
    assert published(build, sql) == [
        ("city_id", "VARCHAR", False, "It is city_id."),
        ("score", "DOUBLE", True, "It is score."),
        ("score_100", "DOUBLE", True, "It is score_100."),
    ]


def test_marts_are_sorted_and_the_front_room_keeps_its_order(build):
    assert published(build, "select city_id from mart.mart_index_score limit 3") == [("c0",), ("c1",), ("c10",)]
    assert published(build, "from easy.ranking") == [(2, "b"), (1, "a")]


def test_small_tables_take_small_blocks(build):
    assert published(build, "select block_size from pragma_database_size()") == [(32_768,)]


def test_rows_of_several_indices_say_which_are_the_headline_ones(build):
    with duckdb.connect(str(build)) as con:
        con.execute(
            "create table mart.dim_index as select * from (values ('nqpf', 'frozen', 'flat', true),"
            " ('nqpf_other', 'frozen', 'flat', false)) as t (index_code, basis, weight_scheme, is_headline)"
        )
        con.execute(
            "create table mart.dim_model_spec as select 'nqpf_sdm' as model_id, 'nqpf' as y_code, true as is_headline"
        )
        con.execute(
            "create table mart.mart_gini as select * from (values ('nqpf', 'frozen'), ('nqpf', 'restated'),"
            " ('nqpf_other', 'frozen'), ('nqpf', null)) as t (index_code, basis)"
        )
        con.execute("create table mart.mart_coef as select unnest(['nqpf_sdm', 'other_sdm']) as model_id")
        for table in ("dim_index", "dim_model_spec", "mart_gini", "mart_coef"):
            for (column,) in con.execute(f"select column_name from (describe mart.{table})").fetchall():
                con.execute(f"comment on column mart.{table}.{column} is 'It is {column}.'")
    assert published(build, "select index_code, basis from mart.mart_gini where is_headline") == [("nqpf", "frozen")]
    assert published(build, "select count(*) from mart.mart_gini where not is_headline") == [(3,)]
    assert published(build, "select model_id from mart.mart_coef where is_headline") == [("nqpf_sdm",)]
    assert published(build, "select index_code from mart.dim_index where is_headline") == [("nqpf",)]
    assert published(build, "select column_name from duckdb_columns() where table_name = 'mart_index_score'") == [
        ("city_id",),
        ("score",),
        ("score_100",),
    ]


def test_a_packed_table_is_copied_after_its_origins_and_in_their_list():
    tables = ["easy.panel_long", "mart.dim_city", *PACKED]
    chains = _chains(list(dict.fromkeys(tables)))
    assert sorted(table for chain in chains for table in chain) == sorted(set(tables))
    for table, plan in PACKED.items():
        own = next(chain for chain in chains if table in chain)
        assert all(own.index(origin.table) < own.index(table) for origin in plan.origins)
