"""Faults of the surroundings (disk, rights, damaged files) in one sentence with the way out."""

import re
import shutil
from pathlib import Path

import duckdb

from dagster_project.paths import Paths
from dagster_project.published import is_locked

FULL = ("no space left on device", "disk is full", "disk quota exceeded", "file too large", "could not write all")
FORBIDDEN = ("read-only file system", "permission denied", "readonly database", "operation not permitted")
DAMAGED = (
    "not a valid duckdb database file",
    "could not read enough bytes",
    "corrupt database file",
    "corrupt wal",
    "failure while replaying",
    "failed to load metadata",
    "serialization error",
)
TABLES_SQL = "select schema_name, table_name from duckdb_tables() where not internal order by all"
RECORDS = ("unable to open database file", "no such table: runs", "no such table: event_logs", "disk i/o error")


class SurroundingsError(Exception):
    """A refresh cannot start where it is; the text says why and what to do."""


def sentence_of(text: str, paths: Paths) -> str | None:
    """The sentence for an error text, or None where the surroundings are not to blame."""
    where = f"--warehouse {paths.warehouse}"
    if _any(FULL, text) or (_any(RECORDS, text) and free_megabytes(paths.warehouse) < 1):  # SQLite names no reason
        return (
            f"The disk of {paths.warehouse} is full ({free_megabytes(paths.warehouse):.0f} MB free). Make room, e.g."
            f" with `nqpf release prune --keep 5 {where}`, and run `nqpf refresh` again."
        )
    if _any(FORBIDDEN, text):
        return (
            f"Something below {paths.warehouse} cannot be written ({_line(FORBIDDEN, text)})."
            " Give this user write permission, or name another --warehouse."
        )
    if _any(DAMAGED, text):
        return _damaged(paths, where)
    if _any(RECORDS, text):
        return (
            f"Dagster's records in {paths.dagster_home} vanished or cannot be written while the run went on."
            " Run `nqpf refresh` again: they are created again, only the history of runs is lost."
        )
    return None


def _damaged(paths: Paths, where: str) -> str:
    """Name the file: the error text of a damaged block does not."""
    if damage_of(paths.build_file):
        return (
            f"The build file {paths.build_file} is damaged. Move it and, if it is there, {paths.build_file.name}.wal"
            " away; the next `nqpf refresh` makes it from the landing files."
        )
    return f"A file below {paths.published} is damaged. `nqpf doctor {where}` names it and says what to do."


def damage_of(file: Path) -> str | None:
    """None if a DuckDB file can be read to its end, else what DuckDB says. Every block of every table is read, so that
    checksums are compared. Changes nothing; a file in use is not judged.
    """
    try:
        with duckdb.connect(str(file), read_only=True) as con:
            for schema, table in con.execute(TABLES_SQL).fetchall():
                con.execute(f'select sum(hash(t)) from "{schema}"."{table}" as t').fetchall()
    except duckdb.Error as error:
        text = " ".join(str(error).split())
        return None if is_locked(error) else text
    return None


def _any(patterns: tuple[str, ...], text: str) -> bool:
    return any(pattern in text.lower() for pattern in patterns)


def _line(patterns: tuple[str, ...], text: str) -> str:
    """The line of a long error text that says it, without much around."""
    lines = [" ".join(line.split()) for line in text.splitlines() if _any(patterns, line)]
    return re.sub(r"^[\w.]+: ", "", lines[0])[:160]


def free_megabytes(folder: Path) -> float:
    """Free space on the disk of a folder that need not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / 1e6
