"""Weights of docs/formulas.md#weights: identities, ties, islands, errors."""

import numpy as np
import pandas as pd
import pytest
from checks import refused
from libpysal.graph import Graph
from libpysal.weights import KNN, DistanceBand

from python_models.simulation import contiguity_weights
from python_models.space import build_weights, normalise, profile_weights, split_blocks, to_graph, to_sparse
from python_models.space.distance import albers, albers_inverse, distance_matrix, haversine_km

EDGES = [("a", "b"), ("b", "c"), ("c", "d")]
PLACES = pd.DataFrame(
    {"lon": [110.0, 111.0, 112.0, 113.0, 109.9], "lat": [30.0, 30.0, 30.5, 31.0, 32.9]}, index=list("abcde")
)
MASS = pd.Series([3.0, 1.0, 4.0, 1.5, 9.0], index=list("abcde"))


def dense(graph: Graph) -> np.ndarray:
    return to_sparse(graph).toarray()


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


def test_rows_sum_to_one_and_no_city_weighs_itself():
    for kind in ("queen", "invd", "knn", "expd", "econ", "nested", "geo_econ"):
        w = dense(build_weights(kind, points=PLACES, edges=EDGES, mass=MASS, k=2))
        np.testing.assert_allclose(w.sum(axis=1), 1.0, atol=1e-12)
        assert (np.diag(w) == 0).all()
        assert (w >= 0).all()


def test_queen_and_distance_weights_are_symmetric_before_normalising():
    for kind in ("queen", "invd", "expd", "econ"):
        w = dense(build_weights(kind, points=PLACES, edges=EDGES, mass=MASS, normalisation="raw"))
        np.testing.assert_array_equal(w, w.T)


def test_labels_are_kept_and_order_follows_them():
    graph = build_weights("queen", labels=["d", "c", "b", "a"], edges=EDGES)
    assert list(graph.unique_ids) == ["d", "c", "b", "a"]
    assert isinstance(graph, Graph)
    assert graph["b"].to_dict() == {"c": 0.5, "a": 0.5}
    assert graph.to_frame().query("city_id_receiver == 'd'")["city_id_emitter"].tolist() == ["c"]


def test_an_island_is_tied_to_its_nearest_city_both_ways_and_flagged():
    graph = build_weights("queen", points=PLACES, edges=EDGES, normalisation="raw")
    assert graph.attached == ("e",)
    assert graph["e"].to_dict() == {"a": 1.0}
    assert graph["a"].to_dict() == {"b": 1.0, "e": 1.0}
    assert profile_weights(graph).n_islands_fixed == 1
    assert profile_weights(graph).n_islands == 0


def test_an_island_without_a_place_is_an_error_that_says_what_to_do():
    refused(r"no neighbour, first e.*attach_islands=False", build_weights, "queen", labels=list("abcde"), edges=EDGES)
    bare = build_weights("queen", labels=list("abcde"), edges=EDGES, attach_islands=False)
    assert bare.isolates.tolist() == ["e"]


def test_neighbours_out_of_sample_are_left_out():
    graph = build_weights("queen", labels=["a", "b"], edges=EDGES, normalisation="raw")
    np.testing.assert_array_equal(dense(graph), [[0, 1], [1, 0]])


def test_inverse_distance_is_the_formula_with_power_and_cutoff():
    d = distance_matrix(PLACES.to_numpy(), "haversine")
    np.fill_diagonal(d, np.inf)
    w = dense(build_weights("invd", points=PLACES, power=2.0, normalisation="raw"))
    np.testing.assert_allclose(w, d**-2.0, rtol=1e-12)
    near = dense(build_weights("invd", points=PLACES, cutoff=150.0, normalisation="raw", attach_islands=False))
    np.testing.assert_allclose(near, np.where(d <= 150, d**-1.0, 0.0), rtol=1e-12)


def test_the_shortest_cutoff_leaves_no_island():
    graph = build_weights("invd", points=PLACES, cutoff="no_island", normalisation="raw", attach_islands=False)
    assert graph.isolates.empty
    limit = np.where(dense(graph) > 0, distance_matrix(PLACES.to_numpy(), "haversine"), 0).max()
    shorter = build_weights("invd", points=PLACES, cutoff=limit * 0.999, normalisation="raw", attach_islands=False)
    assert not shorter.isolates.empty


def test_two_cities_at_one_point_are_named():
    twice = PLACES.copy()
    twice.loc["d"] = twice.loc["b"]
    refused(r"b and d lie at the same point", build_weights, "invd", points=twice)


def test_knn_breaks_ties_by_city_code_whatever_the_row_order():
    cross = pd.DataFrame({"x": [0.0, 1, -1, 0, 0], "y": [0.0, 0, 0, 1, -1]}, index=["30", "20", "50", "10", "40"])
    for order in (["30", "20", "50", "10", "40"], ["50", "40", "30", "20", "10"]):
        graph = build_weights("knn", points=cross.loc[order], metric="euclidean", k=2, normalisation="raw")
        assert sorted(graph["30"].index) == ["10", "20"]


