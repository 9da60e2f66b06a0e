"""Writes one yearbook as one workbook a table: title rows, a unit row, bilingual headers, indented names."""

from pathlib import Path

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from dagster_project.demo.cells import NOTE, Print
from dagster_project.demo.layout import Table, tables_of
from dagster_project.demo.wide import FIRST_COLUMN, FIXED_DATE, leaf_text, merge, write_cells

UNIT_EN = {"万元": "(10 000 yuan)", "人": "(person)", "个": "(unit)", "%": "(%)", "万千瓦时": "(10 000 kW h)"}
INDENT = "  "


def write_tables(folder: Path, source: Print, year: int) -> list[Path]:
    """Write all tables of a year into `folder`; returns the files in table order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for table in tables_of(year):
        path = folder / f"synthetic_2-{table.number}_{table.zh}.xlsx"
        with xlsxwriter.Workbook(str(path)) as book:
            book.set_properties({"created": FIXED_DATE, "title": "SYNTHETIC"})
            _write_table(book.add_worksheet(f"Sheet{table.number}"), table, source, year)
        paths.append(path)
    return paths


def _write_table(sheet: Worksheet, table: Table, source: Print, year: int) -> None:
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
    first, lines, column = last_header + 1, source.lines(year), FIRST_COLUMN
    for at, line in enumerate(lines, first):
        indent = INDENT if line.position is not None and not line.city_id.endswith("0000") else ""
        sheet.write_string(at, 0, indent + line.name_zh)
        sheet.write_string(at, 1, indent + line.name_en)
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
            write_cells(sheet, first, column, source.column(item, scope, year, lines))
            column += 1
    sheet.write_string(first + len(lines) + 1, 0, NOTE)
