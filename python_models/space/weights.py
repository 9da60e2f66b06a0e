"""The weights catalogue: one function for every W of docs/formulas.md#weights, on a labelled PySAL graph."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from python_models._types import BoolArray, FloatArray
from python_models._validate import require_unique
from python_models.space.distance import distance_matrix, pair_distances, tree, tree_radius
from python_models.space.graph import CityGraph, labels_of, normalise, to_graph, to_sparse

DISTANCE_KINDS = ("invd", "nested", "geo_econ", "center_periphery")
KINDS = (*DISTANCE_KINDS, "queen", "knn", "expd", "econ", "band", "same_prov", "diff_prov")
TIE_DIGITS = 9  # decimals of a km (or of the plane's unit): nearer than a micrometre is a tie
ATTACHED_KINDS = {"queen", "invd", "expd"}  # rings and masks keep their empty rows


def build_weights(
    kind: str,
    *,
    labels: Sequence[Hashable] | None = None,
    points: Any = None,
    metric: str = "haversine",
    edges: Any = None,
    k: int = 6,
    power: float | None = None,
    cutoff: float | str | None = None,
    scale: float | None = None,
    ring: tuple[float, float] | None = None,
    mass: Any = None,
    phi: float = 0.5,
    group: Any = None,
    is_centre: Any = None,
    base: Any = None,
    attach_islands: bool | None = None,
    normalisation: str = "row",
) -> CityGraph:
    """Spatial weights of one kind: row i receives, column j emits, w_ii = 0.

    Parameters
    ----------
    kind : str
        One of the kinds in the notes.
    labels : sequence, optional
        N city labels; default: the index of `points`, `mass` or `base`, else positions.
    points : (N, 2) array or frame, optional
        Longitude and latitude (`metric="haversine"`, km) or plane coordinates (`metric="euclidean"`, their unit). A
        frame is matched by its index.
    metric : {"haversine", "euclidean"}
        Distance of two points.
    edges : pairs of labels, optional
        Neighbours, for `queen`.
    k : int
        Number of neighbours, for `knn`.
    power : float, optional
        Exponent of the distance; default 1, in a ring 0.
    cutoff : float or "no_island", optional
        Longest distance of a link; "no_island": the longest distance to a nearest city; None: none.
    scale : float, optional
        h of `expd`; default: the median distance to the nearest city.
    ring : (a, b), optional
        Distances of `band`.
    mass : (N,) array or Series, optional
        Economic size E, for `econ`, `nested`, `geo_econ`, `center_periphery`.
    phi : float
        Share of distance in `nested`.
    group : (N,) sequence or Series, optional
        Group (province) of each city, for `same_prov` and `diff_prov`.
    is_centre : (N,) mask, optional
        Cities of the centre, for `center_periphery`.
    base : weights, optional
        What `same_prov` and `diff_prov` start from; default `invd`.
    attach_islands : bool, optional
        Whether a city without a neighbour is linked to its nearest one, both ways, with the weight that its distance
        has in this kind (queen and knn: 1), and listed in `.attached`. Default: not for rings and masks, where an empty
        row means something.
    normalisation : {"row", "spectral", "minmax", "raw"}
        As in `normalise`; `raw` for a mask of a normalised base.

    Returns
    -------
    CityGraph
        Labelled weights.

    Raises
    ------
    ValueError
        An unknown kind, a missing argument, two cities at one point where a distance is inverted, a city without a
        neighbour and without a point.

    Notes
    -----
    - queen: 1 for the pairs of `edges`.
    - invd: d^-power up to `cutoff`.
    - knn: 1 for the `k` nearest, ties by label.
    - expd: exp(-d/h).
    - econ: 1/|E_i - E_j|, differences floored at their 1st percentile.
    - nested: phi invd_row + (1 - phi) econ_row.
    - geo_econ: d^-power E_j / mean(E).
    - center_periphery: geo_econ without the links from the periphery into the centre.
    - band: 1[a <= d < b]; with `power` d^-power in the ring.
    - same_prov, diff_prov: `base` masked by equality of `group`.

    References
    ----------
    Anselin (1988), LeSage and Pace (2009).

    Examples
    --------
    >>> from python_models.space import build_weights, to_sparse
    >>> points = pd.DataFrame({"lon": [0.0, 1.0, 3.0], "lat": [0.0, 0.0, 0.0]}, index=["A", "B", "C"])
    >>> to_sparse(build_weights("knn", points=points, k=1)).toarray()
    array([[0., 1., 0.],
           [1., 0., 0.],
           [0., 1., 0.]])
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of weights '{kind}': choose from {', '.join(KINDS)}.")
    names = _labels(labels, points, mass, base, edges)
    at = None if points is None else _points(points, names)
    if kind in ("same_prov", "diff_prov"):
        raw = _base(base, names, at, metric, power or 1.0, cutoff)
    elif kind not in ("queen", "econ"):
        spots = _need(at, kind, "points")
    if kind in DISTANCE_KINDS:
        raw = inverse_distance(spots, names, metric, 1.0 if power is None else power, cutoff)
    if kind in ("econ", "nested", "geo_econ", "center_periphery"):
        economy = _vector(mass, names, kind)
    if kind == "queen":
        raw = queen_from_edges(_need(edges, kind, "edges"), names)
    elif kind == "knn":
        raw = nearest(spots, names, metric, k)
    elif kind == "expd":
        raw = exponential(spots, metric, scale, cutoff)
    elif kind == "band":
        raw = distance_ring(spots, names, metric, _need(ring, kind, "ring (a, b)"), power or 0.0)
    elif kind == "econ":
        raw = economic(economy, names)
    elif kind == "nested":
        near, alike = (to_sparse(normalise(to_graph(w))) for w in (raw, economic(economy, names)))
        raw = phi * near + (1 - phi) * alike
    elif kind in ("geo_econ", "center_periphery"):
        raw = emitter_mass(raw, economy, names)
    elif kind != "invd":
        provinces = per_city(_need(group, kind, "group (e.g. the province of each city)"), names, "group")
        raw = same_group_mask(raw, provinces, kind == "same_prov")
    if kind == "center_periphery":
        centre = per_city(_need(is_centre, kind, "is_centre"), names, "is_centre")
        raw = block_mask(raw, np.array(centre, dtype=np.bool_), ["cc", "pc", "pp"])
    attached: list[Hashable] = []
    if kind in ATTACHED_KINDS if attach_islands is None else attach_islands:
        raw, attached = _attach(raw, names, at, metric, kind, power, scale)
    only: dict[str, float] = {"k": k} if kind == "knn" else {"phi": phi} if kind == "nested" else {}
    params = {"metric": metric, "power": power, "cutoff": cutoff, "scale": scale, "ring": ring, **only}
    settings = {key: value for key, value in params.items() if value is not None}
    return normalise(to_graph(raw, names, kind=kind, params=settings, attached=attached), normalisation)


