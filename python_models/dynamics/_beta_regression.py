"""The regression behind beta convergence: effects swept out, slopes by group, standard errors by unit."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models._types import ArrayLike, FloatArray


@dataclass(frozen=True, eq=False)
class Slopes:
    """Slopes of ln y_t by group (G,), the influence of each unit on them, and the sizes behind them."""

    labels: tuple[Hashable, ...]
    beta: FloatArray
    influence: FloatArray  # (N, G): what each unit adds to beta
    n_units: NDArray[np.int64]
    n_equations: int

    @property
    def covariance(self) -> FloatArray:
        """(G, G), clustered by unit, with the factor N / (N - 1)."""
        n = self.influence.shape[0]
        return np.asarray(self.influence.T @ self.influence * (n / (n - 1.0)))

    @property
    def n_obs(self) -> int:
        return int(self.n_units.sum()) * self.n_equations


def slopes(
    logs: FloatArray,
    groups: ArrayLike | pd.Series | pd.Categorical | None,
    controls: FloatArray,
    *,
    has_unit_effects: bool,
) -> Slopes:
    """Least squares of ln y_{t+1} - ln y_t on ln y_t (by group) and the controls of year t.

    logs (N, T), controls (N, T, k). Year effects are swept out, with `has_unit_effects` unit effects too.
    """
    n, n_years = logs.shape
    codes, unique = (np.zeros(n, dtype=np.int64), ["all"]) if groups is None else pd.factorize(np.asarray(groups))
    if len(codes) != n or (codes < 0).any():
        raise ValueError(f"groups must have one label for each of the {n} units, none missing.")
    member = np.eye(len(unique))[codes]  # (N, G)
    start = logs[:, :-1, None] * member[:, None, :]
    Z = np.concatenate([start, controls[:, :-1]], axis=2)
    y = np.diff(logs, axis=1)[:, :, None]
    Zs, ys = (_swept(a, has_unit_effects=has_unit_effects) for a in (Z, y))
    flat = Zs.reshape(-1, Zs.shape[2])
    bread = np.linalg.pinv(flat.T @ flat)
    coefficients = bread @ flat.T @ ys.reshape(-1)
    residual = ys[:, :, 0] - Zs @ coefficients
    score = np.einsum("itk,it->ik", Zs, residual)
    g = len(unique)
    sizes = np.bincount(codes, minlength=g).astype(np.int64)
    return Slopes(tuple(unique), coefficients[:g], (score @ bread)[:, :g], sizes, n_years - 1)


def half_panel(
    logs: FloatArray, groups: ArrayLike | pd.Series | pd.Categorical | None, controls: FloatArray, full: Slopes
) -> Slopes | None:
    """Half-panel jackknife of the within estimator: 2 b - (b_1 + b_2) / 2, b_1, b_2 of the two halves of the years.

    An odd number of equations is halved both ways and averaged; None below four. Removes the bias of order 1/T without
    an assumption on the start values. Source: Dhaene and Jochmans 2015, Rev. Economic Studies 82:991-1030.
    """
    equations = full.n_equations
    if equations < 4:
        return None
    cuts = sorted({equations // 2, equations - equations // 2})
    beta, influence = 2.0 * full.beta, 2.0 * full.influence
    for cut in cuts:
        for part in (slice(0, cut + 1), slice(cut, None)):  # the year of the cut ends one half and starts the other
            half = slopes(logs[:, part], groups, controls[:, part], has_unit_effects=True)
            beta = beta - half.beta / (2.0 * len(cuts))
            influence = influence - half.influence / (2.0 * len(cuts))
    return Slopes(full.labels, beta, influence, full.n_units, equations)


def _swept(a: FloatArray, *, has_unit_effects: bool) -> FloatArray:
    """Year means out; with unit effects also unit means (balanced panel, axes (N, T, k))."""
    out = a - a.mean(axis=0)
    return out - out.mean(axis=1, keepdims=True) if has_unit_effects else out
