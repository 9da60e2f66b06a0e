"""Rings of distance and borders: exact partitions, Holm, boundary, Fieller, recovery of a planted decay and border."""

import itertools

import numpy as np
import pytest
from worlds import places, world

from python_models.inference import holm, ratio_interval
from python_models.influence import border_barrier, distance_decay, ring_matrices
from python_models.regression import PanelInputError
from python_models.simulation import random_knn_weights

N = 120
EDGES = [0, 100, 200, 300, 400, 500]
POINTS, DISTANCE = places(N)
AREA = (POINTS[:, 0] // 250).astype(int)


def test_rings_share_no_link_and_cover_the_cut_off():
    rings = ring_matrices(DISTANCE, EDGES)
    linked = sum((m > 0).astype(int) for m in rings.values())
    assert linked.max() == 1
    assert (linked.astype(bool) == ((DISTANCE < 500) & (DISTANCE > 0))).all()
    for matrix in rings.values():
        total = matrix.sum(axis=1)
        assert ((total == 0) | (np.abs(total - 1) < 1e-12)).all()


def test_holm_is_monotone_and_leaves_unknown_out():
    p = np.array([0.01, 0.04, np.nan, 0.03])
    assert holm(p)[[0, 1, 3]] == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(holm(p)[2])
    assert holm(np.array([0.9, 0.8])).max() == 1.0


def decay(y, x, edges, **options):
    return distance_decay(y, x, DISTANCE, edges, rng=np.random.default_rng(0), **options)


def decayed(seed, scale=0.8, reach=200.0):
    rings = ring_matrices(DISTANCE, EDGES)
    middle = [(a + b) / 2 for a, b in itertools.pairwise(EDGES)]
    theta = [scale * np.exp(-m / reach) for m in middle]
    return theta, world(list(rings.values()), theta, seed=seed, n=N, rho=0.0)


def test_planted_decay_is_found_in_joint_rings():
    theta, (y, x, _) = decayed(1)
    found = decay(y, x, EDGES)
    table = found.to_frame()
    assert (np.abs(table["theta"] - theta) < 3 * table["se"]).sum() >= 4
    assert 0 < found.half_distance_km < 600
    assert found.boundary_km is None or found.boundary_km in EDGES


def test_reach_is_the_unbroken_run_of_bands_from_the_nearest_on():
    rings = list(ring_matrices(DISTANCE, EDGES).values())
    y, x, _ = world(rings[:2], [2.0, 2.0], seed=5, n=N, rho=0.0)
    found = decay(y, x, EDGES)
    assert found.boundary_km == 200.0
    table = found.to_frame()
    assert found.critical > 2.3  # five bands at once: more than 1.96
    assert (table["lower_all"] < table["lower"]).all()


def test_one_far_band_alone_establishes_no_reach():
    """The old rule took the first significant band wherever it lay: here it said 400 to 500 km."""
    rings = list(ring_matrices(DISTANCE, EDGES).values())
    y, x, _ = world(rings[4:], [3.0], seed=5, n=N, rho=0.0)
    found = decay(y, x, EDGES)
    assert found.to_frame()["lower_all"].iloc[-1] > 0
    assert found.boundary_km is None


def test_no_spillover_has_no_boundary():
    none = [decay(*world([], [], seed=s, n=N, rho=0.0)[:2], EDGES).boundary_km for s in range(20)]
    assert sum(b is not None for b in none) <= 3


@pytest.mark.parametrize("method", ["outer", "cumulative"])
def test_one_model_an_edge_keeps_every_band_in_the_table(method):
    _, (y, x, _) = decayed(2)
    table = decay(y, x, [50, 200, 400], method=method).to_frame()
    assert list(table["d_from_km"]) == [50, 200]
    assert table["share_with_neighbour"].between(0, 1).all()


def test_fieller_by_hand_and_where_the_denominator_may_be_zero():
    low, high = ratio_interval(1.0, 2.0, np.diag([0.01, 1e-12]))
    assert (low, high) == pytest.approx((0.5 - 1.959964 * 0.1 / 2, 0.5 + 1.959964 * 0.1 / 2), abs=1e-6)
    assert ratio_interval(1.0, 0.1, np.diag([0.01, 0.01])) == (float("-inf"), float("inf"))


def bordered(seed, inside=1.0, across=0.3):
    rings = ring_matrices(DISTANCE, [0, 150, 300])
    same = AREA[:, None] == AREA[None, :]
    parts = [m * mask for m in rings.values() for mask in (same, ~same)]
    weights = random_knn_weights(N, 5, rng=np.random.default_rng(99))
    return world(parts, [inside, across] * 2, seed=seed, n=N, W=weights)


def test_planted_border_is_found_within_its_interval():
    y, x, weights = bordered(3)
    table = border_barrier(y, x, weights, AREA, distance=DISTANCE, edges=[0, 150, 300]).to_frame().set_index("ring_id")
    joint = table.loc["joint"]
    assert joint["lo"] <= 0.7 <= joint["hi"]
    assert joint["lo"] <= joint["barrier_index"] <= joint["hi"]
    assert joint["p_equal"] < 0.05


def test_without_a_border_the_index_is_near_zero():
    y, x, weights = bordered(4, inside=1.0, across=1.0)
    joint = (
        border_barrier(y, x, weights, AREA, distance=DISTANCE, edges=[0, 150, 300])
        .to_frame()
        .set_index("ring_id")
        .loc["joint"]
    )
    assert joint["lo"] < 0 < joint["hi"]


def test_index_is_not_given_where_nothing_spills_over():
    y, x, weights = world([], [], seed=6, n=N)
    row = border_barrier(y, x, weights, AREA).to_frame().iloc[0]
    assert np.isnan(row["barrier_index"])
    assert np.isfinite(row["theta_in"])


def test_bad_input_is_said_in_words():
    y, x, weights = world([], [], n=N)
    with pytest.raises(PanelInputError, match="one label a city"):
        border_barrier(y, x, weights, AREA[:3])
    with pytest.raises(PanelInputError, match="need `edges`"):
        border_barrier(y, x, weights, AREA, distance=DISTANCE)
    with pytest.raises(PanelInputError, match="both inside and across"):
        border_barrier(y, x, weights, np.zeros(N))
    with pytest.raises(PanelInputError, match="rising distances"):
        decay(y, x, [100, 50])
    with pytest.raises(PanelInputError, match="unknown method"):
        decay(y, x, EDGES, method="other")
