"""The weights catalogue: one function for every W of docs/formulas.md#weights, on a labelled PySAL graph."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from python_models._align import aligned
from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models._validate import require_unique
from python_models.space import kinds
from python_models.space.distance import pair_distances, tree
from python_models.space.graph import CityGraph, labels_of, normalise, to_graph, to_sparse

KINDS = (
    "queen",
    "invd",
    "knn",
    "expd",
    "econ",
    "nested",
    "geo_econ",
    "center_periphery",
    "band",
    "same_prov",
    "diff_prov",
    "hybrid",
)
ATTACHED_KINDS = {"queen", "invd", "expd", "hybrid"}  # rings and masks keep their empty rows


def build_weights(
    kind: str,
    *,
    labels: Sequence[Hashable] | None = None,
    points: Any = None,
    metric: str = "haversine",
    edges: Any = None,
    polygons: Any = None,
    snap: float = 0.0,
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
    proximities: Sequence[ArrayLike] = (),
    attach_islands: bool | None = None,
    normalisation: str = "row",
) -> CityGraph:
    """Weights of one kind: row i receives, column j emits, w_ii = 0.

    labels : N city labels; default: the index of `points`, `polygons`, `mass`, or of `base`, else positions.
    points : (N, 2) array or frame; longitude and latitude in degrees (`metric="haversine"`, distances in km) or plane
        coordinates (`metric="euclidean"`, distances in their unit). A frame is matched to `labels` by its index.

    ====================  ==========================================================================================
    queen                 1 if two polygons share a point: `edges` (pairs of labels) or `polygons` (GeoSeries, made
                          valid, rounded to `snap`)
    invd                  d^-power (1) up to `cutoff`: None, a distance, or "no_island" (longest nearest-neighbour
                          distance)
    knn                   1 for the `k` nearest, ties by label
    expd                  exp(-d/h), `scale` h = median nearest-neighbour distance
    econ                  1/|E_i - E_j| of `mass`, differences floored at their 1st percentile
    nested                phi invd_row + (1 - phi) econ_row
    geo_econ              d^-power E_j / mean(E)
    center_periphery      geo_econ without the links from the periphery into the centre (`is_centre`)
    band                  1[a <= d < b] of `ring`; with `power` d^-power in the ring
    same_prov, diff_prov  `base` (weights; default invd) masked by equality of `group`
    hybrid                `base` (default invd) times `proximities` (N, N), entry by entry
    ====================  ==========================================================================================

    A city without a neighbour is tied to its nearest one, in both directions, with the weight that its distance has
    in this kind (queen and knn: 1), and is listed in `.attached` (`attach_islands`; off for rings and masks, whose
    empty rows mean something). normalisation: `row`, `spectral`, `minmax` or `raw`; masks of a base that is already
    normalised want `raw`.

    Raises ValueError for an unknown kind, a missing argument, two cities at one point where a distance is inverted,
    and an island that cannot be placed. Source: Anselin (1988) and LeSage & Pace (2009).

    >>> from python_models.space import build_weights, to_sparse
    >>> points = pd.DataFrame({"lon": [0.0, 1.0, 3.0], "lat": [0.0, 0.0, 0.0]}, index=["A", "B", "C"])
    >>> to_sparse(build_weights("knn", points=points, k=1)).toarray()
    array([[0., 1., 0.],
           [1., 0., 0.],
           [0., 1., 0.]])
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of weights '{kind}': choose from {', '.join(KINDS)}.")
    names = _labels(labels, points, polygons, mass, base, edges)
    at = None if points is None else _points(points, names)
    raw = _raw(
        kind,
        names,
        at,
        metric=metric,
        edges=edges,
        polygons=polygons,
        snap=snap,
        k=k,
        power=power,
        cutoff=cutoff,
        scale=scale,
        ring=ring,
        mass=mass,
        phi=phi,
        group=group,
        is_centre=is_centre,
        base=base,
        proximities=proximities,
    )
    attached: list[Hashable] = []
    if kind in ATTACHED_KINDS if attach_islands is None else attach_islands:
        raw, attached = _attach(raw, names, at, metric, kind, power, scale)
    params = {
        "metric": metric,
        "k": k if kind == "knn" else None,
        "power": power,
        "cutoff": cutoff,
        "scale": scale,
        "ring": ring,
        "phi": phi if kind == "nested" else None,
    }
    graph = to_graph(
        raw,
        names,
        kind=kind,
        params={key: value for key, value in params.items() if value is not None},
        attached=attached,
    )
    return normalise(graph, normalisation)


@aligned
def split_blocks(w: Any, is_centre: Any) -> dict[str, CityGraph]:
    """W_cc, W_cp, W_pc, W_pp by receiver and emitter (c centre, p periphery), not re-normalised: they sum to W.

    >>> from python_models.space import split_blocks, to_graph, to_sparse
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> blocks = split_blocks(to_graph(W), np.arange(12) < 4)
    >>> {name: to_sparse(part).sum() for name, part in blocks.items()}
    {'cc': np.float64(3.0), 'cp': np.float64(1.0), 'pc': np.float64(1.0), 'pp': np.float64(7.0)}
    """
    matrix = to_sparse(w)
    names = list(labels_of(w))
    centre: BoolArray = np.array(per_city(is_centre, names, "is_centre"), dtype=np.bool_)
    return {b: to_graph(kinds.block_mask(matrix, centre, [b]), names) for b in ("cc", "cp", "pc", "pp")}


