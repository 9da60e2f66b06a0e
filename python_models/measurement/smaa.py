"""Stochastic multicriteria acceptability (SMAA): what ranks are possible when weights, and values, are not known.

    rank acceptability  b_ir: share of weights for which unit i has rank r
    central weights     mean of the weights for which i is first
    confidence factor   chance that i is first with its central weights, over the values that are possible

Reference: Lahdelma and Salminen (2001).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from python_models._types import FloatArray
from python_models.measurement.uncertainty import CHUNK, ranked


@dataclass(frozen=True, eq=False)
class Acceptability:
    """ranks (n, n): b[i, r - 1]; central (n, m) and confidence (n,), NaN for a unit that is never first."""

    ranks: FloatArray
    central: FloatArray
    confidence: FloatArray
    n_draws: int

    @property
    def expected_rank(self) -> FloatArray:
        """sum_r r b_ir, shape (n,)."""
        expected: FloatArray = self.ranks @ np.arange(1.0, self.ranks.shape[1] + 1.0)
        return expected


def smaa(values: FloatArray, *, draws: int, seed: int, spread: FloatArray | float = 0.0) -> Acceptability:
    """Acceptability of values (n, m), higher is better, weights uniform on the simplex.

    spread: standard deviation of the values, a number or (n, m); 0 for values that are known. The values are drawn
    anew, as normal ones, with every weight, and again for the confidence factors. Standard error of b: below
    sqrt(b (1 - b) / draws). ValueError: a NaN, or fewer than 1 draw.
    """
    if np.isnan(values).any() or draws < 1:
        raise ValueError("values must be complete, and at least 1 draw is needed.")
    n, m = values.shape
    rng = np.random.default_rng(seed)
    counts, central, first = np.zeros(n * n), np.zeros((n, m)), np.zeros(n)
    is_known = not np.any(spread)
    size = CHUNK if is_known else 1  # drawn values are drawn anew with every weight
    for start in range(0, draws, size):
        w = rng.dirichlet(np.ones(m), min(size, draws - start))
        drawn = values if is_known else values + spread * rng.standard_normal((n, m))
        place = ranked(w @ drawn.T)
        counts += np.bincount((place - 1 + n * np.arange(n)).reshape(-1), minlength=n * n)
        best = (place == 1).astype(np.float64)
        central += best.T @ w
        first += best.sum(axis=0)
    central /= np.where(first > 0.0, first, np.nan)[:, None]
    return Acceptability(counts.reshape(n, n) / draws, central, _confidence(values, central, spread, rng, draws), draws)


def smaa_of_two(values: FloatArray) -> Acceptability:
    """The same without drawing, for values (n, 2) and weights (w, 1 - w), w uniform on [0, 1].

    Crossings of the lines w x_i + (1 - w) y_i cut [0, 1] into intervals of constant ranks. Lines that are the same
    share ranks.
    """
    x, y = values[:, 0], values[:, 1]
    slope, gap = (x - y)[:, None] - (x - y)[None, :], y[None, :] - y[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        cuts = gap / slope
    inside = np.unique(cuts[(cuts > 0.0) & (cuts < 1.0)])
    edges = np.concatenate([[0.0], inside, [1.0]])
    n, middle, width = len(x), (edges[1:] + edges[:-1]) / 2.0, np.diff(edges)
    ranks, moment = np.zeros((n, n)), np.zeros(n)
    for w, share in zip(middle, width, strict=True):
        place = rankdata(-(w * x + (1.0 - w) * y), method="min").astype(np.int64) - 1
        ranks[np.arange(n), place] += share
        moment[place == 0] += share * w
    first = ranks[:, 0]
    mean = moment / np.where(first > 0.0, first, np.nan)
    central = np.stack([mean, 1.0 - mean], axis=1)
    return Acceptability(ranks, central, np.where(first > 0.0, 1.0, np.nan), 0)


def _confidence(
    values: FloatArray, central: FloatArray, spread: FloatArray | float, rng: np.random.Generator, draws: int
) -> FloatArray:
    known = np.flatnonzero(~np.isnan(central).any(axis=1))
    won = np.full(len(values), np.nan)
    won[known] = 0.0
    repeats = draws if np.any(spread) else 1
    for _ in range(repeats):
        drawn = values + spread * rng.standard_normal(values.shape) if np.any(spread) else values
        scores = drawn @ central[known].T
        won[known] += scores[known, np.arange(len(known))] >= scores.max(axis=0) - 1e-12
    return won / repeats