def test_knn_sees_ties_behind_the_last_neighbour_asked_for():
    ring = pd.DataFrame(
        {"x": np.r_[0.0, np.tile([1.0, -1.0, 0.0, 0.0], 5)], "y": np.r_[0.0, np.tile([0.0, 0.0, 1.0, -1.0], 5)]},
        index=["z", *[f"{i:02d}" for i in range(20, 0, -1)]],
    )
    graph = build_weights("knn", points=ring, metric="euclidean", k=3, normalisation="raw")
    assert sorted(graph["z"].index) == ["01", "02", "03"]


def test_knn_and_distance_bands_equal_pysal(points):
    places = points(80) * 1.0
    ours = to_sparse(build_weights("knn", points=places, metric="euclidean", k=4, normalisation="raw")).toarray()
    np.testing.assert_array_equal(ours, KNN.from_array(places, k=4).full()[0])
    band = build_weights(
        "invd", points=places, metric="euclidean", cutoff=6.0, normalisation="raw", attach_islands=False
    )
    theirs = DistanceBand.from_array(places, 6.0, binary=False, alpha=-1.0, silence_warnings=True).full()[0]
    np.testing.assert_allclose(dense(band), theirs, rtol=1e-12)


def test_hash_equals_that_of_pysal_and_does_not_see_the_row_order(points):
    places = pd.DataFrame(points(40), index=[f"c{i:02d}" for i in range(40)])
    ours = build_weights("knn", points=places, k=4, metric="euclidean")
    theirs = Graph.build_knn(places.to_numpy(), k=4).transform("r")
    assert profile_weights(ours).sha256 == profile_weights(to_graph(theirs.sparse, places.index)).sha256
    shuffled = places.sample(frac=1.0, random_state=1)
    again = build_weights("knn", points=shuffled, k=4, metric="euclidean")
    assert profile_weights(again).sha256 == profile_weights(ours).sha256


def test_rings_sum_to_the_cutoff_matrix_and_masks_and_blocks_to_w():
    rings = [dense(build_weights("band", points=PLACES, ring=(a, a + 100), normalisation="raw")) for a in (0, 100, 200)]
    cutoff = dense(build_weights("invd", points=PLACES, cutoff=300.0, normalisation="raw", attach_islands=False)) > 0
    np.testing.assert_array_equal(sum(rings), cutoff.astype(float))
    base = build_weights("invd", points=PLACES)
    group = ["p", "p", "q", "q", "q"]
    inside, across = (build_weights(k, base=base, group=group, normalisation="raw") for k in ("same_prov", "diff_prov"))
    np.testing.assert_array_equal(dense(inside) + dense(across), dense(base))
    blocks = split_blocks(base, [True, False, False, True, False])
    np.testing.assert_array_equal(sum(dense(block) for block in blocks.values()), dense(base))
    assert set(np.nonzero(dense(blocks["pc"]))[0]) == {1, 2, 4}  # rows receive: the periphery


def test_geo_econ_carries_the_mass_of_the_emitter():
    plain = dense(build_weights("invd", points=PLACES, normalisation="raw"))
    pulled = dense(build_weights("geo_econ", points=PLACES, mass=MASS, normalisation="raw"))
    np.testing.assert_allclose(pulled, plain * MASS.to_numpy()[None, :] / MASS.mean(), rtol=1e-12)
    centre = np.array([True, False, False, False, True])
    outward = dense(build_weights("center_periphery", points=PLACES, mass=MASS, is_centre=centre, normalisation="raw"))
    np.testing.assert_array_equal(outward[np.ix_(centre, ~centre)], 0.0)
    np.testing.assert_array_equal(outward[~centre], pulled[~centre])


def test_nested_mixes_row_normalised_parts_and_econ_floors_small_gaps():
    parts = [dense(build_weights(kind, points=PLACES, mass=MASS)) for kind in ("invd", "econ")]
    mixed = dense(build_weights("nested", points=PLACES, mass=MASS, phi=0.3, normalisation="raw"))
    np.testing.assert_allclose(mixed, 0.3 * parts[0] + 0.7 * parts[1], rtol=1e-12)
    gaps = np.abs(np.subtract.outer(MASS.to_numpy(), MASS.to_numpy()))[np.triu_indices(5, 1)]
    econ = dense(build_weights("econ", mass=MASS, normalisation="raw"))
    assert econ.max() == pytest.approx(1 / max(np.quantile(gaps, 0.01), gaps.min()))


