"""Does the index go with things it does not contain? Pearson's r and Spearman's rho over the cities of one year."""

import math

import numpy as np
import pandas as pd
from scipy import special, stats

from python_models._align import aligned
from python_models._types import ArrayLike, BoolArray, FloatArray
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
        names, at = np.unique(of, return_inverse=True)
        keep = np.arange(-1, len(names))[:, None] != at  # first all cities, then without each cluster
        r = _jackknifed(_correlations(np.broadcast_to(x, keep.shape), np.broadcast_to(y, keep.shape), keep))
        rho = _jackknifed(_correlations(_ranks(x, keep), _ranks(y, keep), keep))
        rows.append((year, r.value, r.low, r.high, rho.value, rho.low, rho.high, len(x)))
    columns = ["year", "pearson", "pearson_low", "pearson_high", "spearman", "spearman_low", "spearman_high", "n_obs"]
    return pd.DataFrame(rows, columns=columns)


def _jackknifed(all_and_without: FloatArray) -> Interval:
    """The first correlation, with a 95 % interval from those without each cluster; none at |r| = 1."""
    r, without = float(all_and_without[0]), all_and_without[1:]
    n = len(without)
    if n < 3 or not (np.abs(all_and_without) < 1.0 - 1e-12).all():
        return Interval(r, math.nan, math.nan)
    z = np.arctanh(without)
    half = special.stdtrit(n - 1, 0.975) * math.sqrt((n - 1) / n * ((z - z.mean()) ** 2).sum())
    return Interval(r, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half))


def _correlations(x: FloatArray, y: FloatArray, keep: BoolArray) -> FloatArray:
    """Pearson's r of what each row of x, y and keep (k, n) keeps; NaN where one of them does not vary."""

    def centred(v: FloatArray) -> FloatArray:
        level = np.where(keep, v, 0.0).sum(axis=1, keepdims=True) / keep.sum(axis=1, keepdims=True)
        return np.where(keep, v - level, 0.0)

    def is_same(v: FloatArray) -> BoolArray:
        first = np.take_along_axis(v, keep.argmax(axis=1)[:, None], axis=1)
        return np.asarray(((v == first) | ~keep).all(axis=1))

    with np.errstate(invalid="ignore"):
        a, b = centred(x), centred(y)
        r = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1)) / np.sqrt((b * b).sum(axis=1))
    return np.where(is_same(x) | is_same(y), np.nan, np.clip(r, -1.0, 1.0))


def _ranks(v: FloatArray, keep: BoolArray) -> FloatArray:
    """Average ranks of v (n,) among those that each row of keep (k, n) keeps: one sort for all rows."""
    _, at, counts = np.unique(v, return_inverse=True, return_counts=True)
    starts = np.cumsum(counts) - counts
    kept = np.add.reduceat(keep[:, np.argsort(at, kind="stable")].astype(np.float64), starts, axis=1)
    return np.asarray((kept.cumsum(axis=1) - (kept - 1.0) / 2.0)[:, at])
