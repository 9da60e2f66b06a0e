"""Open a PDF or a picture: its pages as grey pictures, with the text layer where the page is not itself a picture."""

from __future__ import annotations

import ctypes
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray
from PIL import Image

from dagster_project.errors import IngestError
from dagster_project.ingest.pages.words import Word, is_number

PDF = ".pdf"
MOST_PAGES = 400
MOST_PIXELS = 60_000_000  # A3 at 500 dpi is 48 million
LONGEST_SIDE = 4_000
MOST_SIGNS = 60_000  # of one text layer
TEXT_DPI, FINEST_DPI = 200, 300
MOST_POINTS = 5_000  # 1.76 m
IS_PICTURE = 0.5  # share of the page that pictures cover
LARGE_PICTURE = 0.3  # of the width or the height of the page
FEW = 2  # figures: a page number over a vignette

type Grey = NDArray[np.uint8]
type Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Face:
    """One page as it is shown. image: grey; scale: pixels for one unit of the page (a point, or a pixel of the file);
    words: of the text layer, in pixels of the image; None where the page is a picture."""

    number: int
    image: Grey
    scale: float
    words: list[Word] | None


def page_count(path: Path) -> int:
    """Number of pages; IngestError: protected, damaged, too many."""
    if path.suffix.lower() == PDF:
        with _opened(path) as document:
            count = len(document)
    else:
        try:
            with Image.open(path) as picture:
                count = int(getattr(picture, "n_frames", 1))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise _damaged(path, error) from None
    if not 0 < count <= MOST_PAGES:
        what = f"The document has {count:,} pages; at most {MOST_PAGES} are read"
        raise IngestError(what, str(path), "Save the pages of the table as a file of their own")
    return count


def open_page(path: Path, number: int) -> Face:
    """Page `number`, from 1."""
    return _pdf_page(path, number) if path.suffix.lower() == PDF else _picture(path, number)


def _opened(path: Path) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            what, remedy = "The PDF is protected by a password", "Save a copy without password"
            raise IngestError(what, str(path), remedy) from None
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> IngestError:
    text = " ".join(str(error).split())[:200]
    return IngestError(f"The file cannot be read as pages ({text})", str(path), "Fetch it again, or save it anew")


def _check_pixels(width: float, height: float, where: str) -> None:
    if width * height > MOST_PIXELS:
        what = f"The picture has {width:,.0f} x {height:,.0f} pixels; at most {MOST_PIXELS:,} are read"
        raise IngestError(what, where, "Scan it with 300 dpi, or cut the table out")


def _pdf_page(path: Path, number: int) -> Face:
    where = f"{path}, page {number}"
    with _opened(path) as document:
        try:
            page = document[number - 1]
        except (pypdfium2.PdfiumError, IndexError) as error:
            raise _damaged(path, error) from None
        width, height = page.get_size()
        if not (0 < width <= MOST_POINTS and 0 < height <= MOST_POINTS):
            what = f"The page measures {width:,.0f} x {height:,.0f} points; at most {MOST_POINTS:,} are read"
            raise IngestError(what, where, "Print it to a page of usual size")
        pictures, dpi = _pictures(page, width, height, where)
        is_picture = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in pictures) > IS_PICTURE * width * height
        try:
            image, scale, words = _drawn(page, dpi if is_picture else TEXT_DPI, where, has_words=not is_picture)
            if words and _lie_over(page, image.shape, words, pictures):
                image, scale, words = _drawn(page, dpi, where, has_words=False)
        except pypdfium2.PdfiumError as error:
            raise _damaged(path, error) from None
    return Face(number, image, scale, words)


def _drawn(
    page: pypdfium2.PdfPage, dpi: float, where: str, *, has_words: bool
) -> tuple[Grey, float, list[Word] | None]:
    """(picture of the page, its pixels for a point, words of its text layer)."""
    width, height = page.get_size()
    scale = min(dpi / 72, LONGEST_SIDE / max(width, height))
    _check_pixels(width * scale, height * scale, where)
    image = _grey(page.render(scale=scale, rev_byteorder=True, may_draw_forms=False).to_pil())
    return image, scale, _layer(page, image.shape, where) if has_words else None


def _lie_over(page: pypdfium2.PdfPage, shape: tuple[int, ...], words: list[Word], pictures: list[Box]) -> bool:
    """Whether figures of the text layer lie over pictures: a reader's words, not what is printed."""
    boxes = [_on_image(page, shape, box) for box in pictures]
    middles = [word.middle for word in words if is_number(word.text)]
    return sum(any(x0 < x < x1 and y0 < y < y1 for x0, y0, x1, y1 in boxes) for x, y in middles) > FEW


