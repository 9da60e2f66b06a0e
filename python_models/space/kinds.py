"""Raw weights of docs/formulas.md#weights, before attaching islands and normalising. All return a CSR matrix."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from libpysal.graph import Graph
from scipy import sparse

from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models.space.distance import distance_matrix, pair_distances, tree, tree_radius

TIE_DIGITS = 9  # decimals of a km (or of the plane's unit): nearer than a micrometre is a tie


def queen_from_edges(edges: Any, labels: Sequence[Hashable]) -> Any:
    """1 for each pair of the list, both ways. Pairs with a city that is not in `labels` are left out (it is out of
    sample); a pair of a city with itself raises ValueError."""
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


def queen_from_polygons(polygons: Any, snap: float) -> Any:
    """1 if two polygons share a point. `polygons` is a GeoSeries; it is made valid and, with snap > 0, its
    coordinates are rounded to that grid (in their own unit) before the topological test of PySAL."""
    shapes = polygons.make_valid()
    if snap > 0:
        shapes = shapes.set_precision(snap).make_valid()
    return _links(Graph.build_contiguity(shapes.reset_index(drop=True), rook=False, strict=True), len(polygons))


def inverse_distance(points: FloatArray, labels: Sequence[Hashable], metric: str, power: float, cutoff: Any) -> Any:
    """d^-power up to and including the cut-off (None: all pairs; `no_island`: the longest distance to a nearest
    neighbour)."""
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


def ring(points: FloatArray, labels: Sequence[Hashable], metric: str, bounds: tuple[float, float], power: float) -> Any:
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
    found = np.array(finder.query(places, k=min(n, k + 4))[1])
    cols = np.empty((n, k), dtype=np.int64)
    for i, near in enumerate(found):
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
    unknown = set(blocks) - {"cc", "cp", "pc", "pp"}
    if unknown:
        raise ValueError(f"unknown block {sorted(unknown)[0]!r}: choose from cc, cp, pc, pp (receiver first).")
    w = sparse.coo_array(base)
    side = np.where(is_centre, "c", "p")
    keep = np.isin(np.char.add(side[w.row], side[w.col]), list(blocks))
    return sparse.csr_array((w.data[keep], (w.row[keep], w.col[keep])), shape=w.shape)


def product(base: Any, factors: Sequence[ArrayLike], labels: Sequence[Hashable]) -> Any:
    """Entrywise product of the geographic weights with proximities (N, N) such as technological or social ones."""
    w = sparse.csr_array(base, copy=True)
    for at, factor in enumerate(factors):
        plane = np.asarray(factor, dtype=np.float64)
        if plane.shape != w.shape:
            raise ValueError(f"proximity {at} has shape {plane.shape}, the weights have {w.shape}.")
        if not (np.isfinite(plane).all() and (plane >= 0).all()):
            i, j = np.argwhere(~(plane >= 0))[0]
            raise ValueError(f"proximity {at} of {labels[i]} and {labels[j]} is {plane[i, j]}: it must be >= 0.")
        w = sparse.csr_array(w.multiply(plane))
    w.eliminate_zeros()
    return w


def nearest_distances(points: FloatArray, metric: str) -> FloatArray:
    """Distance of each point to its nearest other point, shape (N,)."""
    finder, places = tree(points, metric)
    found = np.array(finder.query(places, k=2)[1])
    rows = np.arange(len(points))
    other = np.where(found[:, 0] == rows, found[:, 1], found[:, 0])
    return pair_distances(points, rows, other, metric)


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


def _links(graph: Any, n: int) -> Any:
    adjacency = graph.adjacency
    rows, cols = (adjacency.index.get_level_values(level).to_numpy() for level in (0, 1))
    matrix = sparse.csr_array((adjacency.to_numpy(dtype=np.float64), (rows, cols)), shape=(n, n))
    matrix.eliminate_zeros()
    return matrix
