"""The published file is small because each fact stands in it once, and says all that the build says."""

from pathlib import Path

import duckdb
import pytest

from dagster_project.publish.release.packed import PACKED, STORE
from dagster_project.publish.release.snapshot import SCHEMAS
from dagster_project.published import TABLES

MAX_BYTES_PER_ROW = 40  # of all tables; measured: 32.8 (twelve cities; 286 cities take 11.1)


@pytest.mark.parametrize("table", PACKED)
def test_a_packed_table_says_what_the_build_says(small_warehouse, table):
    with duckdb.connect() as con:
        for name, file in (("build", small_warehouse.paths.build_file), ("city", small_warehouse.paths.published_file)):
            con.execute(f"attach '{file}' as {name} (read_only)")
        columns = con.execute(f"select * from build.{table} limit 0").description
        names = ", ".join(f'"{column[0]}"' for column in columns)
        published = con.execute(f"select {names} from city.{table} limit 0").description  # whatever the file is called
        assert [column[1] for column in published] == [column[1] for column in columns]
        mine, theirs = f"select {names} from city.{table}", f"select {names} from build.{table}"
        differing = f"select count(*) from (({mine} except all {theirs}) union all ({theirs} except all {mine}))"
        assert con.execute(differing).fetchall() == [(0,)]


def test_every_plan_is_used(small_warehouse):
    views = small_warehouse.published(
        "select schema_name || '.' || view_name as name from duckdb_views()"
        " where not internal and schema_name <> 'store'"
    )
    assert set(views["name"]) == set(PACKED)


def test_a_cell_that_stands_in_the_table_of_cells_is_not_written_again(small_warehouse):
    again = small_warehouse.published(
        f"select count(c_no) as n_cell, count(source_cell_id) filter (c_no is not null) as n_id,"
        f" count(text) filter (c_no is not null) as n_text from {STORE}.mart_indicator_source"
    )
    assert again["n_cell"].item() > 1000
    assert (again["n_id"].item(), again["n_text"].item()) == (0, 0)


def test_blocks_of_several_indices_are_kept_once(small_warehouse):
    for table in (name for name, plan in PACKED.items() if plan.block):
        bare = table.split(".")[1]
        blocks = small_warehouse.published(f"select count(distinct block_no) as n from {STORE}.{bare}_block")[
            "n"
        ].item()
        kept = small_warehouse.published(f"select count(distinct block_no) as n from {STORE}.{bare}")["n"].item()
        assert blocks == kept, table
    shared = small_warehouse.published(
        f"select count(*) - count(distinct block_no) as n from {STORE}.mart_index_score_block"
    )
    assert shared["n"].item() > 0


def test_formulas_give_nearly_all_of_the_columns_that_they_speak_of(small_warehouse):
    flags = small_warehouse.published(
        f"select table_name, column_name from duckdb_columns() where schema_name = '{STORE}'"
        " and column_name like '%_is_own'"
    )
    for table, flag in flags.itertuples(index=False):
        share = small_warehouse.published(f'select avg("{flag}"::integer) as share from {STORE}."{table}"')[
            "share"
        ].item()
        assert share < 0.5, (table, flag, share)


def test_the_file_takes_few_bytes_a_row(small_warehouse):
    tables = small_warehouse.published(
        f"select schema_name || '.' || table_name as name from {TABLES}"
        f" where schema_name in ({', '.join(f"'{name}'" for name in SCHEMAS)})"
    )
    n = sum(small_warehouse.published(f"select count(*) as n from {name}")["n"].item() for name in tables["name"])
    assert Path(small_warehouse.paths.published_file).stat().st_size < MAX_BYTES_PER_ROW * n
