"""Centre and ellipse and the gravity network, against geometry and networkx."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from checks import refused
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from python_models.space import center_ellipse, gravity_network
from python_models.space.network import betweenness, communities, concor, modularity


def cloud(seed: int = 1, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    xy = rng.standard_normal((n, 2)) @ np.array([[3.0e5, 1.0e5], [0.0, 1.0e5]])
    return xy, rng.lognormal(size=n)


def test_equal_weights_give_the_plain_covariance():
    xy, _ = cloud()
    found = center_ellipse(xy, plane=True)
    axes = np.sqrt(np.linalg.eigvalsh(np.cov(xy.T, bias=True)))[::-1] / 1000
    assert (found.major_sd_km[0], found.minor_sd_km[0]) == pytest.approx(tuple(axes))
    assert found.major_km[0] == pytest.approx(np.sqrt(2) * axes[0])
    assert found.area_km2[0] == pytest.approx(np.pi * found.major_km[0] * found.minor_km[0])
    assert (found.center_x[0], found.center_y[0]) == pytest.approx(tuple(xy.mean(axis=0)))


def test_a_north_south_line_points_north_and_an_east_west_line_east():
    line = np.column_stack([np.zeros(5), np.arange(5.0) * 1e5])
    assert center_ellipse(line, plane=True).rotation_deg[0] == pytest.approx(0.0, abs=1e-9)
    assert center_ellipse(line[:, ::-1], plane=True).rotation_deg[0] == pytest.approx(90.0)


@given(c=st.floats(1e-3, 1e3))
def test_multiplying_the_mass_changes_nothing(c):
    xy, y = cloud()
    a, b = center_ellipse(xy, y, plane=True), center_ellipse(xy, c * y, plane=True)
    for name in ("center_x", "center_y", "major_km", "minor_km", "rotation_deg"):
        np.testing.assert_allclose(getattr(b, name), getattr(a, name), rtol=1e-9)


def test_turning_the_map_by_30_degrees_turns_the_ellipse():
    xy, y = cloud()
    turn = np.radians(-30)  # clockwise
    moved = xy @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]).T
    a, b = center_ellipse(xy, y, plane=True), center_ellipse(moved, y, plane=True)
    assert (b.rotation_deg[0] - a.rotation_deg[0]) % 180 == pytest.approx(30, abs=1e-6)
    assert b.major_km[0] == pytest.approx(a.major_km[0])
    assert b.minor_km[0] == pytest.approx(a.minor_km[0])


def test_the_centre_lies_in_the_convex_hull():
    xy, y = cloud()
    found = center_ellipse(xy, y, plane=True)
    sides = ConvexHull(xy).equations
    assert (sides[:, :2] @ [found.center_x[0], found.center_y[0]] + sides[:, 2] <= 0).all()


def test_moves_have_length_bearing_and_an_interval():
    points = pd.DataFrame({"lon": [110.0, 112.0, 111.0], "lat": [30.0, 30.0, 31.0]}, index=list("abc"))
    y = pd.DataFrame({2012: [1.0, 1, 1], 2013: [1.0, 3, 1]}, index=list("abc"))
    found = center_ellipse(points, y.loc[["c", "a", "b"]], n_boot=99)  # matched by label
    frame = found.to_frame()
    assert frame["year"].tolist() == [2012, 2013]
    assert np.isnan(frame["move_km"][0])
    assert 80 < frame["move_bearing_deg"][1] < 115  # eastwards, and a little south
    assert frame["move_lo"][1] <= frame["move_km"][1] <= frame["move_hi"][1]
    assert 110 < frame["lon"][0] < 112
    assert (frame["center_x_lo"] <= frame["center_x"]).all()


@pytest.mark.parametrize(
    ("y", "message"), [([1.0, -1, 1], "negative"), ([0.0, 0, 0], "positive sum"), ([1.0, np.nan, 1], "missing")]
)
def test_masses_that_make_no_centre_are_refused(y, message):
    refused(message, center_ellipse, [[0.0, 0], [1, 0], [0, 1]], y, plane=True)


def test_gravity_is_the_formula_and_links_lie_above_the_row_mean():
    points = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 10.0]])
    net = gravity_network(points, [1.0, 2.0, 4.0], metric="euclidean")
    assert net.strength[0, 1] == pytest.approx(1 / 3 * 2 / 25)
    assert net.strength[1, 0] == pytest.approx(2 / 3 * 2 / 25)
    assert net.k[0, 2] + net.k[2, 0] == pytest.approx(1.0)
    mean = net.strength.sum(axis=1) / 2
    np.testing.assert_array_equal(net.links, net.strength > mean[:, None])
    assert len(net.links_frame()) == net.links.sum() == net.to_frame()["out_degree"].sum()


def random_links(n: int = 40, share: float = 0.12) -> np.ndarray:
    links = np.random.default_rng(3).random((n, n)) < share
    np.fill_diagonal(links, False)
    return links


def test_betweenness_and_modularity_equal_networkx():
    links = random_links()
    graph = nx.from_numpy_array(links.astype(int), create_using=nx.DiGraph)
    theirs = nx.betweenness_centrality(graph)
    np.testing.assert_allclose(betweenness(links), [theirs[i] for i in range(40)], atol=1e-12)
    label = communities(links)
    groups = [set(np.flatnonzero(label == code)) for code in range(label.max() + 1)]
    assert modularity(links, label) == pytest.approx(nx.community.modularity(graph, groups), abs=1e-12)


def test_two_cliques_are_two_communities_and_two_positions():
    links = np.kron(np.eye(2, dtype=bool), ~np.eye(6, dtype=bool)).astype(bool)
    label = communities(links)
    assert label.tolist() == [0] * 6 + [1] * 6
    assert modularity(links, label) == pytest.approx(0.5)
    assert len(set(concor(links, depth=1)[:6])) == 1
    assert concor(links, depth=1)[0] != concor(links, depth=1)[-1]


def test_the_summary_counts_what_it_says():
    points = pd.DataFrame(cloud(2, 12)[0] / 1e5, index=[f"c{i}" for i in range(12)])
    y = pd.Series(cloud(2, 12)[1], index=points.index)
    net = gravity_network(
        points, y, metric="euclidean", group=["p", "q"] * 6, is_centre=[True] + [False] * 11, n_boot=199
    )
    links = net.links
    assert net.summary["density"] == pytest.approx(links.sum() / (12 * 11))
    assert net.summary["reciprocity"] == pytest.approx((links & links.T).sum() / links.sum())
    odd = np.add.outer(np.arange(12), np.arange(12)) % 2 == 1
    assert net.summary["cross_group_share"] == pytest.approx(links[odd].sum() / links.sum())
    assert net.summary["centre_reach_share"] == pytest.approx((links[0] | links[:, 0])[1:].mean())
    lo, hi = net.intervals["density"]
    assert lo <= net.summary["density"] <= hi


def test_gravity_refuses_zero_mass_and_one_place_for_two():
    refused("positive number per city, see city 1", gravity_network, [[0.0, 0], [1, 1]], [1.0, 0.0])
    refused("same point", gravity_network, [[0.0, 0], [0.0, 0]], [1.0, 1.0])
