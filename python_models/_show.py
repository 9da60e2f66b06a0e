"""How a result shows itself: its kind and the first rows of its table, as text and in a notebook."""

import dataclasses
import html
from typing import Any, cast

import pandas as pd

ROWS = 10
WIDE = 60  # letters of one field


class Shown:
    """Base of what holds arrays: repr is the head of the table (`to_frame`), else the fields with shapes of arrays."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__repr__" not in cls.__dict__:
            # in the class itself, or the decorator `dataclass` would write its own
            cls.__repr__ = Shown.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        frame = _frame(self)
        if frame is None:
            return _fields(self)
        return f"{_title(self, frame)}\n{frame.head(ROWS).to_string(index=False, line_width=120)}{_rest(frame)}"

    def _pick(self, *names: str) -> dict[str, Any]:
        """Fields and properties by name, as columns of a frame."""
        return {name: getattr(self, name) for name in names}

    def _repr_html_(self) -> str:
        frame = _frame(self)
        if frame is None:
            return f"<p>{html.escape(_fields(self))}</p>"
        table = frame.head(ROWS).to_html(index=False, border=0)
        return f"<div><p>{html.escape(_title(self, frame))}</p>{table}<p>{_rest(frame).strip()}</p></div>"


class OneRow(Shown):
    """Base of a dataclass whose table is one row of its fields."""

    def to_frame(self) -> pd.DataFrame:
        """One row."""
        return pd.DataFrame([dataclasses.asdict(cast("Any", self))])


def _frame(result: Any) -> pd.DataFrame | None:
    return result.to_frame() if hasattr(result, "to_frame") else None


def _title(result: object, frame: pd.DataFrame) -> str:
    return f"{type(result).__name__}: {len(frame)} rows x {frame.shape[1]} columns"


def _rest(frame: pd.DataFrame) -> str:
    return f"\n... {len(frame) - ROWS} more rows: to_frame()" if len(frame) > ROWS else ""


def _fields(result: Any) -> str:
    values = {field.name: getattr(result, field.name) for field in dataclasses.fields(result) if field.repr}
    return f"{type(result).__name__}({', '.join(f'{name}={_brief(value)}' for name, value in values.items())})"


def _brief(value: Any) -> str:
    if getattr(value, "shape", ()):
        return f"{type(value).__name__} {value.shape}"
    if isinstance(value, list | tuple | dict) and len(repr(value)) > WIDE:
        return f"{type(value).__name__} of {len(value)}"
    text = repr(value)
    return text if len(text) <= WIDE else f"{type(value).__name__}(...)"
