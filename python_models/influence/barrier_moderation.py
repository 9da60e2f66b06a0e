"""Does a border hold back less where the receiving city is better placed? (docs/formulas.md#barrier)

    y = rho W y + beta x + (theta_in + h_in m_i) W_in x + (theta_out + h_out m_i) W_out x + controls + effects + e
    b(m) = 1 - (theta_out + h_out m) / (theta_in + h_in m)

m_i is known before the panel and fixed (production relations of its first year), so the city effects take its level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from python_models._types import ArrayLike, FloatArray
from python_models.influence.spillover import Matrix, SpilloverFit, fit_spillover
from python_models.regression import PanelInputError, SpatialWeights, spatial_weights
from python_models.regression.errors import estimable

PERCENTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
CHANGE = "p90-p10"
TERMS = ("in", "out", "in:m", "out:m")


@dataclass(frozen=True, eq=False)
class BarrierModeration:
    """fit; table: a row per level of m and one for the change from the lowest to the highest.

    wald, p : theta_in h_out = theta_out h_in, that is the index does not move with m, chi2(1) by the delta method.
    """

    fit: SpilloverFit
    table: pd.DataFrame
    wald: float
    p: float

    def to_frame(self) -> pd.DataFrame:
        """at_percentile, at_value, theta_in, se_in, theta_out, se_out, barrier_index, lo, hi, p_moderation."""
        return self.table.assign(wald=self.wald, p_moderation=self.p)


@estimable("the moderation of a border")
def moderated_barrier(
    y: ArrayLike,
    x: ArrayLike,
    W: Matrix | SpatialWeights,
    area: Sequence[object],
    moderator: ArrayLike,
    controls: ArrayLike | None = None,
    *,
    draws: int = 1000,
    rng: np.random.Generator,
    effects: str = "twoways",
) -> BarrierModeration:
    """Barrier index at the 10, 50 and 90 % points of a fixed moderator of the receiving city.

    y, x: (N, T); W: (N, N) row-normalised; area: label a city; moderator: (N,). theta at a level is the slope there;
    the index is null where theta_in is not above 0 at 5 %. Intervals: percentiles of draws of N(estimate, covariance).
    PanelInputError: no links on one side, a moderator that is missing or does not vary.
    """
    weights = spatial_weights(W)
    labels, m = np.asarray(area), np.asarray(moderator, dtype=np.float64)
    if labels.shape != (weights.n,) or m.shape != (weights.n,):
        raise PanelInputError(f"area and moderator need one value a city ({weights.n}).")
    if not np.isfinite(m).all() or np.ptp(m) == 0:
        raise PanelInputError("the moderator is missing in a city or does not vary.")
    full, same = weights.matrix.toarray(), labels[:, None] == labels[None, :]
    if not (full * same).any() or not (full * ~same).any():
        raise PanelInputError("W has no link on one side of the border: a barrier cannot be estimated.")
    centred = (m - m.mean())[:, None]
    parts = {"in": full * same, "out": full * ~same}
    fit = fit_spillover(
        y,
        x,
        weights,
        {**parts, **{f"{side}:m": centred * part for side, part in parts.items()}},
        controls,
        effects=effects,
    )
    at = [fit.positions[term] for term in TERMS]
    theta, cov = fit.core.params[at], fit.core.cov[np.ix_(at, at)]
    table = _table(theta, cov, m, rng.multivariate_normal(theta, cov, size=draws, method="eigh"))
    gap = float(theta[0] * theta[3] - theta[1] * theta[2])
    gradient = np.array([theta[3], -theta[2], -theta[1], theta[0]])
    wald = gap**2 / float(gradient @ cov @ gradient)
    return BarrierModeration(fit, table, wald, float(stats.chi2.sf(wald, 1)))


def _table(theta: FloatArray, cov: FloatArray, m: FloatArray, sample: FloatArray) -> pd.DataFrame:
    rows, indexes, points = [], [], []
    z = stats.norm.ppf(0.975)
    for label, share in PERCENTILES.items():
        value = float(np.quantile(m, share))
        v = value - m.mean()
        maps = np.array([[1.0, 0.0, v, 0.0], [0.0, 1.0, 0.0, v]])
        (inside, across), se = maps @ theta, np.sqrt(np.diag(maps @ cov @ maps.T))
        drawn = sample @ maps.T
        known = inside > z * se[0]
        index = 1.0 - drawn[:, 1] / drawn[:, 0]
        points.append(1.0 - across / inside if known else np.nan)
        indexes.append(index if known else np.full(len(index), np.nan))
        rows.append(
            {
                "at_percentile": label,
                "at_value": value,
                "theta_in": inside,
                "se_in": se[0],
                "theta_out": across,
                "se_out": se[1],
                "barrier_index": points[-1],
                **_limits(indexes[-1]),
            }
        )
    change = {"at_percentile": CHANGE, "barrier_index": points[-1] - points[0], **_limits(indexes[-1] - indexes[0])}
    return pd.DataFrame([*rows, change])


def _limits(values: FloatArray) -> dict[str, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return {"lo": float(low), "hi": float(high)}
