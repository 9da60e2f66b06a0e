"""Open landing files: xlsx, xls, csv, dta or parquet in, sheets of text cells out. No other module opens them.

A cell is its address (row and column, from 1) and its text: numbers in their shortest form ('17879.4', and
'123' for 123.0), days in ISO form, text as it stands. Empty cells are left out. Meaning is not known.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
import struct
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, WorksheetNotFound

from dagster_project.ingest.errors import IngestError
from dagster_project.ingest.xlsx_guard import Limits, check_xlsx

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_SIGNATURES = {b"PK\x03\x04": ".xlsx", _OLE: ".xls", b"PAR1": ".parquet"}
_KINDS = (".xlsx", ".xls", ".csv", ".dta", ".parquet")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_DTA_DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    TypeError,
    ValueError,
    struct.error,
)  # a cut file fails deep in the reader
EXCEL_ERROR = "#ERROR"  # stands for #DIV/0!, #N/A and the like: no figure, but not blank either
_WHOLE = 2**53  # above this a float is not an exact whole number


@dataclass(frozen=True, eq=False)
class Sheet:
    """Non-empty cells of one sheet, in reading order, and its merged ranges.

    row_no, col_no: (n,) from 1; text: (n,) objects of str; merged: (first row, column, last row, column).
    """

    name: str
    row_no: NDArray[np.int64]
    col_no: NDArray[np.int64]
    text: NDArray[np.object_]
    merged: tuple[tuple[int, int, int, int], ...] = ()

    def rows(self, first: int, last: int) -> dict[tuple[int, int], str]:
        """Cells of the rows first..last as {(row, column): text}."""
        low, high = np.searchsorted(self.row_no, [first, last + 1])
        cells = zip(self.row_no[low:high].tolist(), self.col_no[low:high].tolist(), self.text[low:high], strict=True)
        return {(row, col): text for row, col, text in cells}

    def column(self, col: int) -> dict[int, str]:
        """Cells of one column as {row: text}."""
        at = self.col_no == col
        return dict(zip(self.row_no[at].tolist(), self.text[at], strict=True))


def read_sheets(path: Path | str, *, sheet: str | None = None, limits: Limits | None = None) -> list[Sheet]:
    """All sheets of a landing file, or the one named; csv, dta and parquet files are one sheet without a name.

    IngestError: no such file, empty, password, damaged, not what its name says, unknown kind, too large, no
    such sheet, a row with too few or too many fields, an encoding but UTF-8, UTF-16 with mark and GB 18030.
    """
    path, limits = Path(path), limits or Limits()
    if not path.is_file():
        raise IngestError("The file does not exist", str(path), "Put it there or correct the path")
    if path.stat().st_size == 0:
        raise IngestError("The file is empty", str(path), "Fetch the file again")
    kind = path.suffix.strip().lower()
    _check_signature(path, kind)
    if kind in (".xlsx", ".xls"):
        return _read_workbook(path, sheet, limits, packed=kind == ".xlsx")
    if sheet is not None:
        raise IngestError(f"A {kind} file has no sheet {sheet!r}", str(path), "Remove 'sheet' from the sidecar")
    read = {".csv": _read_csv, ".dta": _read_dta, ".parquet": _read_parquet}[kind]
    return [read(path, limits)]


def _check_signature(path: Path, kind: str) -> None:
    """The first bytes fit the name: half of all broken downloads are a web page called .xlsx."""
    if kind not in _KINDS:
        what = f"Files of kind {kind or 'without ending'!r} are not read"
        raise IngestError(what, str(path), f"Save it as {', '.join(_KINDS[:-1])} or {_KINDS[-1]}")
    with path.open("rb") as stream:
        head = stream.read(4096)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")) or (start.startswith(b"<") and b"<html" in start):
        raise IngestError(
            f"The file is a web page, not a {kind} file",
            str(path),
            "The download failed (log-in or error page?); fetch the file again",
        )
    if head.startswith(_OLE) and _is_encrypted(path):
        raise IngestError("The workbook is protected by a password", str(path), "Save a copy without password")
    found = next((name for start, name in _SIGNATURES.items() if head.startswith(start)), "")
    if found and found != kind:
        content = "a .parquet file" if found == ".parquet" else f"an {found} workbook"
        raise IngestError(f"The file is named {kind} but holds {content}", str(path), f"Rename it to {found}")
    if kind == ".parquet" and not found:
        raise IngestError("The file is not a Parquet file", str(path), "Fetch the file again")
    if kind in (".xlsx", ".xls") and not found:
        raise IngestError("The file is not an Excel workbook", str(path), "Fetch the file again")


def _is_encrypted(path: Path) -> bool:
    """An encrypted .xlsx is an OLE container with a stream called EncryptedPackage."""
    return _ENCRYPTED in path.read_bytes()


def _read_workbook(path: Path, sheet: str | None, limits: Limits, *, packed: bool) -> list[Sheet]:
    errors = check_xlsx(path, sheet=sheet, limits=limits) if packed else {}
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            names = [item.name for item in book.sheets_metadata if item.typ == SheetTypeEnum.WorkSheet]
            if sheet is not None and sheet not in names:
                raise IngestError(f"There is no sheet {sheet!r}", str(path), f"Its sheets are: {', '.join(names)}")
            wanted = [sheet] if sheet is not None else names
            return [_read_grid(book, name, path, limits, errors.get(name, [])) for name in wanted]
    except PasswordError:
        raise IngestError(
            "The workbook is protected by a password", str(path), "Save a copy without password"
        ) from None
    except (CalamineError, WorksheetNotFound, OSError, ValueError) as error:
        raise IngestError(
            f"The workbook cannot be read ({error})", str(path), "Open and save it, or fetch it again"
        ) from None


def _read_grid(
    book: CalamineWorkbook, name: str, path: Path, limits: Limits, errors: Sequence[tuple[int, int]]
) -> Sheet:
    source = book.get_sheet_by_name(name)
    rows = source.to_python(skip_empty_area=False)
    limits.check(len(rows), max((len(row) for row in rows), default=0), f"{path}, sheet {name}")
    merged = tuple(sorted((r1 + 1, c1 + 1, r2 + 1, c2 + 1) for (r1, c1), (r2, c2) in source.merged_cell_ranges or []))
    texts = [[_text(value) for value in row] for row in rows]
    for row, col in errors:
        if row <= len(texts) and col <= len(texts[row - 1]):
            texts[row - 1][col - 1] = EXCEL_ERROR
    return _sheet(name, texts, merged)


def _sheet(name: str, rows: Sequence[Sequence[str]], merged: tuple[tuple[int, int, int, int], ...] = ()) -> Sheet:
    """Flatten rows of text into cells, dropping the blank ones."""
    lengths = [len(row) for row in rows]
    text = np.array([value for row in rows for value in row], dtype=object)
    filled = np.array([not (value == "" or value.isspace()) for value in text], dtype=bool)
    row_no = np.repeat(np.arange(1, len(rows) + 1, dtype=np.int64), lengths)
    col_no = np.concatenate([np.arange(1, n + 1, dtype=np.int64) for n in lengths]) if rows else row_no
    return Sheet(name, row_no[filled], col_no[filled], text[filled], merged)


def _text(value: object) -> str:
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


def _read_csv(path: Path, limits: Limits) -> Sheet:
    content = _decode(path, limits)
    if "\x00" in content:
        raise IngestError("The csv file holds zero bytes", str(path), "Save it as UTF-8 text")
    try:
        rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=_delimiter(content), strict=True))
    except csv.Error as error:
        raise IngestError(f"The csv file cannot be read ({error})", str(path), "Check its quotes") from None
    width = next((len(row) for row in rows if row), 0)
    for number, row in enumerate(rows, 1):
        if row and len(row) != width:
            raise IngestError(
                f"Row {number} has {len(row)} fields, the first row has {width}",
                f"{path}, row {number}",
                "Correct the row (a missing quote or delimiter?)",
            )
    limits.check(len(rows), width, str(path))
    return _sheet("", rows)


def _decode(path: Path, limits: Limits) -> str:
    if path.stat().st_size > limits.unpacked_bytes:
        raise IngestError("The csv file is too large", str(path), f"At most {limits.unpacked_bytes:,} bytes are read")
    data = path.read_bytes()
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise IngestError("The csv file is neither UTF-8, UTF-16 with mark, nor GB 18030", str(path), "Save it as UTF-8")


def _delimiter(content: str) -> str:
    """The one of , ; tab that cuts the first rows into the most fields of equal number."""
    sample = content[:65536].splitlines()[:20]

    def width(delimiter: str) -> int:
        return min((len(row) for row in csv.reader(sample, delimiter=delimiter) if row), default=0)

    return max(",;\t", key=width)


def _read_dta(path: Path, limits: Limits) -> Sheet:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd encodings of labels do not matter here
            frame = pd.read_stata(path, convert_categoricals=False)
    except _DTA_DAMAGE as error:
        raise IngestError(f"The Stata file cannot be read ({error})", str(path), "Fetch the file again") from None
    limits.check(len(frame) + 1, frame.shape[1], str(path))
    columns = [[str(name), *_column_texts(frame[name])] for name in frame.columns]
    if not _is_unicode_dta(path):
        columns = [[_from_gb18030(text) for text in column] for column in columns]
    return _sheet("", list(zip(*columns, strict=True)))


def _is_unicode_dta(path: Path) -> bool:
    """Stata writes UTF-8 since release 118; before that it kept the bytes of the writer's code page."""
    with path.open("rb") as stream:
        found = re.match(rb"<stata_dta><header><release>(\d+)</release>", stream.read(64))
    return bool(found) and int(found[1]) >= 118


