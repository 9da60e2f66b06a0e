"""How a distribution changed between its first and last year: every measure with the uncertainty of the difference.

The same cities are drawn in both years, as their errors go together: drawn apart, the standard error of a change of the
Gini index is more than twice too large. Level and logarithm stand side by side, since the spread of an index that grows
can fall in relative and rise in absolute terms. Cities are a census: the intervals are about the process behind the
scores, not about sampling from more cities.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import FloatArray
from python_models.inequality import _batch
from python_models.inequality._inputs import Groups, Labels, Vector, as_case_weights, as_groups, as_values, refuse
from python_models.inequality._weights import CELLS, Drawn, Weights
from python_models.inequality.bootstrap import drawn_blocks
from python_models.inequality.dagum import dagum
from python_models.inference import p_two_sided

SPREADS = ("sd", "cv", "sd_log")  # with n - 1


@dataclass(frozen=True, eq=False)
class DisparityChange(Shown):
    """Arrays (q,) in the order of `names`: value of the first and the last year, their difference and what it may be.

    se, bias : jackknife, one city left out of both years.   lower, upper, p : paired bootstrap of whole cities,
    percentiles and twice the smaller share of draws on one side of zero, (k + 1)/(B + 1).
    """

    names: tuple[str, ...]
    first: FloatArray
    last: FloatArray
    se: FloatArray
    bias: FloatArray
    lower: FloatArray
    upper: FloatArray
    p: FloatArray
    n_obs: int
    n_bootstrap: int
    seed: int

    @property
    def change(self) -> FloatArray:
        """last - first."""
        return self.last - self.first

    def to_frame(self) -> pd.DataFrame:
        """One row per measure: measure, first, last, change, se, bias, lower, upper, p."""
        names = ("first", "last", "change", "se", "bias", "lower", "upper", "p", "n_obs", "n_bootstrap", "seed")
        return pd.DataFrame({"measure": list(self.names), **self._pick(*names)})


@aligned
def disparity_change(
    Y: FloatArray | pd.DataFrame,
    groups: Labels | None = None,
    weights: Vector | None = None,
    *,
    n_bootstrap: int = 999,
    level: float = 0.95,
    seed: int = 0,
) -> DisparityChange:
    """Change of every measure of disparity from the first to the last year.

    Parameters
    ----------
    Y : (N, T) array or frame
        Values, finite and not negative; a column a year.
    groups : (N,) labels, optional
        With them also Dagum's parts, the parts of both Theil indices, and the gap between the groups that had the
        highest and the lowest mean in the first year (gap, gap_log).
    weights : (N,) array or Series, optional
        Population; default: all equal.
    n_bootstrap : int
        Resamples of cities, each drawn in both years.
    level : float
        Level of the intervals.
    seed : int
        Seed of the resamples.

    Returns
    -------
    DisparityChange
        mean, sd, cv, sd_log, gini, theil_t, theil_l and the parts: first, last, change, its error, bias, interval and
        p.

    Raises
    ------
    ValueError
        Bad values, labels, or fewer than 3 cities.

    Notes
    -----
    A zero makes the logarithmic measures nan. Standard error and bias: jackknife over cities.

    Examples
    --------
    >>> from python_models.inequality import disparity_change
    >>> Y = np.array([[1.0, 2.0], [2.0, 2.5], [3.0, 3.0], [8.0, 6.0]])
    >>> disparity_change(Y, n_bootstrap=99).to_frame().shape
    (7, 12)
    """
    plane = _plane(Y, 2, "a change needs three cities and two years or more")
    n = len(plane)
    base = np.ones(n) if weights is None else as_case_weights(weights, n)
    ends = plane[:, 0], plane[:, -1]
    measures = _measures(ends[0], base, None if groups is None else as_groups(groups, n))

    def change(W: Weights) -> FloatArray:
        first, last = (np.column_stack([m(y, W) for m in measures.values()]) for y in ends)
        return np.asarray(last - first)

    values = [np.array([float(m(y, Drawn(base[None, :]))[0]) for m in measures.values()]) for y in ends]
    point, left = values[1] - values[0], _left_out(change, base)
    left = np.where([name in SPREADS for name in measures], left * np.sqrt((n - 1.0) ** 2 / (n * (n - 2.0))), left)
    se = np.sqrt((n - 1.0) / n * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    whole = Groups(np.zeros(n, dtype=np.int64), ("all",))
    change_draws = np.concatenate([change(W.times(base)) for W in drawn_blocks(whole, n_bootstrap, seed)])
    tail = (1.0 - level) / 2.0
    has_draws = ~np.isnan(change_draws).all(axis=0)
    lower, upper = np.full((2, len(point)), np.nan)
    lower[has_draws], upper[has_draws] = np.nanquantile(change_draws[:, has_draws], [tail, 1.0 - tail], axis=0)
    bias = (n - 1.0) * (left.mean(axis=0) - point)
    limits = se, bias, lower, upper, p_two_sided(change_draws)
    return DisparityChange(tuple(measures), values[0], values[1], *limits, n, n_bootstrap, seed)


def _plane(Y: FloatArray | pd.DataFrame, least_years: int, what: str) -> FloatArray:
    plane = np.asarray(Y, dtype=np.float64)
    if plane.ndim != 2 or plane.shape[0] < 3 or plane.shape[1] < least_years:
        raise ValueError(f"{what}, got shape {plane.shape}.")
    refuse(plane, "Y")
    return plane


type Measure = Callable[[FloatArray, Weights], FloatArray]


def _measures(first: FloatArray, base: FloatArray, split: Groups | None) -> dict[str, Measure]:
    measures: dict[str, Measure] = {
        "mean": _batch.mean,
        "sd": _batch.sd,
        "cv": _batch.cv,
        "sd_log": lambda y, w: _batch.sd(_logs(y), w),
        "gini": _batch.gini,
        "theil_t": _batch.theil_t,
        "theil_l": _batch.theil_l,
    }
    if split is None:
        return measures
    means = _batch.group_means(first, base[None, :], split)[0]
    high, low = int(np.nanargmax(means)), int(np.nanargmin(means))

    def gap(y: FloatArray, w: Weights, *, is_log: bool = False) -> FloatArray:
        by = _batch.group_means(y, w, split)
        by = np.log(np.where(by > 0.0, by, np.nan)) if is_log else by
        return np.asarray(by[:, high] - by[:, low])

    def dagum_part(y: FloatArray, w: Weights, at: int) -> FloatArray:
        return _batch.dagum_components(y, w, split)[0][:, at]

    def theil_part(y: FloatArray, w: Weights, kind: str, part: str) -> FloatArray:
        between = _batch.theil_nested(y, w, split, split, kind).between_region
        index = _batch.theil_t if kind == "T" else _batch.theil_l
        return index(y, w) - between if part == "within" else between

    for at, part in enumerate(("within", "between", "transvariation"), start=1):
        measures[f"dagum_{part}"] = partial(dagum_part, at=at)
    for kind in ("T", "L"):
        for part in ("within", "between"):
            measures[f"theil_{kind.lower()}_{part}"] = partial(theil_part, kind=kind, part=part)
    return measures | {"gap": gap, "gap_log": partial(gap, is_log=True)}


def _logs(y: FloatArray) -> FloatArray:
    return np.log(y) if (y > 0.0).all() else np.full(y.shape, np.nan)


def _left_out(change: Callable[[Weights], FloatArray], base: FloatArray) -> FloatArray:
    """The change without each city in turn, (N, q), some rows of weights at a time."""
    n, changes = len(base), []
    for at in np.split(np.arange(n), range(max(1, CELLS // n), n, max(1, CELLS // n))):
        rows = np.repeat(base[None, :], len(at), axis=0)
        rows[np.arange(len(at)), at] = 0.0
        changes.append(change(Drawn(rows)))
    return np.concatenate(changes)


@aligned
def gini_covariance(Y: FloatArray | pd.DataFrame) -> FloatArray:
    """Covariance (T, T) of the Gini index of each column of Y (N, T), jackknife: one city left out of all years.

    (n - 1)/n sum_i (G_(i) - mean)(G_(i) - mean)', G_(i) the T indices without city i. The variance of a change from
    s to t is C_ss + C_tt - 2 C_st. ValueError: fewer than 3 cities, a value that is missing, infinite or negative.
    """
    plane = _plane(Y, 1, "the covariance of a Gini index needs three cities or more")
    n = len(plane)
    left = _left_out(lambda W: np.column_stack([_batch.gini(y, W) for y in plane.T]), np.ones(n))
    gap = left - left.mean(axis=0)
    return np.asarray((n - 1.0) / n * gap.T @ gap)


@dataclass(frozen=True)
class BetweenGroups:
    """Net between-group part of the Gini index with what equal means would give it by chance.

    between : Dagum's G_nb, never below 0.   corrected : without the part that comes from that; around 0 where means are
    equal.   total : Gini index.   statistic, p : test of equal means (Alexander and Govern 1994, any variances).
    """

    between: float
    corrected: float
    total: float
    statistic: float
    p: float

    @property
    def shares(self) -> tuple[float, float]:
        """G_nb and its corrected value in percent of the Gini index; the latter not below 0."""
        return 100.0 * self.between / self.total, 100.0 * max(self.corrected, 0.0) / self.total


@aligned
def between_groups(y: Vector, groups: Labels, weights: Vector | None = None) -> BetweenGroups:
    """Dagum's net between-group part, corrected for the means of groups that differ by chance.

    Parameters
    ----------
    y : (n,) array or Series
        Values, finite and not negative.
    groups : (n,) labels
        Group of each city.
    weights : (n,) array or Series, optional
        Case weights, e.g. population; default: all equal.

    Returns
    -------
    BetweenGroups
        The part, its corrected value, and a test of equal means.

    Raises
    ------
    ValueError
        As `dagum`, or a group of one city.

    Notes
    -----
    G_nb is a sum over pairs of |mu_j - mu_h|, each replaced by its mean over all ways to halve both groups: d (2
    Phi(d/s) - 1) - 2 s phi(d/s), d = mu_j - mu_h, s^2 = s_j^2/n_j + s_h^2/n_h: without bias where the means are equal,
    and |d| where they are far apart.

    References
    ----------
    Test of equal means: Alexander and Govern (1994).

    Examples
    --------
    >>> from python_models.inequality import between_groups
    >>> result = between_groups([1.0, 2.0, 3.0, 4.0, 8.0, 9.0], ["w", "w", "w", "e", "e", "e"])
    >>> round(result.between, 4), round(result.corrected, 4)
    (0.2778, 0.2765)
    """
    result = dagum(y, groups, weights)
    values = as_values(y)
    split = as_groups(groups, len(values))
    members = [values[split.codes == j] for j in range(split.size) if (split.codes == j).any()]
    if min(len(m) for m in members) < 2:
        raise ValueError("a group has one city only: how far its mean differs by chance is not known.")
    has_members = np.flatnonzero(result.counts > 0)
    mu, p, s = result.means[has_members], result.population_share[has_members], result.value_share[has_members]
    spread = np.array([m.var(ddof=1) / len(m) for m in members])
    d = mu[:, None] - mu[None, :]
    error = np.sqrt(spread[:, None] + spread[None, :])
    z = d / np.where(error > 0.0, error, np.inf)
    mild = np.where(error > 0.0, d * (2.0 * stats.norm.cdf(z) - 1.0) - 2.0 * error * stats.norm.pdf(z), np.abs(d))
    pair = np.outer(p, s) * mild / (mu[:, None] + mu[None, :])
    np.fill_diagonal(pair, 0.0)
    equal = stats.alexandergovern(*members)
    return BetweenGroups(result.between, float(pair.sum()), result.total, float(equal.statistic), float(equal.pvalue))
