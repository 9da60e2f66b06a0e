"""The answer of a query as text: CSV, JSON, Markdown, or a table for the screen. No text of the data can act.

CSV: text that a spreadsheet would take for a formula gets an apostrophe; lists become one text. Markdown: marks are
escaped. Screen: no markup and no control character comes through.
"""

import csv
import datetime as dt
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import duckdb
from rich import box
from rich.cells import cell_len
from rich.console import Group, JustifyMethod
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from dagster_project.errors import Refusal
from dagster_project.paths import Paths
from dagster_project.publish.inert import figure, markdown_text, pipe_table, plain_cell, visible
from dagster_project.published import open_published
from dagster_project.run.failures import nothing_published

FORMATS = ("table", "csv", "json", "markdown")
MAX_ROWS = 200
SAID_ABOVE = ("data_vintage", "method_version", "boundary_vintage")  # the same in all rows of a release
MAX_WIDTH = 40  # of a column on the screen; a longer text is broken over lines
BLOCK = 20_000


def check_form(form: str, forms: Sequence[str] = FORMATS) -> None:
    """Raises Refusal where the form is not offered."""
    if form not in forms:
        raise Refusal(f"--format must be one of {', '.join(forms)}.")


def opened(
    paths: Paths, form: str = "table", forms: Sequence[str] = FORMATS, settings: Mapping[str, str | int] | None = None
) -> duckdb.DuckDBPyConnection:
    """The published file. Raises Refusal where the form is not offered or nothing is published."""
    check_form(form, forms)
    con = open_published(paths, settings)
    if con is None:
        raise nothing_published(paths)
    return con


def blocks(con: duckdb.DuckDBPyConnection, left: int) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of the last query, some thousands at a time, not more than `left` in all."""
    while left > 0 and (rows := con.fetchmany(min(BLOCK, left))):
        left -= len(rows)
        yield rows


def as_csv(names: Sequence[str], blocks: Iterator[list[tuple[Any, ...]]]) -> Iterator[str]:
    """Header, then the rows block by block. A missing value is empty; a number keeps all its digits."""
    yield _csv([[plain_cell(name) for name in names]])
    for rows in blocks:
        yield csv_rows(rows)


def as_text(form: str, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> str:
    """All rows as CSV, JSON or Markdown, with the newline at the end."""
    if form == "csv":
        return "".join(as_csv(names, iter([list(rows)])))
    return (as_json if form == "json" else as_markdown)(names, rows) + "\n"


def csv_rows(rows: Sequence[tuple[Any, ...]]) -> str:
    """Rows as CSV, without a header."""
    return _csv([[_text(value) if _is_number(value) else plain_cell(_text(value)) for value in row] for row in rows])


def _csv(rows: Sequence[Sequence[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def as_json(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> str:
    """A list of objects; a column name that comes twice gets a number; NaN and infinity are null."""
    unique = _unique(names)
    records = [dict(zip(unique, map(_json_value, row), strict=True)) for row in rows]
    return json.dumps(records, ensure_ascii=False)


def as_markdown(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> str:
    is_number = [all(row[k] is None or _is_number(row[k]) for row in rows) for k in range(len(names))]
    cells = ([markdown_text(_text(value)) for value in row] for row in rows)
    return pipe_table([markdown_text(name) for name in names], is_number, cells)


def as_table(names: Sequence[str], rows: Sequence[tuple[Any, ...]], width: int) -> Group:
    """The first rows for the screen: columns of the middle are left out, values never; below it what is not shown."""
    texts = [[visible(_plain(value)) for value in row] for row in rows[:MAX_ROWS]]
    is_number = [any(_is_number(row[k]) for row in rows[:MAX_ROWS]) for k in range(len(names))]
    wide = [
        min(MAX_WIDTH, max([cell_len(visible(name)), *(cell_len(row[k]) for row in texts)])) + 3
        for k, name in enumerate(names)
    ]
    positions = _columns_that_fit(names, wide, width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for k in positions:
        if k is None:
            table.add_column("…")
        else:
            justify: JustifyMethod = "right" if is_number[k] else "left"
            table.add_column(escape(visible(names[k])), justify=justify, max_width=MAX_WIDTH, overflow="fold")
    for row in texts:
        table.add_row(*["…" if k is None else escape(row[k]) for k in positions])
    n_columns = sum(k is not None for k in positions)
    notes = [f"{len(rows):,} row{'s' * (len(rows) != 1)}" + (f" ({MAX_ROWS} shown)" if len(rows) > MAX_ROWS else "")]
    if n_columns < len(names):
        notes.append(f"{len(names)} columns ({n_columns} shown)")
    if len(rows) > MAX_ROWS or n_columns < len(names):
        notes.append("--format csv prints all")
    return Group(table, Text("; ".join(notes)))


def _columns_that_fit(names: Sequence[str], wide: Sequence[int], width: int) -> list[int | None]:
    """Numbers of the columns from both ends inwards, as many as fit; None stands for those of the middle.

    Columns of SAID_ABOVE go first: the line above the answer has told them.
    """
    if sum(wide) <= width:
        return list(range(len(wide)))
    rest = [k for k, name in enumerate(names) if name not in SAID_ABOVE] or [0]
    left, right, room = [rest[0]], list[int](), width - wide[rest[0]] - 4
    inner = rest[1:]
    fits = {0: True, -1: True}  # whether the next one from the left, from the right, has room
    while inner and any(fits.values()):
        end = -1 if (len(left) > len(right) and fits[-1]) or not fits[0] else 0
        if wide[inner[end]] > room:
            fits[end] = False
            continue
        k = inner.pop(end)
        room -= wide[k]
        left, right = ([*left, k], right) if end == 0 else (left, [k, *right])
    return [*left, None, *right]


def _plain(value: Any) -> str:
    return figure(float(value)) if isinstance(value, float | Decimal) else _text(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list | tuple):
        return "; ".join(_text(part) for part in value)
    if isinstance(value, dict):
        return json.dumps(_json_value(value), ensure_ascii=False)
    return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else str(value)


def _json_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_json_value(part) for part in value]
    if isinstance(value, dict):
        return {str(key): _json_value(part) for key, part in value.items()}
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def _unique(names: Sequence[str]) -> list[str]:
    unique: list[str] = []
    for name in names:
        candidate, n = name, 1
        while candidate in unique:
            candidate, n = f"{name}_{n}", n + 1
        unique.append(candidate)
    return unique
