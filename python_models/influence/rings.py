"""How far a spillover reaches: rings of distance, boundary, half-distance (docs/formulas.md#rings)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import optimize

from python_models._types import ArrayLike, FloatArray
from python_models.influence.spillover import Matrix, fit_spillover
from python_models.regression import PanelInputError, SpatialWeights, spatial_weights
from python_models.regression.errors import estimable

Method = Literal["ring", "outer", "cumulative"]
MIN_SHARE_WITH_NEIGHBOUR = 0.8
LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class DistanceDecay:
    """table: a row per band; boundary_km: None if no band has a significant gain; kappa of c exp(-kappa d), its se."""

    table: pd.DataFrame
    boundary_km: float | None
    kappa: float
    kappa_se: float

    @property
    def half_distance_km(self) -> float:
        """ln 2 / kappa; NaN where the fitted spillover does not decay."""
        return float(np.log(2) / self.kappa) if self.kappa > 0 else float("nan")

    def to_frame(self) -> pd.DataFrame:
        return self.table.copy()


def ring_matrices(distance: ArrayLike, edges: Sequence[float]) -> dict[str, FloatArray]:
    """Row-normalised masks of [edge_b, edge_(b+1)) km, (N, N) each; a city without a neighbour keeps a zero row."""
    d = _distances(distance)
    if len(edges) < 2 or any(b <= a for a, b in itertools.pairwise(edges)):
        raise PanelInputError(f"edges must be two or more rising distances, got {list(edges)}.")
    rings = {}
    for low, high in itertools.pairwise(edges):
        mask = ((d >= low) & (d < high)).astype(np.float64)
        np.fill_diagonal(mask, 0.0)
        total = mask.sum(axis=1, keepdims=True)
        rings[f"{low:g}-{high:g}"] = mask / np.where(total > 0, total, 1.0)
    return rings


@estimable("the spillover by distance")
def distance_decay(
    y: ArrayLike,
    x: ArrayLike,
    distance: ArrayLike,
    edges: Sequence[float],
    controls: ArrayLike | None = None,
    *,
    W: Matrix | SpatialWeights | None = None,
    method: Method = "ring",
    effects: str = "twoways",
) -> DistanceDecay:
    """Spillover of x by distance: theta of each band, Holm-adjusted p, boundary and half-distance.

    y, x: (N, T); distance: (N, N) in km. `ring`: all bands in one model (SLX, or with rho W y when W is given); `outer`
    (`cumulative`): one SDM for each edge with w_ij = 1/d_ij beyond (up to) it, row-normalised. Bands in which less
    than 80 % of the cities have a neighbour are left out of the test and kept in the table. Boundary: the far edge of
    the unbroken run of bands with a significant gain that starts at the first such band.
    """
    d = _distances(distance)
    if method == "ring":
        table = _rings(y, x, d, edges, controls, W, effects)
    elif method in ("outer", "cumulative"):
        table = _one_by_one(y, x, d, edges, controls, method, effects)
    else:
        raise PanelInputError(f"unknown method {method!r}: choose ring, outer or cumulative.")
    table["p_holm"] = holm(table["p"].where(table["share_with_neighbour"] >= MIN_SHARE_WITH_NEIGHBOUR).to_numpy())
    kappa, kappa_se = _decay(table)
    return DistanceDecay(table, _boundary(table), kappa, kappa_se)


def holm(p: FloatArray) -> FloatArray:
    """Holm (1979) adjusted p-values; NaN stays NaN and is not counted."""
    out = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    running = 0.0
    for rank, at in enumerate(order):
        running = max(running, (len(order) - rank) * p[at])
        out[at] = min(running, 1.0)
    return out


def _rings(
    y: ArrayLike,
    x: ArrayLike,
    d: FloatArray,
    edges: Sequence[float],
    controls: ArrayLike | None,
    W: Matrix | SpatialWeights | None,
    effects: str,
) -> pd.DataFrame:
    rings = ring_matrices(d, edges)
    weights = spatial_weights(W if W is not None else _inverse_distance(d))
    linked = {name: m for name, m in rings.items() if m.any()}
    fit = fit_spillover(y, x, weights, linked, controls, with_lag=W is not None, effects=effects)
    rows = _bands(edges).assign(name=list(rings))
    rows["n_cities_with_neighbour"] = [int((rings[name].sum(axis=1) > 0).sum()) for name in rings]
    rows["share_with_neighbour"] = rows["n_cities_with_neighbour"] / len(d)
    return rows.merge(fit.theta(), on="name", how="left")


def _one_by_one(
    y: ArrayLike,
    x: ArrayLike,
    d: FloatArray,
    edges: Sequence[float],
    controls: ArrayLike | None,
    method: str,
    effects: str,
) -> pd.DataFrame:
    """One SDM an edge: beyond it (outer: to the next bands and further) or up to it (cumulative)."""
    rows = []
    for low, high in itertools.pairwise(edges):
        keep = d >= low if method == "outer" else d < high
        inverse = np.where(keep, 1 / np.where(d > 0, d, np.inf), 0.0)
        has = inverse.sum(axis=1) > 0
        row: dict[str, object] = {
            "d_from_km": float(low),
            "d_to_km": float(high),
            "name": f"{low:g}-{high:g}",
            "n_cities_with_neighbour": int(has.sum()),
            "share_with_neighbour": float(has.mean()),
        }
        if has.all():
            weights = spatial_weights(inverse / inverse.sum(axis=1, keepdims=True))
            try:
                fit = fit_spillover(y, x, weights, {"W": weights.matrix}, controls, effects=effects)
            except PanelInputError as error:  # a W of far cities only may not identify rho: the band says so
                row["note"] = str(error)
            else:
                row |= {str(k): v for k, v in fit.theta().drop(columns="name").iloc[0].items()}
        rows.append(row)
    columns = ["theta", "se", "z", "p", "lower", "upper", "note"]
    table = pd.DataFrame(rows)
    return table.reindex(columns=[*table.columns, *(c for c in columns if c not in table)])


def _bands(edges: Sequence[float]) -> pd.DataFrame:
    return pd.DataFrame({"d_from_km": np.asarray(edges[:-1], float), "d_to_km": np.asarray(edges[1:], float)})


def _boundary(table: pd.DataFrame) -> float | None:
    # a spillover that reaches somewhere is a gain there: significant losses do not carry it further
    significant = ((table["p_holm"] <= LEVEL) & (table["theta"] > 0)).to_numpy()
    if not significant.any():
        return None
    first = int(np.argmax(significant))
    run = significant[first:]
    length = len(run) if run.all() else int(np.argmin(run))
    return float(table["d_to_km"].iloc[first + length - 1])


def _decay(table: pd.DataFrame) -> tuple[float, float]:
    """kappa of theta(d) = c exp(-kappa d), weighted by 1/se, over mid-distances; NaN with fewer than three bands."""
    known = table[table["theta"].notna() & (table["se"] > 0)]
    if len(known) < 3:
        return float("nan"), float("nan")
    middle = ((known["d_from_km"] + known["d_to_km"]) / 2).to_numpy()
    value, error = known["theta"].to_numpy(), known["se"].to_numpy()
    start = (value[0] if value[0] != 0 else 1.0, 1 / max(middle.mean(), 1e-9))
    try:
        best, cov = optimize.curve_fit(
            lambda at, c, kappa: c * np.exp(-kappa * at),
            middle,
            value,
            p0=start,
            sigma=error,
            absolute_sigma=True,
            maxfev=5000,
        )
    except RuntimeError:
        return float("nan"), float("nan")
    return float(best[1]), float(np.sqrt(cov[1, 1]))


def _distances(distance: ArrayLike) -> FloatArray:
    d = np.asarray(distance, dtype=np.float64)
    if d.ndim != 2 or d.shape[0] != d.shape[1]:
        raise PanelInputError(f"distance must be (N, N), got shape {d.shape}.")
    if not np.isfinite(d).all() or (d < 0).any():
        raise PanelInputError("distances must be finite and not negative.")
    return d


def _inverse_distance(d: FloatArray) -> FloatArray:
    inverse = np.where(d > 0, 1 / np.where(d > 0, d, 1.0), 0.0)
    return np.asarray(inverse / inverse.sum(axis=1, keepdims=True))
