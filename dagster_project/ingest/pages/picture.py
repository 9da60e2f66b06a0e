"""Read one page: lay it straight, find its words and rules, read each figure twice and count its blobs of ink."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from dagster_project.ingest.header_paths import has_chinese
from dagster_project.ingest.pages import engine, ink
from dagster_project.ingest.pages.document import Face, Grey
from dagster_project.ingest.pages.words import Page, Word, is_marker, is_number, plain

LEAST_SCORE = 0.85  # of the least certain sign of a figure
LEAST_SCORE_NAME = 0.80
_GAP = 1.4  # steps from digit to digit: thousands are parted, or a sign is lost
_SHIFT, _LEAST_SHIFT = 0.15, 1.6  # steps, pixels: two digits stand otherwise than they do elsewhere
_EDGE = 2  # pixels
_CUT = 1.6  # heights: a wider gap parts two words
_ALIKE = (16, 12)  # pixels of a digit that is compared
_NARROW = 0.8  # of the usual width of this digit: a part of it is gone


def read_page(face: Face) -> Page:
    """Words of the text layer where it says what the picture shows, else of the picture."""
    if face.words:
        upright = _upright_layer(face)
        page = _page(upright, ink.flat(upright.face.image), upright.face.words or [], is_picture=False)
        if layer_is_sound(page, ink.flat(upright.face.image), upright.face.scale * 72):
            return page
    return _read_picture(face)


@dataclass(frozen=True, eq=False)
class _Upright:
    face: Face
    forward: NDArray[np.float64]  # 3 x 3, from pixels of the page as shown


def _quarter(shape: tuple[int, ...], turns: int) -> NDArray[np.float64]:
    """np.rot90(image, turns) as a matrix on pixels."""
    height, width = shape[:2]
    return {
        0: np.eye(3),
        1: np.array([[0, 1, 0], [-1, 0, width], [0, 0, 1]], dtype=np.float64),
        2: np.array([[-1, 0, width], [0, -1, height], [0, 0, 1]], dtype=np.float64),
        3: np.array([[0, -1, height], [1, 0, 0], [0, 0, 1]], dtype=np.float64),
    }[turns % 4]


def _turned(face: Face, turns: int) -> _Upright:
    matrix = _quarter(face.image.shape, turns)
    image = np.ascontiguousarray(np.rot90(face.image, turns))
    words = None if face.words is None else [_in_frame(word, matrix) for word in face.words]
    return _Upright(replace(face, image=image, words=words), matrix)


def _in_frame(word: Word, matrix: NDArray[np.float64]) -> Word:
    corners = np.array([[word.x0, word.y0, 1], [word.x1, word.y1, 1]]) @ matrix[:2].T
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    return replace(word, x0=float(x0), y0=float(y0), x1=float(x1), y1=float(y1))


def _page(upright: _Upright, paper: Grey, words: list[Word], *, is_picture: bool) -> Page:
    face = upright.face
    lying, standing, _ = ink.rules_of(paper, face.scale * 72 if face.scale > 1 else 200)
    inverse = np.linalg.inv(upright.forward)
    inverse[:2] /= face.scale
    height, width = paper.shape
    return Page(face.number, words, lying, standing, inverse[:2], (height, width), is_picture)


# ---- text layer -------------------------------------------------------------------------------------------


def _upright_layer(face: Face) -> _Upright:
    """Text that runs up or down the page is turned."""
    long = [word for word in face.words or [] if len(word.text) > 3]
    if 2 * sum(word.height > 1.5 * (word.x1 - word.x0) for word in long) <= len(long):
        return _turned(face, 0)
    first = [word for word in long if word.height > 1.5 * (word.x1 - word.x0)]
    scores = {}
    for turns in (1, 3):
        upright = _turned(replace(face, words=first[:: max(len(first) // 6, 1)][:6]), turns)
        crops = [_crop(upright.face.image, word, 2) for word in upright.face.words or []]
        scores[turns] = sum(score for _, score in engine.read(crops))
    return _turned(face, max(scores, key=lambda turns: scores[turns]))


def layer_is_sound(page: Page, paper: Grey, dpi: float) -> bool:
    """A sample of words reads alike in the picture, and no figure of the picture is missing in the layer.

    The sample holds each sign of the figures some times, and names: a character map may be wrong for one sign only.
    """
    numbers = [word for word in page.words if is_number(word.text) and word.x1 - word.x0 < 0.2 * page.shape[1]]
    names = [word for word in page.words if has_chinese(word.text) and 2 <= len(word.text) <= 8]
    sample: list[Word] = []
    counts = dict.fromkeys("0123456789.-", 0)
    for word in _spread(numbers):
        signs = set(plain(word.text)) & counts.keys()
        if len(sample) < 10 or any(counts[sign] < 3 for sign in signs):
            sample.append(word)
            for sign in signs:
                counts[sign] += 1
        if len(sample) >= 40:
            break
    read = engine.read([_crop(paper, word, 4) for word in sample])
    wrong = sum(_bare(text) != _bare(word.text) for word, (text, _) in zip(sample, read, strict=True))
    few = _spread(names)[:10]
    read = engine.read([_crop(paper, word, 4) for word in few])
    odd = sum(not set(plain(text)) & set(plain(word.text)) for word, (text, _) in zip(few, read, strict=True))
    tall = float(np.median([word.height for word in numbers])) if numbers else dpi / 10
    word_boxes = np.array([(w.x0 - 2, w.y0 - 2, w.x1 + 2, w.y1 + 2) for w in page.words]).reshape(-1, 4)
    loose = ink.loose_ink(paper, ink.rules_of(paper, dpi)[2], word_boxes, tall)
    stray_ink = [box for box in loose if box[3] - box[1] > 0.7 * tall and box[2] - box[0] < 12 * tall]
    return wrong <= len(sample) // 20 and odd <= len(few) // 5 and len(stray_ink) <= len(page.words) // 50


def _spread(words: list[Word]) -> list[Word]:
    """The same words in an order that leaps over the page, always alike."""
    return [words[at] for at in np.random.default_rng(1).permutation(len(words))] if words else []


def _bare(text: str) -> str:
    return plain(text).replace(" ", "").replace(",", "")


def _at(box: list[float]) -> Word:
    return Word("", box[0], box[1], box[2], box[3])


def _crop(image: Grey, word: Word, side: int, above: int | None = None) -> Grey:
    """The word with a margin; white where it lies outside the page."""
    high = side if above is None else above
    y0, y1 = max(int(word.y0) - high, 0), int(word.y1) + 1 + high
    x0, x1 = max(int(word.x0) - side, 0), int(word.x1) + 1 + side
    crop = image[y0:y1, x0:x1]
    return crop if crop.size else np.full((4, 4), 255, np.uint8)


# ---- picture ----------------------------------------------------------------------------------------------


def _read_picture(face: Face) -> Page:
    upright, paper, boxes = _laid_straight(replace(face, words=None))
    dpi = upright.face.scale * 72 if upright.face.scale > 1 else max(paper.shape) / 11.7
    lying, standing, rules = ink.rules_of(paper, dpi)
    dark = (paper < ink.INK) & (rules == 0)
    boxes = _parted(boxes, dark)
    first = _words_in(paper, boxes)
    tall = _height_of_digits(first, dark)
    loose = _at_least(ink.loose_ink(paper, rules, boxes, tall), tall)
    first += _words_in(paper, loose)
    clean = np.where(rules > 0, np.uint8(255), paper)
    words = _doubted(first, clean, tall)
    page = replace(_page(upright, paper, words, is_picture=True), lying=lying, standing=standing)
    return replace(page, words=[_at_edge(page, word, face) for word in words])


def _at_edge(page: Page, word: Word, face: Face) -> Word:
    """Flagged where its ink reaches the edge of the picture: a part of it may be cut off."""
    x0, y0, x1, y1 = (edge * face.scale for edge in page.box(word))
    height, width = face.image.shape
    is_cut = min(x0, y0, width - x1, height - y1) < _EDGE and any(sign.isdigit() for sign in word.text)
    return replace(word, flag=word.flag or "cut off by the edge of the page") if is_cut else word


def _laid_straight(face: Face) -> tuple[_Upright, Grey, NDArray[np.float64]]:
    """Quarter turns by the form of the words and how well they read, then the slope."""
    upright = _sloped(_turned(face, 0))
    boxes = engine.find(upright.face.image)
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    turns = (
        (0, 2)
        if 2 * int((height > 1.5 * width).sum()) <= int((height > 1.5 * width).sum() + (width > 1.5 * height).sum())
        else (1, 3)
    )
    if len(boxes):
        longest = boxes[np.argsort(-np.maximum(width, height), kind="stable")[:40]][::5]
        scores = {n: _legible(upright.face.image, longest, n) for n in turns}
        if turns[0] == 1 or scores[2] > scores[0] + 0.2:
            upright = _sloped(_turned(face, max(turns, key=lambda n: scores[n])))
            boxes = engine.find(upright.face.image)
    return upright, ink.flat(upright.face.image), boxes


def _legible(image: Grey, boxes: NDArray[np.float64], turns: int) -> float:
    crops = [np.ascontiguousarray(np.rot90(_crop(image, _at(box), 1), turns)) for box in boxes.tolist()]
    return float(np.mean([score * bool(text) for text, score in engine.read(crops)]))


def _sloped(upright: _Upright) -> _Upright:
    degrees = ink.slope(ink.flat(upright.face.image))
    if abs(degrees) < 0.05:
        return upright
    matrix = np.vstack([ink.rotation(upright.face.image.shape, degrees), [0, 0, 1]])
    image = ink.straighten(upright.face.image, degrees)
    return _Upright(replace(upright.face, image=image), matrix @ upright.forward)


def _words_in(paper: Grey, boxes: NDArray[np.float64]) -> list[Word]:
    places = [_at(box) for box in boxes.tolist()]
    texts = engine.read([_crop(paper, place, 1) for place in places])
    return [replace(place, text=text, score=score) for place, (text, score) in zip(places, texts, strict=True)]


def _parted(boxes: NDArray[np.float64], dark: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Boxes cut where white wider than `_CUT` heights lies between two parts."""
    parts: list[tuple[float, float, float, float]] = []
    for x0, y0, x1, y1 in boxes.astype(int).tolist():
        x0, y0 = max(x0, 0), max(y0, 0)
        columns = np.flatnonzero(dark[y0 : y1 + 1, x0 : x1 + 1].any(axis=0))
        if len(columns):
            cuts = np.flatnonzero(np.diff(columns) > _CUT * (y1 - y0))
            starts, ends = [0, *columns[cuts + 1].tolist()], [*columns[cuts].tolist(), x1 - x0]
            parts += [(x0 + a, y0, x0 + b, y1) for a, b in zip(starts, ends, strict=True)]
    return np.array(parts, dtype=np.float64).reshape(-1, 4)


