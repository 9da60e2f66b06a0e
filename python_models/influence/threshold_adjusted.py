"""Level-adjusted test of a threshold: the largest Wald over the candidates, its p from multipliers of whole cities.

Synergy rises with the level, so on a convex index slopes seem to jump with synergy where nothing jumps. With the scale,
the controls and the influences of `level_adjusted`, at each candidate g

    c(g) = theta_high(g) - theta_low(g),   psi_i(g) = what city i adds to c(g),   Wald(g) = c(g)^2 / sum_i psi_i(g)^2

Under equal slopes sup Wald(g) is distributed as sup [sum_i xi_i psi_i(g)]^2 / sum_i psi_i(g)^2 with xi_i ~ N(0, 1):
that is drawn, all candidates with the same xi (Hansen 1996, Econometrica 64).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from python_models._types import ArrayLike, FloatArray
from python_models.influence.level_adjusted import LevelAdjusted, level_adjusted
from python_models.influence.spatial_threshold import Side, candidates, regime_matrices
from python_models.influence.spillover import Matrix
from python_models.regression import PanelInputError, SpatialWeights, spatial_weights
from python_models.regression.errors import estimable


@dataclass(frozen=True, eq=False)
class AdjustedThreshold:
    """gamma of the largest Wald, c(gamma), that Wald and its p; grid, wald (G,): every candidate.

    The estimate was searched for, so that its size and error at gamma are no test of their own.
    """

    gamma: float
    difference: float
    statistic: float
    p: float
    grid: FloatArray
    wald: FloatArray


@estimable("the level-adjusted threshold test")
def adjusted_threshold(
    y: ArrayLike,
    x: ArrayLike,
    q: ArrayLike,
    W: Matrix | SpatialWeights,
    controls: ArrayLike | None = None,
    *,
    side: Side = "emitter",
    n_grid: int = 25,
    trim: float = 0.15,
    draws: int = 999,
    rng: np.random.Generator,
) -> AdjustedThreshold:
    """Test whether the spillover differs between cities below and above some value of q. y, x: (N, T); q: (N,), fixed.

    side as in `spatial_threshold`. The own slope may differ at the same candidate: `n_grid` quantiles that leave the
    share `trim` of the cities on each side. p = (1 + number of draws at or above) / (draws + 1). PanelInputError: as
    `level_adjusted`, q missing or without variation.
    """
    weights, q_ = spatial_weights(W), np.asarray(q, dtype=np.float64)
    if q_.shape != (weights.n,) or not np.isfinite(q_).all():
        raise PanelInputError(f"q must hold one known number a city ({weights.n}): threshold variables are fixed.")
    grid = candidates(q_, n_grid, trim)
    fits = [
        level_adjusted(y, x, weights, regime_matrices(weights, q_, g, side), controls, with_own=False) for g in grid
    ]
    gaps, psi = zip(*(_gap(fit) for fit in fits), strict=True)
    spread = np.stack([(one**2).sum() for one in psi])
    wald = np.square(gaps) / spread
    drawn = np.square(rng.standard_normal((draws, weights.n)) @ np.stack(psi, axis=1)) / spread
    best = int(wald.argmax())
    p = (1 + int((drawn.max(axis=1) >= wald[best]).sum())) / (draws + 1)
    return AdjustedThreshold(float(grid[best]), float(gaps[best]), float(wald[best]), p, grid, np.asarray(wald))


def _gap(found: LevelAdjusted) -> tuple[float, FloatArray]:
    """c and psi (N,) of one candidate."""
    core, at = found.fit.core, [found.fit.positions[f"lag:{side}"] for side in ("high", "low")]
    assert core.influence is not None  # level_adjusted clusters by city
    return float(core.params[at[0]] - core.params[at[1]]), core.influence[:, at[0]] - core.influence[:, at[1]]
