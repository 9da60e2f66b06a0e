"""The published file: easy, mart and ops only, readable by older clients, swapped in atomically."""

import os
import shutil
import stat
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from dagster_project.publish.release.dictionary import TABLE as DICTIONARY
from dagster_project.publish.release.dictionary import write_dictionary
from dagster_project.publish.release.packed import PACKED, PARTS, STORE, is_packable, pack
from dagster_project.published import TABLES, stray_log
from dagster_project.run.resources import current_resources

SCHEMAS = ("easy", "mart", "ops")
# Files in the default format of DuckDB 2.x cannot be opened by 1.x clients; this format can.
STORAGE_VERSION = "v1.2.0"
# Most tables are small and fill a part of their blocks only: 256 KiB, the default, costs 36 MB. Below 32 KiB whole
# numbers are not packed.
BLOCK_SIZE = 32_768
SIDE_BY_SIDE = 2  # tables, of which the largest take half a gigabyte each while they are packed
# Tables that say when and how a run went, not what it found: they never make a release.
RUN_TABLES = ("mart.mart_run_manifest", "ops.run_context", "ops.run_log", "ops.validation_result", "ops.vintage")
RUN_COLUMNS = ("run_id", "checked_at", "created_at")

# Rows of several indices or models say which are the headline ones. What stands in the columns of such a row:
HEADLINE_SQL = """
select i.index_code, i.basis, i.weight_scheme, m.model_id
from build.mart.dim_index as i
left join build.mart.dim_model_spec as m on m.is_headline and m.y_code = i.index_code
where i.is_headline
order by m.model_id nulls last limit 1
"""
HEADLINE_WORDS = (
    "Whether the row is of the headline index, on its frozen basis and with its own weights, and where the row is of a"
    " model, of its headline regression."
)


# Asked once: the list of DuckDB takes as long for one table as for all.
COLUMNS_SQL = """
create table memory.build_column as
select schema_name || '.' || table_name as table_name, column_name, column_index, data_type, is_nullable, comment
from duckdb_columns() where database_name = 'build'
"""


class PublishError(Exception):
    """The snapshot is not fit to be published; the published file was not touched."""


# What stands in is_headline of all other tables.
OF_THE_HEADLINE = frozenset({"mart.dim_index", "mart.dim_model_spec"})


@dataclass(frozen=True)
class Base:
    """A release's file to start from, and the tables that it holds just as they are in the build now."""

    file: Path
    same: Collection[str]

    def is_of_use(self, tables: Collection[str]) -> bool:
        """Where nothing large is made anew: the space of what is dropped stays in the file."""
        return set(tables) & {*OF_THE_HEADLINE, *PACKED} <= set(self.same)


def write_snapshot(build_file: Path, target: Path, *, run_id: str, base: Base | None = None) -> dict[str, int]:
    """Copy SCHEMAS into a new file beside `target`, table by table, packed; returns rows per table.

    The caller swaps the file in with `swap_in` after its checks. Views look at schema store of the file alone.
    """
    for left in (target, stray_log(target)):  # a killed run may have left them
        left.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _beside(target) as con:
        con.execute(f"attach '{_quoted(build_file)}' as build (read_only)")
        con.execute(COLUMNS_SQL)
        tables = [f"{schema}.{name}" for schema in SCHEMAS for name in _tables(con, schema)]
        same: set[str] = set()
        if base and base.is_of_use(tables):
            same = set(base.same) & set(tables)
            shutil.copyfile(base.file, target)
        # nobody reads the file before the checkpoint at the end: some thousand statements need no log of their own
        con.execute(
            f"attach '{_quoted(target)}' as snapshot"
            f" (storage_version '{STORAGE_VERSION}', block_size {BLOCK_SIZE}, recovery_mode 'no_wal_writes')"
        )
        con.execute("set checkpoint_threshold = '10GB'")  # one checkpoint at the end leaves no half-filled blocks
        headline = _headline(con)
        for schema in (*SCHEMAS, STORE):
            con.execute(f"create schema if not exists snapshot.{schema}")
        _drop_all_but(con, same)
        chains = _chains([table for table in tables if table not in same])
        # most statements of a packing are one core's: two tables at a time
        with ThreadPoolExecutor(min(SIDE_BY_SIDE, current_resources().workers)) as pool:
            copied = list(pool.map(partial(_copy_chain, con, headline), chains))
        made = {table: n for found in copied for table, n in found.items()}
        counts = {table: made[table] if table in made else _count(con, f"build.{table}") for table in tables}
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


