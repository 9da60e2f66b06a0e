"""Scan the XML of one sheet, block by block, for the address of each cell and for values that would be lost.

The XML is known to be well formed and without comments that hold tags, so that a pattern finds exactly its tags.
"""

from __future__ import annotations

import re

from dagster_project.errors import IngestError

EXCEL_ERROR = "#ERROR"  # stands for #DIV/0!, #N/A and the like: no figure, but not blank either
NOT_COMPUTED = "#FORMULA"  # stands for a formula whose result the file does not hold

type Marks = dict[tuple[int, int], str]

_SAVE = "Open it in Office or LibreOffice, look at it and save it again"
_QUOTED = rb"[^<>\"']*(?:(?:\"[^\"<]*\"|'[^'<]*')[^<>\"']*)*"
_OPEN = re.compile(rb"<(?:[\w.-]+:)?(?:row|c)[\s/>]")
_TAG = re.compile(
    rb"<(?:[\w.-]+:)?(row|c)(?=[\s/>])(" + _QUOTED + rb")>"
    rb"(\s*<(?:[\w.-]+:)?f(?=[\s/>])" + _QUOTED + rb"(?:(?<=/)>|>[^<]*</[^>]*>)"
    rb"\s*(?:<(?:[\w.-]+:)?(?:v|is)(?=[\s/>])[^>]*>([^<]*))?)?"
)
_REF = re.compile(rb"\sr\s*=\s*[\"']([^\"']*)[\"']")
_CELL = re.compile(rb"([A-Z]{1,3})([1-9]\d{0,6})")
_ROW = re.compile(rb"()([1-9]\d{0,6})")
_TYPE = re.compile(rb"\st\s*=\s*[\"']([^\"']*)[\"']")
_VALUE = rb"<(?:[\w.-]+:)?v(?=[\s>])[^>]*>([^<]*)</[^>]*>\s*"
_SHARED = re.compile(rb"\st\s*=\s*[\"']s[\"'][^<>]*>\s*" + _VALUE)
_STYLE = re.compile(rb"<(?:[\w.-]+:)?c\s[^<>]*?\bs\s*=\s*[\"']([^\"'<>]*)[\"']")
_TWO_VALUES = re.compile(rb"</(?:[\w.-]+:)?(?:v|is)\s*>\s*<(?:[\w.-]+:)?(?:v|is)[\s/>]")
_MAX_ROW, _MAX_COLUMN = 1_048_576, 16_384
_LONGEST_CELL = 1 << 20  # Excel ends a cell at 32,767 signs


class CellScan:
    """Feed it the blocks of a sheet, then finish(): last row and column with content; marks of lost values.

    strings, styles: how many shared texts and cell formats there are; is_uncomputed: the writer left the results of
    formulas to Excel.
    """

    def __init__(self, where: str, *, strings: int, styles: int, is_uncomputed: bool) -> None:
        self.where, self.strings, self.styles, self.is_uncomputed = where, strings, styles, is_uncomputed
        self.marks: Marks = {}
        self._rest = b""
        self._row = self._column = self._last_row = self._last_column = 0

    def feed(self, block: bytes) -> None:
        """Scan up to the last cell or row that begins in this block; it may go on in the next."""
        block = self._rest + block
        end = 0
        for cell in _OPEN.finditer(block, max(0, len(block) - _LONGEST_CELL)):
            end = cell.start()
        self._scan(block[:end])
        self._rest = block[end:]
        if len(self._rest) > 2 * _LONGEST_CELL:
            end = self._rest.rfind(b"<")  # what follows the last cell of a sheet: ranges, formats, rules
            self._scan(self._rest[:end])
            self._rest = self._rest[end:]

    def finish(self) -> tuple[int, int]:
        self._scan(self._rest)
        self._rest = b""
        return self._last_row, self._last_column

    def _scan(self, block: bytes) -> None:
        if _TWO_VALUES.search(block):
            self._refuse("A cell holds two values")
        self._check_numbers(_SHARED.findall(block), self.strings, "shared text")
        self._check_numbers(_STYLE.findall(block), self.styles, "format")
        for tag in _TAG.finditer(block):
            if tag[1] == b"row":
                self._next_row(tag[2])
            else:
                self._next_cell(tag[2], tag[3], tag[4])

    def _next_row(self, attributes: bytes) -> None:
        ref = self._address(_ROW, attributes)
        row = int(ref[2]) if ref else self._row + 1
        if row <= self._row:
            self._refuse(f"Row {row} comes after row {self._row}: written twice or out of order")
        self._row, self._column = row, 0

    def _next_cell(self, attributes: bytes, formula: bytes | None, value: bytes | None) -> None:
        ref = self._address(_CELL, attributes)
        if ref and int(ref[2]) != self._row:
            self._refuse(f"The cell {ref[0].decode()} stands in row {self._row}")
        column = _column_number(ref[1]) if ref else self._column + 1
        if column <= self._column or column > _MAX_COLUMN:
            self._refuse(f"A cell of row {self._row} is written twice, out of order or beyond the last column")
        self._column = column
        if attributes.endswith(b"/"):  # <c .../> is formatting without content
            return
        self._last_row, self._last_column = max(self._last_row, self._row), max(self._last_column, column)
        kind = _TYPE.search(attributes)
        if kind and kind[1] == b"e":
            self.marks[self._row, column] = EXCEL_ERROR
        elif formula is not None and not (kind and kind[1] in (b"str", b"inlineStr", b"s")):
            text = (value or b"").strip()
            if text == b"" or (self.is_uncomputed and text == b"0"):
                self.marks[self._row, column] = NOT_COMPUTED
        elif formula is not None and value is None:
            self.marks[self._row, column] = NOT_COMPUTED

    def _check_numbers(self, numbers: list[bytes], count: int, kind: str) -> None:
        for number in set(numbers):
            if not number.strip().isdigit() or int(number) >= count:
                text = number[:40].decode("utf-8", "replace")
                self._refuse(f"A cell asks for {kind} number {text}, but there are only {count:,}, counted from 0")

    def _address(self, pattern: re.Pattern[bytes], attributes: bytes) -> re.Match[bytes] | None:
        ref = _REF.search(attributes)
        if ref is None:
            return None
        match = pattern.fullmatch(ref[1])
        if match is None or int(match[2]) > _MAX_ROW:
            text = ref[1][:40].decode("utf-8", "replace")
            self._refuse(f"'{text}' is not the address of a {'row' if pattern is _ROW else 'cell'}")
        return match

    def _refuse(self, what: str) -> None:
        raise IngestError(what, self.where, _SAVE)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
