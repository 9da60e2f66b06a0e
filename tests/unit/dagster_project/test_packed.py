"""Packed tables: each fact kept once, and the view says what the build holds, whatever it holds."""

import duckdb
import pytest

from dagster_project.publish.release.packed import PACKED, PackError, is_packable, pack

SCORES = """
create table build.mart.mart_index_score as
select 'nqpf' as index_code, 'nqpf' as spec_code, basis, 'flat' as weight_scheme, 'c' || i as city_id, 2020 as year,
    sin(i) as score, 100 * sin(i) as score_100, (rank() over w)::integer as rank_year,
    100.0 * (9 - (rank() over w - 1)) / 9 as pct_year, sin(i) / 0.7 as score_relative, i % 2 as share_imputed_weight
from range(10) as t (i), (values ('frozen'), ('restated')) as b (basis)
window w as (partition by basis order by sin(i) desc)
"""
CELLS = """
create table build.mart.mart_source_value as
select 'bank' as source, 'v1' as vintage, 'a.csv' as file, '' as sheet, 'F' || i as cell, 'bank@v1:a.csv!!F' || i
    as source_cell_id, 'gdp' as variable_code, 'c' || i as city_id, 2020 as year, i / 4.0 as value,
    i / 4.0 as value_printed, i / 4.0 as used_value, i::varchar as text, 'yuan' as unit_printed, 'yuan' as unit,
    null::varchar as edit_rule, null::varchar as edit_action
from range(10) as t (i);
create table build.mart.mart_indicator_source as
select index_code, 'n1' as indicator_code, s.* exclude (vintage, value_printed)
from build.mart.mart_source_value as s, (values ('nqpf'), ('pr')) as x (index_code)
union all by name
select 'nqpf' as index_code, 'n1' as indicator_code, 'text@v9:b.csv!!A1' as source_cell_id, 'c1' as city_id,
    2020 as year, 'a whole report' as text, 'text' as unit
"""


@pytest.fixture
def con(tmp_path):
    con = duckdb.connect()
    for name in ("build", "snapshot"):
        con.execute(f"attach '{tmp_path / name}.duckdb' as {name}; create schema {name}.mart")
    con.execute("create schema snapshot.store")
    return con


def packed(con: duckdb.DuckDBPyConnection, table: str, extra: str = "") -> None:
    columns = con.execute(
        "select column_name, data_type from duckdb_columns() where database_name = 'build'"
        " and schema_name || '.' || table_name = ? order by column_index",
        [table],
    ).fetchall()
    types = {str(name): str(kind) for name, kind in columns}
    assert is_packable(con, table, types)
    pack(con, table, types, extra)


def rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return con.execute(sql).fetchall()


SCORE, SOURCE_VALUE, SOURCE = "mart.mart_index_score", "mart.mart_source_value", "mart.mart_indicator_source"


def pack_and_compare(con: duckdb.DuckDBPyConnection, *tables: str) -> None:
    for table in tables:
        packed(con, table)
    for table in tables:
        assert rows(con, f"from build.{table} order by all") == rows(con, f"from snapshot.{table} order by all")


def test_bases_that_differ_in_one_figure_are_both_kept(con):
    con.execute(SCORES)
    con.execute("update build.mart.mart_index_score set score = score + 1 where basis = 'frozen' and city_id = 'c3'")
    pack_and_compare(con, SCORE)
    assert rows(con, "select count(*) from snapshot.store.mart_index_score") == [(20,)]


def test_a_row_that_the_formula_does_not_give_keeps_its_own(con):
    con.execute(SCORES)
    con.execute("update build.mart.mart_index_score set score_100 = score_100 + 1e-9 where city_id = 'c7'")
    con.execute("update build.mart.mart_index_score set score_100 = null where city_id = 'c8'")
    pack_and_compare(con, SCORE)
    assert rows(con, "select count(score_100) from snapshot.store.mart_index_score") == [(1,)]
    assert rows(con, "select count(*) from snapshot.store.mart_index_score where score_100_is_own") == [(2,)]


def test_a_cell_stands_in_one_table_and_others_have_its_number(con):
    con.execute(CELLS)
    pack_and_compare(con, SOURCE_VALUE, SOURCE)
    own = "select count(c_no), count(source_cell_id), count(text) from snapshot.store.mart_indicator_source"
    assert rows(con, own) == [(11, 1, 1)]  # the block of the report is its own, and its text is no cell of the others


def test_figures_with_two_decimals_are_whole_numbers_in_the_file(con):
    con.execute(CELLS)
    con.execute("update build.mart.mart_source_value set value = 1 / 3.0 where city_id = 'c4'")
    pack_and_compare(con, SOURCE_VALUE)
    kept = "select count(hundredths), count(value), count(used_value) from snapshot.store.mart_source_value"
    assert rows(con, kept) == [(9, 1, 1)]


def test_the_view_has_one_column_more_where_it_says_what_is_the_headline(con):
    con.execute(SCORES)
    packed(con, "mart.mart_index_score", ", coalesce(basis = 'frozen', false) as is_headline")
    assert rows(con, "select basis from snapshot.mart.mart_index_score where is_headline group by 1") == [("frozen",)]


def test_a_table_without_the_columns_of_its_plan_stays_a_table(con):
    assert not is_packable(con, "mart.mart_index_score", ["score", "score_100"])
    assert not is_packable(con, "mart.dim_city", ["city_id"])
    plan = PACKED["mart.mart_indicator_source"]
    assert not is_packable(con, "mart.mart_indicator_source", [*plan.block, *plan.order, *plan.formulas])  # no cells


def test_a_view_that_says_something_else_is_refused(con, monkeypatch):
    con.execute(SCORES)
    monkeypatch.setattr("dagster_project.publish.release.packed._content", lambda con, kept: "1")
    con.execute("update build.mart.mart_index_score set score = score + 1 where basis = 'frozen'")
    with pytest.raises(PackError, match="not those of the build"):
        packed(con, "mart.mart_index_score")  # blocks that are taken for equal, and are not
