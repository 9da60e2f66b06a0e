"""Pictures of what was read: the ink of one figure, a page as it is shown. Inside the reading process."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from dagster_project.ingest.pages.document import Box, open_page

_MARGIN = 0.4  # of the height of the box
_CROP_HEIGHT, _PAGE_SIDE = 40, 1_500  # pixels


def crops_of(path: Path, places: list[tuple[int, Box]]) -> list[bytes]:
    """A PNG of each box (page, box in units of the page), page after page."""
    result = [b""] * len(places)
    for number in sorted({page for page, _ in places}):
        face = open_page(path, number)
        picture = Image.fromarray(face.image)
        for at, (page, (x0, y0, x1, y1)) in enumerate(places):
            if page == number:
                margin = _MARGIN * (y1 - y0)
                edges = (x0 - 2 * margin, y0 - margin, x1 + 2 * margin, y1 + margin)
                left, top, right, bottom = (round(edge * face.scale) for edge in edges)
                crop = picture.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
                width = max(round(crop.width * _CROP_HEIGHT / crop.height), 1)
                result[at] = _bytes(crop.resize((width, _CROP_HEIGHT)), "PNG")
    return result


def page_of(path: Path, number: int) -> tuple[bytes, float, float]:
    """(JPEG of the page, width and height in its units)."""
    face = open_page(path, number)
    picture = Image.fromarray(face.image)
    width, height = picture.width / face.scale, picture.height / face.scale
    picture.thumbnail((_PAGE_SIDE, _PAGE_SIDE))
    return _bytes(picture, "JPEG"), width, height


def _bytes(picture: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, quality=70)
    return stream.getvalue()
