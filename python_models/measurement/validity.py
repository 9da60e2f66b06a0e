"""Does the index go with things it does not contain? Pearson's r and Spearman's rho over the cities of one year."""

import math

import numpy as np
import pandas as pd
from scipy import stats

from python_models._align import aligned
from python_models._types import ArrayLike, FloatArray
from python_models._validate import as_plane
from python_models.estimates import NORMAL_HALF, Interval

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
def validity(
    score: ArrayLike, outside: ArrayLike, years: tuple[int, ...], clusters: ArrayLike | pd.Series
) -> pd.DataFrame:
    """Correlation of a score with a variable outside the index, in each year.

    Parameters
    ----------
    score, outside : (N, T) array
        Score and variable; pairs with a NaN are left out.
    years : tuple of int
        The T years; those with fewer than 5 pairs are left out.
    clusters : (N,) array
        Of each city, such as its province: cities of one are alike.

    Returns
    -------
    DataFrame
        One row a year: Pearson's r and Spearman's rho with intervals.

    Notes
    -----
    Intervals: jackknife of whole clusters on Fisher's z, t with their number less one.

    Examples
    --------
    >>> from python_models.measurement import validity
    >>> a = np.random.default_rng(1).normal(size=(6, 1))
    >>> validity(a, a, (2021,), list("aabbcc")).shape
    (1, 8)
    """
    s, o = as_plane(score, "score"), as_plane(outside, "outside variable")
    groups = np.asarray(clusters)
    if s.shape != o.shape or s.shape != (len(groups), len(years)):
        shapes = f"score {s.shape}, outside variable {o.shape}, {len(groups)} clusters and {len(years)} years"
        raise ValueError(f"{shapes} must match.")
    rows = []
    for t, year in enumerate(years):
        there = ~(np.isnan(s[:, t]) | np.isnan(o[:, t]))
        if there.sum() < FEWEST:
            continue
        x, y, of = s[there, t], o[there, t], groups[there]
        r, rho = (_jackknifed(x, y, of, ranked=ranked) for ranked in (False, True))
        rows.append((year, r.value, r.low, r.high, rho.value, rho.low, rho.high, len(x)))
    columns = ["year", "pearson", "pearson_low", "pearson_high", "spearman", "spearman_low", "spearman_high", "n_obs"]
    return pd.DataFrame(rows, columns=columns)


def _jackknifed(x: FloatArray, y: FloatArray, clusters: np.ndarray, *, ranked: bool) -> Interval:
    """r, or rho by ranks, with a 95 % interval from leaving out each cluster; none at |r| = 1."""

    def correlation(keep: np.ndarray) -> float:
        a, b = (stats.rankdata(v[keep]) if ranked else v[keep] for v in (x, y))
        return math.nan if np.ptp(a) == 0.0 or np.ptp(b) == 0.0 else float(np.corrcoef(a, b)[0, 1])

    r, names = correlation(np.full(len(x), True)), np.unique(clusters)
    without = np.array([correlation(clusters != name) for name in names])
    if len(names) < 3 or np.isnan([r, *without]).any() or max(abs(r), *abs(without)) >= 1.0 - 1e-12:
        return Interval(r, math.nan, math.nan)
    z, n = np.arctanh(without), len(names)
    half = stats.t.ppf(0.975, n - 1) * math.sqrt((n - 1) / n * ((z - z.mean()) ** 2).sum())
    return Interval(r, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half))
