"""Printed pages for the one reader of landing files: each page in the reading process, within limits of its own."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dagster_project.errors import IngestError
from dagster_project.files import sha256_of
from dagster_project.ingest.apart import apart
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.sheet import Sheet

_TIFF, _JPEG = (b"II*\0", b"MM\0*"), (b"\xff\xd8\xff",)
_STARTS = {".pdf": (b"%PDF-",), ".png": (b"\x89PNG",), ".jpg": _JPEG, ".jpeg": _JPEG, ".tif": _TIFF, ".tiff": _TIFF}
_NEEDED = ("rapidocr", "onnxruntime", "pypdfium2")
_MEMORY_MB = 3_000  # a page of A3 and the models


def is_pages(path: Path | str) -> bool:
    """Whether the name is that of a document or a picture."""
    return Path(path).suffix.lower() in _STARTS


def check_pages(path: Path) -> None:
    """IngestError: what reads pages is not installed, or the file is not what its name says."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        what = f"Printed pages are read by packages that are not installed ({', '.join(missing)})"
        raise IngestError(
            what, str(path), "Install them: pip install 'nqpf-warehouse[pages]', in a checkout '.[pages]'"
        )
    if not path.is_file():
        raise IngestError("The file does not exist", str(path), "Put it there or correct the path")
    kind = path.suffix.lower()
    with path.open("rb") as stream:
        head = stream.read(1024)
    if not (head.startswith(_STARTS[kind]) or (kind == ".pdf" and _STARTS[kind][0] in head)):
        raise IngestError(f"The file is named {kind} but is none", str(path), "Fetch it again, or correct its name")


def pages_limits(limits: Limits) -> Limits:
    """Limits with the memory that a page and the models take."""
    return replace(limits, memory_mb=max(limits.memory_mb, _MEMORY_MB))


def prepare(path: Path, limits: Limits) -> Limits:
    """Read each page of a document into the cache, one after the other; the limits for joining them.

    What is in the cache is not read again. IngestError: as the reader of pages says.
    """
    check_pages(path)
    larger = pages_limits(limits)
    digest = sha256_of(path)
    for number in range(1, apart(count_pages, path, where=str(path), limits=larger) + 1):
        apart(read_one, path, number, digest, where=f"{path}, page {number}", limits=larger)
    return larger


def count_pages(path: Path) -> int:
    """Number of pages, in the reading process."""
    from dagster_project.ingest.pages.document import page_count

    return page_count(path)


def read_one(path: Path, number: int, digest: str) -> None:
    """One page into the cache, in the reading process."""
    from dagster_project.ingest.pages.read import cached_page

    cached_page(path, number, digest)


def cells_of(path: Path) -> list[tuple[Any, ...]]:
    """Fields of all cells of a document (`read.Cell`), as plain data for another process."""
    from dagster_project.ingest.pages.read import read_document

    return [tuple(vars(cell).values()) for table in read_document(path) for cell in table.cells]


def crops(path: Path, places: list[tuple[int, tuple[float, float, float, float]]]) -> list[bytes]:
    """A PNG of the ink in each box (page, box), in the reading process."""
    from dagster_project.ingest.pages.crops import crops_of

    return crops_of(path, places)


def page_picture(path: Path, number: int) -> tuple[bytes, float, float]:
    """(JPEG of a page, width and height in its units), in the reading process."""
    from dagster_project.ingest.pages.crops import page_of

    return page_of(path, number)


def open_pages(path: Path, sheet: str | None) -> list[Sheet]:
    """The tables of a document as sheets, or the one of this name."""
    from dagster_project.ingest.pages.read import check_doubts, read_document

    tables = read_document(path)
    check_doubts(tables, str(path))
    sheets = [table.sheet for table in tables]
    names = [one.name for one in sheets]
    if sheet is not None and sheet not in names:
        raise IngestError(f"There is no table {sheet!r}", str(path), f"Its tables are: {', '.join(names)}")
    return [one for one in sheets if sheet in (None, one.name)]