def _pictures(page: pypdfium2.PdfPage, width: float, height: float, where: str) -> tuple[list[Box], float]:
    """(boxes of the pictures on the page, resolution of the large ones), points from the bottom left."""
    boxes: list[Box] = []
    dpi = 0.0
    for item in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=4):
        left, bottom, right, top = item.get_bounds()
        across, down = item.get_px_size()
        _check_pixels(across, down, where)
        if left < width and right > 0 and bottom < height and top > 0:
            boxes.append((max(left, 0), max(bottom, 0), min(right, width), min(top, height)))
        if max((right - left) / width, (top - bottom) / height) > LARGE_PICTURE:
            dpi = max(dpi, max(across, down) / max(right - left, top - bottom) * 72)
    return boxes, min(max(dpi, 100), FINEST_DPI)


def _layer(page: pypdfium2.PdfPage, shape: tuple[int, ...], where: str) -> list[Word] | None:
    """Words of the text layer in pixels; None: no text."""
    text = page.get_textpage()
    count = text.count_chars()
    if count == 0:
        return None
    if count > MOST_SIGNS:
        what = f"The text of the page has {count:,} signs; at most {MOST_SIGNS:,} are read"
        raise IngestError(what, where, "Save the table alone")
    signs = []
    for at in range(count):
        code = pdfium.FPDFText_GetUnicode(text, at)
        if code in (0, 0xFFFE, 0xFFFF):
            continue
        sign = chr(code) if code < 0xD800 or 0xE000 <= code < 0x110000 else "\ufffd"
        box = _on_image(page, shape, text.get_charbox(at))
        signs.append((sign, *box, pdfium.FPDFText_GetCharAngle(text, at)))
    return _words_of(signs)


def _on_image(page: pypdfium2.PdfPage, shape: tuple[int, ...], box: Box) -> Box:
    """A box in points from the bottom left (left, bottom, right, top) as one in pixels."""
    x, y = ctypes.c_int(), ctypes.c_int()
    fine = 16  # the device is finer than the picture: whole pixels would move the boxes
    corners = []
    for cx, cy in (box[:2], box[2:]):
        pdfium.FPDF_PageToDevice(page, 0, 0, shape[1] * fine, shape[0] * fine, 0, cx, cy, x, y)
        corners.append((x.value / fine, y.value / fine))
    (x0, y0), (x1, y1) = corners
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _words_of(signs: list[tuple[str, float, float, float, float, float]]) -> list[Word]:
    """Signs in the order of the file, cut where a gap or a new line begins. Text that runs up or down stays so."""
    words: list[Word] = []
    run: list[tuple[str, float, float, float, float, float]] = []
    is_spaced = False
    for sign in [*signs, (" ", 0.0, -1e9, 0.0, -1e9, 0.0)]:
        if sign[0].isspace() and sign[2] > -1e8:
            is_spaced = True
            continue
        if run and not _continues(run, sign):
            words.append(_word(run))
            run = []
        run.append((" " * (is_spaced and bool(run)) + sign[0], *sign[1:]))
        is_spaced = False
    return words


def _continues(
    run: list[tuple[str, float, float, float, float, float]], sign: tuple[str, float, float, float, float, float]
) -> bool:
    last = run[-1]
    tall = max(max(s[3] - s[1], s[4] - s[2]) for s in (*run[-4:], sign))
    upright = abs(last[4] - last[2]) > 0 and _is_turned(sign[5])
    along, across = (1, 0) if upright else (0, 1)
    box, other = last[1:5], sign[1:5]
    gap = max(other[along] - box[along + 2], box[along] - other[along + 2])
    shift = max(other[across] - box[across + 2], box[across] - other[across + 2])
    return gap < 0.7 * tall and shift < 0.1 * tall and _is_turned(last[5]) == _is_turned(sign[5])


def _is_turned(angle: float) -> bool:
    return abs(math.sin(angle)) > 0.7


def _word(run: list[tuple[str, float, float, float, float, float]]) -> Word:
    box = (min(s[1] for s in run), min(s[2] for s in run), max(s[3] for s in run), max(s[4] for s in run))
    return Word("".join(s[0] for s in run).strip(), *box)


def _picture(path: Path, number: int) -> Face:
    where = f"{path}, page {number}"
    try:
        with Image.open(path) as picture:
            picture.seek(number - 1)
            width, height = picture.size
            _check_pixels(width, height, where)
            picture.load()
            image = _grey(picture)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise _damaged(path, error) from None
    scale = min(1.0, LONGEST_SIDE / max(image.shape))
    if scale < 1:
        size = round(image.shape[1] * scale), round(image.shape[0] * scale)
        image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    return Face(number, image, scale, None)


def _grey(picture: Image.Image) -> Grey:
    """The brightest of the three colours: black stays black, a red or blue stamp fades."""
    if picture.mode in ("1", "L", "I;16", "I", "F"):
        return np.asarray(picture.convert("L"))
    if picture.mode in ("RGBA", "LA", "PA") or (picture.mode == "P" and "transparency" in picture.info):
        over = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
    return np.asarray(picture.convert("RGB")).max(axis=2)
