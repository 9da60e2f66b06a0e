"""The published file: the rows of the build, sorted, in small blocks, under the views of the build."""

from pathlib import Path

import duckdb
import pytest

from dagster_project.publish.release.snapshot import PublishError, write_snapshot


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
        create table mart.mart_mean (city_id varchar not null, score double, score_100 double);
        insert into mart.mart_mean select 'c' || n, sin(n), 100 * sin(n) from range(99, -1, -1) as t (n);
        """)
        describe(con, "easy.ranking", "mart.mart_run_manifest", "mart.mart_mean")
    return file


def published(build: Path, sql: str) -> list[tuple[object, ...]]:
    target = build.with_name("city.duckdb")
    write_snapshot(build, target, run_id="r1")
    with duckdb.connect(str(target), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_every_row_and_figure_is_that_of_the_build(build):
    with duckdb.connect(str(build)) as con:
        expected = con.execute("from mart.mart_mean order by all").fetchall()
    assert published(build, "from mart.mart_mean order by all") == expected
    assert published(build, "select table_name from duckdb_tables() where schema_name = 'int'") == []
    assert published(build, "select status from mart.mart_run_manifest") == [("published",)]


def test_comments_types_and_order_come_along_in_small_blocks(build):
    columns = "select column_name, data_type, is_nullable, comment from duckdb_columns()"
    sql = f"{columns} where table_name = 'mart_mean'"
    assert published(build, sql) == [
        ("city_id", "VARCHAR", False, "It is city_id."),
        ("score", "DOUBLE", True, "It is score."),
        ("score_100", "DOUBLE", True, "It is score_100."),
    ]
    assert published(build, "select city_id from mart.mart_mean limit 3") == [("c0",), ("c1",), ("c10",)]
    assert published(build, "from easy.ranking") == [(2, "b"), (1, "a")]
    assert published(build, "select block_size from pragma_database_size()") == [(32_768,)]


SEVERAL = """
create table mart.dim_index as
from (values ('nqpf', 'frozen', 'flat', true), ('nqpf_other', 'frozen', 'flat', false))
    as t (index_code, basis, weight_scheme, is_headline);
create table mart.dim_model_spec as
select 'nqpf_sdm' as model_id, 'nqpf' as y_code, 'queen_row' as w_code, true as is_headline;
create table mart.mart_gini as
from (values ('nqpf', 'frozen'), ('nqpf', 'restated'), ('nqpf_other', 'frozen'), ('nqpf', null))
    as t (index_code, basis);
create table mart.mart_coef as select unnest(['nqpf_sdm', 'other_sdm']) as model_id;
"""
CHAINS = """
create table mart.mart_chain as
select 'nqpf' as index_code, unnest(['relative', 'pooled']) as discretisation, 1 as lag;
create table mart.mart_lisa as select 'nqpf' as index_code, unnest(['queen_row', 'knn6_row']) as w_code;
create table mart.mart_beta as
select 'nqpf' as index_code, 'pooled_ols' as model_id, unnest(['frozen', 'restated', 'frozen']) as basis,
    unnest([true, true, false]) as is_reported;
