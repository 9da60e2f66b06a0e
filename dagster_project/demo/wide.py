"""Writes one yearbook as one wide bilingual sheet: title row, merged headers, province rows as headings."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from dagster_project.demo.cells import NOTE, Cell, Print
from dagster_project.demo.damage import years_of
from dagster_project.demo.layout import Item, Table, tables_of

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


def write_wide(path: Path, source: Print, year: int, vintage: str = "") -> None:
    """Write the workbook of one year to `path`."""
    style, tables, as_text = style_of(year), tables_of(year), year in years_of("numbers_as_text")
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties({"created": FIXED_DATE, "title": "SYNTHETIC"})
        sheet = book.add_worksheet(style.sheet)
        _write_corner(sheet, style, f"中国{year}年地级以上城市数据 SYNTHETIC")
        lines = source.lines(year)
        first = style.leaf_row + 1
        for row, line in enumerate(lines, first):
            indent = style.indent if line.position is not None and not line.city_id.endswith("0000") else ""
            sheet.write_string(row, 0, indent + line.name_zh)
            sheet.write_string(row, 1, indent + line.name_en)
        column = FIRST_COLUMN
        for table in tables:
            _write_title(sheet, style, table, column)
            for item in table.items:
                _write_item(sheet, style, item, column)
                for scope in item.columns:
                    cells = source.column(item, scope, year, lines, vintage=vintage, as_text=as_text)
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


def _write_corner(sheet: Worksheet, style: Style, title: str) -> None:
    merge(sheet, style.top, 0, style.top + 1, 1, title)
    merge(sheet, style.item_row, 0, style.leaf_row, 0, "城 市")
    merge(sheet, style.item_row, 1, style.leaf_row, 1, "City")


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
