"""Stochastic multicriteria acceptability (SMAA): what ranks are possible when weights, and values, are not known.

Rank acceptability b_ir: share of weights for which unit i has rank r. Central weights: mean of those for which i is
first; confidence factor: chance that i is first with them, over the possible values. Lahdelma and Salminen (2001).
"""

from dataclasses import dataclass

import numpy as np

from python_models._types import FloatArray
from python_models.measurement.uncertainty import CHUNK, ranked


@dataclass(frozen=True, eq=False)
class Acceptability:
    """ranks (n, n): b[i, r - 1]; central (n, m), NaN for a unit that is never first."""

    ranks: FloatArray
    central: FloatArray
    n_draws: int


def smaa(values: FloatArray, *, draws: int, seed: int) -> Acceptability:
    """Acceptability of values (n, m), higher is better, weights uniform on the simplex.

    Standard error of b: below sqrt(b (1 - b) / draws). ValueError: a NaN, or fewer than 1 draw.
    """
    if np.isnan(values).any() or draws < 1:
        raise ValueError("values must be complete, and at least 1 draw is needed.")
    n, m = values.shape
    rng = np.random.default_rng(seed)
    counts, central, first = np.zeros(n * n), np.zeros((n, m)), np.zeros(n)
    for start in range(0, draws, CHUNK):
        w = rng.dirichlet(np.ones(m), min(CHUNK, draws - start))
        place = ranked(w @ values.T)
        counts += np.bincount((place - 1 + n * np.arange(n)).reshape(-1), minlength=n * n)
        best = (place == 1).astype(np.float64)
        central += best.T @ w
        first += best.sum(axis=0)
    central /= np.where(first > 0.0, first, np.nan)[:, None]
    return Acceptability(counts.reshape(n, n) / draws, central, draws)