def _at_least(boxes: NDArray[np.float64], tall: float) -> NDArray[np.float64]:
    """Boxes as high as a digit with its paper: dots and dashes alone cannot be read."""
    middle, half = (boxes[:, 1] + boxes[:, 3]) / 2, np.maximum((boxes[:, 3] - boxes[:, 1]) / 2, 0.75 * tall)
    return np.column_stack([boxes[:, 0] - 0.2 * tall, middle - half, boxes[:, 2] + 0.2 * tall, middle + half])


def _height_of_digits(words: Sequence[Word], dark: NDArray[np.bool_]) -> float:
    heights = []
    for word in words:
        if is_number(word.text) and len(word.text) > 1:
            box = ink.tight(dark[int(word.y0) : int(word.y1) + 1, int(word.x0) : int(word.x1) + 1])
            heights += [float(box[3] - box[1])] if box else []
    return float(np.median(heights)) if heights else 20.0


def _doubted(words: list[Word], clean: Grey, tall: float) -> list[Word]:
    """Figures and marks with a second reading and the count of their blobs; names by their score."""
    result = list(words)
    figures = [at for at, word in enumerate(words) if _is_figure_like(word.text)]
    wide_crops = [_wider(clean, words[at], tall) for at in figures]
    signs = [ink.blobs(dark, tall) for _, dark, _ in wide_crops]
    wide, pitch = ink.widths(signs, tall)
    signs = [ink.parted(some, dark, wide, pitch) for some, (_, dark, _) in zip(signs, wide_crops, strict=True)]
    again = engine.read([_second(crop, dark, tall) for crop, dark, _ in wide_crops])
    shapes = [_drawn(words[at], corner, dark) for at, (_, dark, corner) in zip(figures, wide_crops, strict=True)]
    for at, word, some, second in zip(figures, shapes, signs, again, strict=True):
        wider = max(words[at].x0 - word.x0, word.x1 - words[at].x1) > 0.15 * tall
        text, score = engine.read([_crop(clean, word, 2)])[0] if wider else (word.text, word.score)
        verdict = _with_flag(replace(word, text=text, score=score), *second, "".join(k for k, _ in some if k != "s"))
        result[at] = _with_gaps(verdict, some, pitch)
    for at, word in enumerate(words):  # a per mille is read as a per cent unless it is large
        if "%" in word.text and len(word.text) < 6:
            large = cv2.resize(_crop(clean, word, 3), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
            text = engine.read([np.asarray(large, dtype=np.uint8)])[0][0]
            if "‰" in text or re.search("%[0oO]", text):
                result[at] = replace(word, text=re.sub("%[0oO]", "‰", text))
    glyphs = [
        (dark, [place for kind, place in some if kind == "d"])
        for some, (_, dark, _) in zip(signs, wide_crops, strict=True)
    ]
    texts = [result[at].text for at in figures]
    for at, is_odd, is_off in zip(figures, _odd_digits(texts, glyphs), off_step(texts, glyphs, pitch), strict=True):
        if (is_odd or is_off) and not result[at].flag:
            result[at] = replace(
                result[at], flag="a digit looks like another" if is_odd else "a part of a digit is lost"
            )
    twice = _read_twice(result, figures)
    return [
        replace(word, flag=f"score {word.score:.2f}")
        if not word.flag and has_chinese(word.text) and word.score < LEAST_SCORE_NAME
        else word
        for at, word in enumerate(result)
        if at not in twice
    ]


def _read_twice(words: list[Word], figures: list[int]) -> set[int]:
    """Figures that are a part of another one: the same ink was found in a box and again as what the box left over."""
    box = np.array([(words[at].x0, words[at].y0, words[at].x1, words[at].y1) for at in figures]).reshape(-1, 4)
    size = np.maximum(box[:, 2:] - box[:, :2], 1)
    overlap = np.minimum(box[:, None, 2:], box[None, :, 2:]) - np.maximum(box[:, None, :2], box[None, :, :2])
    inside = (overlap > 0.5 * size[:, None]).all(axis=2)  # [a, b]: most of a in b
    order = np.arange(len(figures))
    wider = (size[None, :, 0] > size[:, None, 0]) | ((size[None, :, 0] == size[:, None, 0]) & (order < order[:, None]))
    return {figures[at] for at in np.flatnonzero((inside & wider).any(axis=1)).tolist()}


def _drawn(word: Word, corner: tuple[float, float], dark: NDArray[np.bool_]) -> Word:
    """The word with the box of its ink."""
    box = ink.tight(dark)
    if box is None:
        return word
    (x, y), (x0, y0, x1, y1) = corner, box
    return replace(word, x0=x + x0, y0=y + y0, x1=x + x1, y1=y + y1)


def _is_figure_like(text: str) -> bool:
    bare = plain(text)
    return not bare or is_number(text) or is_marker(text) or 2 * sum(sign.isdigit() for sign in bare) >= len(bare)


def _wider(clean: Grey, word: Word, tall: float) -> tuple[Grey, NDArray[np.bool_], tuple[float, float]]:
    """The word with a margin, where a minus or a point may stand that was cut off."""
    side, above = int(0.7 * tall), int(0.25 * tall)
    crop = _crop(clean, word, side, above)
    corner = max(int(word.x0) - side, 0), max(int(word.y0) - above, 0)
    return crop, ink.dark_of(crop), corner


def _second(crop: Grey, dark: NDArray[np.bool_], tall: float) -> Grey:
    """Another picture of the same word: drawn to its ink, in black and white with soft edges, with more paper."""
    box = ink.tight(dark)
    if box is None:
        return crop
    x0, y0, x1, y1 = box
    part = np.where(dark[y0:y1, x0:x1], crop[y0:y1, x0:x1] // 3, np.uint8(255))
    margin = max(int(0.3 * tall), 3)
    wide = cv2.copyMakeBorder(part, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=255)
    return np.asarray(cv2.resize(wide, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _with_flag(word: Word, again: str, score: float, pattern: str) -> Word:
    """The word with the first thing that speaks against it; of two readings the one whose signs the ink shows."""
    bare = word.text.strip()
    if not bare or is_marker(bare):
        if "d" not in pattern:
            mark = "—" if pattern == "m" else "…" if len(pattern) > 1 else ""
            return replace(word, text=bare or mark)
        if not bare:
            return replace(word, text=again, score=score, flag="read once" if again.strip() else "unread")
    one, two = plain(word.text).replace(" ", ""), plain(again).replace(" ", "")
    if one != two:
        if _pattern(two) == pattern != _pattern(one):
            return replace(word, text=again, score=score, flag=f"also read {word.text}")
        return replace(word, flag=f"also read {again}")
    low = min(word.score, score)
    if not is_number(word.text):
        flag = "no number"
    elif low < LEAST_SCORE:
        flag = f"score {low:.2f}"
    else:
        flag = f"ink shows {pattern}" if pattern != _pattern(one) else ""
    return replace(word, score=low, flag=flag)


def _with_gaps(word: Word, signs: list[tuple[str, tuple[int, int, int, int]]], pitch: float) -> Word:
    """The word with a blank where the ink parts thousands; a gap at another place may be a lost sign."""
    bare = plain(word.text).replace(" ", "")
    places = [at for at, sign in enumerate(bare) if sign.isdigit()]
    if word.flag or "," in bare or len(places) != sum(kind == "d" for kind, _ in signs):
        return word
    whole = [at for at in places if at < (bare.find(".") if "." in bare else len(bare))]
    spaced_text, at = bare, len(places)
    for (one, left), (two, right) in reversed(list(pairwise(signs))):
        at -= two == "d"
        if one == two == "d" and right[0] + right[2] - left[0] - left[2] > 2 * _GAP * pitch:
            if at not in range(len(whole) % 3, len(whole), 3):
                return replace(word, flag="a sign may be lost")
            spaced_text = f"{spaced_text[: places[at]]} {spaced_text[places[at] :]}"
    return replace(word, text=spaced_text) if is_number(word.text) else word


def _pattern(bare: str) -> str:
    """Signs of a figure as the ink shows them: d a digit, m a minus, p a point or a comma."""
    return "".join("d" if sign.isdigit() else "m" if sign == "-" else "p" for sign in bare)


def _odd_digits(
    texts: list[str], glyphs: list[tuple[NDArray[np.bool_], list[tuple[int, int, int, int]]]]
) -> list[bool]:
    """Which figures hold a digit that looks more like another one of the page, or is narrower than it is."""
    owner, label, shape, width = [], [], [], []
    for at, (text, (dark, places)) in enumerate(zip(texts, glyphs, strict=True)):
        digits = [sign for sign in plain(text) if sign.isdigit()]
        if len(digits) == len(places):
            for digit, (x0, y0, x1, y1) in zip(digits, places, strict=True):
                small = cv2.resize(dark[y0:y1, x0:x1].astype(np.float32), _ALIKE[::-1], interpolation=cv2.INTER_AREA)
                owner.append(at)
                label.append(int(digit))
                shape.append(np.append(small.ravel(), 6 * min((x1 - x0) / (y1 - y0), 1.0)))
                width.append(x1 - x0)
    odd = [False] * len(texts)
    if not shape:
        return odd
    shapes, labels = np.array(shape), np.array(label)
    usual_digits = [digit for digit in range(10) if (labels == digit).sum() >= 3]
    if len(usual_digits) < 2:
        return odd
    means = np.array([np.median(shapes[labels == digit], axis=0) for digit in usual_digits])
    apart = np.linalg.norm(shapes[:, None, :] - means[None], axis=2)
    nearest = np.array(usual_digits)[apart.argmin(axis=1)]
    wide = np.array(width)
    usual = np.array([np.median(wide[labels == digit]) if digit in usual_digits else 0 for digit in range(10)])
    is_odd = (nearest != labels) | ((labels != 1) & (wide < _NARROW * usual[labels]))
    for at in np.flatnonzero(is_odd & np.isin(labels, usual_digits)).tolist():
        odd[owner[at]] = True
    return odd


def off_step(
    texts: list[str], glyphs: list[tuple[NDArray[np.bool_], list[tuple[int, int, int, int]]]], pitch: float
) -> list[bool]:
    """Which figures hold two digits that stand nearer or farther than the two do elsewhere on the page."""
    pairs = []
    for at, (text, (_, places)) in enumerate(zip(texts, glyphs, strict=True)):
        signs = plain(text)
        digits = [n for n, sign in enumerate(signs) if sign.isdigit()]
        if len(digits) == len(places):
            for (one, left), (two, right) in pairwise(zip(digits, places, strict=True)):
                if two == one + 1 and signs[one : two + 1] != "11":  # which are set closer
                    step = (right[0] + right[2] - left[0] - left[2]) / 2
                    pairs.append((at, int(signs[one]), int(signs[two]), step - pitch))
    owner, first, second = np.array([pair[:3] for pair in pairs], dtype=np.int64).reshape(-1, 3).T
    rest = np.array([pair[3] for pair in pairs])
    for _ in range(6):  # how far the ink of each digit stands from the middle of its place
        for digit in range(10):
            apart = np.concatenate([rest[second == digit], -rest[first == digit]])
            shift = float(np.median(apart)) if len(apart) > 4 else 0.0
            rest = rest - shift * (second == digit) + shift * (first == digit)
    off = set(owner[np.abs(rest) > max(_SHIFT * pitch, _LEAST_SHIFT)].tolist())
    return [at in off for at in range(len(texts))]
