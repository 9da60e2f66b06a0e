"""Centre and ellipse and the gravity network, against geometry."""

import numpy as np
import pandas as pd
import pytest
from checks import refused

from python_models.space import center_ellipse, gravity_network


def cloud(seed: int = 1, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    xy = rng.standard_normal((n, 2)) @ np.array([[3.0e5, 1.0e5], [0.0, 1.0e5]])
    return xy, rng.lognormal(size=n)


def test_equal_weights_give_the_plain_covariance():
    xy, _ = cloud()
    found = center_ellipse(xy, plane=True).to_frame().iloc[0]
    major, minor = np.sqrt(np.linalg.eigvalsh(np.cov(xy.T, bias=True)))[::-1] / 1000
    assert found[["major_sd_km", "minor_sd_km", "major_km"]].tolist() == pytest.approx(
        [major, minor, np.sqrt(2) * major]
    )
    assert found["area_km2"] == pytest.approx(np.pi * found["major_km"] * found["minor_km"])
    assert found[["center_x", "center_y"]].tolist() == pytest.approx(xy.mean(axis=0))
    xy, y = cloud()  # only ratios of weights count
    pd.testing.assert_frame_equal(*(center_ellipse(xy, mass, plane=True).table for mass in (y, 1e3 * y)), rtol=1e-9)


def test_turning_the_map_turns_the_ellipse():
    line = np.column_stack([np.zeros(5), np.arange(5.0) * 1e5])
    assert center_ellipse(line, plane=True).table["rotation_deg"][0] == pytest.approx(0.0, abs=1e-9)  # north
    assert center_ellipse(line[:, ::-1], plane=True).table["rotation_deg"][0] == pytest.approx(90.0)  # east
    xy, y = cloud()
    turn = np.radians(-30)  # clockwise
    moved = xy @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]).T
    a, b = (center_ellipse(at, y, plane=True).table for at in (xy, moved))
    assert (b["rotation_deg"][0] - a["rotation_deg"][0]) % 180 == pytest.approx(30, abs=1e-6)
    assert (b["major_km"][0], b["minor_km"][0]) == pytest.approx((a["major_km"][0], a["minor_km"][0]))


def test_moves_have_length_bearing_and_an_interval():
    points = pd.DataFrame({"lon": [110.0, 112.0, 111.0], "lat": [30.0, 30.0, 31.0]}, index=list("abc"))
    y = pd.DataFrame({2012: [1.0, 1, 1], 2013: [1.0, 3, 1], 2014: [2.0, 6, 2]}, index=list("abc"))
    frame = center_ellipse(points, y.loc[["c", "a", "b"]], n_boot=99).to_frame()  # matched by label
    first, second = frame.iloc[0], frame.iloc[1]
    assert frame["year"].tolist() == [2012, 2013, 2014]
    assert frame["move_km"][2] == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(frame["move_bearing_deg"][2])  # it stays
    assert np.isnan(first["move_km"])
    assert 80 < second["move_bearing_deg"] < 115  # eastwards, and a little south
    assert second["move_lo"] <= second["move_km"] <= second["move_hi"]
    assert 110 < first["lon"] < 112
    assert (frame["center_x_lo"] <= frame["center_x"]).all()


@pytest.mark.parametrize(
    ("y", "message"), [([1.0, -1, 1], "negative"), ([0.0, 0, 0], "positive sum"), ([1.0, np.nan, 1], "missing")]
)
def test_masses_that_make_no_centre_are_refused(y, message):
    refused(message, center_ellipse, [[0.0, 0], [1, 0], [0, 1]], y, plane=True)


def test_gravity_is_the_formula_and_links_lie_above_the_row_mean():
    points = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 10.0]])
    net = gravity_network(points, [1.0, 2.0, 4.0], metric="euclidean")
    assert (net.strength[0, 1], net.strength[1, 0]) == pytest.approx((1 / 3 * 2 / 25, 2 / 3 * 2 / 25))
    np.testing.assert_array_equal(net.links, net.strength > net.strength.sum(axis=1, keepdims=True) / 2)
    assert net.links.sum() == net.to_frame()["out_degree"].sum()
    refused("positive number per city, see city 1", gravity_network, [[0.0, 0], [1, 1]], [1.0, 0.0])
    refused("same point", gravity_network, [[0.0, 0], [0.0, 0]], [1.0, 1.0])


def test_the_summary_counts_what_it_says():
    xy, y = cloud(2, 12)
    parts = {"group": ["p", "q"] * 6, "is_centre": [True] + [False] * 11}
    net = gravity_network(xy / 1e5, y, metric="euclidean", n_boot=199, **parts)
    links, odd = net.links, np.add.outer(np.arange(12), np.arange(12)) % 2 == 1
    expected = {
        "density": links.sum() / (12 * 11),
        "reciprocity": (links & links.T).sum() / links.sum(),
        "cross_group_share": links[odd].sum() / links.sum(),
        "centre_reach_share": (links[0] | links[:, 0])[1:].mean(),
    }
    assert {name: net.summary[name] for name in expected} == pytest.approx(expected)
    lo, hi = net.intervals["density"]
    assert lo <= net.summary["density"] <= hi
