"""City bootstrap: stratified by group, whole trajectories, percentile and BCa intervals, bands over the years."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from python_models._types import FloatArray
from python_models.inequality._inputs import Groups
from python_models.inequality._weights import CELLS, STEP, Drawn, Nudged, Weights


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

    A statistic that does not vary, as of one city, has no limits (nan), nor has one with a missing replicate.
    """
    tail, b = (1.0 - level) / 2.0, len(replicates)
    se = replicates.std(axis=0, ddof=1)
    ascending = np.sort(replicates, axis=0)
    lo, hi = _at(ascending, np.full(estimate.shape, tail)), _at(ascending, np.full(estimate.shape, 1.0 - tail))
    below = (replicates < estimate).mean(axis=0) + 0.5 * (replicates == estimate).mean(axis=0)
    z0 = ndtri(np.clip(below, 0.5 / b, 1.0 - 0.5 / b))
    cube, square = (influence**3).sum(axis=0), (influence**2).sum(axis=0)
    a = np.divide(cube, 6.0 * square**1.5, out=np.zeros_like(cube), where=square > 0.0)
    shifted = [z0 + (z0 + z) / (1.0 - a * (z0 + z)) for z in (ndtri(tail), -ndtri(tail))]
    bca_lo, bca_hi = (_at(ascending, ndtr(z)) for z in shifted)
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.where(se > 0.0, np.abs(replicates - estimate) / se, 0.0)
    crit = np.quantile(off.max(axis=1), level, axis=0)  # over replicates of the largest over years, by statistic
    return se, *_apart(lo, hi), *_apart(bca_lo, bca_hi), *_apart(estimate - crit * se, estimate + crit * se)


def _apart(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    is_apart = high - low > 1e-12
    return np.where(is_apart, low, np.nan), np.where(is_apart, high, np.nan)


def _at(ascending: FloatArray, share: FloatArray) -> FloatArray:
    """Quantile (type 7) of ordered replicates (B, T, q) at a share (T, q) of its own; nan spreads."""
    place = np.nan_to_num(share) * (ascending.shape[0] - 1)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, ascending.shape[0] - 1)
    left, right = (np.take_along_axis(ascending, at[None], axis=0)[0] for at in (low, high))
    with np.errstate(invalid="ignore"):  # an infinite replicate makes its limit nan
        value = left + (place - low) * (right - left)
    return np.where(np.isnan(share) | np.isnan(ascending[-1]), np.nan, value)
