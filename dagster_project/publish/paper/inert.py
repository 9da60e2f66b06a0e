"""Text that a spreadsheet would take for a formula stays text: one rule for every CSV, in Python and in SQL.

A cell is dangerous if it starts with = + - @, their full-width twins, a tab or a line end, and is not just a number
(-0.5 stays as it is). It gets a leading apostrophe, which spreadsheets show or hide and never compute.
"""

import re

STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain_cell(text: str) -> str:
    """The text of a CSV cell, with an apostrophe if a spreadsheet would compute it."""
    return f"'{text}" if text.startswith(STARTS) and not _is_number(text) else text


def visible(text: str) -> str:
    """Control characters, which could move the cursor or turn the direction of writing, as U+FFFD."""
    return CONTROL.sub("\ufffd", text)


def csv_select(columns: list[tuple[str, str]]) -> str:
    """SQL select list for (name, type) pairs: the same rule for text; lists become one text, parted by '; '."""
    return ", ".join(_column(name, kind) for name, kind in columns)


def _column(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    if kind.endswith("[]"):
        return f"{_guarded(f"array_to_string({quoted}, '; ')")} as {quoted}"
    return f"{_guarded(quoted)} as {quoted}" if kind == "VARCHAR" else quoted


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
