"""Moderated spillovers: effects of x that depend on the level of another variable (docs/formulas.md#interaction).

    moderator m:  y = rho W y + beta x + theta W x + g (x m) + h W (x m) + [a m + b W m] + controls + effects + e
    absorptive:   y = rho W y + beta x + theta W x + h x (W x) + controls + effects + e    (own x takes up the others')

x and m are centred before the product, the product is formed before the effects are removed (Brambor, Clark and Golder
2006). The moderator of a spillover is the emitter's; in the absorptive version the receiver's own x.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.inference import Wald, normal, wald
from python_models.influence.spillover import Matrix
from python_models.regression import CoreFit, PanelInputError, Robust, SpatialWeights, fit_panel, spatial_weights
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
        rows = []
        for i, (label, value) in enumerate(self.values.items()):
            row: dict[str, object] = {"at_percentile": label, "at_value": value}
            for e, effect in enumerate(EFFECTS):
                row |= {
                    effect: self.point[i, e],
                    f"{effect}_se": self.se[i, e],
                    f"{effect}_lo": self.lower[i, e],
                    f"{effect}_hi": self.upper[i, e],
                }
            rows.append(row)
        return pd.DataFrame(rows).assign(
            coef_own=self.own[0],
            coef_own_se=self.own[1],
            coef_lag=self.lag[0],
            coef_lag_se=self.lag[1],
            wald=self.wald.statistic,
            wald_df=self.wald.df,
            p_interaction=self.p,
        )


@aligned
@estimable("the moderated spillover")
def moderated_spillover(
    y: ArrayLike,
    x: ArrayLike,
    moderator: ArrayLike,
    W: Matrix | SpatialWeights,
    controls: ArrayLike | None = None,
    *,
    levels: Mapping[str, float] | None = None,
    effects: str = "twoways",
    estimator: str = "lee_yu",
    cov: str | Robust = "cluster",
) -> Interaction:
    """Effects of x (N, T) at levels of `moderator`, (N,) or (N, T) and then known before y (lagged), W row-normalised.

    At level v: S(v) = (I - rho W)^-1 [(beta + g v) I + (theta + h v) W], v less the mean of the moderator. `levels`
    names the values (default the 10, 50 and 90 % points).
    PanelInputError: shapes, missing values, a moderator that does not vary.

    >>> from python_models.influence import moderated_spillover
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> moderated_spillover(y, x, np.arange(12.0), W).to_frame().shape
    (3, 21)
    """
    yy, xx, weights = _read(y, x, W)
    m = np.asarray(moderator, dtype=np.float64)
    varies = m.ndim == 2
    full = m if varies else np.repeat(m[:, None], yy.shape[1], axis=1)
    _check_moderator(full, yy.shape)
    centred, product = full - full.mean(), (xx - xx.mean()) * (full - full.mean())
    columns, names = [xx, product], ["x", "x:m"]
    if varies:
        columns, names = [*columns, centred], [*names, "m"]
    columns, names = _with_controls(columns, names, controls, yy.shape)
    fit = fit_panel(
        yy, np.stack(columns, axis=2), weights, model="sdm", effects=effects, estimator=estimator, cov=cov, names=names
    )
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
    W: Matrix | SpatialWeights,
    controls: ArrayLike | None = None,
    *,
    levels: Mapping[str, float] | None = None,
    effects: str = "twoways",
    estimator: str = "lee_yu",
    cov: str | Robust = "cluster",
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
    columns, names = [xx, (xx - xx.mean()) * (lag - lag.mean())], ["x", "x:Wx"]
    columns, names = _with_controls(columns, names, controls, yy.shape)
    fit = fit_panel(
        yy,
        np.stack(columns, axis=2),
        weights,
        model="sdm",
        effects=effects,
        estimator=estimator,
        cov=cov,
        names=names,
        durbin=[j for j, name in enumerate(names) if name != "x:Wx"],
    )
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


def _read(y: ArrayLike, x: ArrayLike, W: Matrix | SpatialWeights) -> tuple[FloatArray, FloatArray, SpatialWeights]:
    yy, xx, weights = np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64), spatial_weights(W)
    if yy.ndim != 2 or xx.shape != yy.shape or len(yy) != weights.n:
        raise PanelInputError(f"y and x need one shape (N, T), N = {weights.n}: got {yy.shape} and {xx.shape}.")
    if not weights.is_row_normalised:
        raise PanelInputError("moderated effects need rows of W that sum to one.")
    return yy, xx, weights


def _check_moderator(m: FloatArray, shape: tuple[int, ...]) -> None:
    if m.shape != shape:
        raise PanelInputError(f"the moderator must be (N,) or (N, T) = {shape}, got {m.shape}.")
    if not np.isfinite(m).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(m))[0])
        raise PanelInputError(f"the moderator holds a missing or infinite value at {place} (city, year).")
    if np.ptp(m) == 0:
        raise PanelInputError("the moderator does not vary.")


def _with_controls(
    columns: list[FloatArray], names: list[str], controls: ArrayLike | None, shape: tuple[int, ...]
) -> tuple[list[FloatArray], list[str]]:
    if controls is None:
        return columns, names
    c = np.asarray(controls, dtype=np.float64)
    if c.ndim != 3 or c.shape[:2] != shape:
        raise PanelInputError(f"controls must be (N, T, k) with N, T = {shape}, got {c.shape}.")
    extra = range(c.shape[2])
    return [*columns, *(c[:, :, k] for k in extra)], [*names, *(f"control_{k + 1}" for k in extra)]
