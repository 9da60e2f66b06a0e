"""The data-generating process satisfies its own equations, and its switches do what they say."""

import numpy as np
import pytest

from python_models.simulation import (
    COMPLICATIONS,
    Truth,
    contiguity_weights,
    coordination,
    near_weights,
    simulate_country,
    spillover_matrix,
    split_blocks,
    stationary_ar1,
)
from tests.random_graph import random_knn_weights

N, T = 40, 6
EDGES = [(i, (i + 1) % N) for i in range(N)]


def country(truth=None, seed=7, n_years=T):
    rng = np.random.default_rng(3)
    is_core = np.arange(N) % 5 == 0
    return simulate_country(
        contiguity_weights(N, EDGES, rng.random((N, 2))),
        is_core=is_core,
        is_cluster=np.arange(N) < 20,
        is_east=np.arange(N) < 10,
        province=[f"p{i // 8}" for i in range(N)],
        n_years=n_years,
        truth=truth or Truth(),
        rng=np.random.default_rng(seed),
    )


def test_country_satisfies_its_equations_and_is_that_of_its_seed():
    drawn = country()
    np.testing.assert_allclose(drawn.residual(), drawn.shock, atol=1e-10)
    np.testing.assert_allclose((drawn.nqpf_new + drawn.nqpf_quality) / 2, drawn.nqpf, atol=1e-12)
    assert np.array_equal(drawn.nqpf, country().nqpf)
    assert not np.array_equal(drawn.nqpf, country(seed=8).nqpf)


def test_blocks_sum_to_the_weights_and_a_spillover_by_hand_has_border_and_threshold():
    weights = random_knn_weights(N, 5, rng=np.random.default_rng(1))
    is_centre = np.arange(N) % 4 == 0
    blocks, swapped = split_blocks(weights, is_centre), split_blocks(weights, ~is_centre)
    np.testing.assert_array_equal(sum(blocks.values()), weights)
    np.testing.assert_array_equal(blocks["pc"], swapped["cp"])
    # rows receive: pc has peripheral rows and central columns
    assert not blocks["pc"][is_centre].any()
    assert not blocks["pc"][:, ~is_centre].any()
    weights = np.array([[0.0, 1.0], [1.0, 0.0]])
    synergy = np.array([0.6, 0.4])
    matrix = spillover_matrix(weights, is_centre=[True, False], province=["a", "b"], synergy=synergy, truth=Truth())
    np.testing.assert_allclose(matrix, [[0, 0.1 * 0.4], [0.8 * 0.4 * 1.75, 0]])


def test_truth_when_effects_are_off_is_flat():
    off = Truth().without("asymmetry", "border", "threshold", "spatial_lag")
    assert off.theta_pc == off.theta_cp == pytest.approx(0.4)
    assert (off.border_factor, off.synergy_multiplier, off.rho) == (1.0, 1.0, 0.0)
    assert not country(Truth().without("spillover")).spillover.any()
    with pytest.raises(ValueError, match="unknown effect 'gravity'"):
        Truth().without("gravity")


def test_errors_remember_and_grow_with_the_level_and_each_complication_can_be_left_out():
    """2,000 years of 40 cities: AR(.6), a sd that rises by .35 in logs per sd of the level, a factor beside them."""
    hard = Truth(factor_sd=0.0)
    drawn = country(hard, n_years=2000)
    own = drawn.shock / drawn.shock.std(axis=1, keepdims=True)
    assert np.mean(own[:, 1:] * own[:, :-1]) == pytest.approx(0.6, abs=0.03)
    level = (drawn.city_effect - drawn.city_effect.mean()) / drawn.city_effect.std()
    assert np.polyfit(level, np.log(drawn.shock.std(axis=1)), 1)[0] == pytest.approx(0.35, abs=0.03)
    common = np.linalg.eigvalsh(np.corrcoef(country(Truth(factor_sd=0.2), n_years=2000).shock))[-1]
    assert common > 5 * np.linalg.eigvalsh(np.corrcoef(drawn.shock))[-1] / 2
    easy = country(Truth().without(*COMPLICATIONS), n_years=2000)
    calm = easy.shock / easy.shock.std(axis=1, keepdims=True)
    assert abs(np.mean(calm[:, 1:] * calm[:, :-1])) < 0.02
    assert easy.shock.std(axis=1) == pytest.approx(np.full(N, 0.12), rel=0.1)


