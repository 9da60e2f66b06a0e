"""The published file: easy, mart and ops only, readable by older clients, swapped in atomically."""

import json
import os
import stat
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.publish.release.dictionary import TABLE as DICTIONARY
from dagster_project.publish.release.dictionary import write_dictionary
from dagster_project.published import TABLES, sql_path, sql_text, statements, stray_log

SCHEMAS = ("easy", "mart", "ops")
# Files in the default format of DuckDB 2.x cannot be opened by 1.x clients; this format can.
STORAGE_VERSION = "v1.2.0"
# Most tables are small and fill a part of their blocks only: 256 KiB, the default, costs 36 MB. Below 32 KiB whole
# numbers are not packed.
BLOCK_SIZE = 32_768
# Order of the rows of large tables: equal figures stand side by side, and are kept as one. Other marts: by all columns.
SORTED_BY = {
    "mart.mart_indicator_cell": "cell_no, indicator_code, city_id, year, index_code",
    "mart.mart_indicator_value": "indicator_code, city_id, year, index_code, basis",
    "mart.mart_index_contribution": "index_code, indicator_code, weight_scheme, year, city_id, basis",
    "mart.mart_index_score": "city_id, year, index_code, weight_scheme, basis",
    "mart.mart_source_value": "cell_no",
}
# Columns of large tables that other columns of the row give: computed when they are read.
GENERATED = {
    "easy.yearbook": {
        "used_value": "case when action is distinct from 'quarantine' then coalesce(replaced_value, printed_value) end"
    },
    "mart.mart_index_contribution": {"contribution": "weight * z"},
    "mart.mart_index_score": {"score_100": "100 * score"},
    "mart.mart_source_value": {
        "source_cell_id": "source || '@' || vintage || ':' || file || '!' || sheet || '!' || cell"
    },
}
# Tables that say when and how a run went, not what it found: they never make a release.
RUN_TABLES = ("mart.mart_run_manifest", "ops.run_context", "ops.run_log", "ops.validation_result", "ops.vintage")

SQL = statements(__file__)
type Column = tuple[str, str, bool, str | None]  # name, type, whether it may be null, comment
HEADLINE_WORDS = (
    "Whether the row is of the headline index, on its frozen basis and with its own weights, and where the row is of a"
    " model or of a chain, of its headline regression and its neighbours or of classes relative to the mean of the"
    " year, after one year; of several forms, scales, bandwidths, cuts or weights of cities, of the one to report."
)


class PublishError(Exception):
    """The snapshot is not fit to be published; the published file was not touched."""


def write_snapshot(build_file: Path, target: Path, *, run_id: str) -> dict[str, int]:
    """Copy SCHEMAS into a new file beside `target`, table by table; returns rows per table that is copied.

    A view of the build that reads nothing but tables of easy and mart stays a view; others become tables.
    The caller swaps the file in with `swap_in` after its checks.
    """
    for left in (target, stray_log(target)):  # a killed run may have left them
        left.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    # without a file of its own a connection would spill into the folder that the command was started from
    with duckdb.connect(config={"temp_directory": f"{target}.tmp"}) as con:
        con.execute(f"attach '{sql_path(build_file)}' as build (read_only)")
        # nobody reads the file before the checkpoint at the end: some thousand statements need no log of their own
        con.execute(
            f"attach '{sql_path(target)}' as snapshot"
            f" (storage_version '{STORAGE_VERSION}', block_size {BLOCK_SIZE}, recovery_mode 'no_wal_writes')"
        )
        con.execute("set checkpoint_threshold = '10GB'")  # one checkpoint at the end leaves no half-filled blocks
        for schema in SCHEMAS:
            con.execute(f"create schema snapshot.{schema}")
        counts = _copy_all(con)
        con.execute(
            "update snapshot.mart.mart_run_manifest set status = 'published', ended_at = now()::timestamp"
            " where run_id = ?",
            [run_id],
        )
        _require_descriptions(con)
        counts[DICTIONARY] = write_dictionary(con)
        con.execute("use memory")
        con.execute("checkpoint snapshot")
        con.execute("detach snapshot")
    return counts


def swap_in(fresh: Path, published: Path) -> None:
    """One rename: a reader sees the old file or the new one; who has the old one open keeps it.

    The file is nobody's to write from now on (but for an administrator), and what somebody wrote into the old one goes:
    DuckDB would read that log as a part of the new file.
    """
    with fresh.open("rb") as stream:
        os.fsync(stream.fileno())  # the name must not reach the disk before the content
    forbid_writing(fresh)
    stray_log(published).unlink(missing_ok=True)
    fresh.replace(published)


def forbid_writing(file: Path) -> None:
    """Nobody may write it; who may read it stays."""
    file.chmod(stat.S_IMODE(file.stat().st_mode) & ~0o222)


