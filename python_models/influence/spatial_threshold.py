"""Does the spillover of a city depend on a threshold of its own synergy? (docs/formulas.md#spatial-threshold)"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.inference import p_from_draws
from python_models.influence.level_adjusted import level_adjusted
from python_models.influence.spillover import AnyWeights, SpilloverFit, fit_spillover
from python_models.influence.threshold import critical_lr
from python_models.regression import PanelInputError, SpatialWeights, spatial_weights
from python_models.regression.errors import estimable
from python_models.regression.within import within

Side = Literal["emitter", "receiver"]
TRIM = 0.15  # share of the cities on each side of a candidate


@dataclass(frozen=True, eq=False)
class SupWald(Shown):
    """Largest Wald over the candidates `grid`, c(gamma) there, and its p; wald (G,): every candidate.

    The estimate was searched for, so that its size and error at gamma are no test of their own.
    """

    gamma: float
    difference: float
    statistic: float
    p: float
    grid: FloatArray
    wald: FloatArray


@dataclass(frozen=True, eq=False)
class SpatialThreshold(Shown):
    """gamma with its LR interval, the test against no threshold over the first candidates (`test`), fit at gamma.

    lr : 2 (largest loglik - loglik without a threshold).   eta2 : what LR is divided by for the interval.
    fit terms: own:low, own:high, lag:low, lag:high (low: q <= gamma); grid, loglik (G,): the profile.
    """

    gamma: float
    low: float
    high: float
    lr: float
    test: SupWald
    side: Side
    grid: FloatArray
    loglik: FloatArray
    eta2: float
    fit: SpilloverFit

    @property
    def p(self) -> float:
        return self.test.p

    def profile(self) -> pd.DataFrame:
        """One row per candidate: gamma, loglik, lr against the maximum over eta2, in_interval (95 %)."""
        lr = 2 * (self.loglik.max() - self.loglik) / self.eta2
        return pd.DataFrame({"gamma": self.grid, "loglik": self.loglik, "lr": lr, "in_interval": lr <= critical_lr()})

    def to_frame(self) -> pd.DataFrame:
        """One row per term: theta, se, z, p, lower, upper."""
        return self.fit.theta()


@aligned
@estimable("the spatial threshold")
def spatial_threshold(
    y: ArrayLike,
    x: ArrayLike,
    q: ArrayLike,
    W: AnyWeights,
    controls: ArrayLike | None = None,
    *,
    side: Side = "emitter",
    n_grid: int = 100,
    trim: float = TRIM,
    draws: int = 999,
    rng: np.random.Generator,
) -> SpatialThreshold:
    """SDM whose slope and spillover differ below and above a threshold (docs/formulas.md#spatial-threshold).

    Parameters
    ----------
    y, x : (N, T) array or frame
        Outcome and explanatory variable.
    q : (N,) array or Series
        Threshold variable, lagged or of the base year.
    W, controls : as in `fit_spillover`
    side : {"emitter", "receiver"}
        W (x 1[q <= g]): the neighbour's q counts; 1[q <= g] (W x): that of the city itself.
    n_grid : int
        Quantiles of q that are candidates; then every value of q between the neighbours of the best one.
    trim : float
        Share of the cities that each side of a candidate keeps.
    draws : int
        Multiplier draws of whole cities behind the test.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    SpatialThreshold
        Threshold, its interval, slopes on both sides, and the test.

    Raises
    ------
    PanelInputError
        q does not vary, or is missing.

    Notes
    -----
    Profile likelihood over gamma. The interval holds LR / eta2 <= c(.05) and reaches to the next candidates that this
    rejects. Test: c(g) = theta_high(g) - theta_low(g) of a clustered fit, psi_i(g) what city i adds to it, Wald(g) =
    c(g)^2 / sum_i psi_i(g)^2; under equal slopes sup Wald(g) is distributed as sup [sum_i xi_i psi_i(g)]^2 / sum_i
    psi_i(g)^2 with xi_i ~ N(0, 1), the same for all g. On a convex index slopes seem to jump where nothing jumps:
    `adjusted_threshold`.

    References
    ----------
    Hansen (1996, Econometrica 64).

    Examples
    --------
    >>> from python_models.influence import spatial_threshold
    >>> rng = np.random.default_rng(1)
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> x = rng.normal(size=(12, 6))
    >>> y = 2 * x + W @ x + rng.normal(scale=0.1, size=(12, 6))
    >>> fit = spatial_threshold(y, x, np.arange(12.0), W, n_grid=3, draws=9, rng=rng)
    >>> fit.to_frame().shape
    (4, 7)
    """
    weights, q_ = spatial_weights(W), _fixed(q, spatial_weights(W).n, side)

    def at(g: float) -> SpilloverFit:
        return fit_spillover(y, x, weights, regime_matrices(weights, q_, g, side), controls, with_own=False)

    grid = candidates(q_, n_grid, trim)
    fits = [at(g) for g in grid]
    test = _sup_wald(grid, fits, draws, rng)
    none = fit_spillover(y, x, weights, {"lag": weights.matrix}, controls)
    loglik = np.array([fit.core.loglik for fit in fits])
    lr = 2 * (float(loglik.max()) - none.core.loglik)
    finer = _between(q_, grid, int(loglik.argmax()))
    fits += [at(g) for g in finer]
    grid = np.concatenate([grid, finer])
    order = np.argsort(grid)
    grid, loglik = grid[order], np.array([fits[i].core.loglik for i in order])
    best = int(loglik.argmax())
    fit = fits[order[best]]
    eta2 = _spread(fit, np.asarray(x, dtype=np.float64), side)
    inside = np.flatnonzero(2 * (loglik[best] - loglik) <= eta2 * critical_lr())
    low, high = grid[max(inside[0] - 1, 0)], grid[min(inside[-1] + 1, len(grid) - 1)]
    return SpatialThreshold(float(grid[best]), float(low), float(high), lr, test, side, grid, loglik, eta2, fit)


@aligned
@estimable("the level-adjusted threshold test")
def adjusted_threshold(
    y: ArrayLike,
    x: ArrayLike,
    q: ArrayLike,
    W: AnyWeights,
    controls: ArrayLike | None = None,
    *,
    n_grid: int = 25,
    draws: int = 999,
    rng: np.random.Generator,
    segments: Sequence[int] | None = None,
) -> SupWald:
    """Threshold test of the emitter in `spatial_threshold`, on the scale and with the controls of `level_adjusted`.

    Parameters
    ----------
    y, x : (N, T) array or frame
        Outcome and explanatory variable, above 0.
    q, W, controls : as in `spatial_threshold`
    n_grid : int
        Quantiles of q that are candidates.
    draws : int
        Multiplier draws of whole cities.
    rng : numpy.random.Generator
        Source of the draws.
    segments : as in `level_adjusted`

    Returns
    -------
    SupWald
        Largest Wald statistic over the candidates and its p.

    Raises
    ------
    PanelInputError
        As `level_adjusted`; q missing or without variation.

    References
    ----------
    Hansen (1996, Econometrica 64).

    Examples
    --------
    >>> from python_models.influence import adjusted_threshold
    >>> rng = np.random.default_rng(1)
    >>> W = np.roll(np.eye(40), 1, axis=1) / 2 + np.roll(np.eye(40), -1, axis=1) / 2
    >>> x = np.exp(rng.normal(size=(40, 8)))
    >>> y = np.exp(0.1 * x + rng.normal(scale=0.1, size=(40, 8)))
    >>> test = adjusted_threshold(y, x, np.arange(40.0), W, n_grid=3, draws=9, rng=rng)
    >>> bool(0 < test.p <= 1)
    True
    """
    weights, q_ = spatial_weights(W), _fixed(q, spatial_weights(W).n, "emitter")
    grid = candidates(q_, n_grid, TRIM)
    options: dict[str, Any] = {"controls": controls, "with_own": False, "segments": segments}
    fits = [level_adjusted(y, x, weights, regime_matrices(weights, q_, g, "emitter"), **options).fit for g in grid]
    return _sup_wald(grid, fits, draws, rng)


def _sup_wald(grid: FloatArray, fits: Sequence[SpilloverFit], draws: int, rng: np.random.Generator) -> SupWald:
    gaps, psi = [], []
    for fit in fits:
        core, at = fit.core, [fit.positions[f"lag:{part}"] for part in ("high", "low")]
        assert core.influence is not None  # the fit is clustered by city
        gaps.append(float(core.params[at[0]] - core.params[at[1]]))
        psi.append(core.influence[:, at[0]] - core.influence[:, at[1]])
    every = np.stack(psi, axis=1)
    spread = (every**2).sum(axis=0)
    wald = np.square(gaps) / spread
    wald_draws = np.square(rng.standard_normal((draws, len(every))) @ every) / spread
    best = int(wald.argmax())
    p = p_from_draws(wald_draws.max(axis=1), float(wald[best]))
    return SupWald(float(grid[best]), gaps[best], float(wald[best]), p, grid, wald)


def _spread(fit: SpilloverFit, x: FloatArray, side: Side) -> float:
    """eta2: variance of the scores of a move of one city across gamma, over that of independent errors of one variance.

    City j moves the fit by d_i,jt = A_ij x_jt (receiver: A_ji (Wx)_jt for its own row), A = jump of the own slope on
    the diagonal plus that of the lag times W; its score is the sum of d e over years and neighbours (Hansen 2000).
    """
    jump, lag = (
        fit.core.params[fit.positions[f"{part}:high"]] - fit.core.params[fit.positions[f"{part}:low"]]
        for part in ("own", "lag")
    )
    weights = np.asarray(fit.weights.matrix.todense())
    e = fit.core.residuals
    if side == "emitter":
        reach, x_shift = jump * np.eye(len(e)) + lag * weights, within(x, "twoways")
    else:
        reach, x_shift = np.eye(len(e)), within(jump * x + lag * (weights @ x), "twoways")
    scores = (reach * (e @ x_shift.T)).sum(axis=0)
    return float(scores @ scores / ((e**2).mean() * (reach**2 * (x_shift**2).sum(axis=1)).sum()))


def _fixed(q: ArrayLike, n: int, side: str) -> FloatArray:
    values = np.asarray(q, dtype=np.float64)
    if values.shape != (n,) or not np.isfinite(values).all():
        raise PanelInputError(f"q must hold one known number a city ({n}): threshold variables are fixed.")
    if side not in ("emitter", "receiver"):
        raise PanelInputError(f"unknown side {side!r}: choose emitter or receiver.")
    return values


def regime_matrices(weights: SpatialWeights, q: FloatArray, gamma: float, side: Side) -> dict[str, FloatArray]:
    """own:low, own:high (diagonal) and lag:low, lag:high (N, N): low holds q <= gamma, of the emitter or receiver."""
    full = np.asarray(weights.matrix.todense())
    low = (q <= gamma).astype(np.float64)
    parts = {"low": low, "high": 1 - low}
    matrices = {f"own:{name}": np.diag(part) for name, part in parts.items()}
    for name, part in parts.items():
        matrices[f"lag:{name}"] = full * (part[None, :] if side == "emitter" else part[:, None])
    return matrices


def _between(q: FloatArray, grid: FloatArray, best: int) -> FloatArray:
    """Values of q between the candidates beside the best one that are no candidates yet."""
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    return np.setdiff1d(q[(q > low) & (q < high)], grid)


def candidates(q: FloatArray, n_grid: int, trim: float) -> FloatArray:
    """`n_grid` quantiles of the distinct values of q (N,) that leave the share `trim` of the cities on each side."""
    distinct = np.unique(q)
    if distinct.size < 2:
        raise PanelInputError("the threshold variable q does not vary.")
    quantiles = np.unique(np.quantile(distinct, np.linspace(0, 1, n_grid), method="inverted_cdf"))
    below = np.array([(q <= g).mean() for g in quantiles])
    admissible = quantiles[(below >= trim) & (1 - below >= trim)]
    if admissible.size == 0:
        raise PanelInputError("no value of q leaves enough cities on both sides: lower `trim`.")
    return np.asarray(admissible)
