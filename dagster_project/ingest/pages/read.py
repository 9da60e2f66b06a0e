"""From a document to its tables: pages read once, continued pages joined, right pages set beside their left ones."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np

from dagster_project.errors import IngestError
from dagster_project.files import hash_of_files, sha256_of
from dagster_project.ingest.header_paths import has_chinese
from dagster_project.ingest.pages.sums import broken_sums
from dagster_project.ingest.pages.table import Row, Table, table_of
from dagster_project.ingest.pages.words import Page, Word, is_marker, is_number, plain
from dagster_project.ingest.sheet import Range, Sheet, cell_address
from dagster_project.paths import cache_folder

DOUBT = "?"  # after the text of a cell whose reading is doubted: no figure, so that the gate asks
_GROUPED = re.compile(r"[+-]?\d{1,3}([, ]\d{3})+(\.\d+)?")
_NUMBER = re.compile(r"[+-]?(0|[1-9]\d*)(\.\d+)?")
_NOTE_MARK = re.compile(r"[^\u3400-\u9fff)）]+$")
_TWO_HEADS = re.compile(r"[(（][^()（）]{0,6}(元|人|户|吨|米|里|个|张|册|辆|次|时|[%‰])[)）]\w")
_DUST = re.compile(r"^[^\w(（]+")
_ALIKE = 0.6
_MOST_LEVELS = 5  # of heads
_FIRST_HEAD = 4  # row of the sheet, below title, unit and running head
_USUAL = 0.8  # of the figures of a column have this number of decimals
_LOST_POINT = 0.4  # have decimals: a figure without may have lost its point
_MOST_DOUBTED = 0.6  # of the figures of a page
_FEW_SPACED = 3  # a blank in one or two figures of a column may part two figures
_READERS = ("document", "engine", "ink", "picture", "words")


@dataclass(frozen=True)
class Cell:
    """One printed figure or mark. row: on its page, from 1; column: of figures, from 1, over both pages of a spread;
    box: in points of a PDF, in pixels of a picture; sheet_row, sheet_column: in the sheet; city_id:
    what the gate makes of its row."""

    page: int
    row: int
    column: int
    row_label: str
    header_path: str
    text: str
    value: float | None
    unit: str
    box: tuple[float, float, float, float]
    score: float
    flag: str
    sheet: str
    sheet_row: int
    sheet_column: int
    label_cell: str
    city_id: str = ""

    @property
    def place(self) -> str:
        """p12!x0,y0,x1,y1."""
        return f"p{self.page}!{','.join(f'{x:.1f}' for x in self.box)}"


@dataclass(frozen=True, eq=False)
class Printed:
    """One table of a document: the sheet that it would be as a workbook, and its cells with their boxes."""

    sheet: Sheet
    cells: list[Cell]
    pages: tuple[int, ...]


def reader_version() -> str:
    """Engine, models and the modules that make words of a page."""
    from dagster_project.ingest.pages import engine

    files = [Path(__file__).with_name(f"{name}.py") for name in _READERS]
    return f"{engine.engine_version()}, reader {hash_of_files(files)[:12]}"


def cached_page(path: Path, number: int, digest: str) -> str:
    """The words of one page as JSON: from the cache, else read and kept there."""
    key = f"{digest[:32]}-{number}-{re.sub('[^0-9a-z.]+', '-', reader_version().lower())}"
    file = cache_folder() / "pages" / f"{key}.json"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    from dagster_project.ingest.pages import document, picture

    page = picture.read_page(document.open_page(path, number))
    text = json.dumps(asdict(page), default=np.ndarray.tolist, ensure_ascii=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_suffix(".part")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(file)
    except OSError:  # a cache that cannot be written costs time only
        pass
    return text


def read_document(path: Path) -> list[Printed]:
    """All tables of a document; IngestError: none, or a page whose names cannot be known."""
    from dagster_project.ingest.pages import document

    digest = sha256_of(path)
    pages = [_from_json(cached_page(path, n, digest)) for n in range(1, document.page_count(path) + 1)]
    tables = tables_of(pages, str(path))
    if not tables:
        what = "No page holds a table with three rows of figures that can be read"
        raise IngestError(what, str(path), "Scan it with 200 dpi or more, or land the table as a workbook")
    return tables


def tables_of(pages: Sequence[Page], where: str) -> list[Printed]:
    """Tables of pages that are read: continued ones as one."""
    spreads: list[list[_Spread]] = []
    for spread in _spreads(pages, where):
        if spreads and _continues(spreads[-1][-1], spread):
            spreads[-1].append(spread)
        else:
            spreads.append([spread])
    names: Counter[str] = Counter()
    return [_printed(group, names) for group in spreads]


def check_doubts(tables: Sequence[Printed], where: str) -> None:
    """IngestError: too much of a page is in doubt to be landed."""
    cells = [cell for one in tables for cell in one.cells]
    every, doubt_count = Counter(cell.page for cell in cells), Counter(cell.page for cell in cells if cell.flag)
    for page, count in every.items():
        if doubt_count[page] > _MOST_DOUBTED * count:
            what = f"{doubt_count[page]} of the {count} figures of the page are in doubt"
            raise IngestError(what, f"{where}, page {page}", "Scan it anew with 300 dpi, or land it as a workbook")


# ---- pages and spreads ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Spread:
    """A page with names, and the page to its right if the table goes on there: each of its rows with the left one."""

    left: Table
    right: Table | None = None
    rows: tuple[int | None, ...] = ()  # for each row of the left page, the row of the right one


def _spreads(pages: Sequence[Page], where: str) -> Iterator[_Spread]:
    waiting: Table | None = None
    for page in pages:
        table = table_of(page)
        if table is None:
            continue
        if table.has_names:
            if waiting is not None:
                yield _Spread(waiting)
            waiting = table
            continue
        try:
            if waiting is None or waiting.page.number != page.number - 1:
                what = "The page has figures but no names, and no page with names stands before it"
                raise IngestError(what, f"{where}, page {page.number}", "Land it together with its left page")
            yield _Spread(waiting, table, _beside(waiting, table, f"{where}, page {page.number}"))
            waiting = None
        except IngestError:
            has_head = [0 < len(table.path(column)) <= _MOST_LEVELS for column in table.figure_columns]
            if 2 * sum(has_head) > len(has_head):
                raise  # else it is a chart, perhaps below running text
    if waiting is not None:
        yield _Spread(waiting)


def _beside(left: Table, right: Table, where: str) -> tuple[int | None, ...]:
    """Rows of the right page by height: the shift between the pages at which most rows meet."""
    height = left.page.shape[0], right.page.shape[0]
    a, b = (np.array([row.y for row in table.rows]) / h for table, h in zip((left, right), height, strict=True))
    pitch = float(np.median(np.diff(a)))
    full = [any(left.kinds[c] == "figure" for c in row.cells) for row in left.rows]
    best: tuple[int, float, list[int | None]] = (-1, 0.0, [])
    for shift in (a[:, None] - b[None]).ravel():
        apart = np.abs(a[None] - (b + shift)[:, None])
        nearest, gap = apart.argmin(axis=1), apart.min(axis=1)
        meets = (gap < 0.35 * pitch) & np.array(full)[nearest]
        if (int(meets.sum()), -abs(float(shift))) > (best[0], best[1]):  # of equals the pages that lie most alike
            best = (
                int(meets.sum()),
                -abs(float(shift)),
                [int(to) if ok else None for to, ok in zip(nearest, meets, strict=True)],
            )
    matches, _, to = best
    alone = [right.rows[at].cells.values() for at, row in enumerate(to) if row is None]
    has_figures = any(sum(is_number(word.text) for word in cells) > 1 for cells in alone)  # of one word: dust
    if has_figures or matches < 0.9 * sum(full) or len({row for row in to if row is not None}) < matches:
        what = f"{matches} of {len(b)} rows stand beside one of the {sum(full)} rows with figures of the left page"
        raise IngestError(what, where, "Scan both pages anew, or land the table as a workbook")
    back = {row: at for at, row in enumerate(to) if row is not None}
    return tuple(back.get(row) for row in range(len(a)))


def _continues(before: _Spread, after: _Spread) -> bool:
    """The next page of one table: it says so or has no title, and its heads are the same."""
    if _core(before.left) != _core(after.left) or (after.left.title and not after.left.is_continued):
        return False
    if (before.right is None) != (after.right is None):
        return False
    pairs = [(before.left, after.left)]
    if before.right is not None and after.right is not None:
        pairs.append((before.right, after.right))
    for one, two in pairs:
        texts = ["|".join(head.name for c in t.figure_columns for head in t.path(c)) for t in (one, two)]
        if _core(one) != _core(two) or SequenceMatcher(None, texts[0], texts[1]).ratio() < _ALIKE:
            return False
    return True


def _core(table: Table) -> list[str]:
    """Kinds of the columns but English, which is lost most."""
    return [kind for kind in table.kinds if kind != "english"]


def _columns_in(first: Table, table: Table) -> dict[int, int]:
    """Column of a page -> the same column of the first page of its table, by kind and order."""
    column_of = {(kind, first.kinds[:at].count(kind)): at for at, kind in enumerate(first.kinds)}
    pairs = [((kind, table.kinds[:at].count(kind)), at) for at, kind in enumerate(table.kinds)]
    return {at: column_of[key] for key, at in pairs if key in column_of}


# ---- sheet ------------------------------------------------------------------------------------------------


def _printed(group: Sequence[_Spread], names: Counter[str]) -> Printed:
    """One sheet: title, unit, heads, then the rows of all pages."""
    first = group[0]
    title = first.left.title or f"page {first.left.page.number}"
    names[title] += 1
    name = title if names[title] == 1 else f"{title} ({names[title]})"
    text: dict[tuple[int, int], str] = {(1, 1): title}
    unit = first.left.unit or (first.right.unit if first.right else "")
    text[2, 1], text[3, 1] = f"单位：{unit}" if unit else "", first.left.running_head
    heads, merged, depth = _heads_of(first)
    text.update(heads)
    cells: list[Cell] = []
    places: dict[tuple[int, int], tuple[str, float, str]] = {}
    row_no = _FIRST_HEAD + depth
    for spread in group:
        cells += _cells_of(spread, first, unit, name, row_no)
        row_no = _put_names(spread, first, text, places, row_no)
    cells = _with_sum_flags(_with_column_flags(cells))
    for cell in cells:
        at = cell.sheet_row, cell.sheet_column
        text[at] = cell.text + DOUBT * bool(cell.flag)
        places[at] = cell.place, cell.score, cell.flag
    notes = [note for spread in group for note in spread.left.notes]
    text.update({(row, 1): note for row, note in enumerate(notes, row_no)})
    pages = tuple(t.page.number for s in group for t in (s.left, s.right) if t is not None)
    return Printed(_sheet(name, text, places, merged), cells, pages)


def _sheet(
    name: str,
    text: dict[tuple[int, int], str],
    places: dict[tuple[int, int], tuple[str, float, str]],
    merged: list[Range],
) -> Sheet:
    keys = sorted(key for key, value in text.items() if value.strip())
    values, print_place = np.empty(len(keys), dtype=object), np.empty(len(keys), dtype=object)
    values[:] = [text[key] for key in keys]
    print_place[:] = ["" if key not in places else places[key][0] for key in keys]
    rows, columns = (np.array([key[at] for key in keys], dtype=np.int64) for at in (0, 1))
    return Sheet(name, rows, columns, values, tuple(sorted(merged)), print_place)


def _heads_of(spread: _Spread) -> tuple[dict[tuple[int, int], str], list[Range], int]:
    """Cells of the heads, their merged ranges and how many levels there are."""
    text: dict[tuple[int, int], str] = {}
    merged: list[Range] = []
    tables = [(spread.left, 0)] + ([(spread.right, len(spread.left.kinds))] if spread.right else [])
    depth = max([1, *(len(table.path(c)) for table, _ in tables for c in table.figure_columns)])
    for table, offset in tables:
        level: dict[int, set[int]] = {id(head): set() for head in table.heads}
        for column in table.figure_columns:
            for at, head in enumerate(table.path(column)):
                level[id(head)].add(at)
                text[_FIRST_HEAD + at, column + offset + 1] = head.text
        for head in table.heads:
            columns = [c for c in table.figure_columns if head.first <= c <= head.last]
            if len(columns) > 1 and len(level[id(head)]) == 1 and columns == list(range(columns[0], columns[-1] + 1)):
                row = _FIRST_HEAD + next(iter(level[id(head)]))
                for column in columns[1:]:
                    del text[row, column + offset + 1]
                merged.append((row, columns[0] + offset + 1, row, columns[-1] + offset + 1))
        for column, kind in enumerate(table.kinds):
            if kind != "figure":
                text[_FIRST_HEAD, column + offset + 1] = "城市" if kind == "name" else "City"
                if depth > 1:
                    last = _FIRST_HEAD + depth - 1
                    merged.append((_FIRST_HEAD, column + offset + 1, last, column + offset + 1))
    return text, merged, depth


def _put_names(
    spread: _Spread,
    first: _Spread,
    text: dict[tuple[int, int], str],
    places: dict[tuple[int, int], tuple[str, float, str]],
    row_no: int,
) -> int:
    table, to = spread.left, _columns_in(first.left, spread.left)
    for row in table.rows:
        for column, word in row.cells.items():
            if table.kinds[column] != "figure" and column in to:
                label = name_of(word) + DOUBT * bool(word.flag and table.kinds[column] == "name")
                text[row_no, to[column] + 1] = label
                places[row_no, to[column] + 1] = _place(table.page, word), word.score, word.flag
        row_no += 1
    return row_no


def name_of(word: Word) -> str:
    """A name without spacing and note marks."""
    text = word.text.strip()
    return _DUST.sub("", _NOTE_MARK.sub("", text.replace(" ", ""))) if has_chinese(text) else text


def _place(page: Page, word: Word) -> str:
    return f"p{page.number}!{','.join(f'{x:.1f}' for x in page.box(word))}"


def _cells_of(spread: _Spread, first: _Spread, unit: str, name: str, row_no: int) -> Iterator[Cell]:
    runs, to = _runs(spread.left.kinds), _columns_in(first.left, spread.left)
    row_on_page = 0
    for run in runs:
        labels = [column for column in run if spread.left.kinds[column] == "name"]
        for at, row in enumerate(spread.left.rows):
            if not any(column in row.cells for column in run):
                continue
            row_on_page += 1
            name_column = next((c for c in labels if c in row.cells), None)
            label = "" if name_column is None else name_of(row.cells[name_column])
            label_cell = "" if name_column is None else cell_address(row_no + at, to[name_column] + 1)
            sides: list[tuple[Table, Row, list[int], dict[int, int]]] = [(spread.left, row, run, to)]
            if spread.right is not None and first.right is not None and (beside := spread.rows[at]) is not None:
                offset = len(first.left.kinds)
                there = {a: b + offset for a, b in _columns_in(first.right, spread.right).items()}
                sides.append((spread.right, spread.right.rows[beside], list(there), there))
            column_no = 0
            for table, line, columns, into in sides:
                for column in columns:
                    if table.kinds[column] != "figure":
                        continue
                    column_no += 1
                    if column in line.cells:
                        yield _cell(
                            table, line.cells[column], column, unit, name,
                            (row_on_page, column_no, label), (row_no + at, into[column] + 1, label_cell),
                        )  # fmt: skip


def _runs(kinds: Sequence[str]) -> list[list[int]]:
    """Columns from one column of names to the next: a page may hold two runs of one table side by side."""
    runs: list[list[int]] = [[]]
    for column, kind in enumerate(kinds):
        if kind == "name" and any(kinds[c] == "figure" for c in runs[-1]):
            runs.append([])
        runs[-1].append(column)
    return runs


def _cell(
    table: Table,
    word: Word,
    column: int,
    unit: str,
    sheet: str,
    on_page: tuple[int, int, str],
    in_sheet: tuple[int, int, str],
) -> Cell:
    path = table.path(column)
    text = _text_of(word)
    value, flag = _value_of(text, _in_words(word.flag))
    if not on_page[2]:
        flag = flag or "the row has no name"
    if any(table.path(at) for at in table.figure_columns) and not all(table.path(at) for at in table.figure_columns):
        flag = flag or "a column of the table has no head"
    if any(_TWO_HEADS.search(head.name) for head in path):
        flag = flag or "two heads were read as one"
    return Cell(
        table.page.number,
        on_page[0],
        on_page[1],
        on_page[2],
        "|".join(head.name for head in path if head.name),
        text,
        value,
        next((head.unit for head in reversed(path) if head.unit), unit),
        table.page.box(word),
        word.score,
        flag,
        sheet,
        *in_sheet,
    )


def _in_words(flag: str) -> str:
    """ink shows ddpd: the ink looks like 00.0."""
    _, is_ink, pattern = flag.partition("ink shows ")
    return f"the ink looks like {pattern.translate(str.maketrans('dpm', '0.-'))}" if is_ink else flag


def _text_of(word: Word) -> str:
    """A figure in plain signs, without blanks that only part its digits; a mark as it stands."""
    if is_marker(word.text):
        mark = word.text.strip()
        return "…" if set(mark) <= set("….·⋯") else "—" if mark == "一" else mark
    text = plain(word.text)
    return text if not is_number(text) or _GROUPED.fullmatch(text) else text.replace(" ", "")


def _value_of(text: str, flag: str) -> tuple[float | None, str]:
    if is_marker(text):
        return None, flag
    if _GROUPED.fullmatch(text):
        return float(text.replace(",", "").replace(" ", "")), flag
    if _NUMBER.fullmatch(text):
        return float(text), flag
    try:
        return float(text.replace(",", "")), flag or "no usual number"
    except ValueError:
        return None, flag or "no number"


def _with_column_flags(cells: list[Cell]) -> list[Cell]:
    """A figure without the decimals of its column, or without its separators: a point may be lost or be dust."""
    result = list(cells)
    for column in {cell.sheet_column for cell in cells}:
        at = [n for n, cell in enumerate(cells) if cell.sheet_column == column and cell.value is not None]
        decimals = Counter(len(cells[n].text.partition(".")[2]) for n in at)
        usual, count = decimals.most_common(1)[0] if decimals else (0, 0)
        separators = Counter(_separator(cells[n].text) for n in at if abs(cells[n].value or 0) >= 1000)
        sign, often = separators.most_common(1)[0] if separators else ("", 0)
        for n in at:
            cell, text = cells[n], cells[n].text
            if cell.flag:
                continue
            least = _USUAL if "." in text else _LOST_POINT
            if count >= least * len(at) and len(text.partition(".")[2]) != usual:
                result[n] = replace(cell, flag=f"{usual} decimals are usual here")
            elif abs(cell.value or 0) >= 1000 and (
                (often >= _USUAL * sum(separators.values()) and (_separator(text) == ",") != (sign == ","))
                or separators[" "] < _FEW_SPACED * (_separator(text) == " ")
            ):
                result[n] = replace(cell, flag="thousands are parted differently here")
    return result


def _with_sum_flags(cells: list[Cell]) -> list[Cell]:
    """Figures of a sum that does not hold."""
    rows, columns = (sorted({getattr(cell, name) for cell in cells}) for name in ("sheet_row", "sheet_column"))
    value, step = np.full((len(rows), len(columns)), np.nan), np.ones(len(columns))
    units, labels = [""] * len(columns), [""] * len(rows)
    at = [(rows.index(cell.sheet_row), columns.index(cell.sheet_column)) for cell in cells]
    for (row, column), cell in zip(at, cells, strict=True):
        units[column], labels[row] = cell.unit, cell.row_label
        if cell.value is not None and not cell.flag:
            value[row, column] = cell.value
            step[column] = min(step[column], 10.0 ** -len(cell.text.partition(".")[2]))
    broken = broken_sums(value, step, units, labels)
    return [replace(cell, flag=cell.flag or broken.get(place, "")) for place, cell in zip(at, cells, strict=True)]


def _separator(text: str) -> str:
    return "," if "," in text else " " if " " in text else ""


# ---- cache ------------------------------------------------------------------------------------------------


def _from_json(text: str) -> Page:
    read = json.loads(text)
    rules = {name: np.array(read[name], dtype=np.float64).reshape(-1, 4) for name in ("lying", "standing")}
    words, back = [Word(**word) for word in read["words"]], np.array(read["back"], dtype=np.float64)
    return Page(**read | rules | {"words": words, "back": back, "shape": tuple(read["shape"])})
