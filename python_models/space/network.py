"""Gravity network of cities: potential, not observed, links.

R_ij = k_ij U_i U_j / d_ij^2 with k_ij = U_i/(U_i + U_j); i -> j is a link if R_ij is above the mean of row i.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import BoolArray, FloatArray
from python_models.space.distance import distance_matrix
from python_models.space.moran import DEFAULT_SEED

MEASURES = ("density", "reciprocity", "cross_group_share")


@dataclass(frozen=True, eq=False)
class NetworkResult(Shown):
    """strength, links: (N, N), row sends.

    summary : density, reciprocity, cross_group_share (links across `group`), centre_reach_share (cities outside the
    centre with a link from or to a centre); `intervals` : 95 % percentile interval of the first three over resampled
    cities (vertex bootstrap, Snijders & Borgatti 1999).
    """

    cities: pd.Index
    strength: FloatArray
    links: BoolArray
    summary: dict[str, float]
    intervals: dict[str, tuple[float, float]]

    def to_frame(self) -> pd.DataFrame:
        """One row per city: city_id, out_degree."""
        return pd.DataFrame({"city_id": self.cities, "out_degree": self.links.sum(axis=1)})


@aligned
def gravity_network(
    points: Any,
    y: Any,
    *,
    metric: str = "haversine",
    group: Sequence[Hashable] | None = None,
    is_centre: Any = None,
    n_boot: int = 0,
    seed: int | None = DEFAULT_SEED,
) -> NetworkResult:
    """Gravity network of the cities of one year: potential, not observed, links.

    Parameters
    ----------
    points : (N, 2) array or frame
        Places of the cities.
    y : (N,) array or Series
        Masses U, positive.
    metric : {"haversine", "euclidean"}
        Distance of two points, as in `build_weights`.
    group : (N,) sequence, optional
        Group (province) of each city, for `cross_group_share`.
    is_centre : (N,) mask, optional
        Cities of the centre, for `centre_reach_share`.
    n_boot : int
        Resamples of cities for the intervals of the summary; 0: none.
    seed : int, optional
        Seed of the resamples.

    Returns
    -------
    NetworkResult
        Strengths, links, summary.

    Raises
    ------
    ValueError
        A mass that is not positive, NaN, or two cities at one point.

    Notes
    -----
    R_ij = k_ij U_i U_j / d_ij^2 with k_ij = U_i/(U_i + U_j); i -> j is a link if R_ij is above the mean of row i.

    References
    ----------
    Vertex bootstrap: Snijders and Borgatti (1999).

    Examples
    --------
    >>> from python_models.space import gravity_network
    >>> points = [[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]
    >>> gravity_network(points, [1.0, 2.0, 3.0], metric="euclidean").to_frame().shape
    (3, 2)
    """
    labels = points.index if isinstance(points, pd.DataFrame) else pd.RangeIndex(len(points))
    if isinstance(y, pd.Series) and isinstance(points, pd.DataFrame):
        y = y.reindex(points.index)
    places, mass = np.array(points, dtype=np.float64), np.array(y, dtype=np.float64)
    if mass.shape != (len(places),) or not (np.isfinite(mass) & (mass > 0)).all():
        bad = int(np.argmax(~(mass > 0))) if mass.ndim == 1 else 0
        raise ValueError(f"y needs one positive number per city, see city {labels[bad]}.")
    if not np.isfinite(places).all():
        raise ValueError(f"city {labels[int(np.argmax(~np.isfinite(places).all(axis=1)))]} has no point.")
    d = distance_matrix(places, metric)
    np.fill_diagonal(d, np.inf)
    if not (d > 0).all():
        i, j = np.argwhere(d <= 0)[0]
        raise ValueError(f"cities {labels[i]} and {labels[j]} lie at the same point: their distance is 0.")
    k = mass[:, None] / (mass[:, None] + mass[None, :])
    strength = k * mass[:, None] * mass[None, :] / d**2
    links = strength > strength.sum(axis=1, keepdims=True) / (len(mass) - 1)
    np.fill_diagonal(links, False)
    return NetworkResult(labels, strength, links, *_summary(links, group, is_centre, n_boot, seed))


def _summary(
    links: BoolArray, group: Any, is_centre: Any, n_boot: int, seed: int | None
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    n = len(links)
    a = links.astype(np.float64)
    code = None if group is None else pd.factorize(pd.Series(list(group)))[0]
    cross = None if code is None else a * (code[:, None] != code[None, :])
    once = _measures(np.ones((1, n)), a, cross)
    summary = {name: float(once[name][0]) for name in MEASURES}
    summary["centre_reach_share"] = float("nan")
    if is_centre is not None:
        centre = np.asarray(is_centre, dtype=np.bool_)
        is_reached = (links | links.T)[:, centre].any(axis=1)
        summary["centre_reach_share"] = float(is_reached[~centre].mean()) if (~centre).any() else float("nan")
    intervals = dict.fromkeys(MEASURES, (float("nan"), float("nan")))
    if n_boot:
        draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_boot).astype(np.float64)
        for name, values in _measures(draws, a, cross).items():
            lo, hi = np.nanquantile(values, [0.025, 0.975]) if not np.isnan(values).all() else (np.nan, np.nan)
            intervals[name] = (float(lo), float(hi))
    return summary, intervals


def _measures(draws: FloatArray, a: FloatArray, cross: FloatArray | None) -> dict[str, FloatArray]:
    """Density, reciprocity and cross share when city i counts draws[b, i] times, without its own copies."""
    links = _quadratic(draws, a)
    pairs = draws.sum(axis=1) ** 2 - (draws**2).sum(axis=1)
    safe = np.where(links > 0, links, np.nan)
    crossing = np.full(len(draws), np.nan) if cross is None else _quadratic(draws, cross)
    return {
        "density": links / np.where(pairs > 0, pairs, np.nan),
        "reciprocity": _quadratic(draws, a * a.T) / safe,
        "cross_group_share": crossing / safe,
    }


def _quadratic(draws: FloatArray, a: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("bi,bi->b", draws @ a, draws), dtype=np.float64)
