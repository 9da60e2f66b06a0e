"""Dagster's own folder of one warehouse: its settings, its event log, which schedules and sensors are on."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
from sqlalchemy import event  # a dependency of Dagster, which opens its SQLite files by it
from sqlalchemy.engine import Dialect, Engine

from dagster_project.defs.dead_runs import close_dead_runs
from dagster_project.paths import Paths

MODULE = "dagster_project.definitions"  # what `nqpf ui` serves; also the name of its code location


def prepare_instance(paths: Paths) -> None:
    """DAGSTER_HOME with the instance file that makes the write pool real."""
    paths.dagster_home.mkdir(parents=True, exist_ok=True)
    source, file = paths.package / "defs" / "dagster.yaml", paths.dagster_home / "dagster.yaml"
    if not file.exists() or file.read_bytes() != source.read_bytes():  # a server may be reading it
        shutil.copyfile(source, file)


class _ReusableConnection(sqlite3.Connection):
    """Is not closed but idle after use, if is_reusable."""

    is_reusable, is_idle = False, False

    def close(self) -> None:
        self.is_idle = self.is_reusable
        if not self.is_reusable:
            super().close()


@contextmanager
def open_event_log() -> Iterator[None]:
    """Keep each SQLite file of Dagster open while a run writes to it.

    Dagster makes an engine and opens and closes a file for every event. Whenever the last connection closes, SQLite
    copies the write-ahead log into the file and syncs the disk: 11 times an event.
    `synchronous = normal` is safe in WAL mode: a power cut can cost the last events, never the file.
    Never open such a file other than by SQLite: closing it would drop the locks of this process, and another process
    (Dagster's webserver) would write into the same pages.
    """
    connections: dict[tuple[Any, int], _ReusableConnection] = {}

    def do_connect(
        dialect: Dialect, _record: object, arguments: list[Any], settings: dict[str, Any]
    ) -> _ReusableConnection | None:
        if dialect.name != "sqlite":
            return None
        place = (arguments[0], threading.get_ident())
        if place in connections and connections[place].is_idle:
            connections[place].is_idle = False
            return connections[place]
        connection = _ReusableConnection(*arguments, **{**settings, "check_same_thread": False})
        connection.execute("pragma synchronous = normal")
        if place not in connections and connection.execute("pragma journal_mode").fetchone() == ("wal",):
            connection.is_reusable = True
            connections[place] = connection
        return connection

    event.listen(Engine, "do_connect", do_connect)
    try:
        yield
    finally:
        event.remove(Engine, "do_connect", do_connect)
        for connection in connections.values():
            connection.is_reusable = False
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
        status_of = {state.instigator_name: state.status.value for state in instance.all_instigator_state()}
    return {name: status_of.get(name, default) == "RUNNING" for name, default in defaults.items()}