def per_city(values: Any, names: Sequence[Hashable], what: str) -> list[Any]:
    """One value per city in the order of `names`: a Series is matched by label. Raises ValueError for a gap."""
    if isinstance(values, pd.Series):
        values = values.reindex(list(names))
    items = list(values)
    if len(items) != len(names):
        raise ValueError(f"{what} needs one value per city ({len(names)}), got {len(items)}.")
    empty = pd.isna(pd.Series(items, dtype=object)).to_numpy()
    if empty.any():
        raise ValueError(f"{what} is missing for city {names[int(np.argmax(empty))]}.")
    return items


def _base(base: Any, names: list[Hashable], at: FloatArray | None, metric: str, power: float, cutoff: Any) -> Any:
    if base is None:
        spots = _need(at, "same_prov and diff_prov", "base or points")
        return inverse_distance(spots, names, metric, power, cutoff)
    if hasattr(base, "unique_ids") and list(base.unique_ids) != names:
        raise ValueError("labels and base must name the same cities in the same order.")
    return to_sparse(base)


def _attach(
    raw: Any,
    names: list[Hashable],
    at: FloatArray | None,
    metric: str,
    kind: str,
    power: float | None,
    scale: float | None,
) -> tuple[Any, list[Hashable]]:
    lone = np.flatnonzero(np.diff(sparse.csr_array(raw).indptr) == 0)
    if not len(lone) or len(names) < 2:
        return raw, []
    if at is None:
        raise ValueError(
            f"{len(lone)} cities have no neighbour, first {names[lone[0]]}: give points to tie them to their nearest "
            "city, or say attach_islands=False."
        )
    if len(at) < 5_000:
        near = sparse.coo_array(nearest(at, names, metric, 1))
        target = near.col[np.argsort(near.row)][lone]
    else:
        target = _nearest_of(at, lone, metric)
    d = pair_distances(at, lone, target, metric)
    value = np.ones(len(lone)) if kind in ("queen", "knn") else d ** -(power or 1.0)
    if kind == "expd":
        value = np.exp(-d / (scale or float(np.median(nearest_distances(at, metric)))))
    links = sparse.lil_array(raw)
    for i, j, v in zip(lone, target, value, strict=True):
        links[i, j] = links[j, i] = v
    return sparse.csr_array(links), [names[i] for i in lone]


def _nearest_of(at: FloatArray, lone: Any, metric: str) -> Any:
    finder, places = tree(at, metric)
    nearest = np.array(finder.query(places[lone], k=2)[1])
    return np.where(nearest[:, 0] == lone, nearest[:, 1], nearest[:, 0])


