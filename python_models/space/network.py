"""Gravity network of cities: potential, not observed, links.

R_ij = k_ij U_i U_j / d_ij^2 with k_ij = U_i/(U_i + U_j); i -> j is a link if R_ij is above the mean of row i.
Betweenness: Brandes (2001); communities: Leicht & Newman (2008); positions by CONCOR: Breiger, Boorman & Arabie (1975).
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
    """strength, share k, links: (N, N), row sends; degrees, betweenness (0-1), block, community: (N,).

    summary : density, reciprocity, cross_group_share (links across `group`), centre_reach_share (cities outside the
    centre with a link from or to a centre), modularity; `intervals` : 95 % percentile interval of the first three over
    resampled cities (vertex bootstrap, Snijders & Borgatti 1999).
    """

    cities: pd.Index
    strength: FloatArray
    k: FloatArray
    links: BoolArray
    out_degree: Any
    in_degree: Any
    betweenness: FloatArray
    block: Any
    community: Any
    summary: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    n_boot: int
    seed: int | None

    def to_frame(self) -> pd.DataFrame:
        names = ("out_degree", "in_degree", "betweenness", "block", "community")
        return pd.DataFrame({"city_id": self.cities, **{name: getattr(self, name) for name in names}})


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
        Strengths, links, degrees, communities, summary.

    Raises
    ------
    ValueError
        A mass that is not positive, NaN, or two cities at one point.

    Notes
    -----
    R_ij = k_ij U_i U_j / d_ij^2 with k_ij = U_i/(U_i + U_j); i -> j is a link if R_ij is above the mean of row i.

    References
    ----------
    Betweenness: Brandes (2001); communities: Leicht and Newman (2008); positions: Breiger, Boorman and Arabie (1975);
    vertex bootstrap: Snijders and Borgatti (1999).

    Examples
    --------
    >>> from python_models.space import gravity_network
    >>> points = [[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]
    >>> gravity_network(points, [1.0, 2.0, 3.0], metric="euclidean").to_frame().shape
    (3, 6)
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
    community = communities(links)
    summary, intervals = _summary(links, group, is_centre, community, n_boot, seed)
    degrees = (links.sum(axis=1), links.sum(axis=0))
    per_city = (*degrees, betweenness(links), concor(links), community)
    return NetworkResult(labels, strength, k, links, *per_city, summary, intervals, n_boot, seed if n_boot else None)


def betweenness(links: BoolArray) -> FloatArray:
    """Share of the shortest paths between others that pass through each (N,); Brandes, all sources at once."""
    a = links.astype(np.float64)
    n = len(a)
    distance = np.where(np.eye(n, dtype=bool), 0.0, np.inf)
    paths = np.eye(n)
    level = 0
    while True:
        reached = np.where(distance == level, paths, 0.0) @ a
        new = np.isinf(distance) & (reached > 0)
        if not new.any():
            break
        level += 1
        distance[new] = level
        paths[new] = reached[new]
    passing = np.zeros((n, n))
    for step in range(level, 0, -1):
        share = np.where(distance == step, (1.0 + passing) / np.where(paths > 0, paths, 1.0), 0.0)
        passing += np.where(distance == step - 1, paths * (share @ a.T), 0.0)
    np.fill_diagonal(passing, 0.0)
    return np.asarray(passing.sum(axis=0) / max((n - 1) * (n - 2), 1), dtype=np.float64)


def communities(links: BoolArray) -> Any:
    """Community of each city (N,): split by the leading eigenvector of B + B', B as in `modularity`, while that raises
    it."""
    a = links.astype(np.float64)
    m = a.sum()
    label = np.zeros(len(a), dtype=np.int64)
    if not m:
        return label
    b = _surplus(a) + _surplus(a).T
    queue = [np.arange(len(a))]
    while queue:
        members = queue.pop()
        part = b[np.ix_(members, members)]
        part = part - np.diag(part.sum(axis=1))
        vector = np.linalg.eigh(part)[1][:, -1]
        side = vector > 0
        sign = np.where(side, 1.0, -1.0)
        if side.all() or not side.any() or sign @ part @ sign <= 1e-9 * m:
            continue
        label[members[side]] = label.max() + 1
        queue += [members[side], members[~side]]
    return pd.factorize(label)[0]


def modularity(links: BoolArray, label: Any) -> float:
    """Q = (1/m) sum_ij [A_ij - out_i in_j / m] 1[same label]; NaN without a link."""
    a, m = links.astype(np.float64), links.sum()
    if not m:
        return float("nan")
    same = np.asarray(label)[:, None] == np.asarray(label)[None, :]
    return float((_surplus(a) * same).sum() / m)


def _surplus(a: FloatArray) -> FloatArray:
    return np.asarray(a - np.outer(a.sum(axis=1), a.sum(axis=0)) / a.sum())


def concor(links: BoolArray, depth: int = 2) -> Any:
    """Position of each city: profiles of links correlated until +1 or -1, split by sign; then each half again."""
    block = np.zeros(len(links), dtype=np.int64)
    for _ in range(depth):
        split = block * 2
        for code in np.unique(block):
            members = np.flatnonzero(block == code)
            split[members] += _halves(links, members)
        block = split
    return block


def _halves(links: BoolArray, members: Any) -> Any:
    if len(members) < 3:
        return np.zeros(len(members), dtype=np.int64)
    profile = np.hstack([links[members], links[:, members].T]).astype(np.float64)
    flat = profile.std(axis=1) == 0
    if flat.any():
        return flat.astype(np.int64)
    r: FloatArray = np.asarray(np.corrcoef(profile), dtype=np.float64).reshape(len(members), len(members))
    for _ in range(60):
        centred = r - r.mean(axis=1, keepdims=True)
        size = np.sqrt((centred**2).sum(axis=1))
        if (size <= 1e-12).any():
            break
        r = (centred / size[:, None]) @ (centred / size[:, None]).T
        if np.abs(np.abs(r) - 1).max() < 1e-8:
            break
    return (r[0] < 0).astype(np.int64)


def _summary(
    links: BoolArray, group: Any, is_centre: Any, community: Any, n_boot: int, seed: int | None
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    n = len(links)
    a = links.astype(np.float64)
    code = None if group is None else pd.factorize(pd.Series(list(group)))[0]
    cross = None if code is None else a * (code[:, None] != code[None, :])
    once = _measures(np.ones((1, n)), a, cross)
    summary = {name: float(once[name][0]) for name in MEASURES}
    summary["modularity"] = modularity(links, community)
    summary["centre_reach_share"] = float("nan")
    if is_centre is not None:
        centre = np.asarray(is_centre, dtype=np.bool_)
        touched = (links | links.T)[:, centre].any(axis=1)
        summary["centre_reach_share"] = float(touched[~centre].mean()) if (~centre).any() else float("nan")
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
