"""Barriers to spillovers at a border: inside against across, by ring, by place (docs/formulas.md#barrier).

A ratio of two estimates: its interval is Fieller's, and the index is missing where theta_in is not above 0 at 5 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike
from python_models.inference import half_width, ratio_interval, wald
from python_models.influence.rings import ring_matrices
from python_models.influence.spillover import AnyWeights, Linear, SpilloverFit, fit_spillover
from python_models.regression import PanelInputError, spatial_weights
from python_models.regression.errors import estimable


@dataclass(frozen=True, eq=False)
class Barrier(Shown):
    """fit with theta inside and across; table: one row per ring ('all' = none)."""

    fit: SpilloverFit
    table: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """ring_id, theta_in, theta_out and errors, barrier_index 1 - out/in with Fieller's interval, p_equal."""
        return self.table.copy()

    def contrast(self, ring: str) -> dict[str, float]:
        """Weights of theta_in - theta_out of a ring, or of 'joint', the precision-weighted mean over the rings."""
        weight = {ring: 1.0}
        if ring == "joint":
            weight = joint_weights(self.table[self.table["ring_id"] != "joint"])
        return {f"{r}:{side}": sign * w for r, w in weight.items() for side, sign in (("in", 1.0), ("out", -1.0))}


@aligned
@estimable("the spillover across a border")
def border_barrier(
    y: ArrayLike,
    x: ArrayLike,
    W: AnyWeights,
    area: Sequence[object],
    controls: ArrayLike | None = None,
    *,
    distance: ArrayLike | None = None,
    edges: Sequence[float] | None = None,
    **options: Any,
) -> Barrier:
    """Barrier index of a border between areas, e.g. provinces (docs/formulas.md#barrier).

    Parameters
    ----------
    y, x, W : as in `fit_spillover`
    area : sequence of N labels
        Area of each city.
    controls : (N, T, k) array, optional
        Further regressors, each also as W C.
    distance : (N, N) array, optional
        Kilometres. Without it a border is confounded with distance: neighbours inside are nearer.
    edges : sequence of float, optional
        Rising cut points of the rings in km, with `distance`.
    **options : effects, estimator, cov
        As in `fit_spillover`.

    Returns
    -------
    Barrier
        One row a ring, Fieller's interval of the ratio, Wald p of theta_in = theta_out; row 'joint': precision-weighted
        mean over the rings.

    Notes
    -----
    b = 1 - theta_out / theta_in. Without `distance` W = W_in + W_out, not normalised again; with it theta inside and
    across within each ring.

    Examples
    --------
    >>> from python_models.influence import border_barrier
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> border_barrier(y, x, W, ["a"] * 6 + ["b"] * 6).to_frame().shape
    (1, 9)
    """
    weights = spatial_weights(W)
    labels = np.asarray(area)
    if labels.shape != (weights.n,):
        raise PanelInputError(f"area must have one label a city ({weights.n}), got shape {labels.shape}.")
    same = labels[:, None] == labels[None, :]
    if distance is None:
        parts = {"all": weights.matrix.toarray()}
    elif edges is None:
        raise PanelInputError("rings need `edges` in km beside `distance`.")
    else:
        parts = ring_matrices(distance, edges)
    sides = {"in": same, "out": ~same}
    matrices = {f"{ring}:{side}": m * mask for ring, m in parts.items() for side, mask in sides.items()}
    matrices = {name: m for name, m in matrices.items() if m.any()}
    fit = fit_spillover(y, x, weights, matrices, controls, **options)
    both = [ring for ring in parts if {f"{ring}:in", f"{ring}:out"} <= set(matrices)]
    if not both:
        raise PanelInputError("no ring has links both inside and across the border.")
    table = pd.DataFrame([_row(ring, fit.at([f"{ring}:in", f"{ring}:out"])) for ring in both])
    if len(both) > 1:
        weight = joint_weights(table)
        halves = [[{f"{ring}:{side}": w for ring, w in weight.items()}] for side in sides]
        loadings = np.concatenate([fit.restriction(half) for half in halves])
        joint = Linear(fit.core.params, fit.core.cov).combine(loadings)
        table = pd.concat([table, pd.DataFrame([_row("joint", joint)])], ignore_index=True)
    return Barrier(fit, table)


