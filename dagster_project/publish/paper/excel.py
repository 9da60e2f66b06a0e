"""A workbook for people: the city-year panel, every small table, a dictionary, the sources."""

from __future__ import annotations

import io
import math
from typing import Any

import duckdb
import pandas as pd
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from dagster_project.publish.exhibits.reader import SYNTHETIC, Reader, Scope, tables_of
from dagster_project.publish.paper.city_panel import CityPanel

MAX_ROWS = 5000  # of a table that gets a sheet; larger ones are Parquet's business
MAX_TEXT = 32_767
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
SOURCES = "mart_source_load"
OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": False}
DICTIONARY_SQL = """
select c.table_name, c.column_name, lower(c.data_type) as data_type, c.comment as description,
    t.comment as table_description
from duckdb_columns() as c join duckdb_tables() as t using (database_name, schema_name, table_name)
where c.schema_name = 'mart' order by c.table_name, c.column_index
"""


def frame_to_excel(frame: pd.DataFrame) -> bytes:
    """One sheet with the rows."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, OPTIONS)
    _Writer(book).write("rows", frame)
    book.close()
    return buffer.getvalue()


def to_excel(reader: Reader, panel: CityPanel) -> bytes:
    """Sheets: about, panel, one a table of at most 5000 rows, dictionary, sources. No text can become a formula."""
    con, scope = reader.con, reader.scope
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, OPTIONS)
    book.set_properties({"title": f"NQPF {scope.release}", "created": scope.built})
    writer = _Writer(book)
    counts = {name: _count(con, name) for name in tables_of(con)}
    small = [name for name, n in counts.items() if 0 < n <= MAX_ROWS and name != SOURCES]
    writer.write("about", _about(scope, counts, small))
    writer.write("panel", panel.frame)
    for name in small:
        writer.write(name.removeprefix("mart_"), con.execute(f'from mart."{name}"').df())
    writer.write("dictionary", pd.concat([_panel_dictionary(panel), con.execute(DICTIONARY_SQL).df()]))
    if SOURCES in counts:
        writer.write("sources", con.execute(f"from mart.{SOURCES} order by source, data_year, load_no").df())
    book.close()
    return buffer.getvalue()


class _Writer:
    """Writes frames as sheets of one workbook."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.book = book
        self.head = book.add_format({"bold": True, "bottom": 1})
        self.quoted = book.add_format({"quote_prefix": True})

    def write(self, name: str, frame: pd.DataFrame) -> None:
        sheet = self.book.add_worksheet(self._name(name))
        for k, column in enumerate(frame.columns):
            sheet.write_string(0, k, str(column), self.head)
        for row, values in enumerate(frame.itertuples(index=False, name=None), start=1):
            for k, value in enumerate(values):
                self._cell(sheet, row, k, value)
        sheet.freeze_panes(1, 0)
        if len(frame.columns):
            sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)

    def _name(self, name: str) -> str:
        taken = {sheet.get_name().lower() for sheet in self.book.worksheets()}
        cut = name[:31]
        return cut if cut.lower() not in taken else f"{name[:28]}~{len(taken)}"

    def _cell(self, sheet: Worksheet, row: int, column: int, value: Any) -> None:
        if value is None or value is pd.NA or value is pd.NaT:
            return
        if isinstance(value, bool) or type(value).__name__ == "bool_":
            sheet.write_boolean(row, column, bool(value))
        elif isinstance(value, int | float) or (hasattr(value, "dtype") and getattr(value, "ndim", 1) == 0):
            if math.isfinite(value):
                sheet.write_number(row, column, float(value))
        else:
            text = _text(value)
            sheet.write_string(row, column, text, self.quoted if text.startswith(FORMULA_STARTS) else None)


def _text(value: Any) -> str:
    is_list = isinstance(value, list | tuple) or (hasattr(value, "tolist") and not isinstance(value, str))
    text = ", ".join(str(part) for part in value) if is_list else str(value)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _about(scope: Scope, counts: dict[str, int], small: list[str]) -> pd.DataFrame:
    rows: list[tuple[str, str]] = [("SYNTHETIC", SYNTHETIC)] if scope.is_synthetic else []
    rows += [("origin", scope.origin), ("panel", f"Cities and years with a score of {scope.index}; see dictionary.")]
    for name, n in counts.items():
        where = "in this workbook" if name in small or name == SOURCES else "no rows in this release"
        if n > MAX_ROWS and name != SOURCES:
            where = f"left out: above {MAX_ROWS} rows; use Parquet or CSV"
        rows.append((name, f"{n} rows, {where}"))
    return pd.DataFrame(rows, columns=["item", "text"])


def _panel_dictionary(panel: CityPanel) -> pd.DataFrame:
    rows = []
    for name in panel.frame.columns:
        words = "; ".join(f"{k} {text}" for k, text in panel.values.get(name, {}).items())
        unit = panel.units.get(name, words)
        text = panel.labels.get(name, name) + (f". Unit: {unit}." if unit else ".")
        rows.append(("panel", name, str(panel.frame[name].dtype).lower(), text, "One row per city and year."))
    return pd.DataFrame(rows, columns=["table_name", "column_name", "data_type", "description", "table_description"])


def _count(con: duckdb.DuckDBPyConnection, name: str) -> int:
    return int(con.execute(f'select count(*) from mart."{name}"').fetchall()[0][0])