def test_y_feeds_back_to_x_a_year_later_and_a_feedback_that_explodes_is_refused():
    """Against the same draw without it: D_t - phi D_{t-1} is the feedback times how far y was off its path."""
    without, drawn = country(Truth(feedback=0.0)), country(Truth(feedback=0.05))
    gap = drawn.pr - without.pr
    pushed = (gap[:, 1:] - drawn.truth.pr_persistence * gap[:, :-1]) / 0.05
    trend = drawn.multiplier().sum(axis=1, keepdims=True) * drawn.truth.pr_trend
    path = trend + np.diff(drawn.year_effect) / (1 - drawn.truth.rho)
    np.testing.assert_allclose(np.diff(pushed), (np.diff(drawn.nqpf) - path)[:, :-1], atol=1e-9)
    assert np.abs(gap).max() > 0.05
    with pytest.raises(ValueError, match="explode"):
        country(Truth(feedback=0.5))


def test_true_weights_are_near_contiguity_and_equal_it_without_the_complication():
    points = np.random.default_rng(3).random((N, 2))
    links = contiguity_weights(N, EDGES, points)
    near = near_weights(links, points, Truth())
    np.testing.assert_allclose(near.sum(axis=1), 1)
    assert not np.diag(near).any()
    assert near[links > 0].sum() / N == pytest.approx(1 - Truth().far_share)
    assert (near[(links == 0) & (near > 0)] > 0).sum() == 2 * N  # a ring: two neighbours of neighbours each
    np.testing.assert_allclose(near_weights(links, points, Truth().without("near_weights")), links)
    moved = np.random.default_rng(4).permutation(N)
    there = np.ix_(moved, moved)
    np.testing.assert_allclose(near_weights(links[there], points[moved], Truth()), near[there])


def test_multiplier_and_its_averages_by_hand():
    """Moving x of one city by 1 moves y by its column of S; averages are those of S."""
    drawn = country()
    s = drawn.multiplier()
    more = drawn.pr.copy()
    more[3] += 1.0
    shocks = drawn.city_effect[:, None] + drawn.year_effect + drawn.shock
    mean = drawn.truth.beta * more + drawn.spillover @ more + shocks
    moved = np.linalg.solve(np.eye(N) - drawn.truth.rho * drawn.weights, mean) - drawn.nqpf
    np.testing.assert_allclose(moved, np.repeat(s[:, [3]], T, axis=1), atol=1e-9)
    is_core = np.arange(N) % 5 == 0
    found = drawn.effects({"core": is_core}).set_index("name")["value"]
    assert found["total"] == pytest.approx(found["direct"] + found["indirect"]) == pytest.approx(s.sum() / N)
    mixed = is_core.mean() * found["direct:core=1"] + (1 - is_core.mean()) * found["direct:core=0"]
    assert mixed == pytest.approx(found["direct"])
    assert found["given_pc:core"] == pytest.approx(s[~is_core][:, is_core].sum() / is_core.sum())
    assert found["given_pc:core"] > 3 * found["given_cp:core"]


def test_stationary_paths_have_variance_one_and_coordination_is_the_root_of_the_mean():
    paths = stationary_ar1(20000, 5, 0.8, np.random.default_rng(1))
    assert paths.std(axis=0) == pytest.approx(np.ones(5), abs=0.02)
    assert np.mean(paths[:, 4] * paths[:, 3]) == pytest.approx(0.8, abs=0.02)
    values = np.array([0.0, 0.5, 1.0])
    np.testing.assert_allclose(coordination(values, values), np.sqrt([0.01, 0.5, 0.99]))
    with pytest.raises(ValueError, match="constant"):
        coordination(np.ones(3), values)


@pytest.mark.parametrize("bad", [{"rho": 1.0}, {"border_factor": 1.2}, {"synergy_threshold": -0.1}])
def test_truth_when_not_possible_is_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Truth(**bad)
