"""Rings, borders, blocks and lags by block: exact partitions, identities, recovery, refusals."""

import itertools

import numpy as np
import pytest
from checks import gradient, panel_refused
from worlds import places, world

from python_models.influence import barrier_split, block_spillover, border_barrier, distance_decay
from python_models.influence.blocks import BLOCKS, block_effects, split_blocks
from python_models.influence.rings import ring_matrices
from tests.random_graph import random_knn_weights

N = 120
EDGES = [0, 100, 200, 300, 400, 500]
POINTS, DISTANCE = places(N)
SQUARE = (POINTS[:, 0] // 250).astype(int)


def test_rings_share_no_link_and_cover_the_cut_off():
    rings = np.stack(list(ring_matrices(DISTANCE, EDGES).values()))
    np.testing.assert_array_equal((rings > 0).sum(axis=0), (DISTANCE < 500) & (DISTANCE > 0))
    total = rings.sum(axis=2)
    assert ((total == 0) | (np.abs(total - 1) < 1e-12)).all()


def decay(y, x, edges, **options):
    return distance_decay(y, x, DISTANCE, edges, rng=np.random.default_rng(0), **options)


def ringed(theta, seed):
    """y and x with these slopes in the rings of EDGES."""
    return world(list(ring_matrices(DISTANCE, EDGES).values()), theta, seed=seed, n=N, rho=0.0)[:2]


DECAY = [0.8 * np.exp(-(a + b) / 400.0) for a, b in itertools.pairwise(EDGES)]


def test_reach_is_the_unbroken_run_of_bands_and_planted_decay_is_found():
    found = decay(*ringed(DECAY, 1), EDGES)
    table = found.to_frame()
    assert (np.abs(table["theta"] - DECAY) < 3 * table["se"]).sum() >= 4
    assert 0 < found.half_distance_km < 600
    assert found.boundary_km is None or found.boundary_km in EDGES
    found = decay(*ringed([2.0, 2.0, 0, 0, 0], 5), EDGES)
    table = found.to_frame()
    assert found.boundary_km == 200.0
    assert found.critical > 2.3  # five bands at once: more than 1.96
    assert (table["lower_all"] < table["lower"]).all()


def test_a_spillover_of_the_first_band_alone_has_no_rate_of_decay():
    """A curve that is over before the second band fits as well at any rate: its error was 13,467 at a rate of .2."""
    found = decay(*ringed([-3.0, 0.5, 0.5, 0.5, 0.5], 5), EDGES)
    assert found.to_frame()["theta"].notna().all()
    assert np.isnan([found.kappa, found.kappa_se, found.half_distance_km]).all()


def test_one_far_band_alone_and_no_spillover_establish_no_reach():
    """The old rule took the first significant band wherever it lay: here it said 400 to 500 km."""
    found = decay(*ringed([0, 0, 0, 0, 3.0], 5), EDGES)
    assert found.to_frame()["lower_all"].iloc[-1] > 0
    assert found.boundary_km is None
    none = [decay(*ringed([0] * 5, seed), EDGES).boundary_km for seed in range(20)]
    assert sum(b is not None for b in none) <= 3


@pytest.mark.parametrize("method", ["outer", "cumulative"])
def test_one_model_an_edge_keeps_every_band_in_the_table(method):
    table = decay(*ringed(DECAY, 2), [50, 200, 400], method=method).to_frame()
    assert list(table["d_from_km"]) == [50, 200]
    assert table["share_with_neighbour"].between(0, 1).all()


def bordered(seed, across):
    """The joint index of two rings: links inside an area have the slope 1."""
    rings, same = ring_matrices(DISTANCE, [0, 150, 300]), SQUARE[:, None] == SQUARE[None, :]
    parts = [m * mask for m in rings.values() for mask in (same, ~same)]
    y, x, weights = world(parts, [1.0, across] * 2, seed=seed, n=N)
    found = border_barrier(y, x, weights, SQUARE, distance=DISTANCE, edges=[0, 150, 300])
    return found.to_frame().set_index("ring_id").loc["joint"]


def test_planted_border_is_found_within_its_interval_and_without_one_the_index_is_near_zero():
    joint = bordered(3, across=0.3)
    assert joint["lo"] <= min(0.7, joint["barrier_index"])
    assert max(0.7, joint["barrier_index"]) <= joint["hi"]
    assert joint["p_equal"] < 0.05
    none = bordered(4, across=1.0)
    assert none["lo"] < 0 < none["hi"]


def test_index_is_not_given_where_nothing_spills_over_and_bad_input_is_refused():
    y, x, weights = world([], [], seed=6, n=N)
    row = border_barrier(y, x, weights, SQUARE).to_frame().iloc[0]
    assert np.isnan(row["barrier_index"])
    assert np.isfinite(row["theta_in"])
    panel_refused("one label a city", border_barrier, y, x, weights, SQUARE[:3])
    panel_refused("need `edges`", border_barrier, y, x, weights, SQUARE, distance=DISTANCE)
    panel_refused("both inside and across", border_barrier, y, x, weights, np.zeros(N))
    panel_refused("rising distances", decay, y, x, [100, 50])
    panel_refused("unknown method", decay, y, x, EDGES, method="other")


W = random_knn_weights(N, 6, rng=np.random.default_rng(99))
AREA = np.random.default_rng(4).integers(0, 2, N)
SAME = AREA[:, None] == AREA[None, :]
M = np.random.default_rng(8).uniform(-1, 1, N)


def test_a_border_is_one_of_the_barriers_and_turning_it_round_swaps_the_sides():
    y, x, _ = world([W * SAME, W * ~SAME], [1.0, 0.3], n=N, W=W)
    one, two = border_barrier(y, x, W, AREA).to_frame(), barrier_split(y, x, W, ~SAME).to_frame()
    assert one.equals(two)
    assert two.loc[0, "lo"] < 0.7 < two.loc[0, "hi"]
    y, x, _ = world([W * SAME, W * ~SAME], [1.0, 0.3], n=N, W=W)
    one, two = (barrier_split(y, x, W, behind).to_frame().iloc[0] for behind in (~SAME, SAME))
    assert (one["theta_in"], one["theta_out"]) == pytest.approx((two["theta_out"], two["theta_in"]))
    assert one["p_equal"] == pytest.approx(two["p_equal"])


def test_on_the_way_out_only_those_links_are_asked_about():
    """Centres spill over 1.2 inside and 0.4 across the border; all other links 0.1 without any border."""
    centre = np.arange(N) % 3 == 0
    scope = ~centre[:, None] & centre[None, :]
    parts, rows = [W * (scope & SAME), W * (scope & ~SAME), W * ~scope], []
    for seed in range(4):
        y, x, _ = world(parts, [1.2, 0.4, 0.1], seed=seed, n=N, W=W)
        found = barrier_split(y, x, W, ~SAME, scope=scope)
        rest = found.fit.theta().set_index("name").loc["rest", "theta"]
        rows.append([*found.to_frame().loc[0, ["theta_in", "theta_out"]], rest])
    assert np.mean(rows, axis=0) == pytest.approx([1.2, 0.4, 0.1], abs=0.15)


def test_barriers_refuse_bad_input_in_words():
    y, x, _ = world([], [], n=N, W=W)
    panel_refused("no link behind", barrier_split, y, x, W, np.zeros((N, N)))
    panel_refused("must be", barrier_split, y, x, W, SAME[:3])


CENTRE = np.arange(N) % 4 == 0
FIVE = random_knn_weights(N, 5, rng=np.random.default_rng(99))
BOTH_WAYS = {"cc": 0.5, "cp": 0.6, "pc": 1.5, "pp": 0.2}
TRUTH = {"cc": 0.5, "cp": 0.1, "pc": 0.8, "pp": 0.2}


def simulated(seed=0, truth=TRUTH):
    blocks = split_blocks(FIVE, CENTRE)
    return world([blocks[b] for b in BLOCKS], [truth[b] for b in BLOCKS], seed=seed, n=N)[:2]


def fit(y, x, centre=CENTRE, **options):
    return block_spillover(y, x, FIVE, centre, **options)


def test_blocks_add_up_to_w_and_their_effects_to_the_total():
    blocks = split_blocks(FIVE, CENTRE)
    assert sum(blocks.values()) == pytest.approx(FIVE, abs=0)
    assert not blocks["pc"][CENTRE].any()  # rows receive: no centre city receives in pc
    assert not blocks["pc"][:, ~CENTRE].any()  # columns emit: only centres emit in pc
    s = np.random.default_rng(3).normal(size=(N, N))
    found, without = block_effects(s, CENTRE, with_own=True), block_effects(s, CENTRE)
    share = {"c": CENTRE.mean(), "p": 1 - CENTRE.mean()}
    per_emitter = sum(share[b[1]] * found[i] for i, b in enumerate(BLOCKS))
    per_receiver = sum(share[b[0]] * found[4 + i] for i, b in enumerate(BLOCKS))
    assert (per_emitter, per_receiver) == pytest.approx((s.sum() / N, s.sum() / N), abs=1e-10)
    assert found[0] - without[0] == pytest.approx(np.diag(s)[CENTRE].mean())
    assert without[1] == found[1]


def test_truth_is_recovered_within_three_errors_and_swapping_the_labels_swaps_the_directions():
    theta = fit(*simulated()).fit.theta().set_index("name").loc[list(TRUTH)]
    assert (np.abs(theta["theta"] - list(TRUTH.values())) < 3 * theta["se"]).all()
    y, x = simulated(truth=BOTH_WAYS)
    plain, swapped = fit(y, x), fit(y, x, ~CENTRE)
    one, two = (r.fit.theta().set_index("name")["theta"] for r in (plain, swapped))
    assert (two["cp"], two["cc"]) == pytest.approx((one["pc"], one["pp"]), abs=1e-8)
    assert swapped.asymmetry[0] == pytest.approx(-plain.asymmetry[0], abs=1e-8)


def test_asymmetry_and_the_difference_of_the_effects_are_positive_with_their_intervals():
    one = fit(*simulated(truth=BOTH_WAYS))
    index, low, high = one.asymmetry
    assert 0 < low < index < high
    assert one.difference.point[0] == pytest.approx(one.effects.point[2] - one.effects.point[1])
    assert one.difference.normal().lower[0] > 0
    assert one.p_asymmetry < 0.05
    frame = one.to_frame()
    assert (frame["e_lo"] <= frame["e_hi"]).all()
    assert list(frame["receiver"] + frame["emitter"]) == list(BLOCKS)
    # the index has a kink: it is not given where an effect may be zero
    none = fit(*simulated(truth=dict.fromkeys(BLOCKS, 0.0)))
    assert np.isnan(none.asymmetry).all()
    assert np.isfinite(none.difference.point).all()


def test_errors_of_effects_follow_the_gradient():
    found = fit(*simulated()).fit
    slope = gradient(lambda p: block_effects(found.multiplier(p), CENTRE), found.core.params)
    expected = slope.T @ found.core.cov @ slope
    assert found.effects(lambda s: block_effects(s, CENTRE)).cov == pytest.approx(expected, rel=1e-5, abs=1e-10)


def test_one_sided_samples_and_unlinked_groups_are_refused():
    y, x = simulated()
    panel_refused("a centre and a periphery", fit, y, x, np.ones(N, dtype=bool))
    far = np.kron(np.eye(2), (np.ones((60, 60)) - np.eye(60)) / 59)
    panel_refused("no link between centre and periphery", block_spillover, y, x, far, np.arange(N) < 60)