def _from_gb18030(text: str) -> str:
    """Chinese that an old file keeps as GB 18030 comes in as Latin 1; plain text stays."""
    try:
        return text if text.isascii() else text.encode("latin-1").decode("gb18030")
    except UnicodeError:
        return text


def _column_texts(column: pd.Series) -> Iterable[str]:
    values: Iterable[object] = column.to_numpy() if column.dtype == np.float32 else column.tolist()
    return ["" if value is None or value is pd.NaT else _text(value) for value in values]


def _read_parquet(path: Path, limits: Limits) -> Sheet:
    """Single-precision numbers become text inside DuckDB: widened to double they would show digits nobody wrote."""
    try:
        with duckdb.connect() as con:
            place = [str(path)]
            counted = con.execute("select sum(num_rows) from parquet_file_metadata(?)", place).fetchall()
            schema = con.execute("describe from read_parquet(?)", place).fetchall()
            names, single = [row[0] for row in schema], [row[1] == "FLOAT" for row in schema]
            limits.check(counted[0][0] + 1, len(names), str(path))
            quoted = ['"' + name.replace('"', '""') + '"' for name in names]
            fields = [f"{name}::varchar" if one else name for name, one in zip(quoted, single, strict=True)]
            rows = con.execute(f"select {', '.join(fields)} from read_parquet(?)", place).fetchall()
    except duckdb.Error as error:
        detail = " ".join(str(error).split())
        raise IngestError(f"The Parquet file cannot be read ({detail})", str(path), "Fetch the file again") from None
    texts = [
        [_number_text(value) if one else _text(value) for value, one in zip(row, single, strict=True)] for row in rows
    ]
    return _sheet("", [names, *texts])


def _number_text(text: str | None) -> str:
    """DuckDB writes 123 as '123.0' and a missing number as nan."""
    return "" if text in (None, "nan") else text.removesuffix(".0")
