"""The one way to look into a published file: read-only, shut off from other files, the network and extensions.

Read-only is a promise of ours, not of everybody's: a program that opens the file for writing puts what it wrote into a
log beside it, and DuckDB reads that log as a part of whatever file has this name, also of the next release.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from dagster_project.paths import Paths
from dagster_project.statements import statements as statements

# Nothing is fetched or loaded because a query mentions it, and no query sees a variable of the program.
CLOSED = (
    "python_enable_replacements",
    "autoinstall_known_extensions",
    "autoload_known_extensions",
    "allow_community_extensions",
    "enable_external_access",
)

SEARCHED = ("easy", "mart", "ops")
# Tables and views are both tables to a reader. n_row: of a view unknown.
TABLES = f"""(
    select database_name, schema_name, table_name, comment, estimated_size as n_row, false as is_view
    from duckdb_tables() where not internal and schema_name in {SEARCHED}
    union all
    select database_name, schema_name, view_name, comment, null, true
    from duckdb_views() where not internal and schema_name in {SEARCHED}
)"""


class PublishedFileError(Exception):
    """A published file that cannot be read as it was published; the text says why, and what to do."""


def stray_log(file: Path) -> Path:
    """Where DuckDB keeps what another program wrote into `file`. A published file has none."""
    return file.with_name(f"{file.name}.wal")


def open_read_only(file: Path, settings: Mapping[str, str | int] | None = None) -> duckdb.DuckDBPyConnection:
    """A published file. A query of whatever origin reads its tables and nothing else.

    `settings` of DuckDB, such as memory_limit, are made before all settings are locked.
    Raises PublishedFileError if the file is damaged, or open for writing elsewhere, or was written into.
    """
    if stray_log(file).exists():
        raise PublishedFileError(
            f"Another program wrote into {file}: what it wrote lies beside it ({stray_log(file).name}) and would be "
            "read as a part of the release. Close that program, then delete that file or run `nqpf refresh`."
        )
    try:
        return shut(_with_short_names(duckdb.connect(str(file), read_only=True)), (), settings or {})
    except duckdb.Error as error:
        raise PublishedFileError(unreadable(file, error)) from error


def open_published(paths: Paths, settings: Mapping[str, str | int] | None = None) -> duckdb.DuckDBPyConnection | None:
    """The published file, or None where there is none."""
    return open_read_only(paths.published_file, settings) if paths.published_file.exists() else None


def is_locked(error: duckdb.Error) -> bool:
    """True if another program has the file open for writing."""
    return "could not set lock" in str(error).lower()


def unreadable(file: Path | str, error: duckdb.Error) -> str:
    """One sentence for what DuckDB says of a file."""
    text = " ".join(str(error).split())
    if is_locked(error):
        return f"{file} is open for writing in another program: close it there. {text[:300]}"
    return f"{file} cannot be read: {text[:300]} `nqpf doctor` says whether it is damaged, and what to do."


def open_side_by_side(files: Mapping[str, Path], *, may_write: Iterable[Path] = ()) -> duckdb.DuckDBPyConnection:
    """Several published files under the names of `files`; `copy` may write below the folders of `may_write` only."""
    beside = f"{next(iter(files.values()))}.tmp"  # for what does not fit in memory, as with one file
    con = duckdb.connect(config={"temp_directory": beside})
    for name, file in files.items():
        con.execute(f"attach '{sql_path(file)}' as {name} (read_only)")
    return shut(con, may_write)


def sql_path(path: Path) -> str:
    """A path inside a quoted SQL string."""
    return sql_text(str(path))


def sql_text(text: str) -> str:
    """A text inside a quoted SQL string."""
    return text.replace("'", "''")


def _with_short_names(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Tables may be named without their schema: easy before mart before ops."""
    schemas = {row[0] for row in con.execute("select schema_name from duckdb_schemas() where not internal").fetchall()}
    if con.execute("select current_setting('lock_configuration')").fetchall() == [(False,)]:
        con.execute(f"set search_path = '{','.join(name for name in SEARCHED if name in schemas)}'")
    return con


def shut(
    con: duckdb.DuckDBPyConnection, may_write: Iterable[Path], settings: Mapping[str, str | int] | None = None
) -> duckdb.DuckDBPyConnection:
    """Connections of one process to one file share their settings: where they are locked already, all is done."""
    if con.execute("select current_setting('lock_configuration')").fetchall() == [(True,)]:
        return con
    folders = ", ".join(f"'{sql_path(folder)}'" for folder in may_write)
    if folders:
        con.execute(f"set allowed_directories = [{folders}]")
    for name, value in (settings or {}).items():
        con.execute(f"set {name} = '{value}'")
    for name in CLOSED:
        con.execute(f"set {name} = false")
    con.execute("set lock_configuration = true")
    return con
