"""Columns that the frames of the gate are prepared with.

A rule without a fast and readable expectation of its own is prepared as a true/false column first.
Great Expectations skips nulls silently, so a prepared column is never null where the rule applies.
"""

from collections.abc import Callable
from typing import Any

import pandas as pd


def words(text: str) -> list[str]:
    """Names of columns that a text lists."""
    return text.split()


def as_flag(column: pd.Series, *, when_null: bool = False) -> pd.Series:
    """A true/false column without nulls, whatever the database handed over (bool, object, 0/1)."""
    flags = column.astype("object").where(column.notna(), when_null)
    return flags.astype(bool)


def only_where(applies: pd.Series, flag: pd.Series) -> pd.Series:
    """The flag where the rule applies, null elsewhere: only what was really checked is counted."""
    return flag.astype("object").where(applies, None)


def is_blank(text: pd.Series) -> pd.Series:
    """True where a cell holds nothing but white space."""
    return text.isna() | (text.astype("string").str.strip().fillna("") == "")


def as_number(column: pd.Series) -> pd.Series:
    """Floats; null, infinite and non-numeric become NaN."""
    numbers = column if column.dtype == "float64" else pd.to_numeric(column, errors="coerce").astype("float64")
    return numbers.where(numbers.abs() != float("inf"))


def joined(*columns: pd.Series) -> pd.Series:
    """Texts of several columns in one, '?' for a null, separated by ' | '."""
    texts = pd.concat([column.astype("string").fillna("?") for column in columns], axis="columns")
    return texts.iloc[:, 0].str.cat(texts.iloc[:, 1:], sep=" | ")


def of_figures(frame: pd.DataFrame, what: Callable[[Any, Any], Any]) -> list[Any]:
    """What a function says of variable and scope of each row; it is asked once for each pair. No column: None."""
    columns = [frame[name].to_numpy(dtype=object).tolist() for name in ("variable_code", "scope") if name in frame]
    pairs = list(zip(*columns, *[[None] * len(frame)] * (2 - len(columns)), strict=True))
    answers = {pair: what(*pair) for pair in dict.fromkeys(pairs)}
    return [answers[pair] for pair in pairs]
