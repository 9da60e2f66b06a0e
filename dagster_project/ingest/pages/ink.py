"""What the picture itself shows: slope of the page, rules, ink, and the blobs of a figure."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from dagster_project.ingest.pages.document import Grey

INK = 150  # of 255, where the paper is 255
FAINT = 180  # dots are small and grey
_STEEPEST = 3.0  # degrees

type Boxes = NDArray[np.float64]
type Mask = NDArray[np.uint8]


def flat(image: Grey) -> Grey:
    """The picture with white paper: shade and uneven light divided out."""
    small = cv2.resize(image, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    paper = cv2.medianBlur(cv2.dilate(small, np.ones((5, 5), np.uint8)), 9)
    wide = cv2.resize(paper, image.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.divide(image, np.maximum(wide, 1), scale=255), dtype=np.uint8)


def slope(paper: Grey) -> float:
    """Degrees by which lines of text fall to the right: where the profile of the rows is sharpest."""
    scale = 1000 / max(paper.shape)
    small = cv2.resize(paper, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    dark = (255 - small).astype(np.float32)

    def sharpness(degrees: float) -> float:
        profile = _rotated(dark, degrees, 0).sum(axis=1)
        return float((np.diff(profile) ** 2).sum())

    best = max(np.arange(-_STEEPEST, _STEEPEST + 0.01, 0.5), key=sharpness)
    return float(max(np.arange(best - 0.5, best + 0.51, 0.1), key=sharpness))


def rotation(shape: tuple[int, ...], degrees: float) -> NDArray[np.float64]:
    """2 x 3 matrix that lays a page of this slope straight, about its middle."""
    return np.asarray(cv2.getRotationMatrix2D((shape[1] / 2, shape[0] / 2), degrees, 1.0))


def _rotated(image: NDArray[np.float32], degrees: float, border: int) -> NDArray[np.float32]:
    upright = cv2.warpAffine(image, rotation(image.shape, degrees), image.shape[::-1], borderValue=border)
    return np.asarray(upright, dtype=np.float32)


def straighten(image: Grey, degrees: float) -> Grey:
    """The picture turned by `degrees`, white where it did not reach."""
    matrix = rotation(image.shape, degrees)
    return np.asarray(
        cv2.warpAffine(image, matrix, image.shape[::-1], flags=cv2.INTER_CUBIC, borderValue=255), dtype=np.uint8
    )


def rules_of(paper: Grey, dpi: float) -> tuple[Boxes, Boxes, Mask]:
    """(horizontal rules, vertical rules, mask of both); boxes (n, 4)."""
    dark = (paper < 190).astype(np.uint8)
    across = max(int(0.3 * dpi), 20)
    # a rule that curls or leans by a pixel is still one
    lying = cv2.morphologyEx(
        cv2.dilate(dark, np.ones((3, 1), np.uint8)), cv2.MORPH_OPEN, np.ones((1, across), np.uint8)
    )
    standing = cv2.morphologyEx(
        cv2.dilate(dark, np.ones((1, 3), np.uint8)), cv2.MORPH_OPEN, np.ones((across, 1), np.uint8)
    )
    mask = cv2.dilate(lying, np.ones((1, 3), np.uint8)) | cv2.dilate(standing, np.ones((3, 1), np.uint8))
    near = max(across // 8, 3)
    strokes = cv2.dilate(lying, np.ones((5, near), np.uint8)), cv2.dilate(standing, np.ones((near, 5), np.uint8))
    return _thin(strokes[0], 0, dpi), _thin(strokes[1], 1, dpi), mask


def _thin(mask: Mask, axis: int, dpi: float) -> Boxes:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    boxes = [(x, y, x + w, y + h) for x, y, w, h, _ in stats[1:].tolist() if (w, h)[axis] > 0.25 * dpi]
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def loose_ink(paper: Grey, rules: Mask, word_boxes: Boxes, tall: float) -> Boxes:
    """Boxes of ink that no word covers: nearer than half a sign is one; specks are left out."""
    ink = (paper < FAINT).astype(np.uint8) & (1 - rules)
    for x0, y0, x1, y1 in word_boxes.astype(int):
        ink[max(y0, 0) : y1 + 1, max(x0, 0) : x1 + 1] = 0
    reach = max(int(0.6 * tall), 3)
    blobs = cv2.dilate(ink, np.ones((3, reach), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(blobs)
    amount = np.bincount(labels[ink > 0], minlength=len(stats))
    least = (0.12 * tall) ** 2
    boxes = []
    for at in range(1, len(stats)):
        x, y, w, h = stats[at, :4].tolist()
        if amount[at] >= least and h <= 2.5 * tall and w - reach <= 25 * tall:
            boxes.append((x + reach // 2, y + 1, x + w - reach // 2, y + h - 1))
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def tight(dark: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """Box of all ink of a mask: x0, y0, x1, y1; None: there is none."""
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def dark_of(paper: Grey) -> NDArray[np.bool_]:
    """Ink of the picture of one word: darker than the middle between its ink and its paper."""
    level, _ = cv2.threshold(paper, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return np.asarray(paper < min(max(level, 90), 205))


def blobs(dark: NDArray[np.bool_], tall: float) -> list[tuple[str, tuple[int, int, int, int]]]:
    """Signs of a figure from left to right: d tall as a digit, p low as a point, m short as a minus, s a speck.

    Parts that stand over one another are one sign. tall: height of a digit of this page.
    """
    count, _, stats, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8))
    parts = sorted(
        (x, y, x + w, y + h, n) for x, y, w, h, n in stats[1:count].tolist() if n >= max(2.0, (0.08 * tall) ** 2)
    )
    groups: list[list[int]] = []
    for x0, y0, x1, y1, n in parts:
        if groups and x0 < groups[-1][2] - 0.3 * min(x1 - x0, groups[-1][2] - groups[-1][0]):
            last = groups[-1]
            groups[-1] = [last[0], min(last[1], y0), max(last[2], x1), max(last[3], y1), last[4] + n]
        else:
            groups.append([x0, y0, x1, y1, n])
    digits = [g for g in groups if g[3] - g[1] >= 0.72 * tall]
    if not digits:
        return [(_mark(g, tall), (g[0], g[1], g[2], g[3])) for g in groups]
    top, bottom = float(np.median([g[1] for g in digits])), float(np.median([g[3] for g in digits]))
    return [
        ("d" if g[3] - g[1] >= 0.72 * tall else _low(g, top, bottom, tall), (g[0], g[1], g[2], g[3])) for g in groups
    ]


def _mark(group: list[int], tall: float) -> str:
    x0, y0, x1, y1, _ = group
    if y1 - y0 > 0.4 * tall:
        return "s"
    return "m" if x1 - x0 > 0.4 * tall else "p"


def _low(group: list[int], top: float, bottom: float, tall: float) -> str:
    x0, y0, x1, y1, _ = group
    middle, height, width = (y0 + y1) / 2, y1 - y0, x1 - x0
    if height <= 0.3 * tall and width >= 0.22 * tall and width >= 1.3 * height and middle < bottom - 0.18 * tall:
        return "m"
    if middle > bottom - 0.3 * tall and height <= 0.5 * tall and width <= 0.4 * tall:
        return "p"
    return "s"


def parted(
    signs: list[tuple[str, tuple[int, int, int, int]]], dark: NDArray[np.bool_], wide: float, pitch: float
) -> list[tuple[str, tuple[int, int, int, int]]]:
    """Digits that touch cut apart, where the ink between them is thinnest. wide: of one digit; pitch: from one to the
    next."""
    result: list[tuple[str, tuple[int, int, int, int]]] = []
    for kind, (x0, y0, x1, y1) in signs:
        count = round((x1 - x0 - wide) / pitch) + 1 if kind == "d" and x1 - x0 > 1.35 * wide else 1
        cuts = [x0]
        for at in range(1, count):
            middle = x0 + at * (x1 - x0) / count
            low, high = int(middle - 0.25 * pitch), int(middle + 0.25 * pitch) + 1
            cuts.append(low + int(dark[y0:y1, low:high].sum(axis=0).argmin()))
        for left, right in zip(cuts, [*cuts[1:], x1], strict=True):
            result.append((kind, (left, y0, max(right, left + 1), y1)))
    return result


def widths(figures: list[list[tuple[str, tuple[int, int, int, int]]]], tall: float) -> tuple[float, float]:
    """(usual width of a digit, usual step from one digit to the next) of the figures of one page."""
    digits = [place for signs in figures for kind, place in signs if kind == "d"]
    single = [x1 - x0 for x0, _, x1, _ in digits if x1 - x0 < 0.95 * tall]
    wide = float(np.median(single)) if single else 0.6 * tall
    steps = [
        (b[0] + b[2] - a[0] - a[2]) / 2
        for signs in figures
        for (one, a), (two, b) in pairwise(signs)
        if one == two == "d" and a[2] - a[0] < 0.95 * tall and b[2] - b[0] < 0.95 * tall
    ]
    near = [step for step in steps if step < 1.5 * tall]
    return wide, float(np.median(near)) if near else 1.1 * wide
