"""The one way to look into a published file: read-only, shut off from other files, the network and extensions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

# Nothing is fetched or loaded because a query mentions it, and no query sees a variable of the program.
CLOSED = (
    "python_enable_replacements", "autoinstall_known_extensions", "autoload_known_extensions",
    "allow_community_extensions", "enable_external_access",
)  # fmt: skip


def open_read_only(file: Path) -> duckdb.DuckDBPyConnection:
    """A published file. A query of whatever origin reads its tables and nothing else."""
    return _shut(duckdb.connect(str(file), read_only=True), ())


def open_side_by_side(files: Mapping[str, Path], *, may_write: Iterable[Path] = ()) -> duckdb.DuckDBPyConnection:
    """Several published files under the names of `files`; `copy` may write below the folders of `may_write` only."""
    beside = f"{next(iter(files.values()))}.tmp"  # for what does not fit in memory, as with one file
    con = duckdb.connect(config={"temp_directory": beside})
    for name, file in files.items():
        con.execute(f"attach '{sql_path(file)}' as {name} (read_only)")
    return _shut(con, may_write)


def sql_path(path: Path) -> str:
    """A path inside a quoted SQL string."""
    return str(path).replace("'", "''")


def _shut(con: duckdb.DuckDBPyConnection, may_write: Iterable[Path]) -> duckdb.DuckDBPyConnection:
    """Connections of one process to one file share their settings: where they are locked already, all is done."""
    if con.execute("select current_setting('lock_configuration')").fetchall() == [(True,)]:
        return con
    folders = ", ".join(f"'{sql_path(folder)}'" for folder in may_write)
    if folders:
        con.execute(f"set allowed_directories = [{folders}]")
    for name in CLOSED:
        con.execute(f"set {name} = false")
    con.execute("set lock_configuration = true")
    return con
