"""A workbook for people: what to read first, the ranking, the city-year panel and the front room, labelled."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from dagster_project.publish.citation import FORMS, Cited, citation
from dagster_project.publish.exhibits.reader import SYNTHETIC, Reader
from dagster_project.publish.locale import msg
from dagster_project.publish.paper.city_panel import CityPanel
from dagster_project.publish.paper.described import Described, read_table

MAX_ROWS = 1_000_000  # of a sheet
MAX_TEXT = 32_767
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": False}
FIRST = ("name_en", "name_zh", "year")  # stay in sight
# Sheets between the panel and the dictionary: what the front room answers.
FRONT_ROOM = ("gap", "inequality", "moran", "markov", "effects", "dropped")
SOURCES_SQL = "select * from mart.mart_source_load order by source, data_year, load_no"
READ_FIRST = (
    msg("Scores are in points: 0 to 100 over the base window, and beyond it only in later years."),
    msg("A city has a score in years in which it has every indicator; sheet dropped says who is missing, and why."),
    msg("Imputed and edited figures are used; the columns of the weight of imputed values say how much rests on them."),
    msg("z_ columns are scaled so that higher is better, also where the indicator itself is better low."),
    msg("Row 1 says what a column is, row 2 its unit, row 3 its name in the database; figures start in row 4."),
)


type _Line = tuple[str, str, str]  # of the first sheet: head, text, sheet that the head leads to


@dataclass(frozen=True)
class _Sheet:
    """`frozen`: how many columns stay in sight."""

    name: str
    table: Described
    frozen: int = 0


def frame_to_excel(frame: pd.DataFrame) -> bytes:
    """One sheet with the rows, under the names of the columns."""
    return _book([_Sheet("rows", Described(frame))])


def table_to_excel(table: Described, name: str, sources: Sequence[str]) -> bytes:
    """The rows under label, unit and name of each column, and a sheet that says what they are and where from."""
    about = [("about", table.about, ""), *(("", text, "") for text in sources)]
    return _book([_arranged(name.rpartition(".")[2], table)], about)


def to_excel(reader: Reader, panel: CityPanel, source: Cited) -> bytes:
    """About a dozen sheets: about (contents, what to read first, how to cite), ranking, panel with groups in words, the
    answers of schema easy, dictionary, sources. No text can become a formula. Sheets without rows are left out."""
    is_zh = reader.words.language == "zh"
    sheets = []
    for name in ("ranking", *FRONT_ROOM):
        table = read_table(reader, f"easy.{name}", order="year desc, rank_year" if name == "ranking" else "")
        if table is not None and len(table.frame):
            sheets.append(_arranged(name, table))
    sheets.insert(1 if sheets and sheets[0].name == "ranking" else 0, _arranged("panel", _in_words(panel, is_zh=is_zh)))
    sheets.append(_Sheet("dictionary", _dictionary(sheets)))
    if reader.has("mart_source_load"):
        sheets.append(_Sheet("sources", Described(reader.con.execute(SOURCES_SQL).df())))
    about = _about(reader, sheets, source)
    return _book(sheets, about, title=f"NQPF {reader.scope.release}", created=reader.scope.built)


def _in_words(panel: CityPanel, *, is_zh: bool) -> Described:
    """Group numbers become names."""
    labels, values = (panel.labels_zh, panel.values_zh) if is_zh else (panel.labels, panel.values)
    frame = panel.frame.copy()
    for name, words in (values or panel.values).items():
        frame[name] = frame[name].map(words)
    return Described(
        frame,
        {**panel.labels, **labels},
        panel.units,
        "Cities and years with a score: groups, scores, indicators as constructed and scaled, controls.",
    )


def _arranged(name: str, table: Described) -> _Sheet:
    """Names and year first, so that they can stay in sight."""
    columns = [str(column) for column in table.frame.columns]
    first = [column for column in FIRST if column in columns] if FIRST[0] in columns else []
    frame = table.frame[[*first, *(column for column in columns if column not in first)]]
    year = columns.index("year") + 1 if "year" in columns[:3] else 1
    return _Sheet(name[:31], replace(table, frame=frame), len(first) or year)


def _dictionary(sheets: Sequence[_Sheet]) -> Described:
    rows = [
        (sheet.name, str(column), sheet.table.labels.get(str(column), ""), sheet.table.units.get(str(column), ""))
        for sheet in sheets
        for column in sheet.table.frame.columns
    ]
    return Described(pd.DataFrame(rows, columns=["sheet", "column", "meaning", "unit"]), about="Columns of all sheets.")


def _about(reader: Reader, sheets: Sequence[_Sheet], source: Cited) -> list[_Line]:
    say, others = reader.words.gettext, "nqpf export --table NAME --format excel --out FILE writes one."
    return [
        *([("SYNTHETIC", say(SYNTHETIC), "")] if reader.scope.is_synthetic else []),
        ("origin", reader.origin, ""),
        *(("" if k else "read this first", say(text), "") for k, text in enumerate(READ_FIRST)),
        *((one.name, f"{len(one.table.frame):,} rows. {one.table.about}".strip(), one.name) for one in sheets),
        ("other tables", f"nqpf tables lists them; {others}", ""),
        *((f"how to cite ({form})", citation(source, form), "") for form in FORMS),
    ]


def _book(sheets: Sequence[_Sheet], about: Sequence[_Line] = (), **properties: Any) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, OPTIONS)
    if properties:
        book.set_properties(properties)
    writer = _Writer(book)
    if about and len(sheets) > 1:
        writer.about(about)
    for sheet in sheets:
        writer.write(sheet)
    if about and len(sheets) == 1:
        writer.about(about)
    book.close()
    return buffer.getvalue()


class _Writer:
    """Writes tables as sheets of one workbook."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.book = book
        shade = {"bg_color": "#eef2f7", "valign": "top"}
        self.head = book.add_format({"bold": True, "bottom": 1, **shade})
        self.label = book.add_format({"text_wrap": True, **shade})
        self.unit = book.add_format({"italic": True, "font_color": "#5b6470", "text_wrap": True, **shade})
        self.quoted = book.add_format({"quote_prefix": True})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self.strong = book.add_format({"bold": True, "valign": "top"})
        self.link = book.add_format({"font_color": "#1f6fae", "underline": 1, "valign": "top"})
        self.formats: dict[str, Format] = {}

    def about(self, lines: Sequence[_Line]) -> None:
        sheet = self.book.add_worksheet("about")
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 110)
        for row, (head, text, target) in enumerate(lines):
            if target:
                sheet.write_url(row, 0, f"internal:'{target}'!A1", self.link, head)
            else:
                sheet.write_string(row, 0, head, self.strong)
            sheet.write_string(row, 1, text, self.wrapped)

    def write(self, content: _Sheet) -> None:
        """Label, unit and name above each column; only the names where there is no label."""
        table, frame = content.table, content.table.frame
        sheet = self.book.add_worksheet(content.name)
        top = 2 if table.labels else 0
        for k, column in enumerate(map(str, frame.columns)):
            unit = table.units.get(column, "")
            if top:
                sheet.write_string(0, k, table.labels.get(column, ""), self.label)
                sheet.write_string(1, k, unit, self.unit)
            sheet.write_string(top, k, column, self.head)
            sheet.set_column(k, k, self._column(sheet, top + 1, k, frame.iloc[:, k], unit))
        if top:
            sheet.set_row(0, 62)
            sheet.set_row(1, 32)
        sheet.freeze_panes(top + 1, content.frozen)
        if len(frame.columns):
            sheet.autofilter(top, 0, top + len(frame), len(frame.columns) - 1)

    def _column(self, sheet: Worksheet, top: int, k: int, values: pd.Series[Any], unit: str) -> float:
        """Write the cells; returns the width that they need."""
        name = str(values.name)
        is_flag, is_number = values.dtype.kind == "b" or str(values.dtype) == "boolean", values.dtype.kind in "iuf"
        if is_flag or is_number:
            style, width = None if is_flag else self._format(number_format(name, values, unit)), 8 if is_flag else 11
        else:
            values = values.map(_text, na_action="ignore")
            width = max((_width(text) for text in values.dropna().head(500)), default=0)
        for row, value in enumerate(values.tolist(), start=top):
            if pd.isna(value) or (isinstance(value, float) and not math.isfinite(value)):
                continue
            if is_flag:
                sheet.write_boolean(row, k, bool(value))
            elif is_number:
                sheet.write_number(row, k, value, style)
            else:
                sheet.write_string(row, k, value, self.quoted if value.startswith(FORMULA_STARTS) else None)
        return min(60, max(width, len(name))) + 2

    def _format(self, code: str) -> Format:
        if code not in self.formats:
            self.formats[code] = self.book.add_format({"num_format": code})
        return self.formats[code]


def number_format(name: str, values: pd.Series[Any], unit: str = "") -> str:
    """How Excel shows a column: no separator in years, thousands in counts, one decimal in points and percents, four in
    p-values, else as many as its middle figure needs for three digits. The cell keeps the whole figure."""
    if name == "year" or name.endswith(("_year", "_id", "_code")):
        return "0"
    if name == "p" or name.startswith("p_") or name.endswith("_p"):
        return "0.0000"
    numbers = pd.to_numeric(values, errors="coerce").dropna().astype("float64")
    size = float(numbers.abs()[numbers != 0].median()) if (numbers != 0).any() else 0.0
    if (numbers == numbers.round()).all() or size >= 1000:
        return "#,##0"
    if unit.startswith(("points", "percent", "0-100")) and size >= 0.1:
        return "0.0"
    if size < 0.0001:
        return "0.00E+00"
    return "0." + "0" * max(1, 2 - math.floor(math.log10(size)))


def _width(text: str) -> int:
    """In characters; Chinese ones take two."""
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)


def _text(value: Any) -> str:
    is_list = isinstance(value, list | tuple) or (hasattr(value, "tolist") and not isinstance(value, str))
    text = ", ".join(str(part) for part in value) if is_list else str(value)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
