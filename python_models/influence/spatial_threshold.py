"""Does the spillover of a city depend on a threshold of its own synergy? (docs/formulas.md#spatial-threshold)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from python_models._types import ArrayLike, FloatArray
from python_models.influence.spillover import Matrix, SpilloverFit, fit_spillover
from python_models.influence.threshold import critical_lr
from python_models.regression import PanelInputError, SpatialWeights, spatial_weights
from python_models.regression.errors import estimable

Side = Literal["emitter", "receiver"]


@dataclass(frozen=True, eq=False)
class SpatialThreshold:
    """gamma with its LR interval, LR against no threshold (over the first candidates) with bootstrap p, fit at gamma.

    fit terms: own:low, own:high, lag:low, lag:high (low: q <= gamma); grid, loglik, lr (G,): the profile.
    """

    gamma: float
    low: float
    high: float
    lr: float
    p: float
    n_draws: int
    side: Side
    grid: FloatArray
    loglik: FloatArray
    fit: SpilloverFit

    def profile(self) -> pd.DataFrame:
        """One row per candidate: gamma, loglik, lr against the maximum, in_interval (95 %)."""
        lr = 2 * (self.loglik.max() - self.loglik)
        return pd.DataFrame(
            {"gamma": self.grid, "loglik": self.loglik, "lr": lr, "in_interval": lr <= critical_lr(0.05)}
        )

    def to_frame(self) -> pd.DataFrame:
        """One row per term: theta, se, z, p, lower, upper."""
        return self.fit.theta()

    def wald_lag_equal(self) -> tuple[float, float]:
        """(statistic, p) of equal spillovers below and above gamma, taken as given."""
        return self.fit.wald_equal("lag:low", "lag:high")


@estimable("the spatial threshold")
def spatial_threshold(
    y: ArrayLike,
    x: ArrayLike,
    q: ArrayLike,
    W: Matrix | SpatialWeights,
    controls: ArrayLike | None = None,
    *,
    side: Side = "emitter",
    n_grid: int = 100,
    trim: float = 0.15,
    draws: int = 0,
    rng: np.random.Generator | None = None,
    effects: str = "twoways",
    estimator: str = "lee_yu",
) -> SpatialThreshold:
    """Profile likelihood over gamma of the SDM whose own slope and spillover differ below and above it.

    y, x: (N, T); q: (N,), lagged or of the base year. side 'emitter': W (x 1[q <= g]), the neighbour's q counts;
    'receiver': 1[q <= g] (W x). Candidates: `n_grid` quantiles that leave the share `trim` of the cities on each side;
    then every value of q between the neighbours of the best one. The interval reaches to the next candidates that LR
    rejects, since nothing was tried in between. LR = 2 (max loglik - loglik without a threshold) over the `n_grid`
    quantiles; its p from `draws` parametric bootstrap panels of the model without one, searched alike (0: NaN).
    PanelInputError: q does not vary, or is missing.
    """
    weights = spatial_weights(W)
    q_ = np.asarray(q, dtype=np.float64)
    if q_.shape != (weights.n,) or not np.isfinite(q_).all():
        raise PanelInputError(f"q must hold one known number a city ({weights.n}): threshold variables are fixed.")
    if side not in ("emitter", "receiver"):
        raise PanelInputError(f"unknown side {side!r}: choose emitter or receiver.")
    if draws and rng is None:
        raise PanelInputError("the bootstrap needs `rng`, for example numpy.random.default_rng(2026).")
    grid = candidates(q_, n_grid, trim)
    yy = np.asarray(y, dtype=np.float64)
    model = _Model(np.asarray(x, dtype=np.float64), q_, weights, controls, side, effects, estimator)
    loglik = np.array([model.fit(yy, g).core.loglik for g in grid])
    none = model.fit(yy, None)
    lr = 2 * (float(loglik.max()) - none.core.loglik)
    p = float("nan")
    if draws and rng is not None:
        p = float(np.mean([model.drawn_lr(none, grid, rng) >= lr for _ in range(draws)]))
    finer = _between(q_, grid, int(loglik.argmax()))
    grid = np.concatenate([grid, finer])
    loglik = np.concatenate([loglik, [model.fit(yy, g).core.loglik for g in finer]])
    order = np.argsort(grid)
    grid, loglik = grid[order], loglik[order]
    best = float(grid[int(loglik.argmax())])
    inside = np.flatnonzero(2 * (loglik.max() - loglik) <= critical_lr(0.05))
    low, high = grid[max(inside[0] - 1, 0)], grid[min(inside[-1] + 1, len(grid) - 1)]
    return SpatialThreshold(best, float(low), float(high), lr, p, draws, side, grid, loglik, model.fit(yy, best))


@dataclass(frozen=True, eq=False)
class _Model:
    x: FloatArray
    q: FloatArray
    weights: SpatialWeights
    controls: ArrayLike | None
    side: Side
    effects: str
    estimator: str

    def fit(self, y: FloatArray, gamma: float | None) -> SpilloverFit:
        if gamma is None:
            matrices = {"lag": np.asarray(self.weights.matrix.todense())}
        else:
            matrices = regime_matrices(self.weights, self.q, gamma, self.side)
        return fit_spillover(
            y,
            self.x,
            self.weights,
            matrices,
            self.controls,
            with_own=gamma is None,
            effects=self.effects,
            estimator=self.estimator,
        )

    def drawn_lr(self, none: SpilloverFit, grid: FloatArray, rng: np.random.Generator) -> float:
        """LR of one panel drawn from the model without a threshold: its mean, normal errors, effects left out."""
        mean = none.multiplier(none.core.params) @ self.x
        shock = np.sqrt(none.core.sigma2) * rng.standard_normal(self.x.shape)
        filtered = np.eye(self.weights.n) - none.core.rho * np.asarray(self.weights.matrix.todense())
        y = mean + np.linalg.solve(filtered, shock + self._controls_part(none))
        top = max(self.fit(y, g).core.loglik for g in grid)
        return 2 * (top - self.fit(y, None).core.loglik)

    def _controls_part(self, none: SpilloverFit) -> FloatArray:
        if self.controls is None:
            return np.zeros(self.x.shape)
        c = np.asarray(self.controls, dtype=np.float64)
        part = np.zeros(self.x.shape)
        for k in range(c.shape[2]):
            part += none.core.params[none.positions[f"control_{k + 1}"]] * c[:, :, k]
            part += none.core.params[none.positions[f"W:control_{k + 1}"]] * self.weights.lag(c[:, :, k])
        return part


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
    values = np.unique(q[(q > low) & (q < high)])
    return np.setdiff1d(values, grid)


def candidates(q: FloatArray, n_grid: int, trim: float) -> FloatArray:
    """`n_grid` quantiles of the distinct values of q (N,) that leave the share `trim` of the cities on each side."""
    distinct = np.unique(q)
    if distinct.size < 2:
        raise PanelInputError("the threshold variable q does not vary.")
    wanted = np.unique(np.quantile(distinct, np.linspace(0, 1, n_grid), method="inverted_cdf"))
    below = np.array([(q <= g).mean() for g in wanted])
    kept = wanted[(below >= trim) & (1 - below >= trim)]
    if kept.size == 0:
        raise PanelInputError("no value of q leaves enough cities on both sides: lower `trim`.")
    return np.asarray(kept)
