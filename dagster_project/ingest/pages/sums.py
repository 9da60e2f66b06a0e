"""Sums within a printed table: a total and its parts, a province and its cities. Where nearly all add up, one that does
not holds a figure that was misread or misprinted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

MOST_PARTS, LEAST_SUMS = 6, 8
_MOST = 0.8  # of the sums hold
_CLEAR = 10  # times what rounding may add: smaller sums hold by chance

type Figures = NDArray[np.float64]


def broken_sums(
    value: Figures, step: Figures, units: Sequence[str], labels: Sequence[str]
) -> dict[tuple[int, int], str]:
    """Cells (row, column) of sums that do not hold -> what is said of them.

    value: (rows, columns), nan where there is no figure or its reading is doubted; step: unit of the last decimal of a
    column; units: of the columns; labels: of the rows.
    """
    broken: dict[tuple[int, int], str] = {}
    for total, parts in _runs(value.shape[1]):
        whole = np.full(len(value), 100.0) if total is None else value[:, total]
        reach = step[parts].sum() / 2 + (0 if total is None else step[total] / 2)
        holds, comparable = _compared(whole, value[:, parts].sum(axis=1), reach)
        if comparable.sum() >= LEAST_SUMS and holds.sum() >= _MOST * comparable.sum():
            for row in np.flatnonzero(comparable & ~holds).tolist():
                what = "its row does not add up" if total is not None else "its row does not add up to 100"
                broken |= {(row, column): what for column in parts + ([] if total is None else [total])}
    for total, end in _blocks(value, step):
        holds, comparable = _compared(value[total], value[total + 1 : end].sum(axis=0), step * (end - total) / 2)
        adding = {units[column] for column in np.flatnonzero(holds).tolist()}
        for column in np.flatnonzero(comparable & ~holds).tolist():
            if units[column] in adding:
                what = f"{labels[total]} is not the sum of the rows below it"
                broken |= {(row, column): what for row in range(total, end)}
    return broken


def _compared(whole: Figures, sums: Figures, reach: Figures | float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(which sums hold, which can be compared)."""
    comparable = np.isfinite(whole) & np.isfinite(sums) & (np.abs(whole) > _CLEAR * reach)
    return comparable & (np.abs(whole - sums) <= reach * 1.001), comparable


def _runs(n: int) -> Iterator[tuple[int | None, list[int]]]:
    """A column and those right of it, or left of it, as its parts; shares as parts of 100 (None)."""
    for first in range(n):
        for last in range(first + 2, min(first + MOST_PARTS, n) + 1):
            parts = list(range(first, last))
            yield from ((total, parts) for total in (first - 1, last) if 0 <= total < n)
            yield None, parts


def _blocks(value: Figures, step: Figures) -> Iterator[tuple[int, int]]:
    """Rows that are, in most of their columns and at least two, the sum of the next rows: row, row after the last."""
    for total in range(len(value) - 2):
        sums = value[total + 1 :].cumsum(axis=0)
        reach = step * np.arange(2, len(sums) + 2)[:, None] / 2
        holds, comparable = _compared(np.broadcast_to(value[total], sums.shape), sums, reach)
        count = holds.sum(axis=1)
        is_sum = (count >= 2) & (2 * count > comparable.sum(axis=1))
        is_sum[0] = False
        if is_sum.any():
            yield total, total + 2 + int(np.where(is_sum, count, 0).argmax())
