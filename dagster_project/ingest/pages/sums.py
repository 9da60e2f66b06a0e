"""Sums within a printed table: a total and its parts, a province and its cities. Where nearly all add up, one that does
not holds a figure that was misread or misprinted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

MOST_PARTS, LEAST_SUMS = 6, 8
_MOST = 0.8  # of the sums hold
_CLEAR = 10  # times what rounding may add: smaller sums hold by chance
_TOTAL = re.compile(r"(省|自治区|合计|总计|总数|全国|全市)$")

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
        holds, known = _compared(whole, value[:, parts].sum(axis=1), reach)
        if known.sum() >= LEAST_SUMS and holds.sum() >= _MOST * known.sum():
            for row in np.flatnonzero(known & ~holds).tolist():
                what = "its row does not add up" if total is not None else "its row does not add up to 100"
                broken |= {(row, column): what for column in parts + ([] if total is None else [total])}
    for total, parts in _blocks(labels):
        holds, known = _compared(value[total], value[parts].sum(axis=0), step * (len(parts) + 1) / 2)
        adding = {units[column] for column in np.flatnonzero(holds).tolist()}
        if holds.sum() >= 2:
            for column in np.flatnonzero(known & ~holds).tolist():
                if units[column] in adding:
                    broken |= {(row, column): f"{labels[total]} is not the sum" for row in [total, *parts]}
    return broken


def _compared(whole: Figures, sums: Figures, reach: Figures | float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(which sums hold, which can be compared)."""
    known = np.isfinite(whole) & np.isfinite(sums) & (np.abs(whole) > _CLEAR * reach)
    return known & (np.abs(whole - sums) <= reach * 1.001), known


def _runs(n: int) -> Iterator[tuple[int | None, list[int]]]:
    """A column and those right of it, or left of it, as its parts; shares as parts of 100 (None)."""
    for first in range(n):
        for last in range(first + 2, min(first + MOST_PARTS, n) + 1):
            parts = list(range(first, last))
            yield from ((total, parts) for total in (first - 1, last) if 0 <= total < n)
            yield None, parts


def _blocks(labels: Sequence[str]) -> Iterator[tuple[int, list[int]]]:
    """The first row and rows of provinces, with the rows up to the next of them."""
    starts = [row for row, label in enumerate(labels) if row == 0 or _TOTAL.search(label)]
    for start, end in zip(starts, [*starts[1:], len(labels)], strict=True):
        if end - start > 2:
            yield start, list(range(start + 1, end))
