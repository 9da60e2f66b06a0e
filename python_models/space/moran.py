"""Global association of one variable on a map: Moran's I, Geary's c, Getis-Ord's G.

With z = y - mean(y), n cities and S0 = sum w_ij:
    I = (n/S0) z'Wz / z'z                                   expected -1/(n - 1)
    c = ((n - 1)/(2 S0)) sum_ij w_ij (z_i - z_j)^2 / z'z    expected 1; below 1 for like neighbours
    G = sum_ij w_ij y_i y_j / sum_{i != j} y_i y_j          expected S0/(n (n - 1)); y > 0
Moran (1950), Geary (1954), Getis & Ord (1992); analytic variances under randomisation: Cliff & Ord (1981).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from python_models._align import aligned
from python_models._show import OneRow
from python_models._types import FloatArray
from python_models.space.graph import in_order_of, to_sparse, weight_sums

DEFAULT_SEED = 20211231
CACHED = 100_000  # numbers in a block of drawn maps, which are read several times
TIE = 1e-12  # a permuted value within this share of the scale counts as equal to the observed one


@dataclass(frozen=True)
class GlobalStatistic(OneRow):
    """One statistic of one variable, unit 1.

    expected, variance, z, p_norm : analytic, randomisation, two-sided.   variance_norm, z_norm : under normality (NaN
    for G).   p_perm : two-sided, never 0, NaN without permutations.   lo, hi : 2.5 % and 97.5 % quantiles of the
    permutations.
    """

    statistic: str
    value: float
    expected: float
    variance: float
    z: float
    p_norm: float
    variance_norm: float
    z_norm: float
    p_perm: float
    lo: float
    hi: float
    n_perm: int
    n_obs: int
    seed: int | None


@dataclass(frozen=True)
class Moments:
    """What every global statistic is made of."""

    n: int
    mean: float
    zz: float  # z'z
    kurtosis: float  # b2 = n sum z^4 / (sum z^2)^2
    zwz: float
    margin_z2: float  # sum_i (row_i + col_i) z_i^2
    margin_z: float
    s0: float
    s1: float
    s2: float
    powers: tuple[float, float, float, float]  # sums of y, y^2, y^3, y^4


@aligned
def moran(y: Any, w: Any, *, permutations: int = 9999, seed: int | None = DEFAULT_SEED) -> GlobalStatistic:
    """Moran's I with permutation and analytic p-values.

    Parameters
    ----------
    y : (N,) array or Series
        Values of one year; a Series is matched to the labels of the weights.
    w : graph, PySAL W or (N, N) matrix
        Weights.
    permutations : int
        Random permutations behind `p_perm`, `lo` and `hi`; 0: none.
    seed : int, optional
        Seed of the permutations.

    Returns
    -------
    GlobalStatistic
        Value, expected value -1/(n - 1), variances, p-values.

    Raises
    ------
    ValueError
        NaN, a constant y, weights without a link, fewer than four cities.

    Notes
    -----
    I = (n/S0) z'Wz / z'z with z = y - mean(y) and S0 = sum w_ij.

    References
    ----------
    Moran (1950); analytic variances: Cliff and Ord (1981).

    Examples
    --------
    >>> from python_models.space import moran
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> round(moran(np.r_[np.ones(6), np.zeros(6)], W, permutations=99).value, 3)
    0.667
    """
    return global_statistics(y, w, ("moran",), permutations=permutations, seed=seed)["moran"]


@aligned
def global_statistics(
    y: Any,
    w: Any,
    statistics: tuple[str, ...] = ("moran", "geary", "getis"),
    *,
    permutations: int = 9999,
    seed: int | None = DEFAULT_SEED,
) -> dict[str, GlobalStatistic]:
    """Moran's I, Geary's c and Getis-Ord's general G from one set of permutations.

    Parameters
    ----------
    y, w : as in `moran`
    statistics : tuple of str
        "moran", "geary" (1 without spatial order, less when neighbours are alike), "getis" (of a positive
        y; high when high values lie together).
    permutations, seed : as in `moran`

    Returns
    -------
    dict of str to GlobalStatistic
        Value, expected value, variances, p-values by statistic.

    Raises
    ------
    ValueError
        As `moran`; "getis" of a y that is not positive.

    Notes
    -----
    c = ((n - 1)/(2 S0)) sum_ij w_ij (z_i - z_j)^2 / z'z and G = sum_ij w_ij y_i y_j / sum_{i != j} y_i y_j with z = y -
    mean(y) and S0 = sum w_ij.

    References
    ----------
    Geary (1954); Getis and Ord (1992); analytic variances: Cliff and Ord (1981).

    Examples
    --------
    >>> from python_models.space import global_statistics
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> both = global_statistics(np.r_[np.full(6, 2.0), np.ones(6)], W, permutations=99)
    >>> {name: round(result.value, 3) for name, result in both.items()}
    {'moran': 0.667, 'geary': 0.306, 'getis': 0.099}
    """
    values, _ = in_order_of(y, w)
    matrix = to_sparse(w)
    if values.ndim != 1:
        raise ValueError(f"y must have the shape (city,), got {values.shape}: give one year at a time.")
    facts = _moments(values, matrix)
    if "getis" in statistics and (values <= 0).any():
        raise ValueError("Getis-Ord's G needs a positive y: leave it out or shift nothing, since G is not invariant.")
    rng = np.random.default_rng(seed)
    draws = permuted_moments(values - facts.mean, matrix, permutations, rng) if permutations else np.empty((0, 3))
    return {name: _judge(name, facts, draws, seed) for name in statistics}


def _moments(y: FloatArray, w: Any) -> Moments:
    n = len(y)
    if n < 4:
        raise ValueError(f"a global statistic needs at least four cities, got {n}.")
    z = y - y.mean()
    zz = float(z @ z)
    if not zz > 1e-28 * n * float(np.abs(y).max()) ** 2:
        raise ValueError("y is constant: it has no spatial association.")
    if not w.nnz:
        raise ValueError("the weights have no link: there is no neighbour to compare with.")
    s0, s1, s2 = weight_sums(w)
    margin = np.asarray(w.sum(axis=1)).ravel() + np.asarray(w.sum(axis=0)).ravel()
    shape = (float(n * (z**4).sum() / zz**2), float(z @ (w @ z)), float(margin @ z**2), float(margin @ z))
    m1, m2, m3, m4 = (float((y**p).sum()) for p in (1, 2, 3, 4))
    return Moments(n, float(y.mean()), zz, *shape, s0, s1, s2, (m1, m2, m3, m4))


def _judge(name: str, f: Moments, moments: FloatArray, seed: int | None) -> GlobalStatistic:
    value = float(_value(name, f, np.array([[f.zwz, f.margin_z2, f.margin_z]]))[0])
    draws = _value(name, f, moments)
    expected, variance, normal = _analytic(name, f)
    z, z_norm = (float((value - expected) / np.sqrt(v)) if v > 0 else np.nan for v in (variance, normal))
    analytic = (expected, variance, z, float(2 * norm.sf(abs(z))), normal, z_norm)
    if not len(draws):
        return GlobalStatistic(name, value, *analytic, np.nan, np.nan, np.nan, 0, f.n, None)
    lo, hi = (float(v) for v in np.quantile(draws, [0.025, 0.975]))
    return GlobalStatistic(name, value, *analytic, two_sided(value, draws), lo, hi, len(draws), f.n, seed)


def _value(name: str, f: Moments, m: FloatArray) -> FloatArray:
    """The statistic from rows of z'Wz, margin'z^2, margin'z."""
    if name == "moran":
        return f.n / f.s0 * m[:, 0] / f.zz
    if name == "geary":  # sum w_ij (z_i - z_j)^2 = margin'z^2 - 2 z'Wz
        return (f.n - 1) / (2 * f.s0) * (m[:, 1] - 2 * m[:, 0]) / f.zz
    top = m[:, 0] + f.mean * m[:, 2] + f.mean**2 * f.s0  # y = z + mean
    return top / (f.powers[0] ** 2 - f.powers[1])


