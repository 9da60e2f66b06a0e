"""From the words of one page to its table: rows, columns and heads by where the words and rules lie."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dagster_project.ingest.header_paths import has_chinese
from dagster_project.ingest.pages.words import Page, Word, is_marker, is_number, plain

_CITY_HEADS = ("城市", "地区", "地市", "县市", "市县", "市")
_ABOVE = re.compile(r"续表|单位|^\d+\s*-\s*\d+|年鉴|统计资料")
_UNIT = re.compile(r"^[(（]([^()（）]{1,12})[)）]$")
_NOTE = re.compile(r"^(注|资料来源|数据来源|说明|备注)")
_THOUSANDS = re.compile(r"[,，]?\d{3}([.．]\d+)?")
_LEAST_ROWS, _ALIGNED = 3, 8
_BESIDE = "a sign stands beside it"
_TOUCHED = re.compile(r"(.*[\u3400-\u9fff])\s*([-–—−]?\d[\d,. ]*\d)")  # a long name runs into its first figure


@dataclass(frozen=True)
class Head:
    """One head over columns `first`..`last` of its block of columns."""

    name: str
    unit: str
    text: str
    first: int
    last: int
    top: float


@dataclass(frozen=True)
class Row:
    """y: of its middle, after the curl of the page is taken out; labels and figures: column -> word."""

    y: float
    cells: dict[int, Word]


@dataclass(frozen=True, eq=False)
class Table:
    """Columns from left to right: kinds are 'name', 'english', 'figure'; heads: of each figure column, top down."""

    page: Page
    title: str
    unit: str
    is_continued: bool
    kinds: list[str]
    rows: list[Row]
    heads: list[Head]
    notes: list[str] = field(default_factory=list)
    running_head: str = ""

    def path(self, column: int) -> list[Head]:
        """Heads over a column, from the top."""
        return sorted((head for head in self.heads if head.first <= column <= head.last), key=lambda head: head.top)

    @property
    def figure_columns(self) -> list[int]:
        """Numbers of the figure columns."""
        return [at for at, kind in enumerate(self.kinds) if kind == "figure"]

    @property
    def has_names(self) -> bool:
        """Whether the rows are named on this page."""
        return "name" in self.kinds


def table_of(page: Page) -> Table | None:
    """The table of a page; None: there is none."""
    figures = [word for word in page.words if is_number(word.text)]
    if len(figures) < 2 * _LEAST_ROWS:
        return None
    tall = float(np.median([word.height for word in figures]))
    level = _levelled(page, tall)
    unread = [word for word in page.words if not word.text.strip() and word.flag]
    rows = _rows(page.words, level, tall)
    body = _body(rows, tall)
    if len(body) < _LEAST_ROWS:
        return None
    columns, kinds = _columns([word for _, row in body for word in row], len(body), tall)
    if "figure" not in kinds:
        return None
    body = _with_edges(rows, body, columns, kinds, tall)
    spans = [(x0, x1) for x0, x1, _ in columns]
    table_rows = [Row(y, cells) for y, row in body if _is_printed(cells := _cells(row, spans, kinds), kinds)]
    _add_unread(table_rows, unread, spans, tall)
    _flag_unaligned(table_rows, kinds, tall)
    top_of_body = min(word.y0 for word in table_rows[0].cells.values())
    top = _top_rule(page, spans, top_of_body, tall)
    in_body = {id(word) for _, row in body for word in row}
    above = [w for w in page.words if id(w) not in in_body and w.middle[1] < top_of_body]
    head_words = [w for w in above if w.middle[1] > top]
    title_words = [w for w in above if w.middle[1] <= top]
    heads = _heads(page, head_words, columns, kinds, top, top_of_body, tall)
    title, unit, is_continued = _title(title_words)
    below = max(word.y1 for row in table_rows for word in row.cells.values())
    notes = [w.text for w in page.words if id(w) not in in_body and w.y0 > below and has_chinese(w.text)]
    running = next((w.text for w in title_words if "年鉴" in w.text), "")
    return Table(page, title, unit, is_continued, kinds, table_rows, heads, notes, running)


# ---- rows -------------------------------------------------------------------------------------------------


def _terms(at: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = at[:, 0], at[:, 1]
    return np.column_stack([x, x * x, x * y])


def _levelled(page: Page, tall: float) -> NDArray[np.float64]:
    """Middle of each word, with what is left of slope and curl taken out of y: words of one line stand level.

    The page is straight to a tenth of a degree already: a bend of more than most of a digit would be that of a wrong
    pair, and is not believed.
    """
    middle = np.array([word.middle for word in page.words])
    unit = middle / np.array([page.shape[1], page.shape[0]]) - 0.5
    usable = np.array([sum(sign.isalnum() for sign in w.text) > 1 for w in page.words])
    bend, level = np.zeros(len(middle)), middle[:, 1]
    for _ in range(3):
        pairs = _neighbours(page.words, level, usable, page.shape[1], tall)
        if len(pairs) < 12:
            break
        one, two = pairs.T
        design, step = _terms(unit[two]) - _terms(unit[one]), middle[two, 1] - middle[one, 1]
        ridge = np.vstack([design, 0.3 * np.eye(3)])
        c = np.linalg.lstsq(ridge, np.append(step, np.zeros(3)), rcond=None)[0]
        bend = _terms(unit) @ c
        if np.ptp(bend) > 1.2 * tall:
            return np.asarray(middle[:, 1])
        level = middle[:, 1] - bend
    return np.asarray(level)


def _neighbours(
    words: Sequence[Word], level: NDArray[np.float64], usable: NDArray[np.bool_], reach: float, tall: float
) -> NDArray[np.int64]:
    """Pairs of a word and the next one to its right on the same level."""
    pairs = []
    x0, x1 = np.array([w.x0 for w in words]), np.array([w.x1 for w in words])
    for at in np.flatnonzero(usable).tolist():
        right = np.flatnonzero(usable & (x0 > x1[at]) & (x0 < x1[at] + reach) & (abs(level - level[at]) < 0.5 * tall))
        if len(right):
            pairs.append((at, int(right[np.argmin(x0[right])])))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


type _Line = tuple[float, list[Word]]


def _rows(words: Sequence[Word], level: NDArray[np.float64], tall: float) -> list[_Line]:
    """Words line by line, from the top."""
    order = np.argsort(level, kind="stable").tolist()
    lines: list[tuple[list[float], list[Word]]] = []
    for at in order:
        if _is_speck(words[at], tall):
            continue
        if not lines or level[at] - float(np.mean(lines[-1][0])) > 0.75 * tall:
            lines.append(([], []))
        lines[-1][0].append(float(level[at]))
        lines[-1][1].append(words[at])
    return [(float(np.median(ys)), sorted(row, key=lambda w: w.x0)) for ys, row in lines]


def _is_speck(word: Word, tall: float) -> bool:
    """Dust that was read as a sign: neither letter nor digit nor a mark for no figure, or very small."""
    if any(sign.isalnum() for sign in word.text):
        return word.height < 0.4 * tall and "一" not in word.text
    return not is_marker(word.text) and not set(word.text) & set("%‰①②③④⑤⑥⑦⑧⑨")


def _body(rows: list[_Line], tall: float) -> list[_Line]:
    """The lines of figures that follow each other: the largest run without a wide gap."""
    full = [at for at, (_, row) in enumerate(rows) if any(is_number(w.text) for w in row) and not _is_head(row)]
    if len(full) < _LEAST_ROWS:
        return []
    steps = np.diff([rows[at][0] for at in full])
    pitch = float(np.median(steps))
    cuts = [0, *(np.flatnonzero(steps > 4.2 * pitch) + 1).tolist(), len(full)]
    runs = [full[a:b] for a, b in pairwise(cuts)]
    best = max(runs, key=lambda run: sum(len(rows[at][1]) for at in run))
    counts = {at: sum(is_number(w.text) for w in rows[at][1]) for at in best}
    few = 1 if np.median(list(counts.values())) >= 2 else 0  # a page number, or fluff that was read as a one
    while len(best) > _LEAST_ROWS and counts[best[0]] <= few and not _has_name(rows[best[0]][1]):
        best = best[1:]
    while len(best) > _LEAST_ROWS and counts[best[-1]] <= few and not _has_name(rows[best[-1]][1]):
        best = best[:-1]
    return rows[best[0] : best[-1] + 1]


def _has_name(row: list[Word]) -> bool:
    names = [w.text for w in row if has_chinese(w.text) and not _UNIT.match(plain(w.text)) and not is_marker(w.text)]
    return bool(names) and sum(len(name) > 2 for name in names) < 2  # else a line of heads


def _is_head(row: list[Word]) -> bool:
    """A line with a unit, a title or a page number of dashes is no line of figures."""
    text = "".join(word.text for word in row)
    return bool(_ABOVE.search(plain(text))) or bool(re.fullmatch(r"[-—–·.\s]*\d{1,4}[-—–·.\s]*", text) and len(row) > 1)


def _with_edges(
    rows: list[_Line], body: list[_Line], columns: list[_Column], kinds: list[str], tall: float
) -> list[_Line]:
    """Names without figures right above the first line and below the last belong to the table."""
    names = [(x0, x1) for (x0, x1, _), kind in zip(columns, kinds, strict=True) if kind == "name"]
    if not names or len(body) < 2:
        return body
    pitch = float(np.median(np.diff([y for y, _ in body])))
    first, last = rows.index(body[0]), rows.index(body[-1])

    def is_name(at: int, beside: int) -> bool:
        if not 0 <= at < len(rows) or abs(rows[at][0] - rows[beside][0]) > 1.6 * pitch:
            return False
        words = [w for w in rows[at][1] if not is_marker(w.text)]
        chinese = [w for w in words if has_chinese(w.text)]
        text = "".join(w.text for w in chinese)
        inside = all(any(x0 - 3 * tall <= w.middle[0] <= x1 + 3 * tall for x0, x1 in names) for w in chinese)
        rest = [w for w in words if not has_chinese(w.text)]
        is_clear = bool(chinese) and inside and len(text) <= 12 and not _NOTE.match(text)
        return is_clear and text.replace(" ", "") not in _CITY_HEADS and len(rest) <= 2 + len(names)

    while is_name(first - 1, first):
        first -= 1
    while is_name(last + 1, last):
        last += 1
    return rows[first : last + 1]


# ---- columns ----------------------------------------------------------------------------------------------

type _Column = tuple[float, float, list[Word]]


def _columns(words: list[Word], lines: int, tall: float) -> tuple[list[_Column], list[str]]:
    """Columns from left to right and their kinds: figures, Chinese and English names each by white that nothing of
    their kind crosses."""
    columns: list[tuple[_Column, str]] = []
    for kind in ("figure", "name", "english"):
        alike = [word for word in words if _kind(word) == kind]
        least = max(_LEAST_ROWS, round(0.06 * lines)) if kind == "figure" else max(2, round(0.1 * lines))
        for column in _split(alike, tall):
            is_free = all(min(column[1], x1) - max(column[0], x0) < 0.5 * (x1 - x0) for (x0, x1, _), _ in columns)
            is_dust = kind == "figure" and sum(is_number(word.text) for word in column[2]) < _LEAST_ROWS
            if is_dust and len(column[2]) < 0.5 * lines:  # else it is a column of marks
                continue
            if len(column[2]) >= least and (kind == "name" or is_free):
                columns.append((column, kind))
    columns.sort(key=lambda pair: pair[0][0])
    merged: list[tuple[_Column, str]] = []
    for column, kind in columns:  # parts of spaced names are one column
        if kind == "name" and merged and merged[-1][1] == "name":
            last = merged[-1][0]
            merged[-1] = ((last[0], max(last[1], column[1]), last[2] + column[2]), kind)
        else:
            merged.append((column, kind))
    first = next((at for at, (_, kind) in enumerate(merged) if kind == "figure"), 0)
    # right of figures: a second run, not heads or the words of a stamp
    pairs = [
        pair for at, pair in enumerate(merged) if at < first or pair[1] != "name" or len(pair[0][2]) >= 0.3 * lines
    ]
    return [column for column, _ in pairs], [kind for _, kind in pairs]


def _split(words: list[Word], tall: float) -> list[_Column]:
    if not words:
        return []
    left = int(min(w.x0 for w in words))
    word_count = np.zeros(int(max(w.x1 for w in words)) - left + 2, dtype=np.int64)
    for word in words:
        word_count[int(word.x0) - left : int(word.x1) - left + 1] += 1
    full = word_count > (1 if len(words) > 60 else 0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], full, [False]]).astype(int)))
    spans: list[tuple[int, int]] = []
    for x0, x1 in (edges.reshape(-1, 2) + left).tolist():
        if spans and x0 - spans[-1][1] < 0.5 * tall:
            spans[-1] = (spans[-1][0], x1)
        else:
            spans.append((x0, x1))
    columns: list[_Column] = [(float(x0), float(x1), []) for x0, x1 in spans]
    for word in words:
        columns[_column_at(word, [(x0, x1) for x0, x1, _ in columns])][2].append(word)
    return columns


def _column_at(word: Word, spans: list[tuple[float, float]]) -> int:
    """The column that a word shares most with, else the nearest."""
    return int(np.argmax([_shared(word, span) for span in spans]))


def _shared(word: Word, span: tuple[float, float]) -> float:
    return min(word.x1, span[1]) - max(word.x0, span[0])


def _kind(word: Word) -> str:
    if is_number(word.text) or is_marker(word.text) or any(sign.isdigit() for sign in plain(word.text)):
        return "name" if has_chinese(word.text) and not is_marker(word.text) else "figure"
    return "name" if has_chinese(word.text) else "english"


def _cells(row: list[Word], spans: list[tuple[float, float]], kinds: list[str]) -> dict[int, Word]:
    """Words of a line by column: each in one of its kind, or in that which it lies over; what lies aside is dust."""
    cells: dict[int, list[Word]] = {}
    aside: list[Word] = []
    for word in [part for drawn_word in row for part in _parted(drawn_word, spans, kinds)]:
        same = [at for at, kind in enumerate(kinds) if kind == _kind(word)]
        at = same[_column_at(word, [spans[n] for n in same])] if same else -1
        if at < 0 or _shared(word, spans[at]) <= 0:
            at = _column_at(word, spans)
        if _shared(word, spans[at]) > 0:
            cells.setdefault(at, []).append(word)
        elif any(sign.isdigit() for sign in word.text):
            aside.append(word)
    cell_of = {at: _one(words) for at, words in sorted(cells.items())}
    for word in aside:
        for at, cell in cell_of.items():
            if kinds[at] == "figure" and -_shared(word, (cell.x0, cell.x1)) < 1.2 * cell.height:
                cell_of[at] = replace(cell, flag=cell.flag or _BESIDE)
    return cell_of


def _parted(word: Word, spans: list[tuple[float, float]], kinds: list[str]) -> list[Word]:
    """A name that touches the figure beside it as two words."""
    match = _TOUCHED.fullmatch(word.text)
    touches = any(kind == "figure" and word.x1 > x0 for (x0, _), kind in zip(spans, kinds, strict=True))
    if match is None or not touches or _kind(word) != "name":
        return [word]
    wide = [len(part) * (2 if has_chinese(part) else 1) for part in match.groups()]
    border = word.x0 + (word.x1 - word.x0) * wide[0] / sum(wide)
    return [
        replace(word, text=match[1], x1=border),
        replace(word, text=match[2], x0=border, flag=word.flag or "it touches its name"),
    ]


def _is_printed(cells: dict[int, Word], kinds: list[str]) -> bool:
    """A line of marks alone is printed where most columns have one, else it is dust."""
    if any(is_number(word.text) or kinds[at] == "name" for at, word in cells.items()):
        return True
    return 2 * sum(kinds[at] == "figure" for at in cells) > kinds.count("figure")


def _add_unread(rows: list[Row], words: list[Word], spans: list[tuple[float, float]], tall: float) -> None:
    """Ink that could not be read is put into its cell if nothing else stands there: a figure must not vanish."""
    for word in words:
        if not 0.6 * tall < word.height < 2 * tall:
            continue
        at = _column_at(word, spans)
        heights = [np.mean([w.middle[1] for w in row.cells.values()]) for row in rows]
        near = int(np.argmin(np.abs(np.array(heights) - word.middle[1])))
        is_inside = abs(heights[near] - word.middle[1]) < tall and min(word.x1, spans[at][1]) > max(
            word.x0, spans[at][0]
        )
        if is_inside and at not in rows[near].cells:
            rows[near].cells[at] = word


def _flag_unaligned(rows: list[Row], kinds: list[str], tall: float) -> None:
    """A figure that ends elsewhere than those of its column, which all end on one line: its last sign may be lost."""
    for column in [at for at, kind in enumerate(kinds) if kind == "figure"]:
        figure_rows = [row for row in rows if column in row.cells and is_number(row.cells[column].text)]
        if len(figure_rows) < _ALIGNED:
            continue
        y = np.array([row.cells[column].middle[1] for row in figure_rows])
        end = np.array([row.cells[column].x1 for row in figure_rows])
        slopes = (end[:, None] - end[None])[far := np.abs(y[:, None] - y[None]) > 5 * tall]
        lean = float(np.median(slopes / (y[:, None] - y[None])[far])) if far.any() else 0.0
        apart = np.abs(end - lean * y - np.median(end - lean * y))
        if (apart < 0.2 * tall).sum() >= 0.85 * len(figure_rows):
            for row in [row for row, one in zip(figure_rows, apart.tolist(), strict=True) if one > 0.4 * tall]:
                word = row.cells[column]
                row.cells[column] = replace(word, flag=word.flag or "it does not end where its column ends")


def _one(words: list[Word]) -> Word:
    """Words of one cell as one."""
    if len(words) == 1:
        return words[0]
    words = sorted(words, key=lambda w: w.x0)
    numbers = [w for w in words if is_number(w.text)]
    if len(numbers) == 1 and all(w is numbers[0] or len(w.text) == 1 for w in words):
        return replace(numbers[0], flag=numbers[0].flag or _BESIDE)
    gap = " " if any(is_number(w.text) for w in words) else ""
    flags = [w.flag for w in words if w.flag]
    if len(numbers) > 1 and not all(_THOUSANDS.fullmatch(w.text) for w in words[1:]):
        flags.append("two figures stand here")
    return Word(
        gap.join(w.text for w in words),
        words[0].x0,
        min(w.y0 for w in words),
        max(w.x1 for w in words),
        max(w.y1 for w in words),
        min(w.score for w in words),
        flags[0] if flags else "",
    )


# ---- heads ------------------------------------------------------------------------------------------------


def _top_rule(page: Page, spans: list[tuple[float, float]], body: float, tall: float) -> float:
    """Where the heads begin: the highest long rule with no title, unit or running head between it and the figures."""
    x0, x1 = spans[0][0], spans[-1][1]
    above = [w for w in page.words if w.middle[1] < body]
    ends = [w.y1 for w in above if _ABOVE.search(plain(w.text))]
    heads = [w.height for w in above if has_chinese(w.text)]
    usual = float(np.median(heads)) if heads else tall
    for word in above:  # a title: large, in the middle, alone on its line
        is_alone = all(w is word or abs(w.middle[1] - word.middle[1]) > 0.5 * word.height for w in above)
        is_central = abs(word.middle[0] - page.shape[1] / 2) < 0.1 * page.shape[1]
        if word.height > 1.3 * usual and word.x1 - word.x0 > 4 * tall and is_alone and is_central:
            ends.append(word.y1)
    lowest = max(ends, default=-1.0)
    long = [r for r in page.lying.tolist() if r[2] - r[0] > 0.6 * (x1 - x0) and lowest - 0.5 * tall < r[1] < body]
    return min(((r[1] + r[3]) / 2 for r in long), default=lowest)


@dataclass
class _Block:
    words: list[Word]

    @property
    def box(self) -> tuple[float, float, float, float]:
        w = self.words
        return min(a.x0 for a in w), min(a.y0 for a in w), max(a.x1 for a in w), max(a.y1 for a in w)


def _heads(
    page: Page, words: list[Word], columns: list[_Column], kinds: list[str], top: float, bottom: float, tall: float
) -> list[Head]:
    middles = {
        at: (x0 + x1) / 2 for at, ((x0, x1, _), kind) in enumerate(zip(columns, kinds, strict=True)) if kind == "figure"
    }
    starts = [x1 for (_, x1, _), kind in zip(columns, kinds, strict=True) if kind != "figure"]
    words = [
        w
        for w in words
        if not _is_speck(w, tall)
        and not is_marker(w.text)
        and plain(w.text).replace(" ", "") not in (*_CITY_HEADS, "City")
    ]
    inner = [r for r in page.standing.tolist() if r[1] < bottom - tall and r[3] > top]
    blocks = [
        b
        for b in _blocks(page, words, tall, inner, list(middles.values()))
        if any(has_chinese(w.text) for w in b.words)
    ]
    heads = []
    for block in blocks:
        first_last = _span(page, block, words, middles, inner, top, bottom, tall)
        if first_last is None:
            continue
        name, unit, text = _words_of(block.words)
        heads.append(Head(name, unit, text, *first_last, top=block.box[1]))
    return _complete(heads, sorted(middles), starts)


def _blocks(page: Page, words: list[Word], tall: float, inner: list[list[float]], middles: list[float]) -> list[_Block]:
    """Lines of one head: close, one over the other, without a rule between; Chinese after English begins a new one."""
    blocks: list[_Block] = []
    for word in sorted(words, key=lambda w: (w.middle[1], w.x0)):
        best = None
        for block in blocks:
            x0, _, x1, _ = block.box
            last = block.words[-1]
            step, overlap = word.middle[1] - last.middle[1], min(x1, word.x1) - max(x0, word.x0)
            same_line = abs(word.middle[1] - last.middle[1]) < 0.4 * tall
            if same_line and _of_two_columns(last, word, middles):
                continue
            if same_line and 0 <= word.x0 - last.x1 < 1.2 * tall and not _standing_between(inner, last, word):
                best = block
            elif 0.3 * tall < step < 2.4 * tall and overlap > 0.5 * min(x1 - x0, word.x1 - word.x0):
                is_new = has_chinese(word.text) and _is_closed(block) and not _UNIT.match(plain(word.text))
                if not is_new and not _lying_between(page, last, word):
                    best = block
        if best is None:
            blocks.append(_Block([word]))
        else:
            best.words.append(word)
    return _with_loose_units(blocks)


def _of_two_columns(left: Word, right: Word, middles: list[float]) -> bool:
    """Two Chinese heads side by side, each nearer to a column of its own."""
    near = [int(np.argmin([abs(w.middle[0] - x) for x in middles])) for w in (left, right)]
    return has_chinese(left.text) and has_chinese(right.text) and near[0] != near[1]


def _with_loose_units(blocks: list[_Block]) -> list[_Block]:
    """A unit or an English line that stands alone belongs to the head above it."""
    heads = [
        block for block in blocks if any(has_chinese(w.text) and not _UNIT.match(plain(w.text)) for w in block.words)
    ]
    for block in blocks:
        if any(block is one for one in heads):
            continue
        x0, y0, x1, _ = block.box
        over = [one for one in heads if one.box[1] < y0 and min(x1, one.box[2]) > max(x0, one.box[0])]
        if over:
            max(over, key=lambda one: one.box[1]).words.extend(block.words)
    return heads


def _is_closed(block: _Block) -> bool:
    return any(not has_chinese(w.text) or _UNIT.match(plain(w.text)) for w in block.words)


def _lying_between(page: Page, above: Word, below: Word) -> bool:
    x = (max(above.x0, below.x0) + min(above.x1, below.x1)) / 2
    return any(r[0] <= x <= r[2] and above.middle[1] < (r[1] + r[3]) / 2 < below.middle[1] for r in page.lying.tolist())


def _standing_between(inner: list[list[float]], left: Word, right: Word) -> bool:
    y = left.middle[1]
    return any(r[1] <= y <= r[3] and left.x1 - 2 < (r[0] + r[2]) / 2 < right.x0 + 2 for r in inner)


def _span(
    page: Page,
    block: _Block,
    words: list[Word],
    middles: dict[int, float],
    inner: list[list[float]],
    top: float,
    bottom: float,
    tall: float,
) -> tuple[int, int] | None:
    """First and last column under a head: between rules beside it, over the rule below it, or by its own width."""
    x0, y0, x1, y1 = block.box
    y, middle = (y0 + y1) / 2, (x0 + x1) / 2
    beside = [(r[0] + r[2]) / 2 for r in inner if r[1] - 2 <= y <= r[3] + 2]
    low, high = x0, x1
    if beside:
        low = max((x for x in beside if x <= middle), default=-1e9)
        high = min((x for x in beside if x > middle), default=1e9)
        if low < -1e8 or high > 1e8:  # open sides
            edge = [r for r in page.lying.tolist() if r[1] < bottom + tall and r[2] - r[0] > 10 * tall]
            low = max(low, min((r[0] for r in edge), default=low))
            high = min(high, max((r[2] for r in edge), default=high))
    else:
        under = [
            r
            for r in page.lying.tolist()
            if y1 - 0.3 * tall < (r[1] + r[3]) / 2 < y1 + 2.0 * tall and min(r[2], x1) - max(r[0], x0) > 0.5 * (x1 - x0)
        ]
        short = [r for r in under if _has_heads_below(r, words, bottom)]
        if short:
            low, high = min(x0, short[0][0]), max(x1, short[0][2])
    over = [at for at, x in middles.items() if low <= x <= high]
    if not over:
        near = min(middles, key=lambda at: abs(middles[at] - middle))
        gaps = np.diff(sorted(middles.values()))
        most = float(np.median(gaps)) if len(gaps) else 1e9
        return (near, near) if abs(middles[near] - middle) < 0.75 * most else None
    return min(over), max(over)


def _has_heads_below(rule: list[float], words: list[Word], bottom: float) -> bool:
    y = (rule[1] + rule[3]) / 2
    return any(y < w.middle[1] < bottom and rule[0] < w.middle[0] < rule[2] and has_chinese(w.text) for w in words)


def _words_of(words: list[Word]) -> tuple[str, str, str]:
    """(Chinese name, unit in brackets, all of it)."""
    name, unit = "", ""
    for word in words:
        unit_match = _UNIT.match(plain(word.text).replace(" ", ""))
        if unit_match and (unit or name or has_chinese(word.text)):
            sign = re.sub("%[0oO]", "‰", unit_match[1])
            if not unit and (has_chinese(sign) or sign in ("%", "‰")):
                unit = sign
        elif has_chinese(word.text):
            name += word.text.replace(" ", "")
    if not unit and (
        match := re.search(r"[(（]([^()（）]{0,5}(?:元|人|户|吨|米|里|个|张|册|辆|次|时|[%‰]))[)）]$", name)
    ):
        name, unit = name[: match.start()], match[1]
    return name.lstrip("#＃*其中：:"), unit, " ".join(word.text for word in words)


def _complete(heads: list[Head], columns: list[int], starts: list[float]) -> list[Head]:
    """A column with no head of its own stands under the spanning head beside it, to its right first."""
    head_columns = {at for head in heads for at in range(head.first, head.last + 1)}
    result = list(heads)
    for at in columns:
        if at in head_columns:
            continue
        parents = [
            head
            for head in result
            if any(o.top > head.top and head.first <= o.first <= o.last <= head.last for o in result if o is not head)
        ]
        right = [head for head in parents if head.first == at + 1]
        left = [head for head in parents if head.last == at - 1]
        for head in (right or left)[:1]:
            result.remove(head)
            result.append(Head(head.name, head.unit, head.text, min(head.first, at), max(head.last, at), head.top))
    return result


def _title(words: list[Word]) -> tuple[str, str, bool]:
    """(title, unit over the table, whether the page goes on with an earlier table)."""
    chinese = [w for w in words if has_chinese(w.text)]
    unit = next((match[1] for w in chinese if (match := re.search(r"单位[：:]\s*(.+)$", plain(w.text)))), "")
    others = [w for w in chinese if "单位" not in w.text and "年鉴" not in w.text and "统计资料" not in w.text]
    if not others:
        return "", unit, any("续表" in w.text for w in words)
    tallest = max(others, key=lambda w: (w.height, w.x1 - w.x0))
    near = 0.6 * tallest.height, tallest.x0 - 4 * tallest.height, tallest.x1 + 4 * tallest.height
    line = sorted((w for w in words if abs(w.middle[1] - tallest.middle[1]) < near[0]), key=lambda w: w.x0)
    line = [w for w in line if w.x1 > near[1] and w.x0 < near[2]]  # what stands farther off is no part of it
    title = " ".join(w.text for w in line if "年鉴" not in w.text and (len(w.text) > 1 or w.text.isdigit()))
    return title, unit, "续表" in title
