"""What is unchanged by content is not made again; what might differ is."""

import copy
from dataclasses import replace

import duckdb
import pytest

from dagster_project.defs.state import (
    DbtState,
    Record,
    content_of,
    content_of_table,
    forget,
    key_of_analysis,
    read_records,
    write_records,
)
from dagster_project.paths import demo_paths
from dagster_project.store import Warehouse
from dagster_project.study.registry import BY_NAME
from dagster_project.study.settings import DepthName, read_settings


def model(schema: str, name: str, code: str, kind: str, *parents: str) -> dict[str, object]:
    depends_on, config = {"nodes": list(parents)}, {"materialized": kind}
    return {"schema": schema, "name": name, "raw_code": code, "config": config, "depends_on": depends_on}


NODES = {
    "seed.x.rates": {"schema": "seed", "name": "rates", "checksum": "1", "config": {"materialized": "seed"}},
    "model.x.view_cells": model("stg", "view_cells", "select 1", "view", "source.x.cells"),
    "model.x.values": model("int", "values", "select 2", "table", "model.x.view_cells", "seed.x.rates"),
    "model.x.other": model("int", "other", "select 3", "table", "seed.x.rates"),
}
SOURCES = {"source.x.cells": {"schema": "raw", "name": "cells", "identifier": "cells"}}
TABLES = {"seed.rates", "stg.view_cells", "int.values", "int.other"}


def manifest() -> dict:
    return {"nodes": copy.deepcopy(NODES), "sources": copy.deepcopy(SOURCES)}


@pytest.fixture
def con(tmp_path):
    warehouse = Warehouse(tmp_path / "city.duckdb")
    warehouse.prepare()
    with warehouse.connect() as connection:
        connection.execute("""
        create schema int; create schema seed; create schema stg;
        insert into raw.cells (source, data_year, text) values ('a', 2012, '1');
        create table seed.rates as select 1 as rate; create view stg.view_cells as from raw.cells;
        create table int.values as select 1 as value; create table int.other as select 2 as value;
        """)
        yield connection


def known(con) -> dict[str, Record]:
    """Records as a step sees them: sources by their content of now."""
    return read_records(con) | {"raw.cells": Record("", content_of_table(con, "raw.cells"))}


def build(con, found: dict) -> DbtState:
    state = DbtState(found, NODES, "project")
    write_records(con, state.records(con, state.nodes, known(con)))
    return state


def names(state: DbtState, stale: list[str]) -> set[str]:
    return {state.table(node) for node in stale}


def test_nothing_is_stale_right_after_a_build_which_has_parents_before_children(con):
    state = build(con, manifest())
    assert state.stale(known(con)) == []
    assert state.sources == {"raw.cells"}
    assert state.nodes.index("model.x.view_cells") < state.nodes.index("model.x.values")
    assert state.nodes.index("seed.x.rates") < state.nodes.index("model.x.other")


@pytest.mark.parametrize(
    ("node", "part", "stale"),
    [
        ("model.x.other", {"raw_code": "select 4"}, {"int.other"}),
        ("model.x.values", {"description": "another text"}, {"int.values"}),
        ("model.x.view_cells", {"raw_code": "select 9"}, {"stg.view_cells", "int.values"}),
        ("seed.x.rates", {"checksum": "2"}, {"seed.rates", "int.values", "int.other"}),
    ],
)
def test_a_changed_text_makes_its_model_and_what_reads_it_stale(con, node, part, stale):
    build(con, manifest())
    changed = manifest()
    changed["nodes"][node] |= part
    state = DbtState(changed, NODES, "project")
    assert names(state, state.stale(known(con))) == stale


def test_changed_rows_of_a_source_a_table_that_is_gone_and_one_begun_and_not_recorded_are_made_again(con):
    state = build(con, manifest())
    forget(con, ["int.values"])
    assert names(state, state.stale(known(con))) == {"int.values"}
    con.execute("drop table int.other")
    assert names(state, state.stale(known(con))) == {"int.values", "int.other"}
    con.execute("insert into raw.cells (source, data_year, text) values ('b', 2013, '2')")  # reaches through the view
    assert names(state, state.stale(known(con))) == {"int.values", "int.other", "stg.view_cells"}


def test_what_holds_for_the_project_holds_for_every_model(con):
    build(con, manifest())
    state = DbtState(manifest(), NODES, "a macro was changed")
    assert names(state, state.stale(known(con))) == TABLES


def test_content_knows_rows_not_their_order_and_counts_repeats(con):
    two = "(1, 'x'), (2, null)"
    rows = (two, "(2, null), (1, 'x')", f"{two}, (1, 'x'), (1, 'x')", "(1, 'x'), (2, '')")
    first, same, repeated, other = (content_of(con, f"from (values {one}) as t (n, s)") for one in rows)
    assert first == same
    assert len({first, repeated, other}) == 3
    assert content_of(con, "select 1 where false") == content_of(con, "select 1 where false")


def test_a_new_run_alone_changes_no_content(con):
    insert = "insert into ops.run_context (run_id, data_vintage, seed, started_at) values (?, ?, 1, ?::timestamp)"
    seen = []
    for row in (["a", "2021A", "2026-01-01"], ["b", "2021A", "2026-01-02"], ["b", "2021B", "2026-01-02"]):
        con.execute("delete from ops.run_context")
        con.execute(insert, row)
        seen.append(content_of_table(con, "ops.run_context"))
    assert seen[0] == seen[1] != seen[2]


def test_the_key_of_an_analysis_moves_with_its_rows_its_settings_and_what_it_looks_back_to():
    entry, paths = BY_NAME["coupling"], demo_paths()
    default, quick = (read_settings(paths.specs, depth) for depth in (DepthName.default, DepthName.quick))
    with duckdb.connect() as con:
        one, other = (replace(entry, reads={"scores": f"select {n} as n"}) for n in (1, 2))
        first = key_of_analysis(con, one, default, paths, "")
        assert first == key_of_analysis(con, one, default, paths, "")
        others = [key_of_analysis(con, one, quick, paths, ""), key_of_analysis(con, one, default, paths, "2026.1.0")]
        others.append(key_of_analysis(con, other, default, paths, ""))
        assert key_of_analysis(con, other, quick, paths, "") == others[0]  # left out: whatever it would read
        assert len({first, *others}) == 4