def _labels(labels: Sequence[Hashable] | None, points: Any, mass: Any, base: Any, edges: Any) -> list[Hashable]:
    frames = [source for source in (points, mass) if isinstance(source, pd.DataFrame | pd.Series)]
    sources = [source for source in (points, mass) if source is not None]
    if labels is not None:
        names = list(labels)
    elif frames:
        names = list(frames[0].index)
    elif base is not None:
        names = list(labels_of(base))
    elif sources:
        names = list(range(len(sources[0])))
    elif edges is not None:
        frame = pd.DataFrame(edges)
        names = sorted(set(frame.iloc[:, 0]) | set(frame.iloc[:, 1]), key=str)
    else:
        raise ValueError("give labels, points, mass, base or edges: there is nothing to make weights of.")
    require_unique(names, "city")
    return names


def _points(points: Any, names: list[Hashable]) -> FloatArray:
    if isinstance(points, pd.DataFrame):
        missing = [name for name in names if name not in points.index]
        if missing:
            raise ValueError(f"points know no city {missing[0]} ({len(missing)} missing).")
        points = points.loc[names]
    at = np.array(points, dtype=np.float64)
    if at.shape != (len(names), 2):
        raise ValueError(f"points need the shape ({len(names)}, 2), got {at.shape}.")
    bad = ~np.isfinite(at).all(axis=1)
    if bad.any():
        raise ValueError(f"city {names[int(np.argmax(bad))]} has no point ({int(bad.sum())} cities without).")
    return at


def _vector(mass: Any, names: list[Hashable], kind: str) -> FloatArray:
    vector = np.array(per_city(_need(mass, kind, "mass (one number per city)"), names, "mass"), dtype=np.float64)
    if not np.isfinite(vector).all():
        raise ValueError(f"the mass of city {names[int(np.argmax(~np.isfinite(vector)))]} is not finite.")
    return vector


def _need(value: Any, kind: str, what: str) -> Any:
    if value is None:
        raise ValueError(f"{kind} weights need {what}.")
    return value


def queen_from_edges(edges: Any, labels: Sequence[Hashable]) -> Any:
    """1 for each pair of the list, both ways; pairs with a city out of sample (not in `labels`) are left out."""
    frame = pd.DataFrame(edges)
    at = pd.Index(list[Any](labels))
    a, b = at.get_indexer(pd.Index(frame.iloc[:, 0])), at.get_indexer(pd.Index(frame.iloc[:, 1]))
    loop = (frame.iloc[:, 0] == frame.iloc[:, 1]).to_numpy(dtype=bool)
    if loop.any():
        raise ValueError(f"the edge list ties city {frame.iloc[int(np.argmax(loop)), 0]!s} to itself: drop that row.")
    keep = (a >= 0) & (b >= 0)
    a, b = a[keep], b[keep]
    matrix = sparse.csr_array((np.ones(2 * len(a)), (np.r_[a, b], np.r_[b, a])), shape=(len(at), len(at)))
    matrix.data[:] = 1.0  # a pair that is listed twice counts once
    return matrix


def inverse_distance(points: FloatArray, labels: Sequence[Hashable], metric: str, power: float, cutoff: Any) -> Any:
    """d^-power up to and including the cut-off (None: all; `no_island`: the longest one to a nearest city)."""
    i, j, d = _pairs(points, metric, cutoff)
    _no_zero(d, i, j, labels)
    return _symmetric(i, j, d**-power, len(points))


def exponential(points: FloatArray, metric: str, scale: float | None, cutoff: Any) -> Any:
    """exp(-d/h), h = median nearest-neighbour distance unless given."""
    h = float(np.median(nearest_distances(points, metric))) if scale is None else float(scale)
    if not h > 0:
        raise ValueError(f"the scale of the exponential weights must be positive, got {h}.")
    i, j, d = _pairs(points, metric, cutoff)
    return _symmetric(i, j, np.exp(-d / h), len(points))


def distance_ring(
    points: FloatArray, labels: Sequence[Hashable], metric: str, bounds: tuple[float, float], power: float
) -> Any:
    """1[a <= d < b], or d^-power inside the ring when power > 0."""
    low, high = bounds
    if not 0 <= low < high:
        raise ValueError(f"a ring needs 0 <= a < b, got [{low}, {high}).")
    i, j, d = _pairs(points, metric, None if np.isinf(high) else high)
    inside = (d >= low) & (d < high)
    i, j, d = i[inside], j[inside], d[inside]
    if power:
        _no_zero(d, i, j, labels)
    return _symmetric(i, j, d**-power if power else np.ones(len(d)), len(points))