def test_spectral_and_minmax_divide_by_the_right_number():
    raw = build_weights("invd", points=PLACES, normalisation="raw")
    spectral = dense(normalise(raw, "spectral"))
    assert np.abs(np.linalg.eigvals(spectral)).max() == pytest.approx(1.0, abs=1e-8)
    np.testing.assert_allclose(spectral / spectral.max(), dense(raw) / dense(raw).max(), rtol=1e-12)
    lopsided = to_graph([[0.0, 4.0], [1.0, 0.0]])
    np.testing.assert_allclose(dense(normalise(lopsided, "minmax")), [[0, 1.0], [0.25, 0]])


def test_the_line_has_eigenvalues_minus_one_to_one(line):
    profile = profile_weights(line)
    assert (profile.eig_min, profile.eig_max) == pytest.approx((-1.0, 1.0))
    assert (profile.s0, profile.s1, profile.s2) == pytest.approx((3.0, 4.5, 1.5**2 + 3.0**2 + 1.5**2))
    assert (profile.n_components, profile.min_nb, profile.max_nb, profile.is_symmetric) == (1, 1, 2, False)


def test_normalising_changes_neither_the_graph_nor_the_input():
    raw = build_weights("queen", points=PLACES, edges=EDGES, normalisation="raw")
    before = dense(raw).copy()
    normalise(raw, "row")
    profile_weights(raw)
    np.testing.assert_array_equal(dense(raw), before)
    matrix = before.copy()
    to_graph(matrix)
    np.testing.assert_array_equal(matrix, before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "rook"}, "unknown kind of weights 'rook'"),
        ({"kind": "knn", "points": PLACES, "k": 5}, "k must lie between 1 and n - 1 = 4"),
        ({"kind": "econ", "mass": [1.0, 1.0, 1.0]}, "same mass"),
        ({"kind": "invd"}, "give labels, points"),
        ({"kind": "invd", "labels": ["a", "b"]}, "invd weights need points"),
        ({"kind": "band", "points": PLACES, "ring": (5, 5)}, "a ring needs"),
        ({"kind": "queen", "edges": [("a", "a")]}, "ties city a to itself"),
        ({"kind": "invd", "points": PLACES, "normalisation": "sum"}, "unknown normalisation 'sum'"),
        ({"kind": "invd", "points": PLACES.assign(lon=np.nan)}, "has no point"),
    ],
)
def test_errors_say_what_is_wrong(options, message):
    refused(message, build_weights, **options)


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


def test_a_labelled_group_is_matched_by_label():
    base, group = build_weights("invd", points=PLACES), pd.Series(list("ppqqq"), index=list("abcde"))
    ours = build_weights("same_prov", base=base, group=group.iloc[::-1], normalisation="raw")
    np.testing.assert_array_equal(
        dense(ours), dense(build_weights("same_prov", base=base, group=list(group), normalisation="raw"))
    )
    centre = pd.Series([True, False, False, False, True], index=list("abcde"))
    np.testing.assert_array_equal(
        dense(split_blocks(base, centre.iloc[::-1])["pc"]), dense(split_blocks(base, centre)["pc"])
    )


def test_weights_refuse_loops_and_negative_entries():
    refused("diagonal must be zero", to_graph, np.eye(2))
    refused("must be >= 0", to_graph, [[0.0, -1.0], [1.0, 0.0]])


def test_polygons_that_share_a_point_are_neighbours():
    geopandas = pytest.importorskip("geopandas")
    from shapely.geometry import box

    shapes = geopandas.GeoSeries(
        [box(0, 0, 1, 1), box(1, 1, 2, 2), box(1.00001, 0, 2, 1), box(5, 5, 6, 6)], index=list("abcd")
    )
    graph = build_weights("queen", polygons=shapes, snap=0.001, normalisation="raw", attach_islands=False)
    assert sorted(graph["a"].index) == ["b", "c"]
    assert graph.isolates.tolist() == ["d"]


LINKS = [(0, 1), (1, 2), (0, 2), (2, 3)]
POINTS = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (2.0, 2.0), (2.1, 2.2)]


def test_row_weights_equal_pysal_where_no_node_is_an_island():
    adjacency = pd.DataFrame([(i, j, 1.0) for a, b in LINKS for i, j in ((a, b), (b, a))], columns=["focal", "n", "w"])
    graph = Graph.from_arrays(adjacency["focal"].values, adjacency["n"].values, adjacency["w"].values).transform("r")
    expected = graph.sparse.todense()
    np.testing.assert_allclose(contiguity_weights(4, LINKS, POINTS[:4]), expected, atol=1e-15)


def test_an_island_is_tied_to_its_nearest_neighbour_both_ways():
    weights = contiguity_weights(5, LINKS, POINTS)
    assert weights[4].tolist() == [0.0, 0.0, 0.0, 1.0, 0.0]
    assert weights[3].tolist() == [0.0, 0.0, 0.5, 0.0, 0.5]