@aligned
@estimable("the spillover over a barrier")
def barrier_split(
    y: ArrayLike,
    x: ArrayLike,
    W: AnyWeights,
    is_behind: ArrayLike,
    controls: ArrayLike | None = None,
    *,
    scope: ArrayLike | None = None,
    **options: Any,
) -> Barrier:
    """Barrier index of any barrier (docs/formulas.md#barrier).

    Parameters
    ----------
    y, x, W : as in `fit_spillover`
    is_behind : (N, N) mask
        Links of W that cross the barrier.
    controls : (N, T, k) array, optional
        Further regressors, each also as W C.
    scope : (N, N) mask, optional
        Links that the index is about, e.g. those from a centre to its periphery; default: all. The others share one
        theta ('rest').
    **options : effects, estimator, cov
        As in `fit_spillover`.

    Returns
    -------
    Barrier
        One row, ring 'all'.

    Raises
    ------
    PanelInputError
        No link on one of the sides.

    Notes
    -----
    b = 1 - theta_out / theta_in, with Fieller's interval; missing where theta_in is not above 0 at 5 %.

    Examples
    --------
    >>> from python_models.influence import barrier_split
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> is_behind = np.add.outer(np.arange(12) < 6, np.arange(12) < 6) == 1
    >>> barrier_split(y, x, W, is_behind).to_frame().shape
    (1, 9)
    """
    weights = spatial_weights(W)
    full = weights.matrix.toarray()
    behind = np.asarray(is_behind, dtype=np.bool_)
    in_scope = np.ones(full.shape, dtype=np.bool_) if scope is None else np.asarray(scope, dtype=np.bool_)
    if behind.shape != full.shape or in_scope.shape != full.shape:
        raise PanelInputError(f"is_behind and scope must be {full.shape}, got {behind.shape} and {in_scope.shape}.")
    matrices = {"all:in": full * (in_scope & ~behind), "all:out": full * (in_scope & behind), "rest": full * ~in_scope}
    for side, words in (("all:in", "on this side of"), ("all:out", "behind")):
        if not matrices[side].any():
            raise PanelInputError(f"no link {words} the barrier: its effect cannot be estimated.")
    links = {k: m for k, m in matrices.items() if m.any()}
    fit = fit_spillover(y, x, weights, links, controls, **options)
    return Barrier(fit, pd.DataFrame([_row("all", fit.at(["all:in", "all:out"]))]))


def joint_weights(table: pd.DataFrame) -> dict[str, float]:
    """Weight of each ring in the joint row: precision of theta inside, summing to one."""
    weight = (1 / table["se_in"] ** 2).to_numpy()
    return {str(r): float(w) for r, w in zip(table["ring_id"], weight / weight.sum(), strict=True)}


def _row(ring: str, theta: Linear) -> dict[str, Any]:
    """theta = (inside, across) -> the row of the table."""
    inside, across, se_in, se_out = (float(v) for v in (*theta.point, *theta.std_error))
    is_positive = inside > half_width() * se_in  # a share of nothing, or of a loss, is no barrier
    low, high = ratio_interval(across, inside, theta.cov[::-1, ::-1])
    return {
        "ring_id": ring,
        "theta_in": inside,
        "se_in": se_in,
        "theta_out": across,
        "se_out": se_out,
        "barrier_index": 1 - across / inside if is_positive else np.nan,
        "lo": 1 - high if is_positive else np.nan,
        "hi": 1 - low if is_positive else np.nan,
        "p_equal": wald(theta.point, theta.cov, [[1.0, -1.0]]).p,
    }
