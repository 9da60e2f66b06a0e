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
from sqlalchemy.engine import Connection, Dialect, Engine

from dagster_project.defs.dead_runs import close_dead_runs
from dagster_project.paths import Paths

MODULE = "dagster_project.definitions"  # what `nqpf ui` serves; also the name of its code location


def prepare_instance(paths: Paths) -> None:
    """DAGSTER_HOME with the instance file that makes the write pool real."""
    paths.dagster_home.mkdir(parents=True, exist_ok=True)
    shipped, file = paths.package / "defs" / "dagster.yaml", paths.dagster_home / "dagster.yaml"
    if not file.exists() or file.read_bytes() != shipped.read_bytes():  # a server may be reading it
        shutil.copyfile(shipped, file)


class _Kept(sqlite3.Connection):
    """Stays open for the next use when it is closed, if is_kept."""

    is_kept, is_free = False, False

    def close(self) -> None:
        self.is_free = self.is_kept
        if not self.is_kept:
            super().close()


class _Statements(dict[Any, Any]):
    """Compiled statements of all engines: their key without its first part, the dialect, of which each has its own."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, statement: Any) -> None:
        super().__setitem__(key[1:], statement)


@contextmanager
def open_event_log() -> Iterator[None]:
    """Keep each SQLite file of Dagster open, and what SQLAlchemy compiles for it, while a run writes to it.

    Dagster makes an engine and opens and closes a file for every event. Whenever the last connection closes, SQLite
    copies the write-ahead log into the file and syncs the disk: 11 times an event.
    `synchronous = normal` is safe in WAL mode: a power cut can cost the last events, never the file.
    Never open such a file other than by SQLite: closing it would drop the locks of this process, and another process
    (Dagster's webserver) would write into the same pages.
    """
    kept: dict[tuple[Any, int], _Kept] = {}
    statements = _Statements()

    def do_connect(dialect: Dialect, _record: object, arguments: list[Any], settings: dict[str, Any]) -> _Kept | None:
        if dialect.name != "sqlite":
            return None
        place = (arguments[0], threading.get_ident())
        if place in kept and kept[place].is_free:
            kept[place].is_free = False
            return kept[place]
        connection = _Kept(*arguments, **{**settings, "check_same_thread": False})
        connection.execute("pragma synchronous = normal")
        if place not in kept and connection.execute("pragma journal_mode").fetchone() == ("wal",):
            connection.is_kept = True
            kept[place] = connection
        return connection

    def engine_connect(connection: Connection) -> None:
        connection.execution_options(compiled_cache=statements)

    event.listen(Engine, "do_connect", do_connect)
    event.listen(Engine, "engine_connect", engine_connect)
    try:
        yield
    finally:
        event.remove(Engine, "do_connect", do_connect)
        event.remove(Engine, "engine_connect", engine_connect)
        for connection in kept.values():
            connection.is_kept = False
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
