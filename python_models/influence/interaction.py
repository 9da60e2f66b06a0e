"""Moderated spillovers: effects of x that depend on the level of another variable (docs/formulas.md#interaction).

    moderator m:  y = rho W y + beta x + theta W x + g (x m) + h W (x m) + [a m + b W m] + controls + effects + e
    absorptive:   y = rho W y + beta x + theta W x + h x (W x) + controls + effects + e    (own x takes up the others')

x and m are centred before the product, which is formed before the effects are removed (Brambor, Clark and Golder 2006).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.inference import Wald, normal, wald
from python_models.influence.spillover import AnyWeights, control_planes, refuse_holes
from python_models.regression import CoreFit, PanelInputError, SpatialWeights, fit_panel, spatial_weights
from python_models.regression.errors import estimable
from python_models.regression.logdet import log_determinant

EFFECTS = ("direct", "indirect", "total")
PERCENTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}


@dataclass(frozen=True, eq=False)
class Interaction(Shown):
    """fit; values: label -> level of the moderator; point, se, lower, upper (m, 3): direct, indirect, total.

    Errors by the delta method.   own, lag : coefficients of x m and W (x m) with errors (NaN where the model has none).
    wald : of both being zero.
    """

    fit: CoreFit
    values: dict[str, float]
    point: FloatArray
    se: FloatArray
    lower: FloatArray
    upper: FloatArray
    own: tuple[float, float]
    lag: tuple[float, float]
    wald: Wald

    @property
    def p(self) -> float:
        return self.wald.p

    def to_frame(self) -> pd.DataFrame:
        """One row per level: at_percentile, at_value, and for each effect point, se, lo, hi; coefficients; p."""
        table: dict[str, object] = {"at_percentile": list(self.values), "at_value": list(self.values.values())}
        for e, effect in enumerate(EFFECTS):
            table |= {effect: self.point[:, e], f"{effect}_se": self.se[:, e]}
            table |= {f"{effect}_lo": self.lower[:, e], f"{effect}_hi": self.upper[:, e]}
        table |= {"coef_own": self.own[0], "coef_own_se": self.own[1]}
        table |= {"coef_lag": self.lag[0], "coef_lag_se": self.lag[1]}
        return pd.DataFrame({**table, "wald": self.wald.statistic, "wald_df": self.wald.df, "p_interaction": self.p})


@aligned
@estimable("the moderated spillover")
def moderated_spillover(
    y: ArrayLike,
    x: ArrayLike,
    moderator: ArrayLike,
    W: AnyWeights,
    controls: ArrayLike | None = None,
    *,
    levels: Mapping[str, float] | None = None,
    **options: Any,
) -> Interaction:
    """Effects of x (N, T) at levels of `moderator`, (N,) or (N, T) and then known before y (lagged), W row-normalised.

    At level v: S(v) = (I - rho W)^-1 [(beta + g v) I + (theta + h v) W], v less the mean of the moderator. `levels`
    names the values (default the 10, 50 and 90 % points). options: effects, estimator, cov of `fit_panel`; cov is by
    city if not given. PanelInputError: shapes, missing values, a moderator that does not vary.

    >>> from python_models.influence import moderated_spillover
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> moderated_spillover(y, x, np.arange(12.0), W).to_frame().shape
    (3, 21)
    """
    yy, xx, weights = _read(y, x, W)
    m = np.asarray(moderator, dtype=np.float64)
    full = np.repeat(m[:, None], yy.shape[1], axis=1) if m.ndim == 1 else m
    if full.shape != yy.shape:
        raise PanelInputError(f"the moderator must be (N,) or (N, T) = {yy.shape}, got {full.shape}.")
    refuse_holes(full, "the moderator")
    if np.ptp(full) == 0:
        raise PanelInputError("the moderator does not vary.")
    planes = {"x": xx, "x:m": (xx - xx.mean()) * (full - full.mean())}
    if m.ndim == 2:
        planes["m"] = full - full.mean()
    fit = _fit(yy, planes, weights, controls, options)
    at = [fit.names.index(name) for name in ("x", "W:x", "x:m", "W:x:m", "rho")]
    values = _levels(full, levels)
    v = np.array(list(values.values())) - full.mean()
    maps = np.zeros((len(v), 2, 4))
    maps[:, 0, 0], maps[:, 1, 1], maps[:, 0, 2], maps[:, 1, 3] = 1.0, 1.0, v, v
    return _result(fit, at, maps, values, terms=("x:m", "W:x:m"))


@aligned
@estimable("the absorptive spillover")
def absorptive_spillover(
    y: ArrayLike,
    x: ArrayLike,
    W: AnyWeights,
    controls: ArrayLike | None = None,
    *,
    levels: Mapping[str, float] | None = None,
    **options: Any,
) -> Interaction:
    """Effects of x (N, T) on cities whose own x has the given levels, the neighbours' x at its mean.

    At level v: S(v) = (I - rho W)^-1 [beta I + (theta + h v) W], v less the mean of x. Otherwise as
    `moderated_spillover`.

    >>> from python_models.influence import absorptive_spillover
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> absorptive_spillover(y, x, W).to_frame().shape
    (3, 21)
    """
    yy, xx, weights = _read(y, x, W)
    lag = weights.lag(xx)
    planes = {"x": xx, "x:Wx": (xx - xx.mean()) * (lag - lag.mean())}
    fit = _fit(yy, planes, weights, controls, options, alone="x:Wx")
    at = [fit.names.index(name) for name in ("x", "W:x", "x:Wx", "rho")]
    values = _levels(xx, levels)
    v = np.array(list(values.values())) - xx.mean()
    maps = np.zeros((len(v), 2, 3))
    maps[:, 0, 0], maps[:, 1, 1], maps[:, 1, 2] = 1.0, 1.0, v
    return _result(fit, at, maps, values, terms=("", "x:Wx"))


def _result(
    fit: CoreFit, at: list[int], maps: FloatArray, values: dict[str, float], *, terms: tuple[str, str]
) -> Interaction:
    """maps (m, 2, q) take the slopes to (own, spillover) at each level; the last of `at` is rho."""
    mean, cov = fit.params[at], fit.cov[np.ix_(at, at)]
    point, gradient = _effects(fit, mean, maps)
    se = np.sqrt(np.einsum("mep,pq,meq->me", gradient, cov, gradient))
    limits = normal(point, se)
    found = [fit.names.index(name) for name in terms if name]
    test = wald(fit.params[found], fit.cov[np.ix_(found, found)])
    own, lag = (_coefficient(fit, name) for name in terms)
    return Interaction(fit, values, point, se, limits.lower, limits.upper, own, lag, test)


def _effects(fit: CoreFit, at: FloatArray, maps: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Effects (m, 3) at parameters (q + 1,) and their gradient (m, 3, q + 1); a row-normalised W, g = tr G / n."""
    slopes, rho = at[:-1], float(at[-1])
    _, f1, f2 = (float(v) / fit.weights.n for v in log_determinant(fit.weights).derivatives(rho))
    g, slope_g = -f1, -f2
    own, lag = maps[:, 0] @ slopes, maps[:, 1] @ slopes
    direct, total = own * (1.0 + rho * g) + lag * g, (own + lag) / (1.0 - rho)
    by_direct = maps[:, 0] * (1.0 + rho * g) + maps[:, 1] * g
    by_total = (maps[:, 0] + maps[:, 1]) / (1.0 - rho)
    direct_rho = own * (g + rho * slope_g) + lag * slope_g
    d = np.column_stack([by_direct, direct_rho])
    t = np.column_stack([by_total, total / (1.0 - rho)])
    return np.stack([direct, total - direct, total], axis=1), np.stack([d, t - d, t], axis=1)