def nearest(points: FloatArray, labels: Sequence[Hashable], metric: str, k: int) -> Any:
    """1 for the k nearest; among equally near ones the smaller label (city code) wins."""
    n = len(points)
    if not 0 < k < n:
        raise ValueError(f"k must lie between 1 and n - 1 = {n - 1}, got {k}.")
    finder, places = tree(points, metric)
    order = np.empty(n, dtype=np.int64)
    order[np.argsort(np.array([str(label) for label in labels]), kind="stable")] = np.arange(n)
    at = np.array(finder.query(places, k=min(n, k + 4))[1])
    cols = np.empty((n, k), dtype=np.int64)
    for i, near in enumerate(at):
        near = near[near != i]
        d = np.round(pair_distances(points, i, near, metric), TIE_DIGITS)
        if len(near) < n - 1 and np.sort(d)[k - 1] >= d.max():  # the tie may go on behind the last one asked for
            near = np.array(finder.query_ball_point(places[i], tree_radius(float(d.max()) + 1e-8, metric)))
            near = near[near != i]
            d = np.round(pair_distances(points, i, near, metric), TIE_DIGITS)
        cols[i] = near[np.lexsort((order[near], d))[:k]]
    return sparse.csr_array((np.ones(n * k), (np.repeat(np.arange(n), k), cols.ravel())), shape=(n, n))


def economic(mass: FloatArray, labels: Sequence[Hashable]) -> Any:
    """1/|E_i - E_j|, the difference floored at its 1st percentile over all pairs."""
    n = len(mass)
    i, j = np.triu_indices(n, 1)
    gap = np.abs(mass[i] - mass[j])
    floor = float(np.quantile(gap, 0.01))
    if not floor > 0:
        at = int(np.argmin(gap))
        raise ValueError(
            f"more than 1 % of the pairs have the same mass (e.g. {labels[i[at]]} and {labels[j[at]]}): "
            "economic distance is not defined."
        )
    return _symmetric(i, j, 1.0 / np.maximum(gap, floor), n)


def emitter_mass(base: Any, mass: FloatArray, labels: Sequence[Hashable]) -> Any:
    """w_ij E_j / mean(E): the mass of the emitter."""
    if (mass <= 0).any():
        raise ValueError(f"mass must be positive, see city {labels[int(np.argmax(mass <= 0))]}.")
    return sparse.csr_array(base @ sparse.diags_array(mass / mass.mean()))


def same_group_mask(base: Any, group: Sequence[Hashable], same: bool) -> Any:
    """The links inside (or across) groups, others dropped; both masks sum to `base` exactly."""
    codes = pd.factorize(pd.Series(list(group)))[0]
    w = sparse.coo_array(base)
    keep = (codes[w.row] == codes[w.col]) == same
    return sparse.csr_array((w.data[keep], (w.row[keep], w.col[keep])), shape=w.shape)


def block_mask(base: Any, is_centre: BoolArray, blocks: Sequence[str]) -> Any:
    """The links whose receiver and emitter (two letters, c or p, receiver first) are in `blocks`."""
    w = sparse.coo_array(base)
    side = np.where(is_centre, "c", "p")
    keep = np.isin(np.char.add(side[w.row], side[w.col]), list(blocks))
    return sparse.csr_array((w.data[keep], (w.row[keep], w.col[keep])), shape=w.shape)


def nearest_distances(points: FloatArray, metric: str) -> FloatArray:
    """Distance of each point to its nearest other point, shape (N,)."""
    rows = np.arange(len(points))
    return pair_distances(points, rows, _nearest_of(points, rows, metric), metric)


def _pairs(points: FloatArray, metric: str, cutoff: Any) -> tuple[Any, Any, FloatArray]:
    """Positions i < j and distance of all pairs up to the cut-off."""
    if cutoff is None:
        i, j = np.triu_indices(len(points), 1)
        return i, j, distance_matrix(points, metric)[i, j]
    limit = float(nearest_distances(points, metric).max()) if cutoff == "no_island" else float(cutoff)
    if not limit > 0:
        raise ValueError(f"the cut-off must be positive, got {limit}.")
    finder = tree(points, metric)[0]
    i, j = finder.query_pairs(tree_radius(limit, metric), output_type="ndarray").T
    d = pair_distances(points, i, j, metric)
    keep = d <= limit * (1 + 1e-12)
    return i[keep], j[keep], d[keep]


def _no_zero(d: FloatArray, i: Any, j: Any, labels: Sequence[Hashable]) -> None:
    zero = d <= 0
    if zero.any():
        at = int(np.argmax(zero))
        raise ValueError(f"cities {labels[i[at]]} and {labels[j[at]]} lie at the same point: their distance is 0.")


def _symmetric(i: Any, j: Any, values: FloatArray, n: int) -> Any:
    return sparse.csr_array((np.r_[values, values], (np.r_[i, j], np.r_[j, i])), shape=(n, n))