def _analytic(name: str, f: Moments) -> tuple[float, float, float]:
    """Expected value, variance under randomisation, variance under normality."""
    n, s0, s1, s2, b = f.n, f.s0, f.s1, f.s2, f.kurtosis
    if name == "moran":
        e = -1 / (n - 1)
        normal = (n**2 * s1 - n * s2 + 3 * s0**2) / ((n**2 - 1) * s0**2) - e**2
        top = n * ((n**2 - 3 * n + 3) * s1 - n * s2 + 3 * s0**2) - b * ((n**2 - n) * s1 - 2 * n * s2 + 6 * s0**2)
        return e, top / ((n - 1) * (n - 2) * (n - 3) * s0**2) - e**2, normal
    if name == "geary":
        normal = ((2 * s1 + s2) * (n - 1) - 4 * s0**2) / (2 * (n + 1) * s0**2)
        top = (
            (n - 1) * s1 * (n**2 - 3 * n + 3 - (n - 1) * b)
            - (n - 1) / 4 * s2 * (n**2 + 3 * n - 6 - (n**2 - n + 2) * b)
            + s0**2 * (n**2 - 3 - (n - 1) ** 2 * b)
        )
        return 1.0, top / (n * (n - 2) * (n - 3) * s0**2), normal
    return s0 / (n * (n - 1)), _variance_of_g(f), np.nan


