"""Rows as they are, with their types: CSV or Parquet of any query on a published file; small tables also printed."""

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from dagster_project.publish.exhibits.exhibit import Grid, Row
from dagster_project.publish.exhibits.reader import SYNTHETIC, Reader, name_words
from dagster_project.publish.inert import csv_select, figure
from dagster_project.publish.paper.described import Described
from dagster_project.published import open_side_by_side, sql_path

OPTIONS = {"csv": "format csv, header true", "parquet": "format parquet, compression zstd"}


def rows_as(file: Path, reader: Reader, sql: str, format: str) -> bytes:
    """The rows of `sql` (as `reader` takes it) over the file, attached read-only; `format`: csv or parquet.

    CSV: text that a spreadsheet would compute gets an apostrophe, lists become one text (see inert).
    """
    text, values = reader.ready(sql)
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


def as_grid(table: Described, name: str, reader: Reader) -> Grid:
    """The table as it is printed: every column, floating-point numbers with six significant digits."""
    frame = table.frame
    numeric = [frame.iloc[:, k].dtype.kind in "iuf" for k in range(frame.shape[1])]
    mark = [f"{SYNTHETIC}."] if reader.scope.is_synthetic else []
    return Grid(
        name,
        table.about or name,
        tuple(map(str, frame.columns)),
        tuple(not is_number for is_number in numeric),
        tuple(Row("body", tuple(map(_printed, row))) for row in frame.itertuples(index=False, name=None)),
        (*mark, reader.origin),
    )


def _printed(value: Any) -> str:
    if isinstance(value, list | tuple) or hasattr(value, "tolist"):
        value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value))
    if isinstance(value, float):
        return figure(value)
    return "" if value is None or value is pd.NA or value is pd.NaT else str(value)


def _inert(con: duckdb.DuckDBPyConnection) -> str:
    columns = con.execute("describe temp.exported").fetchall()
    return csv_select([(str(row[0]), str(row[1])) for row in columns])
