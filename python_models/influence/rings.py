"""How far a spillover reaches: rings of distance, boundary, half-distance (docs/formulas.md#rings)."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import optimize

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.inference import holm, sup_t_band
from python_models.influence.spillover import AnyWeights, SpilloverFit, fit_spillover
from python_models.regression import PanelInputError, spatial_weights
from python_models.regression.errors import estimable

Method = Literal["ring", "outer", "cumulative"]
LEAST_LEFT = 0.01  # of a fitted spillover from one band to the next
MIN_SHARE_WITH_NEIGHBOUR = 0.8
LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class DistanceDecay(Shown):
    """table: a row per band; boundary_km: None where no reach is established; kappa of c exp(-kappa d), its se.

    Reach: the far edge of the last band of the unbroken run, from the nearest band that can be tested on, whose
    simultaneous limits (sup-t over the bands) lie above zero. A far band that is significant alone establishes none.
    critical: the factor of the errors behind the simultaneous limits.
    """

    table: pd.DataFrame
    boundary_km: float | None
    critical: float
    kappa: float
    kappa_se: float

    @property
    def half_distance_km(self) -> float:
        """ln 2 / kappa; NaN where the fitted spillover does not decay."""
        return float(np.log(2) / self.kappa) if self.kappa > 0 else float("nan")

    def to_frame(self) -> pd.DataFrame:
        return self.table.copy()


def ring_matrices(distance: ArrayLike, edges: Sequence[float]) -> dict[str, FloatArray]:
    """Row-normalised masks (N, N) of links in [edge_b, edge_(b+1)) km, by the name of the ring.

    A city without a neighbour in a ring has a zero row.
    """
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


@aligned
@estimable("the spillover by distance")
def distance_decay(
    y: ArrayLike,
    x: ArrayLike,
    distance: ArrayLike,
    edges: Sequence[float],
    controls: ArrayLike | None = None,
    *,
    W: AnyWeights | None = None,
    method: Method = "ring",
    rng: np.random.Generator,
) -> DistanceDecay:
    """How far a spillover reaches: rings of distance (docs/formulas.md#rings).

    Parameters
    ----------
    y, x : (N, T) array or frame
        Outcome and explanatory variable.
    distance : (N, N) array
        Kilometres.
    edges : sequence of float
        Rising cut points of the rings in km.
    controls : (N, T, k) array, optional
        Further regressors, each also as W C.
    W : weights (N, N), optional
        Of rho W y, for `ring`; None: SLX.
    method : {"ring", "outer", "cumulative"}
        `ring`: all bands in one model; `outer` (`cumulative`): one SDM for each edge with w_ij = 1/d_ij beyond (up to)
        it, row-normalised.
    rng : numpy.random.Generator
        Draws the largest of the bands' t.

    Returns
    -------
    DistanceDecay
        theta of each band, simultaneous limits, Holm-adjusted p, reach and half-distance. Bands in which less than 80 %
        of the cities have a neighbour are in the table and not in the tests.

    Notes
    -----
    Errors are clustered by city, across the models of different edges too.

    Examples
    --------
    >>> from python_models.influence import distance_decay
    >>> rng = np.random.default_rng(1)
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> x = rng.normal(size=(12, 6))
    >>> y = 2 * x + W @ x + rng.normal(scale=0.1, size=(12, 6))
    >>> gap = np.abs(np.subtract.outer(np.arange(12.0), np.arange(12.0)))
    >>> distance_decay(y, x, gap, [0.5, 2, 4], rng=rng).to_frame().shape
    (2, 14)
    """
    d = _distances(distance)
    if method == "ring":
        table, influence = _rings(y, x, d, edges, controls, W)
    elif method in ("outer", "cumulative"):
        table, influence = _one_by_one(y, x, d, edges, controls, method)
    else:
        raise PanelInputError(f"unknown method {method!r}: choose ring, outer or cumulative.")
    is_testable = ((table["share_with_neighbour"] >= MIN_SHARE_WITH_NEIGHBOUR) & table["theta"].notna()).to_numpy()
    table["p_holm"] = holm(table["p"].where(is_testable).to_numpy())
    table["lower_all"], table["upper_all"] = np.nan, np.nan
    boundary, critical = None, float("nan")
    if is_testable.any():
        psi = np.stack([influence[name] for name in table.loc[is_testable, "name"]], axis=1)
        band = sup_t_band(table.loc[is_testable, "theta"].to_numpy(), psi.T @ psi, level=1 - LEVEL, rng=rng)
        table.loc[is_testable, "lower_all"], table.loc[is_testable, "upper_all"] = band.lower, band.upper
        critical = band.critical
        first = int(np.argmax(is_testable))
        # a band in between that cannot be tested ends the run: nothing is known there
        outer = is_testable[first:]
        run = min(band.run(), len(outer) if outer.all() else int(np.argmin(outer)))
        boundary = float(table["d_to_km"].iloc[first + run - 1]) if run else None
    kappa, kappa_se = _decay(table)
    return DistanceDecay(table, boundary, critical, kappa, kappa_se)


type Bands = tuple[pd.DataFrame, dict[str, FloatArray]]  # rows, and by name what each city adds to theta


def _rings(
    y: ArrayLike, x: ArrayLike, d: FloatArray, edges: Sequence[float], controls: ArrayLike | None, W: AnyWeights | None
) -> Bands:
    rings = ring_matrices(d, edges)
    inverse = np.where(d > 0, 1 / np.where(d > 0, d, 1.0), 0.0)
    weights = spatial_weights(W if W is not None else inverse / inverse.sum(axis=1, keepdims=True))
    links = {name: m for name, m in rings.items() if m.any()}
    fit = fit_spillover(y, x, weights, links, controls, with_lag=W is not None)
    rows = pd.DataFrame({"d_from_km": np.asarray(edges[:-1], float), "d_to_km": np.asarray(edges[1:], float)})
    rows["name"] = list(rings)
    rows["n_cities_with_neighbour"] = [int((rings[name].sum(axis=1) > 0).sum()) for name in rings]
    rows["share_with_neighbour"] = rows["n_cities_with_neighbour"] / len(d)
    return rows.merge(fit.theta(), on="name", how="left"), {name: _influence(fit, name) for name in links}


def _one_by_one(
    y: ArrayLike, x: ArrayLike, d: FloatArray, edges: Sequence[float], controls: ArrayLike | None, method: str
) -> Bands:
    """One SDM an edge: beyond it (outer: to the next bands and further) or up to it (cumulative)."""
    rows, influence = [], {}
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
                fit = fit_spillover(y, x, weights, {"W": weights.matrix}, controls)
            except PanelInputError as error:  # a W of far cities only may not identify rho: the band says so
                row["note"] = str(error)
            else:
                row |= {str(k): v for k, v in fit.theta().drop(columns="name").iloc[0].items()}
                influence[str(row["name"])] = _influence(fit, "W")
        rows.append(row)
    columns = ["theta", "se", "z", "p", "lower", "upper", "note"]
    table = pd.DataFrame(rows)
    return table.reindex(columns=[*table.columns, *(c for c in columns if c not in table)]), influence


def _influence(fit: SpilloverFit, name: str) -> FloatArray:
    """What each city adds to a theta."""
    assert fit.core.influence is not None  # the fit is clustered by city
    return fit.core.influence[:, fit.positions[name]]


def _decay(table: pd.DataFrame) -> tuple[float, float]:
    """kappa of theta(d) = c exp(-kappa d), weighted by 1/se, over mid-distances; NaN with fewer than three bands, and
    where less than LEAST_LEFT of it is left in the second band: then the first alone has a say."""
    rows = table[table["theta"].notna() & (table["se"] > 0)]
    if len(rows) < 3:
        return float("nan"), float("nan")
    middle = ((rows["d_from_km"] + rows["d_to_km"]) / 2).to_numpy()
    value, error = rows["theta"].to_numpy(), rows["se"].to_numpy()
    start = (value[0] if value[0] != 0 else 1.0, 1 / max(middle.mean(), 1e-9))

    def curve(at: FloatArray, c: float, kappa: float) -> FloatArray:
        return np.asarray(c * np.exp(-kappa * at))

    try:
        best, cov = optimize.curve_fit(curve, middle, value, start, error, absolute_sigma=True, maxfev=5000)
    except RuntimeError:
        return float("nan"), float("nan")
    if np.exp(-best[1] * (middle[1] - middle[0])) < LEAST_LEFT:
        return float("nan"), float("nan")
    return float(best[1]), float(np.sqrt(cov[1, 1]))


def _distances(distance: ArrayLike) -> FloatArray:
    d = np.asarray(distance, dtype=np.float64)
    if d.ndim != 2 or d.shape[0] != d.shape[1]:
        raise PanelInputError(f"distance must be (N, N), got shape {d.shape}.")
    if not np.isfinite(d).all() or (d < 0).any():
        raise PanelInputError("distances must be finite and not negative.")
    return d
