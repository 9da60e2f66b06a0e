"""The workbook twin of a document: its tables as sheets, and a sheet that says where on the page each cell stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dagster_project.ingest.sheet import Sheet

BOXES, DOUBTS = "nqpf boxes", "nqpf doubts"
BOX_COLUMNS = ("sheet", "row", "column", "place")


def with_places(sheets: Sequence[Sheet]) -> list[Sheet]:
    """Sheets of a twin with the places that its sheet of boxes names; of another workbook, the sheets."""
    boxes = next((sheet for sheet in sheets if sheet.name == BOXES), None)
    if boxes is None:
        return list(sheets)
    sheet, row, column, place = (boxes.column(at) for at in range(1, 5))
    lines = [line for line in place if line > 1 and line in sheet and line in row and line in column]
    place_of = {(sheet[line], row[line], column[line]): place[line] for line in lines}
    return [_with_place(one, place_of) for one in sheets if one.name not in (BOXES, DOUBTS)]


def _with_place(sheet: Sheet, place_of: dict[tuple[str, str, str], str]) -> Sheet:
    cells = zip(sheet.row_no.tolist(), sheet.col_no.tolist(), strict=True)
    place = np.empty(len(sheet.text), dtype=object)
    place[:] = [place_of.get((sheet.name, str(row), str(column)), "") for row, column in cells]
    return replace(sheet, place=place)
