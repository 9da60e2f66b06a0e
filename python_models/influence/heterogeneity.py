"""Effects by group of cities with the whole W: interactions, no split samples (docs/formulas.md#group-effects)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from python_models._types import ArrayLike, FloatArray
from python_models.influence.spillover import Matrix, Simulated, SpilloverFit, fit_spillover
from python_models.regression import PanelInputError, SpatialWeights, spatial_weights
from python_models.regression.errors import estimable

Side = Literal["emitter", "receiver"]
EFFECTS = ("direct", "indirect", "total")


@dataclass(frozen=True, eq=False)
class GroupEffects:
    """fit with beta_g ('own:g') and theta_g ('lag:g'); simulated effects; Wald of equal slopes over the groups."""

    fit: SpilloverFit
    groups: tuple[str, ...]
    simulated: Simulated
    side: Side
    wald: float
    dof: int

    @property
    def p_equal(self) -> float:
        return float(stats.chi2.sf(self.wald, self.dof))

    @property
    def contrasts(self) -> list[dict[str, float]]:
        """Rows of R in R theta = 0: beta_g and theta_g against those of the first group."""
        return _contrasts(self.groups)

    def to_frame(self) -> pd.DataFrame:
        """One row per group and effect: point, se, lower, upper (simulated), p of the point over its error."""
        low, high = self.simulated.interval()
        se = self.simulated.std_error
        rows = []
        for g, group in enumerate(self.groups):
            for e, effect in enumerate(EFFECTS):
                at = 3 * g + e
                z = self.simulated.point[at] / se[at] if se[at] > 0 else np.nan
                rows.append((group, effect, self.simulated.point[at], se[at], low[at], high[at], _two_sided(z)))
        names = ["group_code", "effect", "point", "se", "lower", "upper", "p"]
        return pd.DataFrame(rows, columns=names).assign(p_equal=self.p_equal)


@estimable("the effects by group")
def group_effects(
    y: ArrayLike,
    x: ArrayLike,
    W: Matrix | SpatialWeights,
    groups: Sequence[object],
    controls: ArrayLike | None = None,
    *,
    side: Side = "emitter",
    draws: int = 1000,
    rng: np.random.Generator,
    effects: str = "twoways",
    estimator: str = "lee_yu",
) -> GroupEffects:
    """y = rho W y + sum_g 1[g] x beta_g + spillovers by group + controls + effects; y, x: (N, T), groups: (N,).

    side 'emitter': theta_g goes with the group of the neighbour that emits, W (1[g] x); 'receiver': with that of the
    city that receives, 1[g] (W x). Effects of a group: direct = mean own diagonal of S over its cities; indirect =
    mean column sum (emitter: what a city gives) or row sum (receiver: what it gets) without the diagonal. Wald:
    beta_g and theta_g equal over groups, 2 (G - 1) degrees of freedom. PanelInputError: fewer than two groups.
    """
    weights = spatial_weights(W)
    labels = np.asarray([str(g) for g in groups])
    if labels.shape != (weights.n,):
        raise PanelInputError(f"groups must have one label a city ({weights.n}), got shape {labels.shape}.")
    names = tuple(sorted(set(labels)))
    if len(names) < 2:
        raise PanelInputError("group effects need two groups or more.")
    if side not in ("emitter", "receiver"):
        raise PanelInputError(f"unknown side {side!r}: choose emitter or receiver.")
    full = np.asarray(weights.matrix.todense())
    masks = {g: (labels == g).astype(np.float64) for g in names}
    matrices = {f"own:{g}": np.diag(m) for g, m in masks.items()}
    matrices |= {f"lag:{g}": full * m[None, :] if side == "emitter" else full * m[:, None] for g, m in masks.items()}
    fit = fit_spillover(y, x, weights, matrices, controls, with_own=False, effects=effects, estimator=estimator)
    axis = 0 if side == "emitter" else 1

    def functional(multiplier: FloatArray) -> FloatArray:
        own = np.diag(multiplier)
        total = multiplier.sum(axis=axis)
        means = [(own[m > 0].mean(), total[m > 0].mean()) for m in masks.values()]
        return np.array([value for d, t in means for value in (d, t - d, t)])

    wald, dof = fit.wald(_contrasts(names))
    return GroupEffects(fit, names, fit.simulate(functional, draws=draws, rng=rng), side, wald, dof)


def _contrasts(names: tuple[str, ...]) -> list[dict[str, float]]:
    first, *others = names
    return [{f"{part}:{g}": 1.0, f"{part}:{first}": -1.0} for part in ("own", "lag") for g in others]


def _two_sided(z: float) -> float:
    return float(2 * stats.norm.sf(abs(z)))