def per_city(values: Any, names: Sequence[Hashable], what: str) -> list[Any]:
    """One value per city in the order of `names`: a Series is matched by label. Raises ValueError for a gap."""
    if isinstance(values, pd.Series):
        values = values.reindex(list(names))
    found = list(values)
    if len(found) != len(names):
        raise ValueError(f"{what} needs one value per city ({len(names)}), got {len(found)}.")
    empty = pd.isna(pd.Series(found, dtype=object)).to_numpy()
    if empty.any():
        raise ValueError(f"{what} is missing for city {names[int(np.argmax(empty))]}.")
    return found


def _raw(kind: str, names: list[Hashable], at: FloatArray | None, **given: Any) -> Any:
    metric, power = given["metric"], given["power"]
    if kind == "queen":
        if given["edges"] is not None:
            return kinds.queen_from_edges(given["edges"], names)
        return kinds.queen_from_polygons(_need(given["polygons"], kind, "edges or polygons"), given["snap"])
    if kind == "econ":
        return kinds.economic(_vector(given["mass"], names, kind), names)
    if kind in ("same_prov", "diff_prov"):
        group = per_city(_need(given["group"], kind, "group (e.g. the province of each city)"), names, "group")
        return kinds.same_group_mask(_base(names, at, given), group, kind == "same_prov")
    if kind == "hybrid":
        return kinds.product(_base(names, at, given), _need(given["proximities"] or None, kind, "proximities"), names)
    spots = _need(at, kind, "points")
    if kind == "knn":
        return kinds.nearest(spots, names, metric, given["k"])
    if kind == "expd":
        return kinds.exponential(spots, metric, given["scale"], given["cutoff"])
    if kind == "band":
        return kinds.ring(spots, names, metric, _need(given["ring"], kind, "ring (a, b)"), power or 0.0)
    invd = kinds.inverse_distance(spots, names, metric, 1.0 if power is None else power, given["cutoff"])
    if kind == "invd":
        return invd
    mass = _vector(given["mass"], names, kind)
    if kind == "nested":
        parts = [to_sparse(normalise(to_graph(w))) for w in (invd, kinds.economic(mass, names))]
        return given["phi"] * parts[0] + (1 - given["phi"]) * parts[1]
    pulled = kinds.emitter_mass(invd, mass, names)
    if kind == "geo_econ":
        return pulled
    centre = per_city(_need(given["is_centre"], kind, "is_centre"), names, "is_centre")
    return kinds.block_mask(pulled, np.array(centre, dtype=np.bool_), ["cc", "pc", "pp"])


def _base(names: list[Hashable], at: FloatArray | None, given: dict[str, Any]) -> Any:
    if given["base"] is not None:
        if hasattr(given["base"], "unique_ids") and list(given["base"].unique_ids) != names:
            raise ValueError("labels and base must name the same cities in the same order.")
        return to_sparse(given["base"])
    spots = _need(at, "same_prov, diff_prov and hybrid", "base or points")
    return kinds.inverse_distance(spots, names, given["metric"], given["power"] or 1.0, given["cutoff"])


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
    near = sparse.coo_array(kinds.nearest(at, names, metric, 1)) if len(at) < 5_000 else None
    target = near.col[np.argsort(near.row)][lone] if near is not None else _nearest_of(at, lone, metric)
    d = pair_distances(at, lone, target, metric)
    value = np.ones(len(lone)) if kind in ("queen", "knn") else d ** -(power or 1.0)
    if kind == "expd":
        value = np.exp(-d / (scale or float(np.median(kinds.nearest_distances(at, metric)))))
    links = sparse.lil_array(raw)
    for i, j, v in zip(lone, target, value, strict=True):
        links[i, j] = links[j, i] = v
    return sparse.csr_array(links), [names[i] for i in lone]


def _nearest_of(at: FloatArray, lone: Any, metric: str) -> Any:
    finder, places = tree(at, metric)
    found = np.array(finder.query(places[lone], k=2)[1])
    return np.where(found[:, 0] == lone, found[:, 1], found[:, 0])


def _labels(
    labels: Sequence[Hashable] | None, points: Any, polygons: Any, mass: Any, base: Any, edges: Any
) -> list[Hashable]:
    if labels is None:
        for source in (points, polygons, mass):
            if isinstance(source, (pd.DataFrame, pd.Series)):
                labels = list(source.index)
                break
        else:
            labels = _fallback_labels(points, mass, base, edges)
    require_unique(list(labels), "city")
    return list(labels)


def _fallback_labels(points: Any, mass: Any, base: Any, edges: Any) -> list[Hashable]:
    if base is not None:
        return list(base.unique_ids) if hasattr(base, "unique_ids") else list(range(np.shape(base)[0]))
    for source in (points, mass):
        if source is not None:
            return list(range(len(source)))
    if edges is not None:
        frame = pd.DataFrame(edges)
        return sorted(set(frame.iloc[:, 0]) | set(frame.iloc[:, 1]), key=str)
    raise ValueError("give labels, points, polygons, mass, base or edges: there is nothing to make weights of.")


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
