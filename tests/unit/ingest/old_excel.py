"""A writer of .xls (BIFF8 in an OLE container), just large enough for test tables: texts, numbers, merged ranges."""

import struct
from collections.abc import Sequence
from pathlib import Path

SECTOR, END, FREE, IN_FAT = 512, 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def write_xls(
    path: Path, sheets: dict[str, tuple[Sequence[Sequence[object]], Sequence[tuple[int, int, int, int]]]]
) -> Path:
    """sheets: name -> (rows, merged ranges as first row, last row, first column, last column from 0)."""
    bodies = [_sheet(rows, merged) for rows, merged in sheets.values()]
    head = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 6))
    bounds = [_bound(name, 0) for name in sheets]
    offset = len(head) + sum(map(len, bounds)) + 4
    stream = head
    for name, body in zip(sheets, bodies, strict=True):
        stream += _bound(name, offset)
        offset += len(body)
    stream += _record(0x000A, b"") + b"".join(bodies)
    path.write_bytes(_container(stream))
    return path


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _bound(name: str, offset: int) -> bytes:
    text = name.encode("utf-16-le")
    return _record(0x0085, struct.pack("<IBBBB", offset, 0, 0, len(name), 1) + text)


def _sheet(rows: Sequence[Sequence[object]], merged: Sequence[tuple[int, int, int, int]]) -> bytes:
    parts = [_record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 6))]
    width = max(len(row) for row in rows)
    parts.append(_record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0)))
    for row, values in enumerate(rows):
        for col, value in enumerate(values):
            if isinstance(value, str):
                text = value.encode("utf-16-le")
                parts.append(_record(0x0204, struct.pack("<HHHHB", row, col, 0, len(value), 1) + text))
            elif value is not None:
                parts.append(_record(0x0203, struct.pack("<HHHd", row, col, 0, float(value))))  # type: ignore[arg-type]
    ranges = b"".join(struct.pack("<HHHH", *one) for one in merged)
    parts.append(_record(0x00E5, struct.pack("<H", len(merged)) + ranges))
    parts.append(_record(0x000A, b""))
    return b"".join(parts)


def _container(stream: bytes) -> bytes:
    """One stream 'Workbook' in an OLE file: header, sector 0 FAT, sector 1 directory, then the stream."""
    size = max(len(stream), 4096)  # shorter streams would live in a part of their own
    stream = stream.ljust(-(-size // SECTOR) * SECTOR, b"\0")
    count = len(stream) // SECTOR
    if count + 2 > SECTOR // 4:
        raise ValueError("too large for one sector of the allocation table")
    chain = [*range(3, 2 + count), END]
    fat = [IN_FAT, END, *chain]
    fat += [FREE] * (SECTOR // 4 - len(fat))
    root = _entry("Root Entry", 5, END, 0, child=1)
    book = _entry("Workbook", 2, 2, size)
    directory = (root + book).ljust(SECTOR, b"\0")
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, END, 0, END, 0)
    header += struct.pack("<109I", 0, *[FREE] * 108)
    return header + struct.pack(f"<{SECTOR // 4}I", *fat) + directory + stream


def _entry(name: str, kind: int, start: int, size: int, child: int = FREE) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    entry = text.ljust(64, b"\0") + struct.pack("<HBBIII", len(text), kind, 1, FREE, FREE, child)
    return entry + bytes(36) + struct.pack("<IQ", start, size)
