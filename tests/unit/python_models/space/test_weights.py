"""Weights of docs/formulas.md#weights: identities, ties, islands, errors."""

import numpy as np
import pandas as pd
import pytest
from checks import refused
from libpysal.graph import Graph
from libpysal.weights import KNN, DistanceBand
from scipy.spatial.distance import pdist

from python_models.simulation import contiguity_weights
from python_models.space import build_weights, normalise, to_graph, to_sparse
from python_models.space.distance import albers, albers_inverse, distance_matrix, haversine_km
from python_models.space.graph import hash_links, weight_sums

EDGES = [("a", "b"), ("b", "c"), ("c", "d")]
PLACES = pd.DataFrame(
    {"lon": [110.0, 111.0, 112.0, 113.0, 109.9], "lat": [30.0, 30.0, 30.5, 31.0, 32.9]}, index=list("abcde")
)
MASS = pd.Series([3.0, 1.0, 4.0, 1.5, 9.0], index=list("abcde"))


def dense(graph: Graph) -> np.ndarray:
    return to_sparse(graph).toarray()


def raw(kind: str, **options) -> np.ndarray:
    """Weights of PLACES before normalising."""
    return dense(build_weights(kind, points=PLACES, normalisation="raw", **options))


def test_beijing_to_shanghai_is_1067_km():
    assert haversine_km(116.4074, 39.9042, 121.4737, 31.2304) == pytest.approx(1067, abs=2)


def test_the_albers_plane_keeps_areas_and_comes_back(points):
    places = points(50)
    np.testing.assert_allclose(albers_inverse(albers(places[:, 0], places[:, 1])), places, atol=1e-9)
    low, high = 20.0, 45.0  # a cell of one degree has the area R^2 dlon (sin lat2 - sin lat1) of the equal-area sphere
    for lat in (low, high):
        corner = albers([104.5, 105.5, 105.5, 104.5], [lat, lat, lat + 1, lat + 1])
        x, y = corner.T
        area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
        sphere = 6371007.18**2 * np.radians(1) * (np.sin(np.radians(lat + 1)) - np.sin(np.radians(lat)))
        assert area == pytest.approx(sphere, rel=6e-3)  # the ellipsoid differs from the sphere by up to 1/298


@pytest.mark.parametrize("kind", ["queen", "invd", "knn", "expd", "econ", "nested", "geo_econ"])
def test_rows_sum_to_one_no_city_weighs_itself_and_what_is_symmetric_is_so_before_normalising(kind):
    w = dense(build_weights(kind, points=PLACES, edges=EDGES, mass=MASS, k=2))
    np.testing.assert_allclose(w.sum(axis=1), 1.0, atol=1e-12)
    assert (np.diag(w) == 0).all()
    assert (w >= 0).all()
    if kind in ("queen", "invd", "expd", "econ"):
        plain = raw(kind, edges=EDGES, mass=MASS)
        np.testing.assert_array_equal(plain, plain.T)


def test_labels_are_kept_and_order_follows_them():
    graph = build_weights("queen", labels=["d", "c", "b", "a"], edges=EDGES)
    assert list(graph.unique_ids) == ["d", "c", "b", "a"]
    assert isinstance(graph, Graph)
    assert graph["b"].to_dict() == {"c": 0.5, "a": 0.5}
    assert graph.to_frame().query("city_id_receiver == 'd'")["city_id_emitter"].tolist() == ["c"]


def test_an_island_is_tied_to_its_nearest_city_both_ways_and_flagged_or_refused_without_a_place():
    graph = build_weights("queen", points=PLACES, edges=EDGES, normalisation="raw")
    assert graph.attached == ("e",)
    assert [graph[city].to_dict() for city in "ea"] == [{"a": 1.0}, {"b": 1.0, "e": 1.0}]
    assert not len(graph.isolates)
    bare = {"labels": list("abcde"), "edges": EDGES}
    refused(r"no neighbour, first e.*attach_islands=False", build_weights, "queen", **bare)
    assert build_weights("queen", attach_islands=False, **bare).isolates.tolist() == ["e"]
    # neighbours out of sample are left out
    some = build_weights("queen", labels=["a", "b"], edges=EDGES, normalisation="raw")
    np.testing.assert_array_equal(dense(some), [[0, 1], [1, 0]])


