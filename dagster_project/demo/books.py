"""Writes the yearbooks: printed cells and columns, as one wide sheet or one workbook a table.

The wording of headers is a fact of the format and stands in two csv files beside this module, with the first and last
data year of each wording. Variables that start with `x_` are printed columns that no index uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from dagster_project.demo.country import HORIZON, MERGED_CITY, MERGED_INTO, Geography, rows_of, words
from dagster_project.demo.faults import Damage, years_of
from dagster_project.demo.printed import Printed

# printed unit -> factor from the canonical unit, and printed decimals
UNITS = {row["unit"]: (float(row["factor"]), int(row["decimals"])) for row in rows_of("printed_unit.csv")}
DRAWN_IN_PRINTED_UNIT = ("x_households",)


@dataclass(frozen=True)
class Item:
    """One printed quantity: variable, Chinese and English text, unit, and the scopes of its leaf columns.

    Without leaves the scope stands in the table title. shows_unit: the header prints the unit (else the
    title or a unit row does). below: printed one row lower than its neighbour, as a part of it.
    """

    variable: str
    zh: str
    en: str
    unit: str
    leaves: tuple[str, ...]
    title_scope: str
    shows_unit: bool
    below: bool

    @classmethod
    def read(cls, row: dict[str, str]) -> Item:
        """From a row of printed_item.csv."""
        leaves = tuple(filter(None, row["leaves"].split("+")))
        shows_unit, below = row["shows_unit"] == "true", row["below"] == "true"
        words = row["variable_code"], row["header_zh"], row["header_en"], row["unit"]
        return cls(*words, leaves, row["title_scope"], shows_unit, below)

    @property
    def columns(self) -> tuple[str, ...]:
        """Scopes of the columns that are printed."""
        return self.leaves or (self.title_scope,)

    def header(self, width: int) -> str:
        """Chinese header with its unit; blanks as the printer left them."""
        return f"{self.zh}{' ' * width}（{self.unit}）" if self.shows_unit else self.zh

    def scale(self) -> tuple[float, int]:
        """Factor from the canonical to the printed unit, and the decimals printed."""
        factor, decimals = UNITS[self.unit]
        return (1.0 if self.variable in DRAWN_IN_PRINTED_UNIT else factor), decimals


@dataclass(frozen=True)
class Table:
    """One printed table; `unit` is the unit of all its items where the title or a unit row prints it, else ''."""

    number: int
    zh: str
    en: str
    unit: str
    items: tuple[Item, ...]


@cache
def tables_of(year: int) -> tuple[Table, ...]:
    """All tables of the yearbook with data of `year`, in printed order."""
    items = [row for row in rows_of("printed_item.csv") if _holds(row, year)]
    tables = [row for row in rows_of("printed_table.csv") if _holds(row, year)]
    layouts = []
    for row in sorted(tables, key=lambda row: int(row["number"])):
        items_of_table = tuple(Item.read(item) for item in items if item["table_code"] == row["table_code"])
        layouts.append(Table(int(row["number"]), row["title_zh"], row["title_en"], row["unit"], items_of_table))
    return tuple(layouts)


def _holds(row: dict[str, str], year: int) -> bool:
    return int(row["year_from"] or 0) <= year <= int(row["year_to"] or 9999)


type Cell = int | float | str | None

NOTE = "注：SYNTHETIC，全部数值由随机数生成，不是任何城市的真实数据。"


@dataclass(frozen=True)
class Line:
    """One printed row: a city (row number in the printed panel) or a province heading (position None)."""

    position: int | None
    city_id: str
    name_zh: str
    name_en: str

    def write(self, sheet: Worksheet, row: int, indent: str) -> None:
        """Both names; cities below a heading are indented."""
        blank = indent if self.position is not None and not self.city_id.endswith("0000") else ""
        sheet.write_string(row, 0, blank + self.name_zh)
        sheet.write_string(row, 1, blank + self.name_en)


@dataclass
class Print:
    """Everything that a writer needs: the printed panel, the map, which cities and years, and the damage."""

    printed: Printed
    geography: Geography
    cities: tuple[str, ...]
    years: tuple[int, ...]
    damage: Damage

    def city_lines(self, year: int, source: str = "yearbook") -> list[Line]:
        """Printed cities of a year in code order, without headings; a merged city for as long as it prints figures."""
        merged = self.printed.values[("gdp_nom", "city")][self.printed.rows.index(MERGED_CITY), HORIZON.index(year)]
        more = {MERGED_CITY} if MERGED_INTO in self.cities and np.isfinite(merged) else set()
        lines = []
        for city_id in sorted({*self.cities, *more}):
            unit = self.geography.units[city_id]
            name = self.damage.name(source, year, city_id, unit["name_zh"])
            lines.append(Line(self.printed.rows.index(city_id), city_id, name, unit["name_en"]))
        return lines

    def lines(self, year: int) -> list[Line]:
        """City rows with a heading before the first city of each province; municipalities stand alone."""
        lines: list[Line] = []
        last = ""
        for line in self.city_lines(year):
            province = self.geography.units[line.city_id]["province_code"]
            if province != last and f"CN{province}" != line.city_id:
                heading = self.geography.units[f"CN{province}"]
                lines.append(Line(None, f"CN{province}", heading["name_zh"], heading["name_en"]))
            last = province
            lines.append(line)
        return lines

    def cells(
        self,
        column: tuple[str, str],
        year: int,
        lines: Sequence[Line],
        scale: tuple[float, int],
        *,
        source: str = "yearbook",
        vintage: str = "",
        as_text: bool = False,
    ) -> list[Cell]:
        """Cells of one printed column, one per line, with the faults of `source` planted; headings are empty.

        column: variable and scope; scale: factor to the printed unit, and decimals.
        """
        factor, decimals = scale
        numbers = np.round(self.printed.values[column][:, HORIZON.index(year)] * factor, decimals)
        cells: list[Cell] = []
        for row, line in enumerate(lines):
            if line.position is None:
                cells.append(None)
                continue
            number, text = float(numbers[line.position]), as_text and row % 7 != 0
            at = self.damage.find(source, year, vintage, (line.city_id, *column))
            if at is None:
                cells.append(_stored(number, decimals, as_text=text))
                continue
            cells.append(_stored(self.damage.apply(at, number, decimals), decimals, as_text=text))
            self.damage.note(at, "" if cells[-1] is None else str(cells[-1]), number / factor)
        return cells


def _stored(value: float | str | None, decimals: int, *, as_text: bool) -> Cell:
    if value is None or isinstance(value, str):
        return value
    if as_text:
        return f"{value:.{decimals}f}"
    return int(value) if value == int(value) else value


LEAF_ZH = {"city": "全市", "district": "市辖区", "built_up": "市辖区"}
LEAF_EN = {"city": "Total City", "district": "Districts under City", "built_up": "Districts under City"}
FIXED_DATE = datetime(2021, 12, 31)  # a workbook with the date of the run would have another hash every day
FIRST_COLUMN = 2


@dataclass(frozen=True)
class Style:
    """How an edition prints its headers. Rows are counted from 0.

    top: first row of the title; numbered: titles with a table number; english_row: English below the
    Chinese text.
    """

    top: int
    numbered: bool
    english_row: bool
    bilingual_leaf: bool
    indent: str
    sheet: str

    @property
    def item_row(self) -> int:
        """First row under the title, which is two rows high."""
        return self.top + 2

    @property
    def leaf_row(self) -> int:
        """Row of 全市 and 市辖区."""
        return self.item_row + (2 if self.english_row else 1)


def style_of(year: int) -> Style:
    """The look of the edition with data of `year`."""
    if year <= 2014:
        return Style(0, False, True, False, "", "Data")
    if year <= 2016:
        return Style(0, True, True, False, "", "Sheet1")
    return Style(1, True, year >= 2020, True, "  ", "Sheet1")


def open_workbook(path: Path) -> xlsxwriter.Workbook:
    """A new workbook with the mark, put together in memory: a temporary file a part costs as much as all figures."""
    book = xlsxwriter.Workbook(str(path), {"in_memory": True})
    book.set_properties({"created": FIXED_DATE, "title": "SYNTHETIC"})
    return book


def write_wide(path: Path, source: Print, year: int, vintage: str = "") -> None:
    """Write the workbook of one year to `path`."""
    style, tables, as_text = style_of(year), tables_of(year), year in years_of("numbers_as_text")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_workbook(path) as book:
        sheet = book.add_worksheet(style.sheet)
        merge(sheet, style.top, 0, style.top + 1, 1, f"中国{year}年地级以上城市数据 SYNTHETIC")
        merge(sheet, style.item_row, 0, style.leaf_row, 0, "城 市")
        merge(sheet, style.item_row, 1, style.leaf_row, 1, "City")
        lines = source.lines(year)
        first = style.leaf_row + 1
        for row, line in enumerate(lines, first):
            line.write(sheet, row, style.indent)
        column = FIRST_COLUMN
        for table in tables:
            _write_title(sheet, style, table, column)
            for item in table.items:
                _write_item(sheet, style, item, column)
                for scope in item.columns:
                    block = (item.variable, scope), year, lines, item.scale()
                    cells = source.cells(*block, vintage=vintage, as_text=as_text)
                    write_cells(sheet, first, column, cells)
                    column += 1
        sheet.write_string(first + len(lines) + 1, 0, NOTE)
        if year in years_of("second_sheet"):
            book.add_worksheet("更多数据").write_string(0, 0, "SYNTHETIC：本页没有数据，更多数据请看下一册！")


def write_cells(sheet: Worksheet, row: int, column: int, cells: list[Cell]) -> None:
    """Write one column downwards; None leaves the cell out."""
    for at, value in enumerate(cells, row):
        if isinstance(value, str):
            sheet.write_string(at, column, value)
        elif value is not None:
            sheet.write_number(at, column, value)


def merge(sheet: Worksheet, top: int, left: int, bottom: int, right: int, text: str) -> None:
    """Write a text over a range, merged when it is larger than one cell."""
    if (top, left) == (bottom, right):
        sheet.write_string(top, left, text)
    else:
        sheet.merge_range(top, left, bottom, right, text)


def _write_title(sheet: Worksheet, style: Style, table: Table, column: int) -> None:
    width = sum(len(item.columns) for item in table.items)
    text = f"2-{table.number} {table.zh}" if style.numbered else table.zh
    if table.unit:
        text += f"{' ' * 16 if style.numbered else ''}（{table.unit}）"
    merge(sheet, style.top, column, style.top + 1, column + width - 1, text)


def _write_item(sheet: Worksheet, style: Style, item: Item, column: int) -> None:
    """Header cells of one item, over its leaf columns; without leaves the English text is in the last row."""
    last = column + len(item.columns) - 1
    if item.below:
        sheet.write_string(style.leaf_row, column, item.zh if not item.shows_unit else f"{item.zh}（{item.unit}）")
        return
    if not item.leaves:
        merge(sheet, style.item_row, column, style.leaf_row - 1, column, item.header(0))
        sheet.write_string(style.leaf_row, column, item.en)
        return
    if style.english_row:
        merge(sheet, style.item_row, column, style.item_row, last, item.header(1))
        merge(sheet, style.item_row + 1, column, style.item_row + 1, last, item.en)
    else:
        merge(sheet, style.item_row, column, style.item_row, last, f"{item.header(1)}{' ' * 20}{item.en}")
    for at, scope in enumerate(item.leaves, column):
        sheet.write_string(style.leaf_row, at, leaf_text(scope, bilingual=style.bilingual_leaf))


def leaf_text(scope: str, *, bilingual: bool) -> str:
    """全市 or 市辖区, with the English words when the edition prints them."""
    return f"{LEAF_ZH[scope]}{' ' * 18}{LEAF_EN[scope]}" if bilingual else LEAF_ZH[scope]


UNIT_EN = {"万元": "(10 000 yuan)", "人": "(person)", "个": "(unit)", "%": "(%)", "万千瓦时": "(10 000 kW h)"}
INDENT = "  "


def write_tables(folder: Path, source: Print, year: int) -> list[Path]:
    """Write all tables of a year into `folder`; returns the files in table order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths, lines = [], source.lines(year)
    for table in tables_of(year):
        path = folder / f"synthetic_2-{table.number}_{table.zh}.xlsx"
        with open_workbook(path) as book:
            _write_table(book.add_worksheet(f"Sheet{table.number}"), table, source, year, lines)
        paths.append(path)
    return paths


