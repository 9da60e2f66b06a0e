"""From rows of a query to a printed table: rounding, standard errors, stars, columns across, panels.

Rounding: `digits` decimals, more where the standard error would lose its second significant digit (at most 8). Stars
follow the p-value: *** below 0.01, ** below 0.05, * below 0.10.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Record = dict[str, Any]
Kind = Literal["text", "count", "number", "p"]
STARS = ((0.01, "***"), (0.05, "**"), (0.10, "*"))
STAR_NOTE = "*** p < 0.01, ** p < 0.05, * p < 0.10"


@dataclass(frozen=True)
class Column:
    """A printed column. `field` names the value in the query; `se`, `lo` and `hi` stand below it, in round and in
    square brackets; `p` decides the stars. A field `digits` in the query overrides `digits` row by row. `words`
    replaces codes by words. `is_zh`: Chinese text, left out where the format cannot hold it."""

    head: str
    field: str
    kind: Kind = "text"
    digits: int = 3
    se: str = ""
    lo: str = ""
    hi: str = ""
    p: str = ""
    words: dict[str, str] | None = None
    is_zh: bool = False


@dataclass(frozen=True)
class Row:
    """`kind`: "panel" (one cell over the whole width), "body", or "below" (what stands below the row before)."""

    kind: Literal["panel", "body", "below"]
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A table ready to print. `is_text[k]`: column k is text (left), else a number (right)."""

    code: str
    title_en: str
    title_zh: str
    heads: tuple[str, ...]
    is_text: tuple[bool, ...]
    is_zh: tuple[bool, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def is_missing(value: Any) -> bool:
    """None, NaN, or infinite."""
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def stars(p: float | None) -> str:
    """Stars of a p-value; none without one."""
    if p is None or is_missing(p):
        return ""
    return next((mark for limit, mark in STARS if p < limit), "")


def decimals(digits: int, se: float | None) -> int:
    """Decimals that keep two significant digits of the standard error, at least `digits`, at most 8."""
    if se is None or is_missing(se) or se <= 0:
        return digits
    return max(digits, min(8, 1 - math.floor(math.log10(se))))


def number(value: float | None, digits: int) -> str:
    """1,234.568 with a true minus; nothing for a missing value; never "-0.000"."""
    if value is None or is_missing(value):
        return ""
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def p_value(p: float | None) -> str:
    """Three decimals, "<0.001" below."""
    if p is None or is_missing(p):
        return ""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def cell(column: Column, row: Record) -> tuple[str, str]:
    """The figure and what stands below it."""
    value = row.get(column.field)
    if column.kind == "text":
        text = "" if is_missing(value) else str(value)
        return (column.words or {}).get(text, text), ""
    if column.kind == "p":
        return p_value(value), ""
    if column.kind == "count":
        return ("" if is_missing(value) else number(float(value), 0)), ""
    se = row.get(column.se) if column.se else None
    own = row.get("digits")
    digits = decimals(column.digits if is_missing(own) else int(own or 0), se)
    low, high = (row.get(name) if name else None for name in (column.lo, column.hi))
    interval = "" if is_missing(low) and is_missing(high) else f"[{number(low, digits)}, {number(high, digits)}]"
    if is_missing(value):
        return interval, ""
    below = [f"({number(se, digits)})" if not is_missing(se) else "", interval]
    text = number(value, digits) + stars(row.get(column.p) if column.p else None)
    return text, " ".join(part for part in below if part)


def lay_out(
    records: Sequence[Record], columns: Sequence[Column], *, panel: str = "", across: str = ""
) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """Heads and rows. `panel`: field that starts a new panel where it changes. `across`: field whose values become
    the heads of the last column of `columns`, in the order they first appear; the columns before are the labels."""
    if not across:
        cells = [[cell(column, row) for column in columns] for row in records]
        names = [str(row.get(panel) or "") if panel else "" for row in records]
        return tuple(column.head for column in columns), _stack(names, cells)
    labels, value = columns[:-1], columns[-1]
    heads = list(dict.fromkeys(str(row[across]) for row in records))
    found: dict[tuple[str, ...], dict[str, tuple[str, str]]] = {}
    for row in records:
        key = (str(row.get(panel) or "") if panel else "", *(cell(column, row)[0] for column in labels))
        there = found.setdefault(key, {})
        if str(row[across]) in there:
            raise ValueError(f"Two rows for {key} and {across} {row[across]}: the query has a finer grain.")
        there[str(row[across])] = cell(value, row)
    cells = [
        [*((text, "") for text in key[1:]), *(there.get(h, ("", "")) for h in heads)] for key, there in found.items()
    ]
    return (*(column.head for column in labels), *heads), _stack([key[0] for key in found], cells)


def _stack(panels: Sequence[str], cells: Sequence[Sequence[tuple[str, str]]]) -> tuple[Row, ...]:
    rows: list[Row] = []
    last = ""
    for panel, line in zip(panels, cells, strict=True):
        if panel and panel != last:
            rows.append(Row("panel", (panel,)))
        last = panel
        rows.append(Row("body", tuple(top for top, _ in line)))
        if any(below for _, below in line):
            rows.append(Row("below", tuple(below for _, below in line)))
    return tuple(rows)
