"""How a result shows itself: its kind and the first rows of its table, as text and in a notebook."""

from __future__ import annotations

import html
from typing import Any, Protocol

import pandas as pd

ROWS = 10


class _Framed(Protocol):
    def to_frame(self) -> pd.DataFrame: ...


class Shown:
    """Base of results that have `to_frame`: repr is the head of that table, never the arrays behind it."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__repr__" not in cls.__dict__:
            # in the class itself, or the decorator `dataclass` would write its own
            cls.__repr__ = Shown.__repr__  # type: ignore[method-assign]

    def __repr__(self: _Framed) -> str:
        frame = self.to_frame()
        return f"{_title(self, frame)}\n{frame.head(ROWS).to_string(index=False, line_width=120)}{_rest(frame)}"

    def _repr_html_(self: _Framed) -> str:
        frame = self.to_frame()
        table = frame.head(ROWS).to_html(index=False, border=0)
        return f"<div><p>{html.escape(_title(self, frame))}</p>{table}<p>{_rest(frame).strip()}</p></div>"


def _title(result: _Framed, frame: pd.DataFrame) -> str:
    return f"{type(result).__name__}: {len(frame)} rows x {frame.shape[1]} columns"


def _rest(frame: pd.DataFrame) -> str:
    return f"\n... {len(frame) - ROWS} more rows: to_frame()" if len(frame) > ROWS else ""
