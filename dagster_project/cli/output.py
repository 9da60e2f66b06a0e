"""The answer of a query as text: CSV, JSON, Markdown, or a table for the screen. No text of the data can act.

CSV: text that a spreadsheet would take for a formula gets an apostrophe; lists become one text. Markdown: marks are
escaped. Screen: no markup and no control character comes through.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import duckdb
from rich.markup import escape
from rich.table import Table

from dagster_project.publish.export.inert import plain_cell
from dagster_project.publish.export.text import markdown_text

FORMATS = ("table", "csv", "json", "markdown")
MAX_ROWS = 200
BLOCK = 20_000
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def blocks(con: duckdb.DuckDBPyConnection) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of the last query, some thousands at a time."""
    while rows := con.fetchmany(BLOCK):
        yield rows


def as_csv(names: Sequence[str], blocks: Iterator[list[tuple[Any, ...]]]) -> Iterator[str]:
    """Header, then the rows block by block. A missing value is empty; a number keeps all its digits."""
    yield _csv([[plain_cell(name) for name in names]])
    for rows in blocks:
        yield _csv(
            [[plain_cell(_text(value)) if not _is_number(value) else _text(value) for value in row] for row in rows]
        )


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
    """A pipe table."""
    is_number = [all(row[k] is None or _is_number(row[k]) for row in rows) for k in range(len(names))]
    lines = [[markdown_text(name) for name in names], ["--:" if number else ":--" for number in is_number]]
    lines += [[markdown_text(_text(value)) for value in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def as_table(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Table:
    """The first rows for the screen."""
    table = Table(*[escape(visible(name)) for name in names])
    for row in rows[:MAX_ROWS]:
        table.add_row(*[escape(visible(_text(value))) for value in row])
    return table


def visible(text: str) -> str:
    """Control characters, which could move the cursor or turn the direction of writing, as U+FFFD."""
    return CONTROL.sub("\ufffd", text)


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
    made: list[str] = []
    for name in names:
        taken, n = name, 1
        while taken in made:
            taken, n = f"{name}_{n}", n + 1
        made.append(taken)
    return made
