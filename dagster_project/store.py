"""The one way to the build file: short-lived connections, frames in and out. No SQL about meaning here."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

DATABASE_MEMORY = "NQPF_DATABASE_MEMORY"
SCHEMA_SQL = Path(__file__).with_name("schema.sql")
CHUNK_VECTORS = 50  # of 2,048 rows
WAIT_SECONDS, LOOK_SECONDS = 5.0, 0.05  # for a build file that another process has open


class WarehouseBusy(Exception):
    """Another process holds the build file."""


def memory_config() -> dict[str, str | bool | int | float | list[str]]:
    """DuckDB's share of the memory that a refresh may take, e.g. 1.5GB; nothing: its own rule."""
    limit = os.environ.get(DATABASE_MEMORY, "")
    return {"memory_limit": limit} if limit else {}


class Warehouse:
    """Private build file (schemas raw, seed, stg, reading, edit, gate, int, py, mart, ops). One writer at a time."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._held: duckdb.DuckDBPyConnection | None = None

    def prepare(self) -> None:
        """Create the file and the tables that Python owns, if they are not there."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.connect() as con:
            con.execute(SCHEMA_SQL.read_text(encoding="utf-8"))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Everything inside goes through one connection: opening the file costs more than a query."""
        before = self._held
        with self.connect() as con:
            self._held = con
            try:
                yield
            finally:
                self._held = before

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._held is not None:
            with self._held.cursor() as cursor:
                yield cursor
            return
        con = self._open(read_only=read_only)
        try:
            yield con
        finally:
            con.close()

    def _open(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        """Another process may read the file for a moment (the landing sensor does): try for some seconds."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                return duckdb.connect(str(self.file), read_only=read_only, config=memory_config())
            except duckdb.IOException as error:
                if "lock" not in str(error).lower():
                    raise
                if time.monotonic() > end:
                    raise WarehouseBusy(
                        f"The build file {self.file} is in use by another process. "
                        "Wait for the other run to end, or stop it, and run again."
                    ) from error
            time.sleep(LOOK_SECONDS)

    def read_frame(self, sql: str, parameters: list[object] | None = None) -> pd.DataFrame:
        with self.connect(read_only=True) as con:
            return _frame(con.execute(sql, parameters or []))

    def read_value(self, sql: str, parameters: list[object] | None = None) -> Any:
        """The first column of the first row; None where there is no row."""
        with self.connect(read_only=True) as con:
            row = con.execute(sql, parameters or []).fetchone()
        return row[0] if row else None

    def read_frames(self, queries: Mapping[str, str]) -> dict[str, pd.DataFrame]:
        """label -> query in, label -> rows out, over one connection."""
        with self.connect(read_only=True) as con:
            return {label: _frame(con.execute(sql)) for label, sql in queries.items()}

    def replace_in_parts(
        self, parts: Iterable[Mapping[str, pd.DataFrame]], columns: Mapping[str, Mapping[str, str]]
    ) -> dict[str, int]:
        """Replace whole tables by frames, all of them in one transaction. Returns table -> rows.

        columns: table -> column -> type. A column that a frame lacks is null, one that is not named there is left out.
        Parts add to a table: none has to fit in memory. The file is held while they are made.
        """
        rows = dict.fromkeys(columns, 0)
        with self.connect() as con:
            con.execute("begin")
            for table, types in columns.items():
                con.execute(f"create or replace table {table} ({', '.join(f'"{n}" {t}' for n, t in types.items())})")
            for part in parts:
                for table, frame in part.items():
                    names = [name for name in columns[table] if name in frame]
                    if names and len(frame):
                        con.register("incoming", frame[names])
                        con.execute(f"insert into {table} by name select * from incoming")
                        con.unregister("incoming")
                    rows[table] += len(frame)
            con.execute("commit")
        return rows

    def replace_rows(self, table: str, frame: pd.DataFrame, **where: object) -> None:
        """Delete the rows that match `where` (all without it), append the frame by column name: rerun-safe."""
        condition = " and ".join(f"{column} = ?" for column in where) or "true"
        with self.connect() as con:
            con.register("incoming", frame)
            con.execute("begin")
            con.execute(f"delete from {table} where {condition}", list(where.values()))
            con.execute(f"insert into {table} by name from incoming")
            con.execute("commit")


def _frame(result: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """All rows. Each different text is one object, however often it occurs: a third of the memory of `df()`."""
    text_pool: dict[str, str] = {}
    chunks = [_with_shared_text(result.fetch_df_chunk(CHUNK_VECTORS), text_pool)]
    while len(chunks[-1]):
        chunks.append(_with_shared_text(result.fetch_df_chunk(CHUNK_VECTORS), text_pool))
    full = chunks[:-1]  # the last one is empty
    return full[0] if len(full) == 1 else pd.concat(full or chunks, ignore_index=True)


def _with_shared_text(chunk: pd.DataFrame, text_pool: dict[str, str]) -> pd.DataFrame:
    for name, dtype in chunk.dtypes.items():
        if isinstance(dtype, pd.StringDtype):
            codes, texts = pd.factorize(chunk[name])
            shared = np.array([*(text_pool.setdefault(text, text) for text in texts), np.nan], dtype=object)
            chunk[name] = pd.Series(shared[codes], dtype=dtype)  # code -1 is the last one: no value
    return chunk