def same_content(fresh: Path, published: Path, *, known: Collection[str] = ()) -> bool:
    """True if no mart differs but for run ids and times: then there is nothing to release.

    known: tables that need no look, since both files have them from the same rows.
    """
    if not published.exists():
        return False
    with _beside(fresh) as con:
        con.execute(f"attach '{_quoted(fresh)}' as fresh (read_only)")
        con.execute(f"attach '{_quoted(published)}' as published (read_only)")
        tables = {t for t in _table_names(con, "fresh") if t not in RUN_TABLES}
        if tables != {t for t in _table_names(con, "published") if t not in RUN_TABLES}:
            return False
        return all(_is_equal(con, table) for table in sorted(tables.difference(known)))


def _beside(file: Path) -> duckdb.DuckDBPyConnection:
    """Without a file of its own a connection would spill into the folder that the command was started from."""
    return duckdb.connect(config={"temp_directory": f"{file}.tmp"})


def _is_equal(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    columns = _columns(con, "fresh", table)
    if columns != _columns(con, "published", table):
        return False
    kept = ", ".join(c for c in columns if c not in RUN_COLUMNS)
    new, old = (f"select {kept} from {database}.{table}" for database in ("fresh", "published"))
    differing = f"select count(*) from (({new} except all {old}) union all ({old} except all {new}))"
    return int(con.execute(differing).fetchall()[0][0]) == 0


def _tables(con: duckdb.DuckDBPyConnection, schema: str) -> list[str]:
    rows = con.execute(
        f"select table_name from {TABLES} where database_name = 'build' and schema_name = ? order by 1", [schema]
    ).fetchall()
    return [row[0] for row in rows]


def _drop_all_but(con: duckdb.DuckDBPyConnection, kept: Collection[str]) -> None:
    """Leave the kept tables in the snapshot, and what schema store holds of them."""
    stored = {f"{STORE}.{table.split('.')[1]}{end}" for table in kept if table in PACKED for end in PARTS}
    for kind in ("view", "table"):
        names = con.execute(
            f"select schema_name || '.' || {kind}_name from duckdb_{kind}s()"
            " where database_name = 'snapshot' and not internal"
        ).fetchall()
        for (name,) in names:
            if name not in kept and name not in stored:
                con.execute(f"drop {kind} snapshot.{name}")


def _copy_chain(con: duckdb.DuckDBPyConnection, headline: Mapping[str, str], tables: Sequence[str]) -> dict[str, int]:
    """Copy tables in their order, over a connection of their own; returns rows per table."""
    counts = {}
    with con.cursor() as own:
        for table in tables:
            kind = _copy_table(own, table, headline if table.startswith("mart.") else {})
            _copy_comments(own, table, kind)
            counts[table] = _count(own, f"snapshot.{table}")
            if counts[table] != _count(own, f"build.{table}"):
                raise PublishError(f"{table}: the copy has another number of rows than the build.")
    return counts


def _chains(tables: Sequence[str]) -> list[list[str]]:
    """Lists that may be copied side by side. A packed table comes after what it is made from, in the same list."""
    chains: list[list[str]] = []
    for table in (table for table in PACKED if table in tables):
        origins = {origin.table for origin in PACKED[table].origins}
        before = [chain for chain in chains if origins & set(chain)]
        merged = [*(one for chain in before for one in chain), table]
        chains = [*(chain for chain in chains if chain not in before), merged]
    return [*chains, [table for table in tables if table not in PACKED]]


def _headline(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Column -> what stands in it in rows of the headline; nothing in a build without these dimensions."""
    if not {"dim_index", "dim_model_spec"} <= set(_tables(con, "mart")):
        return {}
    found = con.execute(HEADLINE_SQL).fetchall()
    names = ("index_code", "basis", "weight_scheme", "model_id")
    return {name: value for name, value in zip(names, found[0], strict=True) if value is not None} if found else {}


def _copy_table(con: duckdb.DuckDBPyConnection, table: str, headline: Mapping[str, str]) -> str:
    """Columns, types and what may not be null as in the build; marts are sorted. Returns what it became: table or view.

    A table of several indices or models gets is_headline, a formula of its own columns.
    """
    columns = con.execute(
        "select column_name, data_type, is_nullable from memory.build_column"
        " where table_name = ? order by column_index",
        [table],
    ).fetchall()
    types = {column: kind for column, kind, _ in columns}
    is_headline = ""
    if {"index_code", "model_id"} & set(types) & set(headline) and "is_headline" not in types:
        own = " and ".join(f"\"{column}\" = '{_escaped(text)}'" for column, text in headline.items() if column in types)
        is_headline = f"coalesce({own}, false)"
    if is_packable(con, table, types):
        kind = "view"
        pack(con, table, types, f", {is_headline} as is_headline" if is_headline else "")
    else:
        kind = "table"
        parts = [f'"{column}" {type_}{"" if is_nullable else " not null"}' for column, type_, is_nullable in columns]
        if is_headline:
            parts.append(f"is_headline boolean generated always as ({is_headline}) virtual")
        con.execute(f"create table snapshot.{table} ({', '.join(parts)})")
        order = "" if table.startswith("easy.") else " order by all"
        con.execute(f"insert into snapshot.{table} select * from build.{table}{order}")
    if is_headline:
        con.execute(f"comment on column snapshot.{table}.is_headline is '{HEADLINE_WORDS}'")
    return kind


def _table_names(con: duckdb.DuckDBPyConnection, database: str) -> set[str]:
    rows = con.execute(
        f"select schema_name || '.' || table_name from {TABLES} where database_name = ?", [database]
    ).fetchall()
    return {row[0] for row in rows}


def _columns(con: duckdb.DuckDBPyConnection, database: str, table: str) -> list[str]:
    schema, name = table.split(".")
    rows = con.execute(
        "select column_name from duckdb_columns() where database_name = ? and schema_name = ? and table_name = ?"
        " order by column_index",
        [database, schema, name],
    ).fetchall()
    return [row[0] for row in rows]


def _copy_comments(con: duckdb.DuckDBPyConnection, table: str, kind: str) -> None:
    where = "database_name = 'build' and schema_name || '.' || table_name = ? and comment is not null"
    for (comment,) in con.execute(f"select comment from {TABLES} where {where}", [table]).fetchall():
        con.execute(f"comment on {kind} snapshot.{table} is '{_escaped(comment)}'")
    for column, comment in con.execute(
        "select column_name, comment from memory.build_column where table_name = ? and comment is not null", [table]
    ).fetchall():
        con.execute(f"comment on column snapshot.{table}.{column} is '{_escaped(comment)}'")


def _require_descriptions(con: duckdb.DuckDBPyConnection) -> None:
    missing = con.execute(
        "select table_name || '.' || column_name from duckdb_columns()"
        " where database_name = 'snapshot' and schema_name in ('easy', 'mart') and coalesce(comment, '') = ''"
    ).fetchall()
    if missing:
        raise PublishError(f"Columns without a description: {', '.join(row[0] for row in missing[:10])}.")


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(con.execute(f"select count(*) from {table}").fetchall()[0][0])


def _quoted(path: Path) -> str:
    return _escaped(str(path))


def _escaped(text: str) -> str:
    return text.replace("'", "''")
