"""Header paths of a printed sheet: merged ranges undone, texts joined from table title to leaf."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dagster_project.ingest.sheet import Sheet


@dataclass
class Geometry:
    """Where the parts of one sheet lie: first header and body row, note rows, roles and paths of columns."""

    header_row: int
    body_row: int
    roles: dict[int, str]
    paths: dict[int, str]
    header_rows: set[int] = field(default_factory=set)
    note_rows: set[int] = field(default_factory=set)
    note_cols: set[int] = field(default_factory=set)


def tidy(text: str) -> str:
    """Every run of white space becomes one blank."""
    return " ".join(text.split())


def without_spaces(text: str) -> str:
    """Without white space, lower case: for comparing labels."""
    return "".join(text.split()).lower()


def header_paths(sheet: Sheet, geometry: Geometry, columns: list[int]) -> dict[int, str]:
    """Header path of every column with body cells."""
    last_row, last_col = geometry.body_row - 1, max(columns, default=0)
    text = {place: tidy(value) for place, value in sheet.rows(1, last_row).items()}
    merged = _unmerge(text, sheet.merged, last_row, last_col)
    above = _above(text, merged, geometry, last_col)
    titles = {col: [value for value in values if _is_title(value)] for col, values in above.items()}
    units = {col: [value for value in values if _is_unit(value)] for col, values in above.items()}
    heads = _heads(text, geometry, titles, last_col)
    loose_title, loose_unit = _loose(text, geometry)
    if any(titles[col] for col in columns if col not in geometry.roles):
        loose_title = []
    paths = {}
    for col in columns:
        if col in geometry.roles:
            segments = [text.get((row, col), "") for row in range(geometry.header_row, geometry.body_row)][:1]
        else:
            segments = [*(titles[col] or loose_title), *(units[col] or loose_unit), *heads[col]]
        paths[col] = " / ".join(_without_repeats(segments))
    return paths


def _unmerge(
    text: dict[tuple[int, int], str], merged: tuple[tuple[int, int, int, int], ...], last_row: int, last_col: int
) -> set[tuple[int, int]]:
    """Copy the text of every merged range over its cells (in place); returns the cells so covered."""
    merged_cells = set()
    for r1, c1, r2, c2 in merged:
        value = text.get((r1, c1), "")
        if value and r1 <= last_row and c1 <= last_col:
            cells = {(r, c) for r in range(r1, min(r2, last_row) + 1) for c in range(c1, min(c2, last_col) + 1)}
            text.update(dict.fromkeys(cells, value))
            merged_cells |= cells
    return merged_cells


def _above(
    text: Mapping[tuple[int, int], str], merged: set[tuple[int, int]], geometry: Geometry, last_col: int
) -> dict[int, list[str]]:
    """Texts above the header row over each column; one without a merged range reaches to the next."""
    titles: dict[int, list[str]] = {col: [] for col in range(1, last_col + 1)}
    for row in range(1, geometry.header_row):
        reach = ""
        for col, texts in titles.items():
            value = text.get((row, col), "")
            if col in geometry.roles or (row, col) in merged:
                reach = ""
            elif value:
                reach = value
            if value or reach:
                texts.append(value or reach)
    return titles


def _heads(
    text: Mapping[tuple[int, int], str], geometry: Geometry, titles: dict[int, list[str]], last_col: int
) -> dict[int, list[str]]:
    """Header texts of each column from the header row down.

    An empty cell with text below it is the upper part of an 'of which': the column belongs to its left neighbour and
    takes its text there, under the same title and as long as both have the same texts above.
    """
    rows = range(geometry.header_row, geometry.body_row)
    heads: dict[int, list[str]] = {}
    for col in range(1, last_col + 1):
        column = [text.get((row, col), "") for row in rows]
        left = heads.get(col - 1)
        if left and col - 1 not in geometry.roles and titles[col - 1] == titles[col]:
            _take_from_neighbour(column, left)
        heads[col] = column
    return heads


def _take_from_neighbour(column: list[str], left: list[str]) -> None:
    """Fill the empty cells of `own` (in place) from the top, while its texts are those of `left`."""
    last = max((at for at, value in enumerate(column) if value), default=-1)
    for at in range(last):
        column[at] = column[at] or left[at]
        if column[at] != left[at]:
            return


def _loose(text: Mapping[tuple[int, int], str], geometry: Geometry) -> tuple[list[str], list[str]]:
    """Title of a sheet that stands over the city column only, and its unit note if it has just one."""
    block = [text[place] for place in sorted(text) if place[0] < geometry.header_row]
    units = {value for value in block if _is_unit(value)}
    return [value for value in block if _is_title(value)][:1], list(units) if len(units) == 1 else []


def _is_title(text: str) -> bool:
    """A title in Chinese: its translation and a unit such as (10 000 yuan) on the next lines are none."""
    return has_chinese(text) and not _is_unit(text)


def has_chinese(text: str) -> bool:
    """Whether a text holds a Chinese character."""
    return any("\u3400" <= sign <= "\u9fff" for sign in text)


def _is_unit(text: str) -> bool:
    """A note such as 单位：件."""
    return without_spaces(text).lstrip("（(").startswith(("单位", "计量单位"))


def _without_repeats(segments: Iterable[str]) -> list[str]:
    path: list[str] = []
    for segment in segments:
        if segment and segment not in path[-1:]:
            path.append(segment)
    return path
