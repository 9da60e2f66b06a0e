"""A document for people: a workbook twin to correct and land, and a page with the scan and the figures beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

import xlsxwriter

from dagster_project.ingest.apart import apart
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.pages.job import crops, page_picture
from dagster_project.ingest.pages.read import Cell
from dagster_project.ingest.pages.twin import BOX_COLUMNS, BOXES, DOUBTS
from dagster_project.ingest.sheet import Sheet, cell_address
from dagster_project.run.versions import sha256_of

STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:1rem;color:#222}section{display:flex;gap:1rem;align-items:flex-start}
svg{flex:1 1 50%;min-width:0;border:1px solid #bbb}.side{flex:1 1 50%;overflow:auto}table{border-collapse:collapse}
td,th{border:1px solid #ccc;padding:1px 6px;text-align:right;font-size:12px}
td:first-child,th:first-child{text-align:left}
rect{fill:#2a6fdb;fill-opacity:.05;stroke:#2a6fdb;stroke-width:.4}rect.doubt{fill:#f5a300;fill-opacity:.3;stroke:#b35900}
rect:target{stroke:#d00;stroke-width:2}td.doubt{background:#ffe3a8}img{height:28px}a{color:inherit;text-decoration:none}
"""


def write_twin(file: Path, sheets: Sequence[Sheet], cells: Sequence[Cell], out: Path, limits: Limits) -> None:
    """Tables as sheets, doubted figures yellow with a question mark; the crops of their ink; the box of each cell."""
    doubted = [cell for cell in cells if cell.flag]
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
    listed = book.add_worksheet(DOUBTS)
    listed.write_row(0, 0, ["sheet", "cell", "row", "column", "read as", "why", "score", "ink"], head)
    pictures = _crops(file, doubted, limits)
    for at, (cell, picture) in enumerate(zip(doubted, pictures, strict=True), 1):
        address = cell_address(cell.sheet_row, cell.sheet_column)
        path = cell.header_path.replace("|", " / ")
        listed.write_row(at, 0, [names[cell.sheet], address, cell.row_label, path, cell.text, cell.flag, cell.score])
        listed.set_row(at, 32)
        listed.insert_image(at, 7, "ink.png", {"image_data": io.BytesIO(picture)})
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
    numbered = list(enumerate(cells))
    doubted = [(at, cell) for at, cell in numbered if cell.flag]
    pictures = _crops(file, [cell for _, cell in doubted], limits)
    lines = [
        f'<tr><td><a href="#f{at}">page {cell.page}: {escape(cell.row_label)}</a></td>'
        f"<td>{escape(cell.header_path)}</td><td>{escape(cell.text)}</td><td>{escape(cell.flag)}</td>"
        f'<td><img alt="ink" src="data:image/png;base64,{base64.b64encode(picture).decode()}"></td></tr>'
        for (at, cell), picture in zip(doubted, pictures, strict=True)
    ]
    parts = [
        f"<!doctype html><meta charset=utf-8><title>{escape(file.name)}</title><style>{STYLE}</style>",
        f"<h1>{escape(file.name)}</h1><p>{len(cells):,} figures and marks, {len(doubted):,} doubted.</p>",
        "<table><tr><th>row<th>column<th>read as<th>why<th>ink</tr>" + "".join(lines) + "</table>" if lines else "",
    ]
    for number in sorted({cell.page for cell in cells}):
        on_page = [(at, cell) for at, cell in numbered if cell.page == number]
        picture, width, height = apart(page_picture, file, number, where=str(file), limits=limits)
        parts.append(_section(number, on_page, picture, width, height))
    out.write_text("\n".join(parts), encoding="utf-8")


def _section(number: int, cells: list[tuple[int, Cell]], picture: bytes, width: float, height: float) -> str:
    boxes = "".join(
        f'<rect id="f{at}" class="{"doubt" if cell.flag else ""}" x="{cell.box[0]:.1f}" y="{cell.box[1]:.1f}"'
        f' width="{cell.box[2] - cell.box[0]:.1f}" height="{cell.box[3] - cell.box[1]:.1f}">'
        f"<title>{escape(cell.text)} {escape(cell.flag)}</title></rect>"
        for at, cell in cells
    )
    columns = sorted({cell.column for _, cell in cells})
    heads = {cell.column: cell.header_path for _, cell in cells}
    rows: dict[int, dict[int, tuple[int, Cell]]] = {}
    for at, cell in cells:
        rows.setdefault(cell.row, {})[cell.column] = (at, cell)
    body = "".join(
        f"<tr><td>{escape(next(iter(row.values()))[1].row_label)}</td>"
        + "".join(_figure(*row[column]) if column in row else "<td></td>" for column in columns)
        + "</tr>"
        for _, row in sorted(rows.items())
    )
    image = base64.b64encode(picture).decode()
    top = "".join(f"<th>{escape(heads[column]).replace('|', '<br>')}</th>" for column in columns)
    return (
        f'<h2>Page {number}</h2><section><svg viewBox="0 0 {width:.1f} {height:.1f}" role="img"'
        f' aria-label="page {number}"><image href="data:image/jpeg;base64,{image}" width="{width:.1f}"'
        f' height="{height:.1f}"/>{boxes}</svg>'
        f'<div class="side"><table><tr><th></th>{top}</tr>{body}</table></div></section>'
    )


def _figure(at: int, cell: Cell) -> str:
    mark = ' class="doubt"' if cell.flag else ""
    return f'<td{mark} title="{escape(cell.flag)}"><a href="#f{at}">{escape(cell.text)}</a></td>'