def _write_table(sheet: Worksheet, table: Table, source: Print, year: int, lines: Sequence[Line]) -> None:
    sheet.write_string(1, 0, f"2-{table.number}{table.zh} SYNTHETIC")
    sheet.write_string(3, 0, table.en)
    row = 5
    if table.unit:
        sheet.write_string(row, 0, f"单位：{table.unit}")
        sheet.write_string(row + 2, 0, UNIT_EN[table.unit])
        row += 4
    has_leaf = any(item.leaves or item.below for item in table.items)
    last_header = row + 1 if has_leaf else row
    merge(sheet, row, 0, last_header, 0, "城 市")
    merge(sheet, row, 1, last_header, 1, "City")
    first, column = last_header + 1, FIRST_COLUMN
    for at, line in enumerate(lines, first):
        line.write(sheet, at, INDENT)
    for item in table.items:
        text, last = f"{item.header(1)} {item.en}", column + len(item.columns) - 1
        if item.below:
            sheet.write_string(last_header, column, text)
        elif item.leaves:
            merge(sheet, row, column, row, last, text)
            for at, scope in enumerate(item.leaves, column):
                sheet.write_string(last_header, at, leaf_text(scope, bilingual=True))
        else:
            merge(sheet, row, column, last_header, column, text)
        for scope in item.columns:
            write_cells(sheet, first, column, source.cells((item.variable, scope), year, lines, item.scale()))
            column += 1
    sheet.write_string(first + len(lines) + 1, 0, NOTE)


CORRECTION_COLUMNS = words("source vintage city_id year variable_code scope action value expect reason status")
_ACTIONS = {
    "unit_slip": ("scale", "demo (SYNTHETIC): printed in a unit 10 000 times smaller than the header says"),
    "ocr_number": ("replace", "demo (SYNTHETIC): a letter read for a digit; value of the producer's own table"),
}


def correction_rows(faults: pd.DataFrame) -> pd.DataFrame:
    """One row per slip or misread number; `expect` is the printed text, so the rows belong to one seed.

    A replacement is typed in the unit that the column prints.
    """
    rows = []
    for fault in faults[faults["kind"].isin(list(_ACTIONS))].to_dict("records"):
        action, reason = _ACTIONS[fault["kind"]]
        items = (item for table in tables_of(fault["year"]) for item in table.items)
        factor = next(item.scale()[0] for item in items if item.variable == fault["variable_code"])
        value = "0.0001" if action == "scale" else f"{fault['value'] * factor:.15g}"
        cell = [fault["source"], "", *(fault[key] for key in ("city_id", "year", "variable_code", "scope"))]
        rows.append([*cell, action, value, fault["planted"], reason, "where_printed"])
    return pd.DataFrame(rows, columns=CORRECTION_COLUMNS)
