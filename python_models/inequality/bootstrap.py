"""City bootstrap: stratified by group, whole trajectories, percentile and BCa intervals, bands over the years."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from python_models import _plot
from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models._validate import require_known
from python_models.inequality import _batch
from python_models.inequality._inputs import Groups, Labels, as_groups, refuse
from python_models.inequality._weights import CELLS, STEP, Drawn, Nudged, Weights

type Statistic = Callable[[FloatArray, FloatArray], FloatArray]  # y (n,), W (B, n) -> (B,) or (B, q)
type Measure = Callable[[FloatArray, Weights], FloatArray]  # the same for every kind of weights

STATISTICS: dict[str, Measure] = {
    "mean": _batch.mean,
    "sd": _batch.sd,
    "cv": _batch.cv,
    "gini": _batch.gini,
    "theil_t": _batch.theil_t,
    "theil_l": _batch.theil_l,
}


@dataclass(frozen=True, eq=False)
class Resampled:
    """Estimates (T, q) with standard errors and three kinds of limits, each (T, q); replicates (B, T, q).

    lo, hi: percentile interval. bca_lo, bca_hi: bias-corrected and accelerated. band_lo, band_hi: simultaneous over the
    T years: estimate +/- c se, c = the level quantile over replicates of max_t |replicate - estimate| / se.
    """

    estimate: FloatArray
    se: FloatArray
    lo: FloatArray
    hi: FloatArray
    bca_lo: FloatArray
    bca_hi: FloatArray
    band_lo: FloatArray
    band_hi: FloatArray
    replicates: FloatArray


@dataclass(frozen=True, eq=False)
class BootstrapResult(Resampled, Shown):
    """The same with names (q,) of the statistics and columns (T,) of y."""

    names: tuple[str, ...]
    columns: tuple[object, ...]
    level: float
    n_obs: int
    seed: int

    def to_frame(self) -> pd.DataFrame:
        """One row per column of y (year) and statistic, with n_obs, n_replicates, level and seed."""
        t, q = self.estimate.shape
        limits = ("estimate", "se", "lo", "hi", "bca_lo", "bca_hi", "band_lo", "band_hi")
        columns = pd.Series(list(self.columns), dtype=object).repeat(q).to_numpy()
        values = {name: value.reshape(-1) for name, value in self._pick(*limits).items()}
        sizes = {"n_obs": self.n_obs, "n_replicates": len(self.replicates), "level": self.level, "seed": self.seed}
        return pd.DataFrame({"column": columns, "statistic": list(self.names) * t, **values, **sizes})

    def plot(self, statistic: str | None = None) -> _plot.Picture:
        """Altair chart of one statistic, by default the first, over the columns of y, with its percentile interval.

        ValueError: an unknown statistic. ImportError: Altair is not installed.
        """
        name = self.names[0] if statistic is None else statistic
        require_known([name], self.names, "statistic")
        titles = ("year", f"{name}, {self.level:.0%} interval of {len(self.replicates)} replicates")
        rows = self.to_frame().query("statistic == @name")
        return _plot.curve(rows, x="column", y="estimate", titles=titles, band=("lo", "hi"))


@aligned
def bootstrap(
    y: ArrayLike | pd.Series | pd.DataFrame,
    statistic: str | Sequence[str] | Statistic = "gini",
    groups: Labels | None = None,
    *,
    weights: ArrayLike | pd.Series | pd.DataFrame | None = None,
    n_replicates: int = 1999,
    level: float = 0.95,
    seed: int = 0,
) -> BootstrapResult:
    """Bootstrap of a statistic of cities, all years drawn together.

    y : (N,) or (N, T) finite, not negative.   groups : (N,) strata, drawn within, sizes kept.   weights : like y or
    (N,), e.g. population.   statistic : names of STATISTICS, or a function f(y (n,), W (B, n)) -> (B, q). Replicate b
    draws n_j cities with replacement in each stratum j; its weights are the counts (times `weights`). BCa (Efron 1987):
    z0 from the share of replicates below the estimate, acceleration a = sum U^3 / (6 (sum U^2)^1.5) from the derivative
    U_i of the statistic by the weight of city i inside its stratum. Named statistics cost O(n log n) a replicate, a
    function of one's own O(n^2) for its U. ValueError: bad values, an unknown statistic, under 2 replicates.

    >>> from python_models.inequality import bootstrap
    >>> bootstrap([1.0, 2.0, 3.0, 4.0, 8.0], "gini", n_replicates=199).to_frame().shape
    (1, 14)
    """
    plane, columns = _plane(y)
    n, t = plane.shape
    if n_replicates < 2 or not 0.0 < level < 1.0:
        raise ValueError(f"n_replicates must be 2 or more and level inside (0, 1), got {n_replicates} and {level}.")
    names, function = _statistic(statistic)
    base = np.ones((n, t)) if weights is None else _like(weights, plane.shape)
    split = Groups(np.zeros(n, dtype=np.int64), ("all",)) if groups is None else as_groups(groups, n)

    def of_year(year: int, W: Weights) -> FloatArray:
        return function(plane[:, year], W.times(base[:, year]))

    found = resampled(of_year, t, split, n_replicates=n_replicates, level=level, seed=seed)
    if not names:
        q = found.estimate.shape[1]
        names = tuple(f"statistic_{k}" for k in range(q)) if q > 1 else ("statistic",)
    return BootstrapResult(**found.__dict__, names=names, columns=columns, level=level, n_obs=n, seed=seed)


def resampled(
    of_year: Callable[[int, Weights], FloatArray],
    n_years: int,
    split: Groups,
    *,
    n_replicates: int = 1999,
    level: float = 0.95,
    seed: int = 0,
) -> Resampled:
    """Estimates and limits of of_year(t, W) -> (B, q), W of B rows, t = 0..n_years-1: the same draws in all years."""

    def all_years(W: Weights) -> FloatArray:
        parts = [of_year(year, W) for year in range(n_years)]
        return np.stack([p[:, None] if p.ndim == 1 else p for p in parts], axis=1)

    estimate = all_years(Drawn(np.ones((1, split.codes.size))))[0]  # (T, q)
    replicates = np.concatenate([all_years(W) for W in drawn_blocks(split, n_replicates, seed)])  # (B, T, q)
    influence = (all_years(Nudged.of(split)) - estimate) / STEP  # (N, T, q)
    return Resampled(estimate, *interval_limits(estimate, replicates, influence, level), replicates)


def drawn_blocks(split: Groups, n_replicates: int, seed: int) -> Iterator[Drawn]:
    """All draws, a block at a time: memory stays below a few blocks of CELLS numbers."""
    rng, step = np.random.default_rng(seed), max(1, CELLS // split.codes.size)
    for at in range(0, n_replicates, step):
        yield Drawn(draw_counts(split, min(step, n_replicates - at), rng))


def draw_counts(split: Groups, n_replicates: int, rng: np.random.Generator) -> FloatArray:
    """How often each city is drawn, (B, N): within each stratum n_j draws with replacement."""
    counts = np.zeros((n_replicates, split.codes.size))
    for j in range(split.size):
        members = np.flatnonzero(split.codes == j)
        if members.size:
            counts[:, members] = rng.multinomial(members.size, np.full(members.size, 1.0 / members.size), n_replicates)
    return counts


def interval_limits(
    estimate: FloatArray, replicates: FloatArray, influence: FloatArray, level: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """se, lo, hi, bca_lo, bca_hi, band_lo, band_hi of estimates (T, q) from replicates (B, T, q).

    A statistic that does not vary has its estimate as every limit; one with a missing replicate has nan.
    """
    tail, b = (1.0 - level) / 2.0, len(replicates)
    se = replicates.std(axis=0, ddof=1)
    ordered = np.sort(replicates, axis=0)
    lo, hi = _at(ordered, np.full(estimate.shape, tail)), _at(ordered, np.full(estimate.shape, 1.0 - tail))
    below = (replicates < estimate).mean(axis=0) + 0.5 * (replicates == estimate).mean(axis=0)
    z0 = ndtri(np.clip(below, 0.5 / b, 1.0 - 0.5 / b))
    cube, square = (influence**3).sum(axis=0), (influence**2).sum(axis=0)
    a = np.divide(cube, 6.0 * square**1.5, out=np.zeros_like(cube), where=square > 0.0)
    shifted = [z0 + (z0 + z) / (1.0 - a * (z0 + z)) for z in (ndtri(tail), -ndtri(tail))]
    bca_lo, bca_hi = (_at(ordered, ndtr(z)) for z in shifted)
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.where(se > 0.0, np.abs(replicates - estimate) / se, 0.0)
    crit = np.quantile(off.max(axis=1), level, axis=0)  # over replicates of the largest over years, by statistic
    return se, lo, hi, bca_lo, bca_hi, estimate - crit * se, estimate + crit * se


def _at(ordered: FloatArray, share: FloatArray) -> FloatArray:
    """Quantile (type 7) of ordered replicates (B, T, q) at a share (T, q) of its own; nan spreads."""
    place = np.nan_to_num(share) * (ordered.shape[0] - 1)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, ordered.shape[0] - 1)
    left, right = (np.take_along_axis(ordered, at[None], axis=0)[0] for at in (low, high))
    with np.errstate(invalid="ignore"):  # an infinite replicate makes its limit nan
        value = left + (place - low) * (right - left)
    return np.where(np.isnan(share) | np.isnan(ordered[-1]), np.nan, value)


def _statistic(statistic: str | Sequence[str] | Statistic) -> tuple[tuple[str, ...], Measure]:
    if callable(statistic):
        return (), lambda y, W: np.concatenate([statistic(y, rows) for rows in W.blocks()])
    names = (statistic,) if isinstance(statistic, str) else tuple(statistic)
    unknown = [name for name in names if name not in STATISTICS]
    if unknown or not names:
        raise ValueError(f"unknown statistic {unknown or names}: choose from {sorted(STATISTICS)}, or give a function.")
    return names, lambda y, W: np.column_stack([STATISTICS[name](y, W) for name in names])


def _plane(y: ArrayLike | pd.Series | pd.DataFrame) -> tuple[FloatArray, tuple[object, ...]]:
    values = np.asarray(y, dtype=np.float64)
    plane = values[:, None] if values.ndim == 1 else values
    if plane.ndim != 2 or plane.size == 0:
        raise ValueError(f"y must have the axes (city,) or (city, year) and a value, got shape {values.shape}.")
    refuse(plane, "y")
    return plane, tuple(y.columns) if isinstance(y, pd.DataFrame) else tuple(range(plane.shape[1]))


def _like(weights: ArrayLike | pd.Series | pd.DataFrame, shape: tuple[int, ...]) -> FloatArray:
    w = np.asarray(weights, dtype=np.float64)
    w = np.repeat(w[:, None], shape[1], axis=1) if w.ndim == 1 else w
    if w.shape != shape:
        raise ValueError(f"weights have shape {w.shape}, the values {shape}: give one weight per value.")
    refuse(w, "weights")
    return w
