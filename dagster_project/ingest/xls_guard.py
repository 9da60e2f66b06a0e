"""Look into an old .xls before the workbook library does: the container's chains must lie inside the file."""

from __future__ import annotations

import struct
from pathlib import Path

from dagster_project.errors import IngestError

_AGAIN = "Fetch the file again and compare its size and sha256"
_LAST_SECTOR = 0xFFFFFFFA  # numbers above are marks: end of chain, free, part of the table itself


def check_xls(path: Path) -> None:
    """IngestError when the file is shorter than its allocation table says: a cut file would lose its last cells."""
    with path.open("rb") as stream:
        head = stream.read(512)
        size = path.stat().st_size
        if len(head) < 512:
            raise IngestError("The workbook is damaged or cut short", str(path), _AGAIN)
        shift = struct.unpack_from("<H", head, 30)[0]
        if shift not in (9, 12):
            raise IngestError("The workbook is damaged: its sectors have an impossible size", str(path), _AGAIN)
        sector = 1 << shift
        last = -1
        for number in struct.unpack_from("<109I", head, 76):
            if number >= _LAST_SECTOR:
                continue
            stream.seek((number + 1) * sector)
            table = stream.read(sector)
            if len(table) < sector:
                raise IngestError("The workbook is damaged or cut short", str(path), _AGAIN)
            last = max(last, number, *(n for n in struct.unpack(f"<{sector // 4}I", table) if n < _LAST_SECTOR))
    # the last sector may be shorter than the others: some writers do not fill it up
    if (last + 1) * sector >= size:
        raise IngestError("The workbook is damaged or cut short", str(path), _AGAIN)
