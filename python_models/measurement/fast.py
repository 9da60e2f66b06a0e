"""The headline procedure on complete cubes, vectorised for thousands of repetitions.

The formulas of `scaling` and `entropy` with plain sums, without labels and flags: the results agree to about 1e-14
(tested). Use `CompositeIndex` for anything that is published as a score.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from python_models._types import BoolArray, FloatArray
from python_models.scaling import Bounds

OF_DIMENSIONS = ("equal_dimension", "two_stage_equal", "two_stage_entropy")  # schemes that need the dimensions


@dataclass(frozen=True, eq=False)
class Procedure:
    """What is done to the indicators, arrays (m,): directions +1 / -1, upper caps (inf for none), winsorised or not."""

    directions: FloatArray
    caps: FloatArray
    winsor: BoolArray
    quantiles: tuple[float, float] = (0.01, 0.99)
    delta: float = 0.0

    def scale(self, X: FloatArray) -> FloatArray:
        """z (N, T, m) of a complete cube, every year in the window; 0 for an indicator that is constant."""
        rows = np.minimum(X.reshape(-1, X.shape[2]), self.caps)
        if np.isnan(rows).any():
            raise ValueError("the cube has missing cells: choose cities that are complete in the window.")
        if self.winsor.any():
            to_winsorise = np.flatnonzero(self.winsor)
            block = rows[:, to_winsorise]
            low, high = np.quantile(block, self.quantiles, axis=0)
            rows[:, to_winsorise] = np.clip(block, low, high, out=block)
        low_end, high_end = rows.min(axis=0), rows.max(axis=0)
        span = np.where(Bounds(low_end, high_end).is_constant, np.inf, high_end - low_end)
        # in place, as new arrays cost more than the sums; from the worse end: the numbers of max - x and x - min
        rows -= np.where(self.directions > 0, low_end, high_end)
        np.abs(rows, out=rows)
        rows /= span
        return rows.reshape(X.shape)

    def weights(self, X: FloatArray, scheme: str = "entropy", dimensions: Sequence[str] = ()) -> FloatArray:
        """Weights (m,) of a complete cube (N, T, m) by entropy, or by a scheme of OF_DIMENSIONS; equal weights if
        nothing is redundant."""
        rows = self.scale(X).reshape(-1, X.shape[2])
        g = entropy_redundancy(rows, self.delta)
        if scheme == "entropy":
            return normalised(g)
        return by_dimension(scheme, rows, g, rows.max(axis=0) > rows.min(axis=0), dimensions, self.delta)


def entropy_redundancy(rows: FloatArray, delta: float = 0.0) -> FloatArray:
    """g_k = 1 - e_k (m,) of rows (M, m) with z >= 0; 0 for a column that does not vary."""
    p = rows + delta
    total = p.sum(axis=0)
    p /= np.where(total > 0.0, total, 1.0)
    entropy = -xlogy(p, p, out=p).sum(axis=0) / math.log(len(rows))
    varies = rows.max(axis=0) > rows.min(axis=0)
    redundancy: FloatArray = np.where(varies, np.clip(1.0 - entropy, 0.0, 1.0), 0.0)
    return redundancy


def by_dimension(
    scheme: str, rows: FloatArray, g: FloatArray, usable: BoolArray, dimensions: Sequence[str], delta: float
) -> FloatArray:
    """Weights (m,) of a scheme of OF_DIMENSIONS from rows (M, m) and their redundancy; 0 where not usable."""
    within, masks = np.zeros(len(g)), []
    for name in dict.fromkeys(dimensions):
        columns = usable & np.array([d == name for d in dimensions])
        if columns.any():
            within[columns] = 1.0 / columns.sum() if scheme == "equal_dimension" else normalised(g[columns])
            masks.append(columns)
    outer = np.full(len(masks), 1.0 / len(masks))
    if scheme == "two_stage_entropy" and len(masks) > 1:
        scores = rows @ np.stack([np.where(mask, within, 0.0) for mask in masks], axis=1)
        outer = normalised(entropy_redundancy(scores, delta))
    return np.sum([w * np.where(mask, within, 0.0) for w, mask in zip(outer, masks, strict=True)], axis=0)


def normalised(x: FloatArray, usable: BoolArray | None = None) -> FloatArray:
    """x (m,) over its sum; equal parts of the usable ones if the sum is 0."""
    total = x.sum()
    if total > 0.0:
        return x / total
    share = np.ones(len(x)) if usable is None else usable.astype(np.float64)
    return share / share.sum()
