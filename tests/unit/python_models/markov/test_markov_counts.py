"""Counts, probabilities, the spatial chain: sums, giddy, size and power, invariances."""

import giddy.markov
import numpy as np
import pytest
from drawn_chains import step, walk
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from python_models.dynamics.chain import ergodic, mean_first_passage, sojourn
from python_models.dynamics.markov import bootstrap_counts, cluster_error, iid_error, markov, row_shares
from python_models.dynamics.spatial_markov import classify_lag, spatial_markov
from python_models.dynamics.states import discretise
from python_models.space import build_weights, to_graph


def test_us_incomes_equal_giddy_and_its_published_row(income):
    """giddy 2.3.9 on yearly quintiles and pooled relative quintiles; the row is printed in its documentation."""
    relative = markov(discretise(income, "relative", n_states=5).states, 5)
    np.testing.assert_allclose(
        relative.probabilities[0], [0.91461837, 0.07503234, 0.00905563, 0.00129366, 0], atol=1e-8
    )
    yearly = discretise(income, "yearly", n_states=5).states
    theirs = giddy.markov.Markov(yearly, summary=False)
    ours = markov(yearly, 5)
    np.testing.assert_array_equal(ours.counts, theirs.transitions)
    np.testing.assert_allclose(ours.probabilities, theirs.p, atol=1e-12)
    np.testing.assert_allclose(ergodic(ours.probabilities).distribution, theirs.steady_state, atol=1e-12)
    np.testing.assert_allclose(mean_first_passage(ours.probabilities), theirs.mfpt, rtol=1e-8)
    np.testing.assert_allclose(sojourn(ours.probabilities), theirs.sojourn_time, rtol=1e-12)


@given(seed=st.integers(0, 1000), lag=st.integers(1, 5), n_states=st.integers(2, 5))
def test_counts_add_up_and_rows_sum_to_one(seed, lag, n_states):
    states = np.random.default_rng(seed).integers(0, n_states, (7, 9))
    found = markov(states, n_states, lag)
    assert found.n_obs == 7 * (9 - lag)
    rows = found.probabilities[~found.empty].sum(axis=1)
    np.testing.assert_allclose(rows, 1, atol=1e-12)
    order = np.random.default_rng(seed).permutation(7)
    np.testing.assert_array_equal(markov(states[order], n_states, lag).counts, found.counts)


def test_an_empty_state_has_no_row():
    found = markov(np.array([[0, 1, 1, 3], [1, 0, 0, 3]]), 4)
    np.testing.assert_array_equal(found.empty, [False, False, True, True])
    assert np.isnan(found.probabilities[2:]).all()
    assert np.isnan(found.se[2:]).all()
    assert found.to_frame().query("state_from == 2")["p"].isna().all()
    assert found.thin.all()


@pytest.mark.parametrize("lag", [0, 3, 1.0])
def test_a_lag_that_the_years_do_not_have_is_refused(lag):
    with pytest.raises(ValueError, match="lag must be a whole number from 1 to 2"):
        markov(np.zeros((2, 3), dtype=int), 2, lag)


def test_the_interval_of_resampled_cities_is_wider_than_iid_where_cities_differ():
    rng = np.random.default_rng(3)
    stay = np.where(np.arange(80) % 2, 0.95, 0.45)[:, None]  # movers and stayers
    states = (np.cumsum(rng.random((80, 12)) > stay, axis=1) % 2).astype(int)
    found = markov(states, 2, n_boot=999, seed=1)
    assert (found.lo <= found.probabilities).all()
    assert (found.probabilities <= found.hi).all()
    assert ((found.hi - found.lo)[0, 0] / (2 * 1.96)) > 1.3 * found.se[0, 0]
    np.testing.assert_array_equal(found.lo, markov(states, 2, n_boot=999, seed=1).lo)
    with pytest.raises(ValueError, match="needs a seed"):
        markov(states, 2, n_boot=9)


def test_a_move_that_was_never_seen_is_not_impossible():
    states = np.tile([[0, 0, 1, 1]], (10, 1))
    found = markov(states, 2, n_boot=99, seed=1)
    assert found.counts[1].tolist() == [0, 10]
    assert found.hi[1, 0] == pytest.approx(binomtest(0, 10).proportion_ci(0.95).high)
    assert found.lo[1, 1] == pytest.approx(binomtest(10, 10).proportion_ci(0.95).low)
    assert found.lo[1, 0] == 0


def test_the_spatial_chain_equals_giddy(income, contiguity):
    relative = (income / income.mean()).to_numpy()
    theirs = giddy.markov.Spatial_Markov(relative, contiguity.to_W(), fixed=True, k=5, m=5, variable_name="income")
    states = discretise(income, "relative", n_states=5).states
    near = classify_lag(income / income.mean(), contiguity, 5)
    ours = spatial_markov(states, near.states, 5, 5)
    np.testing.assert_array_equal(ours.counts, theirs.T)
    np.testing.assert_allclose(ours.probabilities, theirs.P, atol=1e-12)
    assert (ours.q, ours.lr) == pytest.approx((theirs.Q, theirs.LR), abs=1e-8)
    assert ours.dof == theirs.dof_hom
    assert ours.p_value == pytest.approx(theirs.Q_p_value, abs=1e-12)


def test_conditional_counts_sum_to_the_pooled_ones_and_so_do_the_rows(country):
    y, graph = country
    states = discretise(y).states
    found = spatial_markov(states, classify_lag(y / y.mean(axis=0), graph).states, 4, 4, 2)
    pooled = markov(states, 4, 2)
    np.testing.assert_array_equal(found.counts.sum(axis=0), pooled.counts)
    share = found.n_row / found.n_row.sum(axis=0)
    mixed = (share[..., None] * np.nan_to_num(found.probabilities)).sum(axis=0)
    np.testing.assert_allclose(mixed, pooled.probabilities, atol=1e-12)


