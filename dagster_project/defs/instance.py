"""Dagster's own folder of one warehouse: its settings, its event log, which schedules and sensors are on."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dagster as dg
from sqlalchemy import event  # a dependency of Dagster, which opens its SQLite files by it
from sqlalchemy.engine import Engine

from dagster_project.defs.dead_runs import close_dead_runs
from dagster_project.paths import Paths

MODULE = "dagster_project.definitions"  # what `nqpf ui` serves; also the name of its code location


def prepare_instance(paths: Paths) -> None:
    """DAGSTER_HOME with the instance file that makes the write pool real."""
    paths.dagster_home.mkdir(parents=True, exist_ok=True)
    shipped, file = paths.package / "defs" / "dagster.yaml", paths.dagster_home / "dagster.yaml"
    if not file.exists() or file.read_bytes() != shipped.read_bytes():  # a server may be reading it
        shutil.copyfile(shipped, file)


@contextmanager
def open_event_log() -> Iterator[None]:
    """Keep each SQLite file of Dagster open while a run writes to it.

    Dagster opens and closes a file for every event. Whenever the last connection closes, SQLite copies the write-ahead
    log into the file and syncs the disk: 11 times an event, 1.7 with this second connection. `synchronous = normal` is
    safe in WAL mode: a power cut can cost the last events, never the file.
    Never open such a file other than by SQLite: closing it would drop the locks of this process, and another process
    (Dagster's webserver) would write into the same pages.
    """
    kept: dict[str, sqlite3.Connection] = {}

    def on_connect(connection: object, _record: object) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        connection.execute("pragma synchronous = normal")
        file = connection.execute("pragma database_list").fetchone()[2]
        if file not in kept and connection.execute("pragma journal_mode").fetchone() == ("wal",):
            kept[file] = sqlite3.connect(file, check_same_thread=False)
            kept[file].execute("select count(*) from sqlite_master").fetchall()  # opens the log; connect alone does not

    event.listen(Engine, "connect", on_connect)
    try:
        yield
    finally:
        event.remove(Engine, "connect", on_connect)
        for connection in kept.values():
            connection.close()


def close_killed_runs() -> None:
    """Runs that were killed no longer block the queue. The caller holds the refresh lock."""
    with dg.DagsterInstance.get() as instance:
        close_dead_runs(instance)


def switched(defs: dg.Definitions) -> Mapping[str, bool]:
    """Schedule or sensor -> whether it runs: what the instance stores, else its default."""
    switches = [*(defs.schedules or []), *(defs.sensors or [])]
    defaults = {one.name: one.default_status.value for one in switches}
    with dg.DagsterInstance.get() as instance:
        stored = {state.instigator_name: state.status.value for state in instance.all_instigator_state()}
    return {name: stored.get(name, default) == "RUNNING" for name, default in defaults.items()}
