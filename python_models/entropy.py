"""Entropy weights for a panel of scaled indicators (Shannon 1948; Hwang and Yoon 1981; docs/formulas.md#entropy)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import xlogy

from python_models._show import Shown
from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models._validate import as_cube

ZERO_COLUMN = "zero_column"
CONSTANT = "constant_indicator"
EMPTY_COLUMN = "empty_column"
ALL_UNIFORM = "all_uniform"


@dataclass(frozen=True, eq=False)
class EntropyWeights(Shown):
    """Weights with the steps that led to them, (m,). flags: '', one of the three columns of weight 0 ('zero_column',
    'constant_indicator', 'empty_column'), or 'all_uniform' (equal weights)."""

    names: tuple[str, ...]
    weights: FloatArray
    entropy: FloatArray
    redundancy: FloatArray
    flags: tuple[str, ...]
    delta: float
    kappa: float
    n_rows: int

    def to_frame(self) -> pd.DataFrame:
        """One row per indicator: indicator_code, entropy, redundancy, weight, delta, flag, n_rows."""
        values = self._pick("entropy", "redundancy")
        tail = {"delta": self.delta, "flag": list(self.flags), "n_rows": self.n_rows}
        return pd.DataFrame({"indicator_code": list(self.names), **values, "weight": self.weights, **tail})


def entropy_weights(Z: ArrayLike, *, delta: float = 0.0, names: Sequence[str] | None = None) -> EntropyWeights:
    """Entropy weights of a panel of scaled indicators (docs/formulas.md#entropy).

    Parameters
    ----------
    Z : (N, T, m) array
        Scaled indicators in [0, 1]; cities and years are pooled. Rows with a NaN are left out; M counts the rest. A
        column without any value takes no part in the choice of rows.
    delta : float
        Added to z inside p only.
    names : sequence of m str, optional
        Names of the indicators, for messages.

    Returns
    -------
    EntropyWeights
        Weights (m,) and flags. A column of zeros, a constant column and one without any value get weight 0 and a flag;
        if no column has any redundancy, all usable columns get equal weights and the flag 'all_uniform'.

    Raises
    ------
    ValueError
        A negative z or delta, fewer than 2 complete rows, or no usable column.

    Notes
    -----
    p_k = (z_k + delta) / sum(z_k + delta), e_k = -(1 / ln M) sum(p_k ln p_k) with 0 ln 0 = 0, g_k = 1 - e_k,
    w_k = g_k / sum_l g_l. The weight measures dispersion and concentration of a column, not its importance.

    References
    ----------
    Shannon (1948), Hwang and Yoon (1981).

    Examples
    --------
    >>> from python_models import entropy_weights
    >>> Z = np.array([[[0.0, 0.2], [0.4, 0.3]], [[1.0, 1.0], [0.6, 0.0]]])  # cities, years, indicators
    >>> entropy_weights(Z).weights.round(3)
    array([0.404, 0.596])
    """
    cube = as_cube(Z, "Z")
    m = cube.shape[2]
    labels = tuple(names) if names is not None else tuple(f"indicator_{k + 1}" for k in range(m))
    if len(labels) != m:
        raise ValueError(f"names count {len(labels)}, but Z has {m} indicators.")
    if not (math.isfinite(delta) and delta >= 0.0):
        raise ValueError(f"delta must be zero or a positive number, got {delta}.")
    rows, is_empty = complete_rows(cube)
    if (rows < 0.0).any():
        k = int(np.argwhere(rows < 0.0)[0, -1])
        raise ValueError(f"z of {labels[k]} is negative: weights need z from the window of its bounds.")
    kappa = 1.0 / math.log(len(rows))
    flags = [EMPTY_COLUMN if is_empty[k] else _flag(rows[:, k]) for k in range(m)]
    entropy = np.array([1.0 if flags[k] else _entropy(rows[:, k] + delta, kappa) for k in range(m)])
    redundancy = 1.0 - entropy
    weights, flags = _normalise(redundancy, flags)
    return EntropyWeights(labels, weights, entropy, redundancy, tuple(flags), delta, kappa, len(rows))


def complete_rows(Z: ArrayLike) -> tuple[FloatArray, BoolArray]:
    """Stack Z (N, T, m) to its M complete rows (M, m), and mask (m,) the columns without any value.

    Those do not count for completeness and stay NaN. ValueError: fewer than 2 complete rows (ln M would be 0).
    """
    cube = as_cube(Z, "Z")
    is_empty: BoolArray = np.isnan(cube).all(axis=(0, 1))
    is_complete = ~(np.isnan(cube) & ~is_empty).any(axis=2)
    rows = np.ascontiguousarray(cube[is_complete])
    if len(rows) < 2:
        raise ValueError(f"{len(rows)} rows (city, year) are complete: weights need at least 2.")
    return rows, is_empty


def _entropy(shifted: FloatArray, kappa: float) -> float:
    """Entropy of one column (M,) of z + delta. `fsum` is exact, so the order of rows cannot matter."""
    p = shifted / math.fsum(shifted)
    return min(1.0, max(0.0, -kappa * math.fsum(xlogy(p, p))))


def _flag(column: FloatArray) -> str:
    if not column.any():
        return ZERO_COLUMN
    return CONSTANT if column.min() == column.max() else ""


def _normalise(redundancy: FloatArray, flags: list[str]) -> tuple[FloatArray, list[str]]:
    total = math.fsum(redundancy)
    if total > 0.0:
        return redundancy / total, flags
    usable = np.array([flag not in (ZERO_COLUMN, EMPTY_COLUMN) for flag in flags])
    if not usable.any():
        raise ValueError("no indicator has a value above zero in the complete rows: weights do not exist.")
    uniform_flags = [ALL_UNIFORM if ok else flag for ok, flag in zip(usable, flags, strict=True)]
    return usable / usable.sum(), uniform_flags
