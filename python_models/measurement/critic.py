"""CRITIC weights: contrast of an indicator times its conflict with the others (docs/formulas.md#schemes).

    C_k = sd(z_k) sum_l (1 - r_kl),   w_k = C_k / sum_l C_l,   r_kl over the pooled complete rows (M, m)

Reference: Diakoulaki, Mavrotas and Papayannakis (1995).
"""

from dataclasses import dataclass

import numpy as np

from python_models._types import ArrayLike, FloatArray
from python_models.entropy import ALL_UNIFORM, CONSTANT, EMPTY_COLUMN, complete_rows, entropy_weights

# Correlations are good to about 1e-15 a pair: below this a conflict is rounding noise of identical columns.
_NO_CONFLICT = 1e-12


@dataclass(frozen=True, eq=False)
class CriticWeights:
    """weights, contrast sd(z_k), conflict sum_l (1 - r_kl); arrays (m,). flags as in `entropy_weights`."""

    weights: FloatArray
    contrast: FloatArray
    conflict: FloatArray
    flags: tuple[str, ...]


def critic_weights(Z: ArrayLike) -> CriticWeights:
    """CRITIC weights of Z (N, T, m), complete rows pooled.

    A column without variation or values has weight 0 and a flag; without any conflict the usable columns get equal
    weights and the flag 'all_uniform'. ValueError: fewer than 2 complete rows, or no column varies.
    """
    rows, is_empty = complete_rows(Z)
    has_spread = np.array([not e and c.min() < c.max() for e, c in zip(is_empty, rows.T, strict=True)])
    if not has_spread.any():
        raise ValueError("no indicator varies over the complete rows: CRITIC weights do not exist.")
    contrast, conflict = np.zeros(len(has_spread)), np.zeros(len(has_spread))
    contrast[has_spread] = rows[:, has_spread].std(axis=0)
    conflict[has_spread] = conflicts(correlation(rows[:, has_spread]))
    flags = [EMPTY_COLUMN if e else "" if varies else CONSTANT for e, varies in zip(is_empty, has_spread, strict=True)]
    content = contrast * conflict
    if content.sum() == 0.0:
        flags = [ALL_UNIFORM if ok else flag for ok, flag in zip(has_spread, flags, strict=True)]
        return CriticWeights(has_spread / has_spread.sum(), contrast, conflict, tuple(flags))
    return CriticWeights(content / content.sum(), contrast, conflict, tuple(flags))


def entropy_critic_weights(Z: ArrayLike, *, delta: float = 0.0) -> FloatArray:
    """Weights (m,) between entropy and CRITIC: w_k proportional to sqrt(w_entropy w_critic).

    ValueError: no indicator has both.
    """
    both = np.sqrt(entropy_weights(Z, delta=delta).weights * critic_weights(Z).weights)
    if both.sum() == 0.0:
        raise ValueError("no indicator has both an entropy and a CRITIC weight: their mean does not exist.")
    weights: FloatArray = both / both.sum()
    return weights


def correlation(rows: FloatArray) -> FloatArray:
    """Pearson's correlations (m, m) of the columns of rows (M, m); every column must vary."""
    centred = rows - rows.mean(axis=0)
    scaled = centred / np.sqrt((centred**2).sum(axis=0))
    r = np.clip(scaled.T @ scaled, -1.0, 1.0)
    np.fill_diagonal(r, 1.0)
    return r


def conflicts(r: FloatArray) -> FloatArray:
    """sum_l (1 - r_kl), shape (m,). Differences of rounding size count as none; a single indicator has 1."""
    if len(r) == 1:  # no other indicator to be in conflict with: all weight is its own
        return np.ones(1)
    gaps = 1.0 - r
    total: FloatArray = np.where(gaps > _NO_CONFLICT, gaps, 0.0).sum(axis=1)
    return total
