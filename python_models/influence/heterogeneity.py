"""Effects by group of cities with the whole W: interactions, no split samples (docs/formulas.md#group-effects)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.inference import Wald
from python_models.influence.spillover import Linear, Matrix, SpilloverFit, fit_spillover
from python_models.regression import PanelInputError, Robust, SpatialWeights, spatial_weights
from python_models.regression.errors import estimable

Side = Literal["emitter", "receiver"]
EFFECTS = ("direct", "indirect", "total")


@dataclass(frozen=True, eq=False)
class GroupEffects(Shown):
    """fit with beta_g ('own:g') and theta_g ('lag:g'); effects (3 a group); Wald of equal slopes over the groups."""

    fit: SpilloverFit
    groups: tuple[str, ...]
    effects: Linear
    side: Side
    wald: Wald

    @property
    def p_equal(self) -> float:
        return self.wald.p

    @property
    def contrasts(self) -> list[dict[str, float]]:
        """Rows of R in R theta = 0: beta_g and theta_g against those of the first group."""
        return _contrasts(self.groups)

    def to_frame(self) -> pd.DataFrame:
        """One row per group and effect: point, se, lower, upper, p (delta method)."""
        found = self.effects.normal()
        return pd.DataFrame(
            {
                "group_code": np.repeat(np.array(self.groups, dtype=object), len(EFFECTS)),
                "effect": list(EFFECTS) * len(self.groups),
                "point": self.effects.point,
                "se": self.effects.std_error,
                "lower": found.lower,
                "upper": found.upper,
                "p": found.p,
            }
        ).assign(p_equal=self.p_equal)


@aligned
@estimable("the effects by group")
def group_effects(
    y: ArrayLike,
    x: ArrayLike,
    W: Matrix | SpatialWeights,
    groups: Sequence[object],
    controls: ArrayLike | None = None,
    *,
    side: Side = "emitter",
    effects: str = "twoways",
    estimator: str = "lee_yu",
    cov: str | Robust = "cluster",
) -> GroupEffects:
    """y = rho W y + sum_g 1[g] x beta_g + spillovers by group + controls + effects; y, x: (N, T), groups: (N,).

    side 'emitter': theta_g goes with the group of the neighbour that emits, W (1[g] x); 'receiver': with that of the
    city that receives, 1[g] (W x). Effects of a group: direct = mean own diagonal of S over its cities; indirect =
    mean column sum (emitter: what a city gives) or row sum (receiver: what it gets) without the diagonal. Wald:
    beta_g and theta_g equal over groups, 2 (G - 1) degrees of freedom. PanelInputError: fewer than two groups.

    >>> from python_models.influence import group_effects
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> group_effects(y, x, W, ["e"] * 6 + ["w"] * 6).to_frame().shape
    (6, 8)
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
    fit = fit_spillover(
        y, x, weights, matrices, controls, with_own=False, effects=effects, estimator=estimator, cov=cov
    )
    axis = 0 if side == "emitter" else 1

    def functional(multiplier: FloatArray) -> FloatArray:
        own = np.diag(multiplier)
        total = multiplier.sum(axis=axis)
        means = [(own[m > 0].mean(), total[m > 0].mean()) for m in masks.values()]
        return np.array([value for d, t in means for value in (d, t - d, t)])

    return GroupEffects(fit, names, fit.effects(functional), side, fit.wald(_contrasts(names)))


def _contrasts(names: tuple[str, ...]) -> list[dict[str, float]]:
    first, *others = names
    return [{f"{part}:{g}": 1.0, f"{part}:{first}": -1.0} for part in ("own", "lag") for g in others]
