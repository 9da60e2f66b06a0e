"""Texts between two processes: one block of bytes and the length of each, without a memo of millions of objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

type Texts = tuple[bytes, NDArray[np.int32]]
type Frame = list[tuple[str, Any]]


def pack_texts(texts: NDArray[np.object_]) -> Texts:
    """(all texts in UTF-8, length of each in signs)."""
    lengths = np.fromiter(map(len, texts), dtype=np.int32, count=len(texts))
    return "".join(texts).encode("utf-8", "surrogatepass"), lengths


def unpack_texts(texts_packed: Texts) -> NDArray[np.object_]:
    """The texts, as objects."""
    content, lengths = texts_packed[0].decode("utf-8", "surrogatepass"), texts_packed[1]
    ends = np.cumsum(lengths, dtype=np.int64)
    texts = np.empty(len(lengths), dtype=object)
    texts[:] = [content[end - length : end] for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)]
    return texts


def pack_frame(frame: pd.DataFrame) -> Frame:
    """Columns of a frame: numbers as they are, texts as (codes, distinct texts)."""
    return [(str(name), _pack_column(frame[name])) for name in frame.columns]


def unpack_frame(packed: Frame) -> pd.DataFrame:
    """The frame."""
    return pd.DataFrame({name: _unpack_column(column) for name, column in packed})


def _pack_column(column: pd.Series) -> Any:
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy()
    codes, distinct = pd.factorize(column.to_numpy(dtype=object))
    kind = np.min_scalar_type(max(len(distinct) - 1, 0))
    return codes.astype(kind), pack_texts(np.asarray(distinct, dtype=object))


def _unpack_column(column: Any) -> Any:
    return unpack_texts(column[1])[column[0]] if isinstance(column, tuple) else column
