"""Stochastic multicriteria acceptability (SMAA): what ranks are possible when weights, and values, are not known.

    rank acceptability  b_ir: share of weights for which unit i has rank r
    central weights     mean of the weights for which i is first
    confidence factor   chance that i is first with its central weights, over the values that are possible

Reference: Lahdelma and Salminen (2001).
"""

from dataclasses import dataclass

import numpy as np

from python_models._types import FloatArray
from python_models.measurement.uncertainty import CHUNK, ranked


@dataclass(frozen=True, eq=False)
class Acceptability:
    """ranks (n, n): b[i, r - 1]; central (n, m) and confidence (n,), NaN for a unit that is never first."""

    ranks: FloatArray
    central: FloatArray
    confidence: FloatArray
    n_draws: int


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