def _copy_all(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Copy every table and view of SCHEMAS with its comments; returns rows by table."""
    names = (
        f"select schema_name || '.' || table_name, coalesce(comment, '') from {TABLES} where database_name = 'build'"
    )
    comments, columns = dict(con.execute(names).fetchall()), _columns(con)
    headline = _headline(con) if {"mart.dim_index", "mart.dim_model_spec"} <= set(comments) else {}
    views = _views(con)
    flags = {name: _headline_flag(name, columns[name], headline) for name in comments}
    tables = sorted(set(comments) - set(views))
    with ThreadPoolExecutor(2) as pool:  # a table is one core's work
        rows = pool.map(lambda name: _copy_table(con.cursor(), name, columns[name], flags[name]), tables)
        counts = dict(zip(tables, rows, strict=True))
    con.execute("use snapshot")  # a view names its tables without the file, which has another name for each reader
    for name, query in views.items():
        flag = f", {flags[name]} as is_headline" if flags[name] else ""
        con.execute(f"create view {name} as select *{flag} from ({query})")
    con.execute("use memory")
    for name, comment in comments.items():
        if comment:
            con.execute(f"comment on {'view' if name in views else 'table'} snapshot.{name} is '{sql_text(comment)}'")
        words = {column: text for column, _, _, text in columns[name] if text}
        if flags[name]:
            words["is_headline"] = HEADLINE_WORDS
        for column, text in words.items():
            con.execute(f"comment on column snapshot.{name}.{column} is '{sql_text(text)}'")
    return counts


def _views(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Queries of the views of easy and mart that read tables of easy and mart alone, each after those that it reads."""
    rows = con.execute(
        "select schema_name || '.' || view_name, sql from duckdb_views()"
        " where database_name = 'build' and schema_name in ('easy', 'mart')"
    ).fetchall()
    queries = {name: sql.partition(" AS ")[2].rstrip("; \n") for name, sql in rows}
    reads = {name: _tables_of(con, query) for name, query in queries.items()}
    views: dict[str, str] = {}
    for name in TopologicalSorter({name: read & set(queries) for name, read in reads.items()}).static_order():
        others = reads[name] - set(views)
        if all(table.startswith(("easy.", "mart.")) for table in others) and not others & set(queries):
            views[name] = queries[name]
    return views


def _tables_of(con: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    """schema.table of all that a query reads."""
    tree = con.execute("select json_serialize_sql(?)", [query]).fetchall()[0][0]
    names = set[str]()

    def visit(node: Any) -> None:
        if isinstance(node, dict) and node.get("type") == "BASE_TABLE" and node["schema_name"]:
            names.add(f"{node['schema_name']}.{node['table_name']}")
        for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            visit(part)

    visit(json.loads(tree))
    return names


def _headline(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Column -> what stands in it in rows of the headline."""
    result = con.execute(SQL["headline"])
    names, rows = [name for name, *_ in result.description or ()], result.fetchall()
    return {name: value for name, value in zip(names, rows[0], strict=True) if value is not None} if rows else {}


def _headline_flag(table: str, columns: Sequence[Column], headline: Mapping[str, str]) -> str:
    """SQL of is_headline, over other columns of a mart of several indexes or models; "" for other tables."""
    names = [column for column, *_ in columns]
    is_of_several = table.startswith("mart.") and {"index_code", "model_id"} & set(names) & set(headline)
    if not is_of_several or "is_headline" in names:
        return ""
    equal = {column: f"{column} = '{sql_text(text)}'" for column, text in headline.items() if column in names}
    for column in {"w_code", "lag_cuts"} & set(equal):  # some rows ask no neighbours
        equal[column] = f"{column} in ('none', '{sql_text(headline[column])}')"
    if "form" not in names:  # another scale: that of a regression
        equal.pop("scale", None)
    if "is_reported" in names:  # of several estimators, none of which is that of the headline regression
        equal.pop("model_id", None)
    parts = [*equal.values(), *(name for name in names if name == "is_reported")]
    return f"coalesce({' and '.join(parts)}, false)"


def _copy_table(con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[Column], flag: str) -> int:
    """Columns, types and what may not be null as in the build; the rows of marts are sorted. Returns their number."""
    formulas = _formulas_that_hold(con, table)
    parts, names = [], []
    for column, kind, is_nullable, _ in columns:
        if column in formulas:
            parts.append(f'"{column}" {kind} generated always as ({formulas[column]}) virtual')
        else:
            method = " using compression zstd" if column == "source_cell_id" else ""  # long, and alike
            parts.append(f'"{column}" {kind}{"" if is_nullable else " not null"}{method}')
            names.append(f'"{column}"')
    if flag:
        parts.append(f"is_headline boolean generated always as ({flag}) virtual")
    con.execute(f"create table snapshot.{table} ({', '.join(parts)})")
    order = "" if table.startswith("easy.") else f" order by {SORTED_BY.get(table, 'all')}"
    copied = con.execute(f"insert into snapshot.{table} select {', '.join(names)} from build.{table}{order}").fetchall()
    n_rows = int(copied[0][0])
    if n_rows != con.execute(f"select count(*) from build.{table}").fetchall()[0][0]:
        raise PublishError(f"{table}: the copy has another number of rows than the build.")
    return n_rows


def _formulas_that_hold(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Formulas of GENERATED that give every figure of their column as it is in the build."""
    formulas = GENERATED.get(table, {})
    if not formulas:
        return {}
    differ = ", ".join(
        f'coalesce(bool_or("{column}" is distinct from ({sql})), false)' for column, sql in formulas.items()
    )
    differs = con.execute(f"select {differ} from build.{table}").fetchall()[0]
    return {column: sql for (column, sql), has_other in zip(formulas.items(), differs, strict=True) if not has_other}


def _columns(con: duckdb.DuckDBPyConnection) -> dict[str, list[Column]]:
    """Table of the build -> its columns. Once for all: the list of DuckDB takes as long for one table."""
    columns: dict[str, list[Column]] = {}
    for table, *column in con.execute(SQL["columns"]).fetchall():
        columns.setdefault(table, []).append(tuple(column))
    return columns


def _require_descriptions(con: duckdb.DuckDBPyConnection) -> None:
    missing = con.execute(
        "select table_name || '.' || column_name from duckdb_columns()"
        " where database_name = 'snapshot' and schema_name in ('easy', 'mart') and coalesce(comment, '') = ''"
    ).fetchall()
    if missing:
        raise PublishError(f"Columns without a description: {', '.join(row[0] for row in missing[:10])}.")
