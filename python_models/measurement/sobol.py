"""Shares of a variance that the factors of a model are responsible for (Sobol indices), from an A/B design.

f(A), f(B): the model on n independent draws of all factors, twice; f(AB_i): the draws A with factor i from B.

    first order  S_i  = mean( f(B) (f(AB_i) - f(A)) ) / V        (Saltelli et al. 2010)
    total        ST_i = mean( (f(A) - f(AB_i))^2 ) / (2 V)       (Jansen 1999)

V is the variance of f over A and B. f is centred first, which makes S_i less noisy. S_i can fall a little below 0.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models._types import FloatArray


@dataclass(frozen=True, eq=False)
class SobolShares:
    """Arrays (K,), and their 5 and 95 % limits (2, K)."""

    names: tuple[str, ...]
    first: FloatArray
    total: FloatArray
    first_limits: FloatArray
    total_limits: FloatArray
    n_obs: int

    def to_frame(self) -> pd.DataFrame:
        """One row per factor: factor, sobol_first, sobol_total, their 5 and 95 % limits, n_obs."""
        limits = {"sobol_first": self.first_limits, "sobol_total": self.total_limits}
        ends = {f"{name}_p{p}": of[k] for name, of in limits.items() for k, p in enumerate(("05", "95"))}
        columns = {"factor": list(self.names), "sobol_first": self.first, "sobol_total": self.total, **ends}
        return pd.DataFrame({**columns, "n_obs": self.n_obs})


def sobol_shares(
    f_a: FloatArray, f_b: FloatArray, f_ab: FloatArray, names: tuple[str, ...], *, seed: int = 0, resamples: int = 499
) -> SobolShares:
    """Shares of K factors from f(A) (n,), f(B) (n,) and f(AB) (K, n).

    Shares are nan where V is 0 (nothing varies). ValueError: shapes that do not fit, a NaN, or n < 2.
    """
    if f_a.shape != f_b.shape or f_ab.shape != (len(names), *f_a.shape):
        raise ValueError(f"f(A) {f_a.shape}, f(B) {f_b.shape} and f(AB) {f_ab.shape} do not fit {len(names)} factors.")
    if len(f_a) < 2 or not all(np.isfinite(x).all() for x in (f_a, f_b, f_ab)):
        raise ValueError("the model needs at least 2 draws, each with a finite result.")
    first, total = _shares(f_a, f_b, f_ab)
    rng = np.random.default_rng(seed)
    again = np.empty((resamples, 2, len(names)))
    for b in range(resamples):
        rows = rng.integers(0, len(f_a), len(f_a))
        again[b] = _shares(f_a[rows], f_b[rows], f_ab[:, rows])
    low, high = (
        np.nanquantile(again, (0.05, 0.95), axis=0)
        if np.isfinite(again).any()
        else np.full((2, *again.shape[1:]), math.nan)
    )
    return SobolShares(names, first, total, np.stack([low[0], high[0]]), np.stack([low[1], high[1]]), len(f_a))


def _shares(f_a: FloatArray, f_b: FloatArray, f_ab: FloatArray) -> tuple[FloatArray, FloatArray]:
    both = np.concatenate([f_a, f_b])
    centre, variance = both.mean(axis=0), both.var(axis=0)
    safe = np.where(variance > 0.0, variance, np.nan)
    a, b, ab = f_a - centre, f_b - centre, f_ab - centre
    first = (b * (ab - a)).mean(axis=1) / safe
    total = ((a - ab) ** 2).mean(axis=1) / (2.0 * safe)
    return first, total