def _variance_of_g(f: Moments) -> float:
    """Getis & Ord (1992), equation 8: permutation variance of G."""
    n, s0, s1, s2 = f.n, f.s0, f.s1, f.s2
    m1, m2, m3, m4 = f.powers
    b0 = (n**2 - 3 * n + 3) * s1 - n * s2 + 3 * s0**2
    b1 = -((n**2 - n) * s1 - 2 * n * s2 + 6 * s0**2)
    b2 = -(2 * n * s1 - (n + 3) * s2 + 6 * s0**2)
    b3 = 4 * (n - 1) * s1 - 2 * (n + 1) * s2 + 8 * s0**2
    b4 = s1 - s2 + s0**2
    top = b0 * m2**2 + b1 * m4 + b2 * m1**2 * m2 + b3 * m1 * m3 + b4 * m1**4
    second = top / ((m1**2 - m2) ** 2 * n * (n - 1) * (n - 2) * (n - 3))
    return float(second - (s0 / (n * (n - 1))) ** 2)


def permuted_moments(z: FloatArray, w: Any, n_perm: int, rng: np.random.Generator) -> FloatArray:
    """Columns z'Wz, (r + c)'z^2, (r + c)'z for n_perm permutations of z (N,); r, c row and column sums of w.

    They carry Moran's I, Geary's c and Getis-Ord's G at once.
    """
    n = len(z)
    operator = w.toarray() if w.nnz > 0.1 * n * n and n <= 5_000 else w
    margin = np.asarray(w.sum(axis=1)).ravel() + np.asarray(w.sum(axis=0)).ravel()
    moments = np.empty((n_perm, 3), dtype=np.float64)
    size = max(16, CACHED // n)
    maps = np.tile(z, (min(size, n_perm), 1))
    for start in range(0, n_perm, size):
        stop = min(start + size, n_perm)
        block = maps[: stop - start]
        rng.permuted(block, axis=1, out=block)  # a permuted map permuted again is as random as the first
        columns = np.ascontiguousarray(block.T)
        moments[start:stop, 0] = np.einsum("ij,ij->j", columns, operator @ columns)
        moments[start:stop, 1] = block**2 @ margin
        moments[start:stop, 2] = block @ margin
    return moments


def two_sided(observed: float, draws: FloatArray) -> float:
    """p = (#{|s_r - mean| >= |s - mean|} + 1)/(R + 1), mean over the permutations: never 0."""
    centre = draws.mean()
    gap = np.abs(draws - centre)
    limit = abs(observed - centre)
    tolerance = TIE * max(limit, float(gap.max(initial=0.0)))
    return float((np.count_nonzero(gap >= limit - tolerance) + 1) / (len(draws) + 1))
