"""Vertical-and-horizontal weights, the leading eigenvector of sum_t Z_t'Z_t with sum 1: Guo Yajun (2002).

They pull cities and years furthest apart; z >= 0 makes them not negative (Perron).
"""

import numpy as np

from python_models._types import ArrayLike, FloatArray
from python_models.entropy import complete_rows


def vertical_horizontal_weights(Z: ArrayLike) -> FloatArray:
    """The weights (m,) of Z (N, T, m) over its complete rows; a column without values has weight 0.

    ValueError: a negative z, fewer than 2 complete rows, or no value above 0.
    """
    rows, is_empty = complete_rows(Z)
    full = np.where(is_empty, 0.0, rows)
    if (full < 0.0).any():
        raise ValueError("z is negative: weights need z from the window of its bounds.")
    return leading_weights(full.T @ full)


def leading_weights(H: FloatArray) -> FloatArray:
    """Leading eigenvector of a non-negative symmetric matrix (m, m), scaled to sum 1."""
    if not H.any():
        raise ValueError("no indicator has a value above zero in the complete rows: weights do not exist.")
    vector = np.abs(np.linalg.eigh(H)[1][:, -1])
    vector[~H.any(axis=0)] = 0.0
    weights: FloatArray = vector / vector.sum()
    return weights
