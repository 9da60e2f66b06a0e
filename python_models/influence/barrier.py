"""Barriers to spillovers at a border: inside against across, also by ring of distance (docs/formulas.md#barrier)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from python_models._types import ArrayLike, FloatArray
from python_models.influence.rings import ring_matrices
from python_models.influence.spillover import Matrix, SpilloverFit, fit_spillover
from python_models.regression import PanelInputError, SpatialWeights, spatial_weights
from python_models.regression.errors import estimable

LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Barrier:
    """fit with theta inside and across; table: one row per ring ('all' = none)."""

    fit: SpilloverFit
    table: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """ring_id, theta_in, theta_out and errors, barrier_index 1 - out/in with simulated and Fieller interval."""
        return self.table.copy()

    def contrast(self, ring: str) -> dict[str, float]:
        """Weights of theta_in - theta_out of a ring, or of 'joint', the precision-weighted mean over the rings."""
        weight = {ring: 1.0}
        if ring == "joint":
            weight = joint_weights(self.table[self.table["ring_id"] != "joint"])
        return {f"{r}:{side}": sign * w for r, w in weight.items() for side, sign in (("in", 1.0), ("out", -1.0))}


@estimable("the spillover across a border")
def border_barrier(
    y: ArrayLike,
    x: ArrayLike,
    W: Matrix | SpatialWeights,
    area: Sequence[object],
    controls: ArrayLike | None = None,
    *,
    distance: ArrayLike | None = None,
    edges: Sequence[float] | None = None,
    draws: int = 1000,
    rng: np.random.Generator,
    effects: str = "twoways",
) -> Barrier:
    """Barrier index b = 1 - theta_out / theta_in of a border (same `area`, e.g. province), y, x: (N, T).

    Without `distance`: W = W_in + W_out (not re-normalised), so a border is confounded with distance: neighbours inside
    are nearer. With `distance` (N, N) km and `edges`: theta inside and across within each ring (headline). Per ring:
    simulated percentile interval and Fieller interval of the ratio, Wald p of theta_in = theta_out. The index is NaN
    where theta_in is not above 0 at 5 %. Row 'joint': precision-weighted mean over the rings that have one.
    """
    weights = spatial_weights(W)
    labels = np.asarray(area)
    if labels.shape != (weights.n,):
        raise PanelInputError(f"area must have one label a city ({weights.n}), got shape {labels.shape}.")
    same = labels[:, None] == labels[None, :]
    if distance is None:
        parts = {"all": weights.matrix.toarray()}
    else:
        if edges is None:
            raise PanelInputError("rings need `edges` in km beside `distance`.")
        parts = ring_matrices(distance, edges)
    matrices = {}
    for ring, matrix in parts.items():
        for side, mask in (("in", same), ("out", ~same)):
            if (matrix * mask).any():
                matrices[f"{ring}:{side}"] = matrix * mask
    fit = fit_spillover(y, x, weights, matrices, controls, effects=effects)
    rows = [_row(fit, ring, draws, rng) for ring in parts if {f"{ring}:in", f"{ring}:out"} <= set(matrices)]
    if not rows:
        raise PanelInputError("no ring has links both inside and across the border.")
    table = pd.DataFrame(rows)
    if len(rows) > 1:
        table = pd.concat([table, pd.DataFrame([_joint(fit, table, draws, rng)])], ignore_index=True)
    return Barrier(fit, table)


@estimable("the spillover over a barrier")
def barrier_split(
    y: ArrayLike,
    x: ArrayLike,
    W: Matrix | SpatialWeights,
    is_behind: ArrayLike,
    controls: ArrayLike | None = None,
    *,
    scope: ArrayLike | None = None,
    draws: int = 1000,
    rng: np.random.Generator,
    effects: str = "twoways",
) -> Barrier:
    """Barrier index of any barrier: links of W that `is_behind` (N, N) marks against those it does not.

    scope (N, N) : links that are asked about (default all), e.g. those from a centre to its periphery; the others share
    one theta of their own ('rest'). One row, ring 'all'. PanelInputError: no link on one of the sides.
    """
    weights = spatial_weights(W)
    full = weights.matrix.toarray()
    behind, asked = np.asarray(is_behind, dtype=np.bool_), np.ones(full.shape, dtype=np.bool_)
    if scope is not None:
        asked = np.asarray(scope, dtype=np.bool_)
    if behind.shape != full.shape or asked.shape != full.shape:
        raise PanelInputError(f"is_behind and scope must be {full.shape}, got {behind.shape} and {asked.shape}.")
    matrices = {"all:in": full * (asked & ~behind), "all:out": full * (asked & behind), "rest": full * ~asked}
    for side, words in (("all:in", "on this side of"), ("all:out", "behind")):
        if not matrices[side].any():
            raise PanelInputError(f"no link {words} the barrier: its effect cannot be estimated.")
    fit = fit_spillover(y, x, weights, {k: m for k, m in matrices.items() if m.any()}, controls, effects=effects)
    return Barrier(fit, pd.DataFrame([_row(fit, "all", draws, rng)]))


def _row(fit: SpilloverFit, ring: str, draws: int, rng: np.random.Generator) -> dict[str, object]:
    at = [fit.positions[f"{ring}:in"], fit.positions[f"{ring}:out"]]
    return _ratio_row(ring, fit.core.params[at], fit.core.cov[np.ix_(at, at)], draws, rng)


def _joint(fit: SpilloverFit, table: pd.DataFrame, draws: int, rng: np.random.Generator) -> dict[str, object]:
    """One ratio for all rings: weighted means over the rings, weights from the precision of theta inside."""
    loadings = np.zeros((2, len(fit.core.params)))
    for ring, w in joint_weights(table).items():
        loadings[0, fit.positions[f"{ring}:in"]] = w
        loadings[1, fit.positions[f"{ring}:out"]] = w
    return _ratio_row("joint", loadings @ fit.core.params, loadings @ fit.core.cov @ loadings.T, draws, rng)


def joint_weights(table: pd.DataFrame) -> dict[str, float]:
    """Weight of each ring in the joint row: precision of theta inside, summing to one."""
    weight = (1 / table["se_in"] ** 2).to_numpy()
    return {str(r): float(w) for r, w in zip(table["ring_id"], weight / weight.sum(), strict=True)}


def _ratio_row(
    ring: str, theta: FloatArray, cov: FloatArray, draws: int, rng: np.random.Generator
) -> dict[str, object]:
    """theta = (inside, across) with covariance (2, 2) -> the row of the table."""
    inside, across = (float(v) for v in theta)
    se_in, se_out = np.sqrt(np.diag(cov))
    known = inside > stats.norm.ppf(1 - LEVEL / 2) * se_in  # a share of nothing, or of a loss, is no barrier
    sample = rng.multivariate_normal(theta, cov, size=draws)
    index = 1 - sample[:, 1] / sample[:, 0]
    low, high = np.quantile(index, [LEVEL / 2, 1 - LEVEL / 2]) if known else (np.nan, np.nan)
    fieller = fieller_interval(across, inside, cov[::-1, ::-1])
    gap = cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]
    return {
        "ring_id": ring,
        "theta_in": inside,
        "se_in": se_in,
        "theta_out": across,
        "se_out": se_out,
        "barrier_index": 1 - across / inside if known else np.nan,
        "lo": low,
        "hi": high,
        "fieller_lo": 1 - fieller[1] if known else np.nan,
        "fieller_hi": 1 - fieller[0] if known else np.nan,
        "p_equal": float(stats.chi2.sf((inside - across) ** 2 / gap, 1)),
    }


def fieller_interval(a: float, b: float, cov: FloatArray, level: float = 0.95) -> tuple[float, float]:
    """Interval of a / b for jointly normal estimates with covariance `cov` (2, 2) of (a, b); infinite if b may be 0."""
    g = stats.norm.ppf(0.5 + level / 2) ** 2
    qa = b**2 - g * cov[1, 1]
    qb = a * b - g * cov[0, 1]
    qc = a**2 - g * cov[0, 0]
    under = qb**2 - qa * qc
    if qa <= 0 or under < 0:
        return float("-inf"), float("inf")
    root = float(np.sqrt(under))
    return float((qb - root) / qa), float((qb + root) / qa)