create table mart.mart_coupling as
select 'nqpf' as index_code, form, scale
from unnest(['corrected', 'classic']) as f (form) cross join unnest(['minmax01', 'raw']) as s (scale);
create table mart.mart_run as select 'nqpf' as index_code, unnest(['points', 'y_log']) as scale;
"""


def test_rows_of_several_indices_say_which_are_the_headline_ones(build):
    with duckdb.connect(str(build)) as con:
        con.execute(SEVERAL)
        con.execute(CHAINS)
        marts = [f"mart.mart_{name}" for name in ("gini", "coef", "chain", "lisa", "beta", "coupling", "run")]
        describe(con, "mart.dim_index", "mart.dim_model_spec", *marts)
    assert published(build, "select discretisation from mart.mart_chain where is_headline") == [("relative",)]
    assert published(build, "select index_code, basis from mart.mart_gini where is_headline") == [("nqpf", "frozen")]
    assert published(build, "select count(*) from mart.mart_gini where not is_headline") == [(3,)]
    assert published(build, "select w_code from mart.mart_lisa where is_headline") == [("queen_row",)]
    assert published(build, "select basis from mart.mart_beta where is_headline") == [("frozen",)]
    own = "select form, scale from mart.mart_coupling where is_headline"
    assert published(build, own) == [("corrected", "minmax01")]
    assert published(build, "select count(*) from mart.mart_run where is_headline") == [(2,)]
    assert published(build, "select model_id from mart.mart_coef where is_headline") == [("nqpf_sdm",)]
    assert published(build, "select index_code from mart.dim_index where is_headline") == [("nqpf",)]
    columns = published(build, "select column_name from duckdb_columns() where table_name = 'mart_mean'")
    assert columns == [("city_id",), ("score",), ("score_100",)]


VIEWS = """
create table ops.run_context as select 'r1' as run_id;
create table mart.dim_city as from (values ('c1', 'Hefei'), ('c2', 'Jinan')) as t (city_id, name);
create view mart.mart_named as
select s.city_id, s.score, c.name, 'nqpf' as index_code from mart.mart_mean as s
join mart.dim_city as c using (city_id);
create view easy.panel as select city_id, 100 * score as points from mart.mart_named as n;
create view mart.mart_of_the_run as select run_id from ops.run_context;
create view mart.mart_of_a_run as from mart.mart_of_the_run;
"""


def test_a_view_over_published_tables_stays_a_view_and_others_become_tables(build, tmp_path):
    with duckdb.connect(str(build)) as con:
        con.execute(SEVERAL + VIEWS)
        names = ("mart.dim_index", "mart.dim_model_spec", "mart.mart_gini", "mart.mart_coef", "mart.dim_city")
        describe(con, *names, "mart.mart_named", "easy.panel", "mart.mart_of_the_run", "mart.mart_of_a_run")
        expected = con.execute("from easy.panel order by all").fetchall()
        con.execute("comment on view mart.mart_named is 'A row a city.'")
    sql = "select schema_name || '.' || view_name, comment from duckdb_views() where not internal order by 1"
    assert published(build, sql) == [("easy.panel", None), ("mart.mart_named", "A row a city.")]
    assert published(build, "from mart.mart_of_a_run") == [("r1",)]
    assert published(build, "select count(*) from mart.mart_named where is_headline") == [(2,)]
    moved = build.with_name("city.duckdb").rename(tmp_path / "another name.duckdb")
    with duckdb.connect() as con:  # attached under any name
        con.execute(f"attach '{moved}' as other (read_only)")
        assert con.execute("from other.easy.panel order by all").fetchall() == expected
        words = con.execute("select comment from duckdb_columns() where column_name = 'points'").fetchall()
    assert words == [("It is points.",)]


@pytest.mark.parametrize(
    ("change", "is_generated"),
    [
        ("select 1", True),
        ("update mart.mart_index_score set score_100 = score_100 + 1e-9 where city_id = 'c7'", False),
        ("update mart.mart_index_score set score_100 = null where city_id = 'c7'", False),
    ],
)
def test_a_column_is_computed_where_its_formula_gives_every_figure(build, change, is_generated):
    with duckdb.connect(str(build)) as con:
        keys = "2020 as year, 'nqpf' as index_code, 'flat' as weight_scheme, 'frozen' as basis"
        con.execute(f"create table mart.mart_index_score as select {keys}, * from mart.mart_mean")
        describe(con, "mart.mart_index_score")
        con.execute(change)
        expected = con.execute("from mart.mart_index_score order by all").fetchall()
    assert published(build, "from mart.mart_index_score order by all") == expected
    [(sql,)] = published(build, "select sql from duckdb_tables() where table_name = 'mart_index_score'")
    assert ("GENERATED" in sql) == is_generated


def test_a_column_without_a_description_is_not_published(build):
    with duckdb.connect(str(build)) as con:
        con.execute("create table mart.dim_city as select 'c1' as city_id")
    with pytest.raises(PublishError, match=r"without a description: dim_city\.city_id"):
        write_snapshot(build, build.with_name("city.duckdb"), run_id="r1")
