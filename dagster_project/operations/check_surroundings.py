"""The doctor on what is around the files: rights, disk, lock, Dagster's records, Python and its packages."""

import re
import sqlite3
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from dagster_project.operations.faults import free_megabytes
from dagster_project.operations.findings import Finding
from dagster_project.operations.preflight import is_writable, megabytes_needed, written_folders
from dagster_project.paths import PROJECT, Paths
from dagster_project.run.lock import holder

PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
IN_PROGRESS = ("STARTING", "STARTED", "CANCELING")


def check_rights(paths: Paths) -> Iterator[Finding]:
    for folder in written_folders(paths):
        if not is_writable(folder):
            yield Finding(
                "The folder cannot be written (read-only disk, or no permission)",
                folder,
                "give this user write permission, or name another --warehouse",
            )


def check_disk(paths: Paths) -> Iterator[Finding]:
    need, free = megabytes_needed(paths), free_megabytes(paths.warehouse)
    if free < need:
        yield Finding(
            f"The disk is nearly full: {free:.0f} MB free, a refresh needs about {need:.0f} MB",
            paths.warehouse,
            "make room, e.g. with `nqpf release prune --keep 5`",
        )


def check_lock(paths: Paths) -> Iterator[Finding]:
    """The lock itself dies with its process and cannot be stale; the text in its file stays after a kill."""
    text, is_held = holder(paths)
    if text and not is_held:
        yield Finding(
            f"A refresh was killed ({text})",
            paths.lock_file,
            "run `nqpf refresh`: it continues where that one stopped; the published file is complete",
        )


def check_records(paths: Paths, *, is_refreshing: bool) -> Iterator[Finding]:
    """DAGSTER_HOME: there, readable, without runs that nobody works on."""
    home = paths.dagster_home
    if not home.is_dir():
        if paths.build_file.exists():
            yield Finding(
                "Dagster's folder (DAGSTER_HOME) has disappeared",
                home,
                "run `nqpf refresh`: it is created again; only the history of runs is lost",
            )
        return
    for file in sorted(home.rglob("*.db")):
        problem = _problem_of_sqlite(file)
        if problem:
            yield Finding(
                f"Dagster's records are damaged: {problem}",
                file,
                f"move {home} away and run `nqpf refresh`; only the history of runs is lost",
            )
    runs = home / "history" / "runs.db"
    n = 0 if is_refreshing or not runs.exists() or _problem_of_sqlite(runs) else _in_progress(runs)
    if n:
        yield Finding(
            f"Dagster believes that {n} run{'s are' if n > 1 else ' is'} at work, and nothing is",
            runs,
            "run `nqpf refresh`: it closes them; if a run waits in Dagster's queue, let it",
        )


def _problem_of_sqlite(file: Path) -> str | None:
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as con:
            found = con.execute("pragma quick_check").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return None if found == ("ok",) else str(found[0])


def _in_progress(runs: Path) -> int:
    marks = ", ".join("?" for _ in IN_PROGRESS)
    with sqlite3.connect(f"file:{runs}?mode=ro", uri=True) as con:
        return int(con.execute(f"select count(*) from runs where status in ({marks})", IN_PROGRESS).fetchone()[0])


def check_manifest(paths: Paths) -> Iterator[Finding]:
    file = paths.dbt_manifest
    if file.exists() and not file.read_bytes().rstrip().endswith(b"}"):
        yield Finding("dbt's manifest was cut off", file, "run `nqpf refresh`: it is written again", "remove")


def check_versions(project: Path = PROJECT) -> Iterator[Finding]:
    """Python and packages are those of requirements.lock; a package that is not in the lock is not judged."""
    if not (3, 12) <= sys.version_info[:2] <= (3, 13):
        yield Finding(
            f"Python {sys.version.split()[0]} is outside 3.12 to 3.13",
            Path(sys.executable),
            "run `make clean setup` with PYTHON=python3.13",
        )
    lock = project / "requirements.lock"
    if not lock.exists():
        return
    pinned: dict[str, set[str]] = {}
    for name, version in PINNED.findall(lock.read_text(encoding="utf-8")):
        pinned.setdefault(_plain(name), set()).add(version)
    for package in metadata.distributions():
        name = _plain(package.metadata["Name"] or "")
        if name in pinned and package.version not in pinned[name]:
            yield Finding(
                f"{name} {package.version} is installed, the lock has {' or '.join(sorted(pinned[name]))}",
                lock,
                "run `make setup` again, or `make lock` if the change is wanted",
            )


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