def test_without_empty_cells_there_are_36_degrees_of_freedom():
    rng = np.random.default_rng(1)
    states, near = rng.integers(0, 4, (200, 20)), rng.integers(0, 4, (200, 20))
    found = spatial_markov(states, near, 4, 4)
    assert found.dof == 36
    assert found.n_empty == 0


def test_cities_without_neighbours_are_left_out_and_counted(country):
    y, graph = country
    cut = graph.sparse.toarray()
    cut[3] = 0
    near = classify_lag(y / y.mean(axis=0), to_graph(cut))
    assert (near.states[3] == -1).all()
    found = spatial_markov(discretise(y).states, np.where(near.states < 0, np.nan, near.states), 4, 4)
    assert found.n_no_lag == 7
    assert found.counts.sum() == 59 * 7


def test_an_empty_class_of_neighbours_gives_null_rows():
    states = np.array([[0, 1, 0, 1], [1, 0, 1, 0]])
    found = spatial_markov(states, np.zeros_like(states), 2, 3)
    assert np.isnan(found.probabilities[1:]).all()
    assert found.dof == 0
    assert np.isnan(found.p_value)
    assert found.n_empty == 4


def test_upward_help_is_the_difference_of_the_chances_to_rise():
    rng = np.random.default_rng(8)
    near = rng.integers(0, 2, (400, 10))
    states = np.zeros((400, 10), dtype=int)
    for t in range(1, 10):
        up = rng.random(400) < np.where(near[:, t - 1] == 1, 0.5, 0.2)
        states[:, t] = np.where(up, 1, 0)
    found = spatial_markov(states, near, 2, 2, n_boot=499, seed=1, permutations=99)
    row = found.upward.iloc[0]
    assert row["upward_help"] == pytest.approx(0.3, abs=0.04)
    assert row["lo"] < 0.3 < row["hi"]
    assert row["lo"] > 0
    assert row["p"] <= 0.01
    assert found.p_perm == 0.01
    assert len(found.upward) == 1


def test_shapes_and_states_of_the_neighbours_are_checked():
    with pytest.raises(ValueError, match="axes must match"):
        spatial_markov(np.zeros((3, 4), dtype=int), np.zeros((3, 3), dtype=int), 2, 2)
    with pytest.raises(ValueError, match=r"lag_states must be whole numbers 0\.\.1"):
        spatial_markov(np.zeros((3, 4), dtype=int), np.full((3, 4), 2), 2, 2)
    with pytest.raises(ValueError, match="need a seed"):
        spatial_markov(np.zeros((3, 4), dtype=int), np.zeros((3, 4), dtype=int), 2, 2, permutations=9)


def simulated(known: np.ndarray, help_: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """States whose chance to rise grows by help_ per class of neighbours, on a fixed map of 280 places."""
    rng = np.random.default_rng(seed)
    places = np.column_stack([rng.uniform(100, 120, 280), rng.uniform(25, 40, 280)])
    w = build_weights("knn", points=places, k=5).sparse
    states = walk(known, 280, 10, rng)
    if help_:
        for t in range(1, 10):
            level = w @ states[:, t - 1]
            raised = rng.random(280) < help_ * np.argsort(np.argsort(level)) / 280
            states[:, t] = np.minimum(step(known, states[:, t - 1], rng) + raised, 3)
    near = np.asarray(w @ (states + 0.01 * rng.random(states.shape)))
    cuts = np.quantile(near, [0.25, 0.5, 0.75])
    return states, np.searchsorted(cuts, near)


@pytest.mark.slow
def test_size_and_power_of_the_spatial_test(known):
    """200 independent maps rejected in 3-8 %; neighbours that help seen in more than 90 %."""
    rejected = []
    for seed in range(200):
        states, near = simulated(known, 0.0, seed)
        rejected.append(spatial_markov(states, near, 4, 4, permutations=199, seed=seed).p_perm <= 0.05)
    assert 0.03 <= np.mean(rejected) <= 0.08
    seen = []
    for seed in range(50):
        states, near = simulated(known, 0.25, seed)
        seen.append(spatial_markov(states, near, 4, 4, permutations=199, seed=seed).p_perm <= 0.05)
    assert np.mean(seen) > 0.9


def test_error_by_city_is_the_usual_one_for_one_move_a_city_and_near_that_of_resampled_cities_for_many():
    states = np.random.default_rng(3).integers(0, 3, size=(80, 2))
    usual = iid_error(markov(states, 3).counts)
    np.testing.assert_allclose(cluster_error(states, 3), usual * np.sqrt(80 / 79), rtol=1e-12)
    rng = np.random.default_rng(4)  # half of the cities move often, half seldom: years of a city are alike
    moves = rng.random((80, 8)) < np.where(np.arange(80) % 2, 0.9, 0.1)[:, None]
    apart = moves.cumsum(axis=1) % 2
    drawn = row_shares(bootstrap_counts(apart, 2, 1, 1500, 5)).std(axis=0)
    found = cluster_error(apart, 2)
    np.testing.assert_allclose(found, drawn, rtol=0.1)
    assert np.all(found > 1.5 * iid_error(markov(apart, 2).counts))


def test_error_by_city_of_a_state_that_is_never_left_is_unknown_and_of_a_certain_move_zero():
    states = np.tile([0, 1, 0, 1], (6, 1))
    found = cluster_error(states, 3)
    assert found[:2].max() < 1e-12
    assert np.isnan(found[2]).all()
