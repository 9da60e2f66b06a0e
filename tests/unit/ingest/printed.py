"""A random printed yearbook: what its tables mean, and a writer that lays them out as the yearbook does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import xlsxwriter
from hypothesis import strategies as st
from text_table import words

PLACES = {"河北省": ["石家庄市", "唐山市", "秦皇岛市"], "吉林省": ["长春市", "吉林市"]}
PLACES |= {"海南省": ["海口市", "三亚市", "儋州市"], "西藏自治区": ["拉萨市", "日喀则市"]}
PLACES["新疆维吾尔自治区"] = ["乌鲁木齐市", "哈密市"]
MUNICIPALITIES = ["北京市", "重庆市"]
# printed unit: English as the yearbook translates it
UNITS = {"万人": "10 000 persons", "人": "person", "万元": "10 000 yuan", "亿元": "100 million yuan", "元": "yuan"}
UNITS |= {"%": "%", "吨": "ton", "平方公里": "sq.km", "万千瓦时": "10 000 kwh", "微克/立方米": "ug/m3"}
UNITS["万户"] = "10 000 households"
WORDS = words("人口 土地面积 地区生产总值 第二产业占GDP的比重 R&D经费 教育支出 用电量 学生 邮电业务 排放量")
ENGLISH = ["Total Area of Land", "GRP Growth Rate", "Volume of Gas (Coal Gas, Natural Gas)", "Per Capita GRP"]
MARKS = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒日月盈昃"
BLANKS = [None, "…", "—", "-", "...", " ", "……"]
UNREADABLE = ["II", "().13", "8659!", "1 1.44", "X940"]
SCOPES = {"全市": "Total City", "市辖区": "Districts under City"}


@dataclass
class Head:
    """One header text with the columns below it. `parts` are columns 'of which' at its right, one row lower."""

    label: str
    english: str = ""
    unit: str = ""
    children: list[Head] = field(default_factory=list)
    parts: list[Head] = field(default_factory=list)

    @property
    def width(self) -> int:
        return (sum(child.width for child in self.children) or 1) + len(self.parts)

    @property
    def depth(self) -> int:
        below = max((child.depth for child in self.children), default=0)
        return 1 + max(below, 1 if self.parts else 0)

    def leaves(self, above: tuple[Head, ...] = ()) -> Iterator[tuple[Head, ...]]:
        """Paths from the outermost header to each column, from left to right."""
        path = (*above, self)
        if self.children:
            for child in self.children:
                yield from child.leaves(path)
        else:
            yield path
        for part in self.parts:
            yield (*path, part)


@dataclass
class Block:
    """One table: its title with scope, unit in the title or in a note, its headers."""

    title: Head
    number: int
    scope: str
    has_note: bool
    heads: list[Head]

    @property
    def width(self) -> int:
        return sum(head.width for head in self.heads)

    @property
    def depth(self) -> int:
        return max(head.depth for head in self.heads)

    def columns(self) -> list[tuple[str, str]]:
        """(header key, printed unit or '') of each column."""
        found = []
        for head in self.heads:
            for path in head.leaves():
                key = "/".join([f"{self.title.label}{self.scope}", *(one.label for one in path)])
                found.append((key, next((one.unit for one in reversed(path) if one.unit), self.title.unit)))
        return found

    def title_text(self, *, with_unit: bool) -> str:
        return f"2-{self.number} {self.title.label}{self.scope}{_bracket(self.title.unit) if with_unit else ''}"


@dataclass
class Book:
    """Blocks over the same rows; the looks that do not change the meaning.

    rows: (label, printed figure or None by column), None for a province heading.
    """

    blocks: list[Block]
    rows: list[tuple[str, list[object] | None]]
    blank_rows: int
    merges_titles: bool
    merges_city: bool
    english_rows: bool
    indents: bool
    notes: list[str]
    has_advertising: bool

    def figures(self, values: dict[object, float | None]) -> dict[tuple[str, str], float]:
        keys = [key for block in self.blocks for key, _ in block.columns()]
        return {
            (city, key): values[printed]
            for city, printed_row in self.rows
            if printed_row is not None
            for key, printed in zip(keys, printed_row, strict=True)
            if values.get(printed) is not None
        }


def _bracket(unit: str) -> str:
    return f"（{unit}）" if unit else ""


@st.composite
def heads(draw: st.DrawFn, names: Iterator[str], room: int) -> Head:
    """A header with at most `room` rows."""
    unit = draw(st.sampled_from(["", *UNITS])) if draw(st.booleans()) else ""
    head = Head(next(names), draw(st.sampled_from(["", *ENGLISH])), unit)
    kind = draw(st.sampled_from(["plain", "group", "scopes", "parts"])) if room > 1 else "plain"
    if kind == "group":
        head.children = [draw(heads(names, room - 1)) for _ in range(draw(st.integers(1, 3)))]
    elif kind == "scopes":
        chosen = draw(st.sampled_from([["全市"], ["市辖区"], ["全市", "市辖区"]]))
        head.children = [Head(scope, draw(st.sampled_from(["", SCOPES[scope]]))) for scope in chosen]
    elif kind == "parts":
        head.parts = [Head(next(names), draw(st.sampled_from(["", *ENGLISH]))) for _ in range(draw(st.integers(1, 2)))]
    return head


@st.composite
def figures(draw: st.DrawFn) -> tuple[object, float | None]:
    kind = draw(st.sampled_from(["number", "number", "text", "thousands", "wide", "spaced", "blank", "unreadable"]))
    if kind == "blank":
        return draw(st.sampled_from(BLANKS)), None
    if kind == "unreadable":
        return draw(st.sampled_from(UNREADABLE)), None
    number = draw(st.one_of(st.integers(-10_000, 999_999_999), st.decimals(-99, 99_999, places=2).map(float)))
    text = str(number)
    if kind == "number":
        return number, float(number)
    if kind == "thousands":
        text = f"{number:,}"
    if kind == "spaced":
        text = f" {number:,} ".replace(",", " ")
    if kind == "wide":
        text = text.translate({ord(sign): 0xFEE0 + ord(sign) for sign in "0123456789.-"})
    return text, float(number)


@st.composite
def books(draw: st.DrawFn) -> tuple[Book, dict[object, float | None]]:
    """A book and what each of its printed figures means."""
    names = (f"{word}{mark}" for mark in MARKS for word in WORDS)
    blocks = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        title = Head(f"{next(names)}状况", unit=draw(st.sampled_from(["", "", *UNITS])))
        depth = draw(st.integers(1, 6))
        content = [draw(heads(names, depth)) for _ in range(draw(st.integers(1, 3)))]
        scope = draw(st.sampled_from(["", "", "(全市)", "(市辖区)"]))
        blocks.append(Block(title, number, scope, draw(st.booleans()), content))
    width = sum(block.width for block in blocks)
    meaning: dict[object, float | None] = {}
    labels = [(city, True) for city in MUNICIPALITIES]
    for province, cities in PLACES.items():
        labels += [(province, False), *((city, True) for city in cities)]
    rows: list[tuple[str, list[object] | None]] = []
    for label, is_city in labels:
        drawn = [draw(figures()) for _ in range(width)] if is_city else []
        meaning.update(drawn)
        rows.append((label, [printed for printed, _ in drawn] if is_city else None))
    notes = draw(st.sampled_from([[], ["注：本表数据为年报数。"], ["", "资料来源：各市统计局", "Note: preliminary"]]))
    flags = [draw(st.booleans()) for _ in range(5)]
    return Book(blocks, rows, draw(st.integers(0, 2)), *flags[:4], notes, flags[4]), meaning


class Page:
    """A worksheet whose ranges are merged only where they span more than one cell."""

    def __init__(self, sheet: xlsxwriter.worksheet.Worksheet) -> None:
        self.sheet = sheet

    def put(self, row: int, col: int, value: object, *, down: int = 1, right: int = 1) -> None:
        if value is None:
            return
        if down > 1 or right > 1:
            self.sheet.merge_range(row, col, row + down - 1, col + right - 1, "")
        if isinstance(value, str):
            self.sheet.write_string(row, col, value)
        else:
            self.sheet.write_number(row, col, value)


def write_wide(book: Book, path: Path) -> str:
    """All blocks side by side in one sheet, titles above the row of 城市; returns the name."""
    with xlsxwriter.Workbook(path) as workbook:
        page = Page(workbook.add_worksheet("Data"))
        top = book.blank_rows
        page.put(top, 0, "中国2019年地级以上城市数据", down=2, right=2)
        column = 2
        for block in book.blocks:
            right = block.width if book.merges_titles else 1
            page.put(top, column, block.title_text(with_unit=True), right=right)
            column += block.width
        _table(page, book, book.blocks, top + 2)
        if book.has_advertising:
            workbook.add_worksheet("更多数据").write_string(0, 0, "百度搜索某网，获取更多数据")
    return path.name


def write_tables(book: Book, folder: Path) -> list[str]:
    """One workbook a block, title and unit note in lines above the table; returns the names."""
    names = []
    first = 0
    for block in book.blocks:
        names.append(f"2-{block.number}_{block.title.label}.xlsx")
        with xlsxwriter.Workbook(folder / names[-1]) as workbook:
            page = Page(workbook.add_worksheet("Sheet1"))
            top = book.blank_rows
            has_note = bool(block.title.unit) and block.has_note
            page.put(top, 0, block.title_text(with_unit=not has_note))
            page.put(top + 1, 0, "Conditions of Land and Population")
            if has_note:
                note = f"单位：{block.title.unit}"
                page.put(top + 2, 0, f"{note}    ({UNITS[block.title.unit]})" if book.english_rows else note)
            part = [(label, None if row is None else row[first : first + block.width]) for label, row in book.rows]
            _table(page, replace(book, rows=part), [block], top + 4)
        first += block.width
    return names


def _table(page: Page, book: Book, blocks: list[Block], top: int) -> None:
    levels = max(block.depth for block in blocks)
    step = 2 if book.english_rows and levels <= 3 else 1
    height = levels * step
    page.put(top, 0, "城 市", down=height if book.merges_city else 1)
    page.put(top, 1, "City", down=height if book.merges_city else 1)
    column = 2
    for block in blocks:
        for head in block.heads:
            column = _head(page, head, top, column, height, step)
    for row, (label, printed) in enumerate(book.rows, top + height):
        page.put(row, 0, ("  " if book.indents and printed is not None else "") + label)
        for col, value in enumerate(printed or [], 2):
            page.put(row, col, value)
    for row, note in enumerate(book.notes, top + height + len(book.rows)):
        page.put(row, 0, note or None)


def _head(page: Page, head: Head, row: int, column: int, room: int, step: int) -> int:
    """Write a header and what is below; returns the next free column."""
    width = sum(child.width for child in head.children) or 1
    english = f"{head.english} ({UNITS[head.unit]})" if head.english and head.unit else head.english
    text = head.label + _bracket(head.unit)
    if step == 2 and english:
        page.put(row, column, text, right=width)
        page.put(row + 1, column, english, right=width)
    else:
        down = step if head.children else room
        page.put(row, column, f"{text}\n{english}" if english else text, right=width, down=down)
    at = column
    for child in head.children:
        at = _head(page, child, row + step, at, room - step, step)
    at = column + width
    for part in head.parts:
        at = _head(page, part, row + step, at, room - step, step)
    return at
