"""Does the index go with things it does not contain? Pearson's r and Spearman's rho over the cities of one year.

Intervals: Fisher's z. Neighbouring cities are alike, so they are narrow rather than wide.
"""

import math

import numpy as np
import pandas as pd
from scipy import stats

from python_models._align import aligned
from python_models._types import ArrayLike
from python_models._validate import as_plane
from python_models.estimates import NORMAL_HALF, Interval, rank_correlation

FEWEST = 5


def pearson(x: ArrayLike, y: ArrayLike) -> Interval:
    """Pearson's r of two vectors (n,) with a 95 % interval by Fisher's z.

    NaN below 5 pairs or without variation, no interval at |r| = 1.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(a) < FEWEST or np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        return Interval(math.nan, math.nan, math.nan)
    r = float(stats.pearsonr(a, b).statistic)
    if abs(r) >= 1.0 - 1e-12:
        return Interval(r, math.nan, math.nan)
    z, half = math.atanh(r), NORMAL_HALF / math.sqrt(len(a) - 3)
    return Interval(r, math.tanh(z - half), math.tanh(z + half))


@aligned
def validity(score: ArrayLike, outside: ArrayLike, years: tuple[int, ...]) -> pd.DataFrame:
    """Correlation of a score with a variable outside the index, in each year.

    Parameters
    ----------
    score, outside : (N, T) array
        Score and variable; pairs with a NaN are left out.
    years : tuple of int
        The T years; those with fewer than 5 pairs are left out.

    Returns
    -------
    DataFrame
        One row a year: Pearson's r and Spearman's rho with intervals.

    Notes
    -----
    Intervals: Fisher's z. Neighbouring cities are alike, so they are narrow rather than wide.

    Examples
    --------
    >>> from python_models.measurement import validity
    >>> a = np.random.default_rng(1).normal(size=(6, 1))
    >>> validity(a, a, (2021,)).shape
    (1, 8)
    """
    s, o = as_plane(score, "score"), as_plane(outside, "outside variable")
    if s.shape != o.shape or s.shape[1] != len(years):
        raise ValueError(f"score {s.shape}, outside variable {o.shape} and {len(years)} years must match.")
    rows = []
    for t, year in enumerate(years):
        there = ~(np.isnan(s[:, t]) | np.isnan(o[:, t]))
        if there.sum() < FEWEST:
            continue
        r, rho = pearson(s[there, t], o[there, t]), rank_correlation(s[there, t], o[there, t])
        rows.append((year, r.value, r.low, r.high, rho.value, rho.low, rho.high, int(there.sum())))
    columns = ["year", "pearson", "pearson_low", "pearson_high", "spearman", "spearman_low", "spearman_high", "n_obs"]
    return pd.DataFrame(rows, columns=columns)
