"""Cells of answers and tables as text that cannot act: one rule for every CSV, in Python and in SQL, and for Markdown.

A CSV cell is dangerous if it starts with = + - @, their full-width twins, a tab or a line end, and is not just a number
(-0.5 stays as it is). It gets a leading apostrophe, which spreadsheets show or hide and never compute.
"""

import math
import re
from collections.abc import Iterable, Sequence

UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")
STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain_cell(text: str) -> str:
    """The text of a CSV cell, with an apostrophe if a spreadsheet would compute it."""
    return f"'{text}" if text.startswith(STARTS) and not _is_number(text) else text


def visible(text: str) -> str:
    """Control characters, which could move the cursor or turn the direction of writing, as U+FFFD."""
    return CONTROL.sub("\ufffd", text)


def figure(value: float) -> str:
    """A number for people: six significant digits, or all digits of a whole part that has more; '' for not a number."""
    if math.isnan(value):
        return ""
    return f"{value:.0f}" if math.isfinite(value) and abs(value) >= 1e5 else f"{value:.6g}"


def markdown_text(text: str) -> str:
    """Text without a mark of Markdown or HTML in it."""
    return re.sub(r"([\\`*_\[\]|<>#~&$])", r"\\\1", UNSEEN.sub(" ", text))


def pipe_table(heads: Sequence[str], is_number: Sequence[bool], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, of cells that are Markdown already."""
    rules = ["--:" if number else ":--" for number in is_number]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, rules, *rows))


def csv_select(columns: list[tuple[str, str]]) -> str:
    """SQL select list for (name, type) pairs: the same rule for text; lists become one text, parted by '; '."""
    return ", ".join(_column(name, kind) for name, kind in columns)


def _column(name: str, kind: str) -> str:
    sql_name = '"' + name.replace('"', '""') + '"'
    if kind.endswith("[]"):
        return f"{_guarded(f"array_to_string({sql_name}, '; ')")} as {sql_name}"
    return f"{_guarded(sql_name)} as {sql_name}" if kind == "VARCHAR" else sql_name


def _guarded(text: str) -> str:
    starts = ", ".join(f"chr({ord(start)})" for start in STARTS)
    is_formula = f"left({text}, 1) in ({starts}) and try_cast({text} as double) is null"
    return f"case when {is_formula} then chr(39) || {text} else {text} end"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
