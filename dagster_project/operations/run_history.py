"""Dagster's own history (runs, events, checks) in SQLite, with one open connection a file.

The stock class opens, commits and closes a file up to four times an event, and the last to close a file writes its
journal back: four waits for the disk. A refresh has more than a thousand events. Here a file stays open while it is
in use, and a commit does not wait: after a power cut the last events may be missing, the file is whole (SQLite,
"PRAGMA synchronous": NORMAL is consistent in WAL mode).
"""

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dagster import EventLogEntry, StringSource
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.event import listen
from sqlalchemy.pool import QueuePool

MAX_OPEN = 8  # one file a run and one for all; the web page looks at many runs


class RunHistory(SqliteEventLogStorage):
    """The same files in the same place as the stock class ($DAGSTER_HOME/history/runs): either can read the other's."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {"home": StringSource}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "RunHistory":
        return cls(os.path.join(config_value["home"], "history", "runs"), inst_data)  # noqa: PTH118

    def store_event(self, event: EventLogEntry) -> None:
        super().store_event(event)
        os.utime(self.path_for_shard(event.run_id))  # pages that show the run watch this file, not its journal

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            engine = create_engine(
                self.conn_string_for_shard(shard), poolclass=QueuePool, pool_size=1, max_overflow=-1,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )  # fmt: skip
            listen(engine, "connect", lambda connection, _: connection.execute("pragma synchronous = normal"))
            self._initdb(engine)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        while len(self._engines) > MAX_OPEN:
            self._engines.popitem(last=False)[1].dispose()
        return self._engines[shard]

    def dispose(self) -> None:
        while self._engines:
            self._engines.popitem()[1].dispose()
        super().dispose()
