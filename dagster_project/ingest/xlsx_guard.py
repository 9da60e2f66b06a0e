"""Look into an .xlsx before the workbook library does: is it sound, and is it small enough?

The library lays a sheet out as one dense grid, so a single cell in the last row of Excel costs gigabytes.
Here the zip is read as a stream: bytes are counted, tags are scanned, nothing is kept.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from dagster_project.ingest.errors import IngestError

WIDE_ROWS = 20_000
LONG_ROWS = 2_000_000
_BLOCK = 1 << 20
_TAG = re.compile(rb"<(?:\w+:)?(row|c)(\s[^>]*)?>")
_REF = re.compile(rb"\sr\s*=\s*[\"']([A-Z]{0,3})(\d+)[\"']")
_ERROR = re.compile(rb"\st\s*=\s*[\"']e[\"']")
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)
_DAMAGED = "The workbook is damaged or cut short"
_AGAIN = "Fetch the file again and compare its size and sha256"


@dataclass(frozen=True)
class Limits:
    """What a landing file may hold: rows and cells of one sheet laid out as a grid, bytes when unpacked."""

    rows: int = WIDE_ROWS
    grid_cells: int = 20_000_000
    unpacked_bytes: int = 500_000_000

    @classmethod
    def for_layout(cls, layout: str) -> Limits:
        """Long files hold city x year rows; wide sheets and tables hold one row a city."""
        return cls(rows=LONG_ROWS) if layout == "long" else cls()

    def check(self, rows: int, columns: int, where: str) -> None:
        """IngestError when a sheet of this size is too large."""
        if rows > self.rows:
            raise IngestError(
                f"The sheet reaches row {rows:,}; at most {self.rows:,} rows are read",
                where,
                "Delete stray cells far below the table, or declare layout: long if it is a long file",
            )
        if rows * columns > self.grid_cells:
            raise IngestError(
                f"The sheet spans {rows:,} rows x {columns:,} columns; at most {self.grid_cells:,} cells are read",
                where,
                "Delete stray cells far outside the table",
            )


def check_xlsx(path: Path, *, sheet: str | None, limits: Limits) -> dict[str, list[tuple[int, int]]]:
    """The zip is whole, unpacks within the limits, and its sheets (or the one named) fit as a grid.

    Returns (row, column) of the cells with an Excel error such as #DIV/0!, by sheet: the library shows them as empty.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _check(archive, path, sheet, limits)
    except _DAMAGE:
        raise IngestError(_DAMAGED, str(path), _AGAIN) from None


def _check(archive: zipfile.ZipFile, path: Path, sheet: str | None, limits: Limits) -> dict[str, list[tuple[int, int]]]:
    declared = sum(info.file_size for info in archive.infolist())
    if declared > limits.unpacked_bytes:
        raise IngestError(
            f"The workbook unpacks to {declared:,} bytes; at most {limits.unpacked_bytes:,} are read",
            str(path),
            "Check where the file comes from; a workbook of this kind is far smaller",
        )
    if "xl/workbook.xml" not in archive.namelist():
        raise IngestError("The file is a zip but not an Excel workbook", str(path), "Unpack it, or name the workbook")
    names = _sheet_names(archive)
    errors: dict[str, list[tuple[int, int]]] = {}
    for info in archive.infolist():
        blocks = _blocks(archive, info)
        name = names.get(info.filename)
        if name is not None and sheet in (None, name):
            last_row, last_column, errors[name] = _extent(blocks)
            limits.check(last_row, last_column, where=f"{path}, sheet {name}")
        for _ in blocks:  # read to the end: a wrong checksum shows only there
            pass
    return errors


def _blocks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(info) as stream:
        while block := stream.read(_BLOCK):
            yield block


def _sheet_names(archive: zipfile.ZipFile) -> dict[str, str]:
    """Part of the zip -> sheet name, from the workbook and its relations; parts not found name themselves."""
    names = {part: part for part in archive.namelist() if re.match(r"xl/worksheets/[^/]+\.xml$", part)}
    try:
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        workbook = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    except (KeyError, ElementTree.ParseError):
        return names
    target = {node.get("Id"): node.get("Target", "") for node in relations}
    for node in workbook.iter():
        if node.tag.rpartition("}")[2] == "sheet":
            link = next((value for key, value in node.attrib.items() if key.endswith("}id")), None)
            part = target.get(link, "")
            names[part.lstrip("/") if part.startswith("/") else f"xl/{part}"] = node.get("name", "")
    return names


def _extent(blocks: Iterator[bytes]) -> tuple[int, int, list[tuple[int, int]]]:
    """Last row and column with content, counted (what the file says of its own size is not asked); error cells."""
    row = column = last_row = last_column = 0
    errors = []
    for kind, attributes in _tags(blocks):
        ref = _REF.search(attributes)
        if kind == b"row":
            row, column = (int(ref[2]) if ref else row + 1), 0
            continue
        column = _column_number(ref[1]) if ref and ref[1] else column + 1
        row = int(ref[2]) if ref else row
        if not attributes.endswith(b"/"):  # <c .../> is formatting without content
            last_row, last_column = max(last_row, row), max(last_column, column)
            if _ERROR.search(attributes):
                errors.append((row, column))
    return last_row, last_column, errors


def _tags(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """(row or c, its attributes) in order; a tag cut by a block border is joined again."""
    rest = b""
    for block in blocks:
        block = rest + block
        cut = block.rfind(b">") + 1
        yield from ((match[1], match[2] or b"") for match in _TAG.finditer(block, 0, cut))
        rest = block[cut:]


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
