"""Jackknife of whole clusters inside strata: limits of parts that cities of one province share the errors of."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t as student

from python_models._types import BoolArray, FloatArray, IntArray
from python_models.inequality._inputs import Groups
from python_models.inequality._weights import Drawn, Weights

NOTHING = 1e-12  # a part that is zero but for rounding has no logarithm


class Limits(NamedTuple):
    """estimate, lo and hi, each (T, q); dof: clusters less strata, of the strata with two clusters or more."""

    estimate: FloatArray
    lo: FloatArray
    hi: FloatArray
    dof: int


def jackknifed(
    of_year: Callable[[int, Weights], FloatArray],
    n_years: int,
    cluster: Groups,
    stratum: Groups,
    is_share: BoolArray,
    *,
    level: float = 0.95,
) -> Limits:
    """Limits of of_year(t, W) -> (B, q), t = 0..n_years-1, from whole clusters (docs/formulas.md#province-jackknife).

    Parameters
    ----------
    of_year : function
        Statistics that are not negative; W holds one row of case weights a replicate.
    n_years : int
        T.
    cluster, stratum : Groups
        Provinces and their regions, by city; every cluster lies in one stratum.
    is_share : (q,) bool
        Which statistics are percentages: they stay between 0 and 100, the others above 0.
    level : float
        Level of the interval.

    Returns
    -------
    Limits
        The estimate lies between its limits. Without a stratum of two clusters they are nan.

    Raises
    ------
    ValueError
        A cluster in two strata.

    Notes
    -----
    g = ln, for percentages the logit; g_rp: without cluster p of stratum r, whose other cities count for its own. With
    means g_r over the P_r clusters, v = sum_r (P_r - 1)/P_r sum_p (g_rp - g_r)^2, b = sum_r (P_r - 1)(g_r - g),
    limits of g: g - b +- t(sum_r (P_r - 1)) sqrt(v), drawn out to g where they would leave it. A statistic that is 0
    (or 100) somewhere keeps its own scale, and a stratum of one cluster adds nothing.

    References
    ----------
    Efron and Stein (1981, Annals of Statistics 9), Shao and Tu (1995, ch. 6).
    """
    home = np.zeros(cluster.size, dtype=np.int64)
    home[cluster.codes] = stratum.codes
    if (home[cluster.codes] != stratum.codes).any():
        at = int(np.argmax(home[cluster.codes] != stratum.codes))
        raise ValueError(f"cluster {cluster.labels[cluster.codes[at]]!r} lies in two strata (position {at}).")
    has_rows = np.bincount(cluster.codes, minlength=cluster.size) > 0
    p = np.bincount(home[has_rows], minlength=stratum.size)
    left_out = np.flatnonzero(has_rows & (p[home] > 1))
    dof = left_out.size - int((p > 1).sum())

    def all_years(rows: FloatArray) -> FloatArray:
        W = Drawn(rows)
        return np.stack([of_year(t, W) for t in range(n_years)], axis=1)

    estimate = all_years(np.ones((1, cluster.codes.size)))[0]
    if dof == 0:
        nothing = np.full(estimate.shape, np.nan)
        return Limits(estimate, nothing, nothing, 0)
    replicates = all_years(_rows(cluster, stratum, left_out, home))
    upper = np.where(is_share, 100.0, np.inf)
    both = np.concatenate([estimate[None], replicates])
    is_inside = ((both > NOTHING) & (both < upper - NOTHING)).all(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        on_scale = np.where(is_inside, np.where(is_share, logit(both / 100.0), np.log(both)), both)
    g, rest = on_scale[0], on_scale[1:]
    strata, share = home[left_out], p[home[left_out]]
    sums = np.stack([rest[strata == r].sum(axis=0) for r in range(stratum.size)])
    mean = sums / np.maximum(p, 1)[:, None, None]
    variance = (((share - 1.0) / share)[:, None, None] * (rest - mean[strata]) ** 2).sum(axis=0)
    bias = ((p - 1.0)[p > 1, None, None] * (mean[p > 1] - g)).sum(axis=0)
    reach = student.ppf(0.5 + level / 2.0, dof) * np.sqrt(variance)
    low, high = np.minimum(g - bias - reach, g), np.maximum(g - bias + reach, g)
    lo, hi = (np.where(is_inside, np.where(is_share, 100.0 * expit(x), np.exp(x)), x) for x in (low, high))
    return Limits(estimate, np.maximum(lo, 0.0), np.minimum(hi, upper), dof)


def _rows(cluster: Groups, stratum: Groups, left_out: IntArray, home: IntArray) -> FloatArray:
    """A row a cluster: 0 for its cities, n_r / (n_r - n_p) for the others of its stratum, 1 elsewhere."""
    rows = np.ones((left_out.size, cluster.codes.size))
    for row, c in zip(rows, left_out, strict=True):
        of_stratum, of_cluster = stratum.codes == home[c], cluster.codes == c
        row[of_stratum] = of_stratum.sum() / (of_stratum.sum() - of_cluster.sum())
        row[of_cluster] = 0.0
    return rows
