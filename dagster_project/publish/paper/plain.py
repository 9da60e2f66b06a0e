"""Rows as they are, with their types: CSV or Parquet of any query on a published file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

from dagster_project.publish.exhibits.reader import Reader, name_words
from dagster_project.publish.paper.excel import frame_to_excel
from dagster_project.publish.paper.inert import csv_select
from dagster_project.published import open_side_by_side, sql_path

OPTIONS = {"csv": "format csv, header true", "parquet": "format parquet, compression zstd"}


def rows_as(file: Path, reader: Reader, sql: str, format: str) -> bytes:
    """The rows of `sql` (as `reader` takes it) over the file, attached read-only; `format`: csv, parquet or excel.

    CSV: text that a spreadsheet would compute gets an apostrophe, lists become one text (see inert).
    """
    text, values = reader.ready(sql)
    if format == "excel":
        return frame_to_excel(reader.con.execute(text, values).df())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        target = folder / f"rows.{format}"
        with open_side_by_side({"published": file}, may_write=[folder]) as con:
            con.execute("use published")
            name_words(con, reader.words, reader.scope.boundary_vintage)
            con.execute(f"create temp table exported as {text}", values)
            rows = "temp.exported" if format == "parquet" else f"(select {_inert(con)} from temp.exported)"
            con.execute(f"copy (from {rows}) to '{sql_path(target)}' ({OPTIONS[format]})")
        return target.read_bytes()


def _inert(con: duckdb.DuckDBPyConnection) -> str:
    described = con.execute("describe temp.exported").fetchall()
    return csv_select([(str(row[0]), str(row[1])) for row in described])
