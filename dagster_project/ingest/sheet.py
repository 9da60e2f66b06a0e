"""A sheet as its non-empty cells: address from 1 and text, and the text that a value of a file becomes."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from dagster_project.ingest.packed import Texts, pack_texts, unpack_texts

_WHOLE = 2**53  # above this a float is not an exact whole number

type Range = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Sheet:
    """Non-empty cells of one sheet, in reading order, and its merged ranges.

    row_no, col_no: (n,) from 1; text: (n,) objects of str; merged: (first row, column, last row, column); place: of a
    printed page, (n,) texts such as p12!53.6,150.5,76.4,157.9 (page, box), or None.
    """

    name: str
    row_no: NDArray[np.int64]
    col_no: NDArray[np.int64]
    text: NDArray[np.object_]
    merged: tuple[Range, ...] = ()
    place: NDArray[np.object_] | None = None

    def __reduce__(self) -> tuple[object, ...]:
        place = None if self.place is None else pack_texts(self.place)
        return _from_packed, (self.name, self.row_no, self.col_no, pack_texts(self.text), self.merged, place)

    def rows(self, first: int, last: int) -> dict[tuple[int, int], str]:
        """Cells of the rows first..last as {(row, column): text}."""
        low, high = np.searchsorted(self.row_no, [first, last + 1])
        cells = zip(self.row_no[low:high].tolist(), self.col_no[low:high].tolist(), self.text[low:high], strict=True)
        return {(row, col): text for row, col, text in cells}

    def column(self, col: int) -> dict[int, str]:
        """Cells of one column as {row: text}."""
        at = self.col_no == col
        return dict(zip(self.row_no[at].tolist(), self.text[at], strict=True))


def _from_packed(
    name: str,
    row_no: NDArray[np.int64],
    col_no: NDArray[np.int64],
    text: Texts,
    merged: tuple[Range, ...],
    place: Texts | None,
) -> Sheet:
    return Sheet(name, row_no, col_no, unpack_texts(text), merged, None if place is None else unpack_texts(place))


def sheet_of(name: str, rows: Iterable[Sequence[str]], merged: tuple[Range, ...] = (), *, first_col: int = 1) -> Sheet:
    """Rows of text, from the first row of the sheet on, as cells without the blank ones; taken one row at a time."""
    row_no, col_no, text = array("q"), array("q"), []
    for row, values in enumerate(rows, 1):
        for col, value in enumerate(values, first_col):
            if value and not value.isspace():
                row_no.append(row)
                col_no.append(col)
                text.append(value)
    cells = np.empty(len(text), dtype=object)
    cells[:] = text
    return Sheet(name, np.array(row_no, dtype=np.int64), np.array(col_no, dtype=np.int64), cells, merged)


def cell_address(row: int, col: int) -> str:
    """Row 7, column 28 -> 'AB7'."""
    letters = ""
    while col > 0:
        col, rest = divmod(col - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def text_of(value: object) -> str:
    """Numbers in their shortest form ('17879.4', and '123' for 123.0), days in ISO form, a missing value as ''."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if math.isnan(number):
            return ""
        return str(int(number)) if abs(number) < _WHOLE and number.is_integer() else str(value)
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, (date, datetime)) else "" if value is None else str(value)
