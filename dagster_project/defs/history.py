"""Dagster's history without a wait for the disk at each of some thousand events."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.event_log.sqlite import sqlite_event_log
from sqlalchemy import event  # comes with Dagster, which keeps its history by it
from sqlalchemy.engine import Dialect, Engine

SQLITE = "sqlite"


@contextmanager
def quick_history() -> Iterator[None]:
    """While it is open, events of a run cost a tenth of what they cost else; afterwards all is as it was.

    Dagster opens a file for each event and closes it again. Three things make that slow. A commit waits for the disk:
    here only checkpoints do, so that a killed run still loses nothing, and a power cut the last events at most (the
    file itself stays sound). The last connection that closes copies the write-ahead log into the file: here one more
    connection, which nobody uses, stays open beside the others. And SQLAlchemy's engine, which knows how to say a
    statement once it has said it, is made for each event: here there is one a file.
    """
    with ExitStack() as open_beside, _one_engine_a_file():
        known: set[str] = set()

        def connect(dialect: Dialect, _record: Any, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
            if dialect.name != SQLITE:
                return None  # SQLAlchemy connects as it would without this
            made = dialect.connect(*args, **settings)
            made.execute("pragma synchronous = normal")
            file = str(args[0])
            if file not in known and _has_log(file):
                known.add(file)
                beside = open_beside.enter_context(closing(sqlite3.connect(file, check_same_thread=False)))
                beside.execute("select count(*) from sqlite_master").fetchone()  # before that it is not really open
            return made

        event.listen(Engine, "do_connect", connect)
        try:
            yield
        finally:
            event.remove(Engine, "do_connect", connect)


@contextmanager
def _one_engine_a_file() -> Iterator[None]:
    names, known = vars(sqlite_event_log), dict[str, Engine]()
    create = names["create_engine"]

    def engine(address: str, **settings: Any) -> Engine:
        if address not in known:
            known[address] = create(address, **settings)
        return known[address]

    names["create_engine"] = engine
    try:
        yield
    finally:
        names["create_engine"] = create


def _has_log(file: str) -> bool:
    """A file of Dagster gets its write-ahead log when its tables are made: byte 18 of the file says 2 then."""
    try:
        with Path(file).open("rb") as stream:
            return stream.read(20)[18:19] == b"\x02"
    except OSError:
        return False
