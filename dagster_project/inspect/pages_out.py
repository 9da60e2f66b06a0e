"""A document for people: a workbook twin to correct and land, and a page with the scan and the figures beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import xlsxwriter

from dagster_project.files import sha256_of
from dagster_project.ingest.apart import apart
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.pages.job import crops, page_picture
from dagster_project.ingest.pages.read import Cell
from dagster_project.ingest.pages.twin import BOX_COLUMNS, BOXES, DOUBTS
from dagster_project.ingest.sheet import Sheet, cell_address
from dagster_project.publish.exhibits.markup import html_page


def write_twin(file: Path, sheets: Sequence[Sheet], cells: Sequence[Cell], out: Path, limits: Limits) -> None:
    """Tables as sheets, doubted figures yellow with a question mark; the crops of their ink; the box of each cell."""
    doubts = [cell for cell in cells if cell.flag]
    book = xlsxwriter.Workbook(str(out), {"strings_to_formulas": False, "strings_to_urls": False})
    yellow, head = book.add_format({"bg_color": "#FFE3A8"}), book.add_format({"bold": True})
    values = {(cell.sheet, cell.sheet_row, cell.sheet_column): cell for cell in cells}
    names = {sheet.name: f"table {at}" for at, sheet in enumerate(sheets, 1)}
    boxes = []
    for sheet in sheets:
        grid = book.add_worksheet(names[sheet.name])
        for row, column, text, place in _cells(sheet):
            cell = values.get((sheet.name, row, column))
            if cell is not None and cell.value is not None and not cell.flag:
                grid.write_number(row - 1, column - 1, cell.value)
            else:
                grid.write_string(row - 1, column - 1, text, yellow if cell is not None and cell.flag else None)
            boxes += [(names[sheet.name], str(row), str(column), place)] if place else []
        for r1, c1, r2, c2 in sheet.merged:
            text = next((t for r, c, t, _ in _cells(sheet) if (r, c) == (r1, c1)), "")
            grid.merge_range(r1 - 1, c1 - 1, r2 - 1, c2 - 1, text)
        last = int(sheet.row_no.max()) + 1
        grid.write_string(last, 0, f"注: {file.name}, sha256 {sha256_of(file)}")
    page = book.add_worksheet(DOUBTS)
    page.write_row(0, 0, ["sheet", "cell", "row", "column", "read as", "why", "score", "ink"], head)
    pictures = _crops(file, doubts, limits)
    for at, (cell, picture) in enumerate(zip(doubts, pictures, strict=True), 1):
        address = cell_address(cell.sheet_row, cell.sheet_column)
        path = cell.header_path.replace("|", " / ")
        page.write_row(at, 0, [names[cell.sheet], address, cell.row_label, path, cell.text, cell.flag, cell.score])
        page.set_row(at, 32)
        page.insert_image(at, 7, "ink.png", {"image_data": io.BytesIO(picture)})
    hidden = book.add_worksheet(BOXES)
    for at, line in enumerate([BOX_COLUMNS, *boxes]):
        hidden.write_row(at, 0, line)
    hidden.hide()
    book.close()


def _cells(sheet: Sheet) -> list[tuple[int, int, str, str]]:
    place = [""] * len(sheet.text) if sheet.place is None else sheet.place.tolist()
    return list(zip(sheet.row_no.tolist(), sheet.col_no.tolist(), sheet.text.tolist(), place, strict=True))


def _crops(file: Path, cells: Sequence[Cell], limits: Limits) -> list[bytes]:
    if not cells:
        return []
    return apart(crops, file, [(cell.page, cell.box) for cell in cells], where=str(file), limits=limits)


def write_view(file: Path, cells: Sequence[Cell], out: Path, limits: Limits) -> None:
    """One page of HTML that needs nothing else: doubts first, then each page of the scan with its figures beside it."""
    pairs = list(enumerate(cells))
    in_doubt = [(at, cell) for at, cell in pairs if cell.flag]
    pictures = _crops(file, [cell for _, cell in in_doubt], limits)
    doubts = [(at, cell, _text(ink)) for (at, cell), ink in zip(in_doubt, pictures, strict=True)]
    pages = []
    for number in sorted({cell.page for cell in cells}):
        on_page = [(at, cell) for at, cell in pairs if cell.page == number]
        picture, width, height = apart(page_picture, file, number, where=str(file), limits=limits)
        pages.append(_page(number, on_page, picture, width, height))
    template = Path(__file__).with_name("scan.html.j2")
    page = html_page(template, title=file.name, n=len(cells), doubts=doubts, pages=pages)
    out.write_text(page, encoding="utf-8")


def _page(number: int, cells: list[tuple[int, Cell]], picture: bytes, width: float, height: float) -> dict[str, object]:
    """What the template shows of one page: its picture, its cells, and their grid by rows."""
    heads = {cell.column: cell.header_path for _, cell in cells}
    rows: dict[int, dict[int, tuple[int, Cell]]] = {}
    for at, cell in cells:
        rows.setdefault(cell.row, {})[cell.column] = (at, cell)
    return {
        "number": number,
        "picture": _text(picture),
        "width": f"{width:.1f}",
        "height": f"{height:.1f}",
        "cells": cells,
        "heads": dict(sorted(heads.items())),
        "rows": [(next(iter(row.values()))[1].row_label, row) for _, row in sorted(rows.items())],
    }


def _text(picture: bytes) -> str:
    return base64.b64encode(picture).decode()
