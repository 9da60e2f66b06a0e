"""Open landing files: workbooks, csv, dta or printed pages in, sheets of text cells out. Nothing else does.

A cell is its address (row and column, from 1) and its text: numbers in their shortest form ('17879.4', and
'123' for 123.0), days in ISO form, text as it stands. Empty cells are left out. Meaning is not known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum
from python_calamine import WorksheetNotFound as NoWorksheet

from dagster_project.errors import IngestError
from dagster_project.ingest.apart import apart
from dagster_project.ingest.flat_files import read_csv, read_dta
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.pages.job import check_pages, is_pages, open_pages, prepare
from dagster_project.ingest.pages.twin import with_places
from dagster_project.ingest.sheet import Range, Sheet, sheet_of, text_of
from dagster_project.ingest.xls_guard import check_xls
from dagster_project.ingest.xlsx_cells import EXCEL_ERROR, NOT_COMPUTED, Marks
from dagster_project.ingest.xlsx_guard import check_xlsx

__all__ = ["EXCEL_ERROR", "NOT_COMPUTED", "Sheet", "open_sheets", "read_sheets"]

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_SIGNATURES = {b"PK\x03\x04": ".xlsx", _OLE: ".xls"}
_KINDS = (".xlsx", ".xls", ".csv", ".dta")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def read_sheets(path: Path | str, *, sheet: str | None = None, limits: Limits | None = None) -> list[Sheet]:
    """All sheets of a landing file, or the one named; csv and dta files are one sheet without a name.

    It is read in a process of its own within the limits. IngestError: no such file, empty, password, damaged, not what
    its name says, unknown kind, too large or too slow to read, no such sheet, a row with too few or too many fields, an
    encoding but UTF-8, UTF-16 with mark and GB 18030.
    """
    limits = limits or Limits()
    check_name(str(path))
    if is_pages(path):
        limits = prepare(Path(path), limits)
    return apart(open_sheets, Path(path), sheet, limits, where=str(path), limits=limits)


def check_name(path: str) -> None:
    """IngestError when the name of a file is no text that a database or a page could hold."""
    if any("\ud800" <= sign <= "\udfff" for sign in path):
        raise IngestError("The name of the file is not valid UTF-8", path, "Rename it")


def open_sheets(path: Path, sheet: str | None, limits: Limits) -> list[Sheet]:
    """The same in this process: memory and time are not limited here."""
    if not path.is_file():
        raise IngestError("The file does not exist", str(path), "Put it there or correct the path")
    size = path.stat().st_size
    if size == 0:
        raise IngestError("The file is empty", str(path), "Fetch the file again")
    kind = path.suffix.strip().lower()
    check_pages(path) if is_pages(path) else _check_signature(path, kind)
    if size > limits.unpacked_bytes:
        raise IngestError(
            f"The {kind} file is too large: {size:,} bytes",
            str(path),
            f"At most {limits.unpacked_bytes:,} are read; land it in parts",
        )
    if is_pages(path):
        return open_pages(path, sheet)
    if kind in (".xlsx", ".xls"):
        return _read_workbook(path, sheet, limits, packed=kind == ".xlsx")
    if sheet is not None:
        raise IngestError(f"A {kind} file has no sheet {sheet!r}", str(path), "Remove 'sheet' from the sidecar")
    return [(read_csv if kind == ".csv" else read_dta)(path, limits)]


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
    actual = next((name for start, name in _SIGNATURES.items() if head.startswith(start)), "")
    if actual and actual != kind:
        raise IngestError(
            f"The file is named {kind} but holds an {actual} workbook", str(path), f"Rename it to {actual}"
        )
    if kind in (".xlsx", ".xls") and not actual:
        raise IngestError("The file is not an Excel workbook", str(path), "Fetch the file again")


def _is_encrypted(path: Path) -> bool:
    """An encrypted .xlsx is an OLE container with a stream called EncryptedPackage."""
    return _ENCRYPTED in path.read_bytes()


def _read_workbook(path: Path, sheet: str | None, limits: Limits, *, packed: bool) -> list[Sheet]:
    if not packed:
        check_xls(path)
    marks = check_xlsx(path, sheet=sheet, limits=limits) if packed else {}
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            names = [item.name for item in book.sheets_metadata if item.typ == SheetTypeEnum.WorkSheet]
            if sheet is not None and sheet not in names:
                raise IngestError(f"There is no sheet {sheet!r}", str(path), f"Its sheets are: {', '.join(names)}")
            sheet_names = [sheet] if sheet is not None else names
            sheets = [_read_grid(book, name, path, limits, marks.get(name, {})) for name in sheet_names]
    except PasswordError:
        raise IngestError(
            "The workbook is protected by a password", str(path), "Save a copy without password"
        ) from None
    except (CalamineError, NoWorksheet, OSError, ValueError) as error:
        raise IngestError(
            f"The workbook cannot be read ({error})", str(path), "Open and save it, or fetch it again"
        ) from None
    return with_places(sheets)


def _read_grid(book: CalamineWorkbook, name: str, path: Path, limits: Limits, marks: Marks) -> Sheet:
    where = f"{path}, sheet {name}"
    source = book.get_sheet_by_name(name)
    row, col = (source.end[0] + 1, source.end[1] + 1) if source.end else (0, 0)
    limits.check(row, col, where)
    merged = tuple(sorted((r1 + 1, c1 + 1, r2 + 1, c2 + 1) for (r1, c1), (r2, c2) in source.merged_cell_ranges or []))
    _check_merged(merged, row, col, where)
    first_col = source.start[1] + 1 if source.start else 1  # rows come from the first, columns from the first filled
    return sheet_of(name, _texts(source, first_col, marks), merged, first_col=first_col)


def _texts(source: CalamineSheet, first_col: int, marks: Marks) -> Iterator[list[str]]:
    """Row by row, with the marks put in: a figure that is lost must be seen."""
    by_row: dict[int, list[tuple[int, str]]] = {}
    for (row, col), mark in marks.items():
        by_row.setdefault(row, []).append((col, mark))
    for row, values in enumerate(source.iter_rows(), 1):
        texts = [_cell_text(value) for value in values]
        for col, mark in by_row.get(row, ()):
            if first_col <= col < first_col + len(texts):
                texts[col - first_col] = mark
        yield texts


def _cell_text(value: object) -> str:
    """A number that is none (NaN) is an error of the file, not a blank."""
    return EXCEL_ERROR if isinstance(value, float) and math.isnan(value) else text_of(value)


def _check_merged(merged: Sequence[Range], rows: int, columns: int, where: str) -> None:
    """No cell lies in two merged ranges: its header would depend on their order."""
    merged_cells = np.zeros((rows + 1, columns + 1), dtype=bool) if merged else np.zeros((0, 0), dtype=bool)
    for r1, c1, r2, c2 in merged:
        area = merged_cells[r1 : r2 + 1, c1 : c2 + 1]
        if area.any():
            raise IngestError(
                f"Two merged ranges overlap at row {r1}, column {c1}", where, "Open it in Excel and save it again"
            )
        area[:] = True