def test_inverse_distance_is_the_formula_with_power_and_cutoff():
    d = distance_matrix(PLACES.to_numpy(), "haversine")
    np.fill_diagonal(d, np.inf)
    np.testing.assert_allclose(raw("invd", power=2.0), d**-2.0, rtol=1e-12)
    near = raw("invd", cutoff=150.0, attach_islands=False)
    np.testing.assert_allclose(near, np.where(d <= 150, d**-1.0, 0.0), rtol=1e-12)
    # the shortest cutoff leaves no island
    own = raw("invd", cutoff="no_island", attach_islands=False)
    assert (own > 0).any(axis=1).all()
    shorter = raw("invd", cutoff=d[own > 0].max() * 0.999, attach_islands=False)
    assert not (shorter > 0).any(axis=1).all()


def test_knn_breaks_ties_by_city_code_whatever_the_row_order_and_behind_the_last_one_asked_for():
    options = {"metric": "euclidean", "normalisation": "raw"}
    cross = pd.DataFrame({"x": [0.0, 1, -1, 0, 0], "y": [0.0, 0, 0, 1, -1]}, index=["30", "20", "50", "10", "40"])
    for order in (["30", "20", "50", "10", "40"], ["50", "40", "30", "20", "10"]):
        graph = build_weights("knn", points=cross.loc[order], k=2, **options)
        assert sorted(graph["30"].index) == ["10", "20"]
    many = pd.concat([cross.iloc[:1], *[cross.iloc[1:]] * 5]).set_axis(["z", *(f"{i:02d}" for i in range(20, 0, -1))])
    assert sorted(build_weights("knn", points=many, k=3, **options)["z"].index) == ["01", "02", "03"]


def test_knn_and_distance_bands_equal_pysal(points):
    places = points(80)
    options = {"points": places, "metric": "euclidean", "normalisation": "raw"}
    np.testing.assert_array_equal(dense(build_weights("knn", k=4, **options)), KNN.from_array(places, k=4).full()[0])
    band = build_weights("invd", cutoff=6.0, attach_islands=False, **options)
    theirs = DistanceBand.from_array(places, 6.0, binary=False, alpha=-1.0, silence_warnings=True).full()[0]
    np.testing.assert_allclose(dense(band), theirs, rtol=1e-12)


def test_hash_equals_that_of_pysal_and_does_not_see_the_row_order(points):
    places = pd.DataFrame(points(40), index=[f"c{i:02d}" for i in range(40)])
    theirs = to_graph(Graph.build_knn(places.to_numpy(), k=4).transform("r").sparse, places.index)
    for own in (places, places.sample(frac=1.0, random_state=1)):
        ours = build_weights("knn", points=own, k=4, metric="euclidean")
        assert hash_links(ours) == hash_links(theirs)


def test_rings_sum_to_the_cutoff_matrix_and_masks_to_w():
    rings = [raw("band", ring=(a, a + 100)) for a in (0, 100, 200)]
    np.testing.assert_array_equal(sum(rings), raw("invd", cutoff=300.0, attach_islands=False) > 0)
    base, group = build_weights("invd", points=PLACES), list("ppqqq")
    masks = [build_weights(k, base=base, group=group, normalisation="raw") for k in ("same_prov", "diff_prov")]
    np.testing.assert_array_equal(sum(dense(part) for part in masks), dense(base))


def test_geo_econ_carries_the_mass_of_the_emitter():
    plain, pulled, centre = raw("invd"), raw("geo_econ", mass=MASS), np.isin(np.arange(5), [0, 4])
    np.testing.assert_allclose(pulled, plain * MASS.to_numpy()[None, :] / MASS.mean(), rtol=1e-12)
    outward = raw("center_periphery", mass=MASS, is_centre=centre)
    np.testing.assert_array_equal(outward[np.ix_(centre, ~centre)], 0.0)
    np.testing.assert_array_equal(outward[~centre], pulled[~centre])


