"""The ink of figures that were read from printed pages: a small picture each, beside the pages of a release."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from dagster_project.errors import IngestError
from dagster_project.ingest.apart import apart
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.pages.job import check_pages, crops, is_pages, pages_limits
from dagster_project.published import open_read_only

FOLDER = Path("docs", "assets", "ink")  # below a release
PLACE = re.compile(r"!p(\d+)!([-\d.]+),([-\d.]+),([-\d.]+),([-\d.]+)$")
CELLS_SQL = """
select distinct file, source_cell_id from mart.mart_indicator_source
where regexp_matches(source_cell_id, '!p[0-9]+![-0-9.,]+$') order by all
"""


def page_of(cell_id: str) -> str:
    """The page of the address of a printed figure; "" for a cell of a workbook."""
    place = PLACE.search(cell_id)
    return place[1] if place else ""


def picture_of(cell_id: str) -> str:
    """Name of the file with the ink of a figure."""
    return f"{hashlib.sha256(cell_id.encode()).hexdigest()[:16]}.png"


def write_ink(snapshot: Path, landing: Path, release: Path) -> None:
    """Pictures of the printed figures behind the indicators, where the pages lie in the landing folder and what reads
    them is installed: without them nothing is missing but the pictures."""
    with open_read_only(snapshot) as con:
        rows = con.execute(CELLS_SQL).fetchall()
    pages: dict[tuple[str, int], list[str]] = defaultdict(list)
    for file, cell_id in rows:
        if is_pages(file):  # a corrected twin has the places of its scan
            pages[file, int(page_of(cell_id))].append(cell_id)
    for (file, number), cells in pages.items():
        path = landing / file
        boxes = [PLACE.search(cell).groups()[1:] for cell in cells]  # type: ignore[union-attr]
        places = [(number, tuple(map(float, box))) for box in boxes]
        with suppress(IngestError):
            check_pages(path)
            pictures = apart(crops, path, places, where=str(path), limits=pages_limits(Limits()))
            (release / FOLDER).mkdir(parents=True, exist_ok=True)
            for cell, picture in zip(cells, pictures, strict=True):
                (release / FOLDER / picture_of(cell)).write_bytes(picture)