def _coefficient(fit: CoreFit, name: str) -> tuple[float, float]:
    if not name:
        return float("nan"), float("nan")
    at = fit.names.index(name)
    return float(fit.params[at]), float(np.sqrt(fit.cov[at, at]))


def _levels(values: FloatArray, levels: Mapping[str, float] | None) -> dict[str, float]:
    if levels is not None:
        return {str(k): float(v) for k, v in levels.items()}
    return {label: float(np.quantile(values, q)) for label, q in PERCENTILES.items()}


def _read(y: ArrayLike, x: ArrayLike, W: AnyWeights) -> tuple[FloatArray, FloatArray, SpatialWeights]:
    yy, xx, weights = np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64), spatial_weights(W)
    if yy.ndim != 2 or xx.shape != yy.shape or len(yy) != weights.n:
        raise PanelInputError(f"y and x need one shape (N, T), N = {weights.n}: got {yy.shape} and {xx.shape}.")
    if not weights.is_row_normalised:
        raise PanelInputError("moderated effects need rows of W that sum to one.")
    return yy, xx, weights


def _fit(
    y: FloatArray,
    planes: dict[str, FloatArray],
    weights: SpatialWeights,
    controls: ArrayLike | None,
    options: dict[str, Any],
    *,
    alone: str = "",
) -> CoreFit:
    """SDM of y on the planes and controls, each also as W times it but for `alone`."""
    if controls is not None and np.shape(controls)[:2] != y.shape:
        raise PanelInputError(f"controls must be (N, T, k) with N, T = {y.shape}, got {np.shape(controls)}.")
    planes |= control_planes(controls)
    durbin = [j for j, name in enumerate(planes) if name != alone]
    options = {"cov": "cluster", **options}
    x = np.stack(list(planes.values()), axis=2)
    return fit_panel(y, x, weights, model="sdm", names=list(planes), durbin=durbin, **options)
