"""Two-stage and per-dimension weights, one per indicator: w_k = W_d w_k|d (docs/formulas.md#schemes).

Entropy weights or 1 / m_d inside dimension d, entropy weights on the dimension scores or 1 / D over them. Only
dimensions with a usable indicator count in D. Reference: Hwang and Yoon (1981) for the inner step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models.entropy import EMPTY_COLUMN, complete_rows, entropy_weights


@dataclass(frozen=True, eq=False)
class LevelWeights:
    """weights = dimension_weights[d] * within, both sums are 1 (within: inside each dimension). Arrays (m,)."""

    weights: FloatArray
    within: FloatArray
    dimension_weights: dict[str, float]
    entropy: FloatArray
    redundancy: FloatArray
    flags: tuple[str, ...]


def two_stage_weights(
    Z: ArrayLike, dimensions: Sequence[str], *, second: str = "entropy", delta: float = 0.0
) -> LevelWeights:
    """Entropy weights inside each dimension of Z (N, T, m), then weights of the dimensions.

    Both stages use the rows that are complete in all indicators. A dimension whose columns are all empty or zero has
    weight 0. second: "entropy" of the dimensions' scores, or "equal", 1 / D. ValueError: no usable dimension.
    """
    if second not in ("entropy", "equal"):
        raise ValueError(f"the second stage is 'entropy' or 'equal', not '{second}'.")
    rows, within, entropy, redundancy, flags = _inside(Z, dimensions, delta)
    names = [d for d in dict.fromkeys(dimensions) if within[_members(dimensions, d)].any()]
    if not names:
        raise ValueError("no dimension has a usable indicator: weights do not exist.")
    if second == "equal" or len(names) == 1:
        of_dimension = dict.fromkeys(names, 1.0 / len(names))
    else:
        scores = np.stack([_inner_score(rows, within, _members(dimensions, d)) for d in names], axis=-1)
        outer = entropy_weights(scores[:, None, :], delta=delta, names=names)
        of_dimension = dict(zip(names, outer.weights.tolist(), strict=True))
    weights = np.array([of_dimension.get(d, 0.0) for d in dimensions]) * within
    return LevelWeights(weights, within, of_dimension, entropy, redundancy, flags)


def equal_by_dimension(Z: ArrayLike, dimensions: Sequence[str]) -> LevelWeights:
    """Equal weights of the dimensions, and of the indicators inside each: w_k = 1 / (D m_d).

    Indicators without values get weight 0 and a flag, and count neither in m_d nor in D.
    """
    cube = np.asarray(Z, dtype=np.float64)
    _check(cube, dimensions)
    is_empty = np.isnan(cube).all(axis=(0, 1))
    names = [d for d in dict.fromkeys(dimensions) if not is_empty[_members(dimensions, d)].all()]
    if not names:
        raise ValueError("no indicator has a value: equal weights do not exist.")
    within = np.zeros(len(dimensions))
    for d in names:
        columns = _members(dimensions, d) & ~is_empty
        within[columns] = 1.0 / columns.sum()
    blank = np.full(len(dimensions), np.nan)
    flags = tuple(EMPTY_COLUMN if empty else "" for empty in is_empty)
    return LevelWeights(within / len(names), within, dict.fromkeys(names, 1.0 / len(names)), blank, blank, flags)


def _inside(
    Z: ArrayLike, dimensions: Sequence[str], delta: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, tuple[str, ...]]:
    """Complete rows (M, m), and inside each dimension: weights, entropy, redundancy, flags (m,)."""
    rows, is_empty = complete_rows(Z)
    _check(rows, dimensions)
    m = len(dimensions)
    within, entropy, redundancy, flags = np.zeros(m), np.ones(m), np.zeros(m), [""] * m
    for d in dict.fromkeys(dimensions):
        columns = np.flatnonzero(_members(dimensions, d))
        block = rows[:, columns]
        if is_empty[columns].all() or not np.nan_to_num(block).any():
            for k in columns:
                flags[k] = EMPTY_COLUMN if is_empty[k] else "zero_column"
            continue
        inner = entropy_weights(block[:, None, :], delta=delta)
        within[columns], entropy[columns], redundancy[columns] = inner.weights, inner.entropy, inner.redundancy
        for k, flag in zip(columns, inner.flags, strict=True):
            flags[k] = flag
    return rows, within, entropy, redundancy, tuple(flags)


def _inner_score(rows: FloatArray, within: FloatArray, columns: BoolArray) -> FloatArray:
    has_weight = columns & (within > 0.0)
    score: FloatArray = rows[:, has_weight] @ within[has_weight]
    return score


def _members(dimensions: Sequence[str], name: str) -> BoolArray:
    return np.array([d == name for d in dimensions])


def _check(array: FloatArray, dimensions: Sequence[str]) -> None:
    if len(dimensions) != array.shape[-1]:
        raise ValueError(f"dimensions count {len(dimensions)}, but Z has {array.shape[-1]} indicators.")
