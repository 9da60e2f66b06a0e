"""Rows as they are, with their types: CSV or Parquet of any query on a published file."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import duckdb

OPTIONS = {"csv": "format csv, header true", "parquet": "format parquet, compression zstd"}


def rows_as(file: Path, sql: str, parameters: Mapping[str, str], format: str) -> bytes:
    """The rows of `sql` over the DuckDB file, attached read-only; `format` is csv or parquet."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        target = Path(folder) / f"rows.{format}"
        con.execute(f"attach '{_quoted(file)}' as published (read_only)")
        con.execute("use published")
        con.execute(f"create temp table exported as {sql}", dict(parameters))
        con.execute(f"copy (from temp.exported) to '{_quoted(target)}' ({OPTIONS[format]})")
        return target.read_bytes()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
