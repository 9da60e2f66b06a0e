"""An estimate with its 95 % interval, cities taken as independent draws."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from python_models._align import aligned
from python_models._types import FloatArray

LEVEL = 0.95
NORMAL_HALF = float(stats.norm.ppf(0.5 + LEVEL / 2))  # once: it takes longer than a correlation


@dataclass(frozen=True)
class Interval:
    """Estimate with lower and upper limit; the limits are nan if there is no interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Ranks:
    """Places (n,) in rising order, one sort for all: average, the lowest and the highest place of equal values."""

    average: FloatArray
    low: FloatArray
    high: FloatArray

    @classmethod
    def of(cls, x: FloatArray) -> Ranks:
        """Of values without NaN, as `scipy.stats.rankdata` by its methods average, min and max."""
        order = np.argsort(x, kind="stable")
        ascending = x[order]
        is_new = np.r_[True, ascending[1:] != ascending[:-1]]
        group = np.empty(len(x), dtype=np.int64)
        group[order] = is_new.cumsum()
        ends = np.r_[np.flatnonzero(is_new), len(x)].astype(np.float64)
        below, upto = ends[group - 1], ends[group]
        return cls(0.5 * (below + upto + 1.0), below + 1.0, upto)


@aligned
def rank_correlation(x: ArrayLike, y: ArrayLike) -> Interval:
    """Spearman's rho with a 95 % interval on Fisher's z, se = sqrt((1 + rho^2 / 2) / (n - 3)) (Bonett and Wright 2000).

    No interval below five cities or at rho = 1.
    """
    a, b = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if a.size < 3 or np.ptp(a) == 0 or np.ptp(b) == 0 or np.isnan(a + b).any():
        return Interval(math.nan, math.nan, math.nan)
    rho = spearman_of_ranks(Ranks.of(a).average, Ranks.of(b).average)
    return rank_interval(rho, a.size)


def spearman_of_ranks(a: FloatArray, b: FloatArray) -> float:
    """Spearman's rho of two vectors of average ranks: the steps of `scipy.stats.spearmanr`, to the last bit."""
    matrix: FloatArray = np.asarray(np.corrcoef(np.column_stack((a, b)), rowvar=False))
    return float(matrix[1, 0])


def rank_interval(rho: float, n: int) -> Interval:
    """Spearman's rho of n cities with its 95 % interval, see `rank_correlation`."""
    if n < 5 or abs(rho) >= 1 - 1e-12:
        return Interval(rho, math.nan, math.nan)
    z = math.atanh(rho)
    half = NORMAL_HALF * math.sqrt((1 + rho**2 / 2) / (n - 3))
    return Interval(rho, math.tanh(z - half), math.tanh(z + half))
