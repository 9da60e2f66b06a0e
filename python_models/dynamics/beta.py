"""Beta convergence: do those behind grow faster?"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.dynamics.logt import positive_plane
from python_models.inference import wald

type Kind = Literal["conditional", "absolute"]
type Labels = ArrayLike | pd.Series | pd.Categorical


@dataclass(frozen=True, eq=False)
class BetaResult(Shown):
    """Headline beta with se, p, speed and half-life in years; `estimates` holds every estimator and group.

    conditional: Nickell inversion (pooled over groups unless groups are given), absolute: pooled OLS.
    wald, wald_df, wald_p: equality of the slopes of the groups (nan without groups).
    """

    kind: str
    beta: float
    se: float
    p_value: float
    speed: float
    half_life: float
    estimates: pd.DataFrame
    wald: float
    wald_df: int
    wald_p: float
    n_units: int
    n_obs: int

    def to_frame(self) -> pd.DataFrame:
        """One row per group and estimator: group, estimator, beta, se, p_value, speed, half_life_years, n_obs, ..."""
        return self.estimates.copy()


@aligned
def beta_convergence(
    Y: ArrayLike | pd.DataFrame, *, kind: Kind = "conditional", groups: Labels | None = None
) -> BetaResult:
    """Beta convergence: does growth fall with the level at the start (docs/formulas.md#beta)?

    Parameters
    ----------
    Y : (N, T) array or frame
        Positive values, T >= 4.
    kind : {"conditional", "absolute"}
        `absolute`: no mu_i; pooled least squares with year effects. `conditional`: within estimator (`lsdv`),
        biased down for short T, with three corrections: `nickell_inversion`, the headline; `half_panel_jackknife`,
        which needs no assumption on the start values; `one_step`, tau + (1 + tau) / T.
    groups : (N,) labels, optional
        The slope differs by group; year effects are common.

    Returns
    -------
    BetaResult
        Slope, its standard error clustered by unit, speed and half-life.

    Raises
    ------
    ValueError
        Values that are missing or not positive, too few years, shapes that differ.

    Notes
    -----
    ln(y_{i,t+1} / y_it) = a + beta ln y_it + mu_i + eta_t + e. `nickell_inversion` solves plim LSDV(tau) =
    tau_lsdv for tau = 1 + beta: exact for large N and stationary start values; nan where no tau below 0.99 has
    that limit. speed = -ln(1 + beta), half-life = ln 2 / speed; nan if beta <= -1 or beta >= 0.

    Examples
    --------
    >>> from python_models.dynamics import beta_convergence
    >>> start = np.array([1.0, 2.0, 4.0, 8.0])
    >>> Y = np.column_stack([5 * (start / 5) ** (0.9**t) for t in range(6)])
    >>> round(beta_convergence(Y, kind="absolute").beta, 3)
    -0.1
    """
    values = positive_plane(Y)
    if values.shape[1] < 4:
        raise ValueError(f"beta convergence needs 4 years or more, got {values.shape[1]}.")
    if kind not in ("conditional", "absolute"):
        raise ValueError(f"unknown kind {kind!r}: conditional or absolute.")
    logs, has_effects = np.log(values), kind == "conditional"
    pooled = _slopes(logs, None, has_unit_effects=has_effects)
    halves = _half_panel(logs, None, pooled) if has_effects else None
    rows = _rows("all", pooled, halves, 0, kind)
    wald, df, p = math.nan, 0, math.nan
    if groups is not None:
        by_group = _slopes(logs, groups, has_unit_effects=has_effects)
        halves = _half_panel(logs, groups, by_group) if has_effects else None
        for g, label in enumerate(by_group.labels):
            rows += _rows(label, by_group, halves, g, kind)
        wald, df, p = _wald(by_group)
    table = pd.DataFrame(rows)
    head = table.iloc[0]
    beta, se, p_value, speed = (float(head[c]) for c in ("beta", "se", "p_value", "speed"))
    sizes = values.shape[0], pooled.n_obs
    return BetaResult(kind, beta, se, p_value, speed, math.log(2.0) / speed, table, wald, df, p, *sizes)


def speed_of(beta: float) -> float:
    """Speed -ln(1 + beta) a year; nan if beta <= -1 or beta >= 0: no convergence."""
    return -math.log1p(beta) if -1.0 < beta < 0.0 else math.nan


def nickell_limit(tau: float, n_equations: int) -> float:
    """plim of the within estimator of tau as N grows, for T equations per unit.

    tau - [(1 + tau) / (T - 1)] q / {1 - 2 tau q / [(1 - tau)(T - 1)]}, q = 1 - (1 - tau^T) / (T (1 - tau)).
    """
    T = n_equations
    q = 1.0 - (1.0 - tau**T) / (T * (1.0 - tau))
    return tau - (1.0 + tau) / (T - 1.0) * q / (1.0 - 2.0 * tau * q / ((1.0 - tau) * (T - 1.0)))


def invert_nickell(tau_lsdv: float, n_equations: int) -> float:
    """tau in (-0.99, 0.99) with nickell_limit(tau) = tau_lsdv; nan if there is none."""
    low, high = nickell_limit(-0.99, n_equations), nickell_limit(0.99, n_equations)
    if not low <= tau_lsdv <= high:
        return math.nan
    return float(brentq(lambda tau: nickell_limit(tau, n_equations) - tau_lsdv, -0.99, 0.99, xtol=1e-14))


def _rows(group: object, slopes: _Slopes, halves: _Slopes | None, at: int, kind: str) -> list[dict[str, object]]:
    """Headline estimator first."""
    beta, se, n_units = float(slopes.beta[at]), math.sqrt(slopes.covariance[at, at]), int(slopes.n_units[at])
    T = slopes.n_equations
    if kind == "absolute":
        estimates = [("pooled_ols", beta, se)]
    else:
        estimates = [("lsdv", beta, se), ("one_step", beta + (2.0 + beta) / T, se * (1.0 + 1.0 / T))]
        if halves is not None:
            spread = math.sqrt(halves.covariance[at, at])
            estimates.append(("half_panel_jackknife", float(halves.beta[at]), spread))
        tau, step = invert_nickell(1.0 + beta, T), 1e-6
        slope = (nickell_limit(tau + step, T) - nickell_limit(tau - step, T)) / (2.0 * step)
        estimates.insert(0, ("nickell_inversion", tau - 1.0, se / slope))
    return [
        {
            "group": group,
            "estimator": name,
            "beta": b,
            "se": s,
            "p_value": 2.0 * float(stats.norm.sf(abs(b / s))),
            "lo": b - 1.959963984540054 * s,
            "hi": b + 1.959963984540054 * s,
            "speed": speed_of(b),
            "half_life_years": math.log(2.0) / speed_of(b),
            "n_units": n_units,
            "n_obs": n_units * T,
        }
        for name, b, s in estimates
    ]


def _wald(slopes: _Slopes) -> tuple[float, int, float]:
    """All slopes equal, chi2 with G - 1 degrees of freedom."""
    g = len(slopes.labels)
    if g < 2:
        return math.nan, 0, math.nan
    test = wald(slopes.beta, slopes.covariance, np.column_stack([np.ones(g - 1), -np.eye(g - 1)]))
    return test.statistic, test.df, test.p


@dataclass(frozen=True, eq=False)
class _Slopes:
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


def _slopes(logs: FloatArray, groups: Labels | None, *, has_unit_effects: bool) -> _Slopes:
    """Least squares of ln y_{t+1} - ln y_t on ln y_t (by group), logs (N, T).

    Year effects are swept out, with `has_unit_effects` unit effects too.
    """
    n, n_years = logs.shape
    codes, unique = (np.zeros(n, dtype=np.int64), ["all"]) if groups is None else pd.factorize(np.asarray(groups))
    if len(codes) != n or (codes < 0).any():
        raise ValueError(f"groups must have one label for each of the {n} units, none missing.")
    member = np.eye(len(unique))[codes]  # (N, G)
    Z = logs[:, :-1, None] * member[:, None, :]
    y = np.diff(logs, axis=1)[:, :, None]
    Zs, ys = (_swept(a, has_unit_effects=has_unit_effects) for a in (Z, y))
    flat = Zs.reshape(-1, Zs.shape[2])
    bread = np.linalg.pinv(flat.T @ flat)
    coefficients = bread @ flat.T @ ys.reshape(-1)
    residual = ys[:, :, 0] - Zs @ coefficients
    score = np.einsum("itk,it->ik", Zs, residual)
    g = len(unique)
    sizes = np.bincount(codes, minlength=g).astype(np.int64)
    return _Slopes(tuple(unique), coefficients[:g], (score @ bread)[:, :g], sizes, n_years - 1)


def _half_panel(logs: FloatArray, groups: Labels | None, full: _Slopes) -> _Slopes | None:
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
            half = _slopes(logs[:, part], groups, has_unit_effects=True)
            beta = beta - half.beta / (2.0 * len(cuts))
            influence = influence - half.influence / (2.0 * len(cuts))
    return _Slopes(full.labels, beta, influence, full.n_units, equations)


def _swept(a: FloatArray, *, has_unit_effects: bool) -> FloatArray:
    """Year means out; with unit effects also unit means (balanced panel, axes (N, T, k))."""
    out = a - a.mean(axis=0)
    return out - out.mean(axis=1, keepdims=True) if has_unit_effects else out