def test_nested_mixes_row_normalised_parts_and_econ_floors_small_gaps():
    near, alike = (dense(build_weights(kind, points=PLACES, mass=MASS)) for kind in ("invd", "econ"))
    np.testing.assert_allclose(raw("nested", mass=MASS, phi=0.3), 0.3 * near + 0.7 * alike, rtol=1e-12)
    gaps = pdist(MASS.to_numpy()[:, None])
    assert raw("econ", mass=MASS).max() == pytest.approx(1 / max(np.quantile(gaps, 0.01), gaps.min()))


def test_spectral_and_minmax_divide_by_the_right_number_and_sums_of_weights_are_those_of_the_line(line):
    raw = build_weights("invd", points=PLACES, normalisation="raw")
    spectral = dense(normalise(raw, "spectral"))
    assert np.abs(np.linalg.eigvals(spectral)).max() == pytest.approx(1.0, abs=1e-8)
    np.testing.assert_allclose(spectral / spectral.max(), dense(raw) / dense(raw).max(), rtol=1e-12)
    lopsided = to_graph([[0.0, 4.0], [1.0, 0.0]])
    np.testing.assert_allclose(dense(normalise(lopsided, "minmax")), [[0, 1.0], [0.25, 0]])
    assert weight_sums(to_sparse(line)) == pytest.approx((3.0, 4.5, 1.5**2 + 3.0**2 + 1.5**2))


def test_errors_say_what_is_wrong():
    refused("unknown kind of weights 'rook'", build_weights, kind="rook")
    refused("k must lie between 1 and n - 1 = 4", build_weights, kind="knn", points=PLACES, k=5)
    refused("same mass", build_weights, kind="econ", mass=[1.0, 1.0, 1.0])
    refused("give labels, points", build_weights, kind="invd")
    refused("invd weights need points", build_weights, kind="invd", labels=["a", "b"])
    refused("a ring needs", build_weights, kind="band", points=PLACES, ring=(5, 5))
    refused("ties city a to itself", build_weights, kind="queen", edges=[("a", "a")])
    refused("unknown normalisation 'sum'", build_weights, kind="invd", points=PLACES, normalisation="sum")
    refused("has no point", build_weights, kind="invd", points=PLACES.assign(lon=np.nan))
    twice = PLACES.iloc[[0, 1, 2, 1]].set_axis(list("abcd"))
    refused("b and d lie at the same point", build_weights, kind="invd", points=twice)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"group": ["p", "q"]}, r"one value per city \(5\), got 2"),
        ({"group": pd.Series(["p"], index=["a"])}, "group is missing for city b"),
        ({"group": list("ppqqq"), "labels": list("edcba")}, "same order"),
    ],
)
def test_masks_need_a_group_for_each_city_in_the_order_of_the_base(options, message):
    refused(message, build_weights, "same_prov", base=build_weights("invd", points=PLACES), **options)


def test_a_labelled_group_is_matched_by_label_and_loops_and_negative_entries_are_refused():
    base, group = build_weights("invd", points=PLACES), pd.Series(list("ppqqq"), index=list("abcde"))
    one, two = (build_weights("same_prov", base=base, group=g) for g in (group.iloc[::-1], list(group)))
    np.testing.assert_array_equal(dense(one), dense(two))
    refused("diagonal must be zero", to_graph, np.eye(2))
    refused("must be >= 0", to_graph, [[0.0, -1.0], [1.0, 0.0]])


LINKS = [(0, 1), (1, 2), (0, 2), (2, 3)]
POINTS = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (2.0, 2.0), (2.1, 2.2)]


def test_contiguity_of_the_simulation_equals_pysal_and_ties_an_island_both_ways():
    focal, neighbour = np.array([pair for a, b in LINKS for pair in ((a, b), (b, a))]).T
    graph = Graph.from_arrays(focal, neighbour, np.ones(len(focal))).transform("r")
    np.testing.assert_allclose(contiguity_weights(4, LINKS, POINTS[:4]), graph.sparse.todense(), atol=1e-15)
    weights = contiguity_weights(5, LINKS, POINTS)
    assert weights[4].tolist() == [0.0, 0.0, 0.0, 1.0, 0.0]
    assert weights[3].tolist() == [0.0, 0.0, 0.5, 0.0, 0.5]
