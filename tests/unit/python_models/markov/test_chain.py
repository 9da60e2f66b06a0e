"""States, counts and the long run of a chain: identities, giddy, size and power, degenerate chains."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from checks import refused
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from python_models.dynamics.chain import ergodic, mobility_stack, stationary_stack
from python_models.dynamics.markov import bootstrap_counts, cluster_error, iid_error, markov, row_shares
from python_models.dynamics.spatial_markov import classify_lag, spatial_markov
from python_models.dynamics.states import check_states, classify, discretise, round_significant
from python_models.space import to_graph


def test_a_value_at_a_cut_belongs_to_the_lower_class_and_rounding_keeps_twelve_digits():
    assert classify(np.array([0.9, 1.0, 1.1, np.nan]), np.array([1.0, 2.0])).tolist() == [0, 0, 1, -1]
    noisy = np.array([1.0, 0.1 + 0.2, 12345.678901234567, 0.0])
    np.testing.assert_array_equal(round_significant(noisy), [1.0, 0.3, 12345.6789012, 0.0])


def test_classes_equal_mapclassify_and_giddy_and_labels_are_kept(giddy, income):
    import mapclassify

    ours = discretise(income, "yearly", n_states=5)
    for t in range(0, 81, 10):
        np.testing.assert_array_equal(ours.states[:, t], mapclassify.Quantiles(income.iloc[:, t], k=5).yb)
    ours = discretise(income, "relative", n_states=5)
    # upper bounds of giddy's documentation example
    expected = [0.8399913278866344, 0.9470754454241338, 1.0324269665196955, 1.1491115353644896]
    np.testing.assert_allclose(ours.cuts, expected, rtol=1e-12)
    frame = ours.to_frame()
    assert frame.columns.tolist() == ["city_id", "year", "state"]
    assert frame["city_id"].iloc[0] == "Alabama"
    assert frame["year"].iloc[1] == "1930"


def test_a_common_yearly_factor_moves_the_pooled_chain_only(country):
    y, _ = country
    grown = y * np.linspace(1, 3, y.shape[1])
    is_same = {
        k: (discretise(grown, k).states == discretise(y, k).states).all() for k in ("relative", "yearly", "pooled")
    }
    assert is_same == {"relative": True, "yearly": True, "pooled": False}


def test_frozen_cuts_come_from_the_base_years_alone(country):
    y, _ = country
    base = np.arange(8) < 5
    first = discretise(y[:, :5], "relative")
    both = discretise(y, "relative", base=base)
    np.testing.assert_array_equal(both.cuts, first.cuts)
    np.testing.assert_array_equal(both.states[:, :5], first.states)


def test_states_and_discretisations_that_are_none_are_refused(country):
    refused(r"got 4 at city 0, year 1. Subtract 1 if your states start at 1", markov, np.array([[0, 4]]), 4)
    refused(r"must be whole numbers 0\.\.3, got -1", markov, np.array([[0, -1]]), 4)
    refused(r"got 1\.5 at city 0, year 1", markov, np.array([[0, 1.5]]), 4)
    refused(r"missing for 1 cells, first \(0, 1\)", markov, np.array([[0, np.nan]]), 4)
    refused("got bool", markov, np.array([[True, False]]), 4)
    refused("must be whole numbers", markov, np.array([["a", "b"]]), 4)
    refused(r"axes \(city, year\)", markov, np.array([0, 1]), 4)
    states = pd.DataFrame({2012: [0, 1, None], 2013: [1, 1, 0]}, dtype="Int64")
    assert markov(states, 2, allow_missing=True).n_obs == 2
    assert check_states(states, 2, "states", allow_missing=True)[2, 0] == -1
    refused("unknown discretisation", discretise, country[0], kind="monthly")
    refused("two states", discretise, country[0], n_states=1)


def test_us_incomes_equal_giddy_and_its_published_row(giddy, income):
    """giddy 2.3.9 on yearly quintiles and pooled relative quintiles; the row is printed in its documentation."""
    relative = markov(discretise(income, "relative", n_states=5).states, 5)
    printed = [0.91461837, 0.07503234, 0.00905563, 0.00129366, 0]
    np.testing.assert_allclose(relative.probabilities[0], printed, atol=1e-8)
    yearly = discretise(income, "yearly", n_states=5).states
    theirs, ours = giddy.markov.Markov(yearly, summary=False), markov(yearly, 5)
    p = ours.probabilities
    np.testing.assert_array_equal(ours.counts, theirs.transitions)
    np.testing.assert_allclose(p, theirs.p, atol=1e-12)
    np.testing.assert_allclose(ergodic(p).distribution, theirs.steady_state, atol=1e-12)


@given(seed=st.integers(0, 1000), lag=st.integers(1, 5), n_states=st.integers(2, 5))
def test_counts_add_up_and_rows_sum_to_one(seed, lag, n_states):
    states = np.random.default_rng(seed).integers(0, n_states, (7, 9))
    found = markov(states, n_states, lag)
    assert found.n_obs == found.counts.sum() == 7 * (9 - lag)
    np.testing.assert_allclose(found.probabilities[~found.empty].sum(axis=1), 1, atol=1e-12)


def test_an_empty_state_has_no_row():
    found = markov(np.array([[0, 1, 1, 3], [1, 0, 0, 3]]), 4)
    np.testing.assert_array_equal(found.empty, [False, False, True, True])
    assert np.isnan([found.probabilities[2:], found.se[2:]]).all()
    assert found.to_frame().query("state_from == 2")["p"].isna().all()
    assert found.thin.all()


@pytest.mark.parametrize("lag", [0, 3, 1.0])
def test_a_lag_that_the_years_do_not_have_is_refused(lag):
    refused("lag must be a whole number from 1 to 2", markov, np.zeros((2, 3), dtype=int), 2, lag)


def test_the_interval_of_resampled_cities_is_wider_than_iid_where_cities_differ():
    rng = np.random.default_rng(3)
    stay = np.where(np.arange(80) % 2, 0.95, 0.45)[:, None]  # movers and stayers
    states = (np.cumsum(rng.random((80, 12)) > stay, axis=1) % 2).astype(int)
    found = markov(states, 2, n_boot=999, seed=1)
    assert ((found.lo <= found.probabilities) & (found.probabilities <= found.hi)).all()
    assert ((found.hi - found.lo)[0, 0] / (2 * 1.96)) > 1.3 * found.se[0, 0]
    np.testing.assert_array_equal(found.lo, markov(states, 2, n_boot=999, seed=1).lo)
    refused("needs a seed", markov, states, 2, n_boot=9)


def test_a_move_that_was_never_seen_is_not_impossible():
    found = markov(np.tile([[0, 0, 1, 1]], (10, 1)), 2, n_boot=99, seed=1)
    assert found.counts[1].tolist() == [0, 10]
    never, always = (binomtest(k, 10).proportion_ci(0.95) for k in (0, 10))
    assert (found.lo[1, 0], found.hi[1, 0], found.lo[1, 1]) == pytest.approx((0, never.high, always.low))
    assert np.isnan([found.lo[0], found.hi[0]]).all()  # cities that are all alike: no interval of no width


def test_the_spatial_chain_equals_giddy(giddy, income, contiguity):
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


def test_degrees_of_freedom_count_the_cells_that_are_not_empty():
    states, near = np.random.default_rng(1).integers(0, 4, (2, 200, 20))
    full = spatial_markov(states, near, 4, 4)
    assert (full.dof, full.n_empty) == (36, 0)
    states = np.array([[0, 1, 0, 1], [1, 0, 1, 0]])
    found = spatial_markov(states, np.zeros_like(states), 2, 3)
    assert np.isnan(found.probabilities[1:]).all()
    assert np.isnan(found.p_value)
    assert (found.dof, found.n_empty) == (0, 4)


def test_cities_without_neighbours_are_left_out_and_counted(country):
    y, graph = country
    cut = graph.sparse.toarray()
    cut[3] = 0
    near = classify_lag(y / y.mean(axis=0), to_graph(cut))
    assert (near.states[3] == -1).all()
    found = spatial_markov(discretise(y).states, np.where(near.states < 0, np.nan, near.states), 4, 4)
    assert found.n_no_lag == 7
    assert found.counts.sum() == 59 * 7


def test_upward_help_is_the_difference_of_the_chances_to_rise():
    rng = np.random.default_rng(8)
    near, states = rng.integers(0, 2, (400, 10)), np.zeros((400, 10), dtype=int)
    states[:, 1:] = rng.random((400, 9)) < np.where(near[:, :-1] == 1, 0.5, 0.2)
    found = spatial_markov(states, near, 2, 2, n_boot=499, seed=1, permutations=99)
    (row,) = found.upward.itertuples()
    assert row.upward_help == pytest.approx(0.3, abs=0.04)
    assert 0 < row.lo < 0.3 < row.hi
    assert row.p <= 0.01
    assert found.p_perm == 0.01


def test_shapes_and_states_of_the_neighbours_are_checked():
    states = np.zeros((3, 4), dtype=int)
    refused("axes must match", spatial_markov, states, states[:, :3], 2, 2)
    refused(r"lag_states must be whole numbers 0\.\.1", spatial_markov, states, states + 2, 2, 2)
    refused("need a seed", spatial_markov, states, states, 2, 2, permutations=9)


def provinces_that_differ(seed):
    """States of cities whose chance to rise and level go by province alone, and the class of their neighbours there."""
    rng, area = np.random.default_rng(seed), np.repeat(np.arange(12), 10)
    rise = rng.uniform(0.05, 0.6, 12)[area]
    states = np.empty((120, 8), dtype=int)
    states[:, 0] = rng.integers(0, 3, 120)
    for t in range(1, 8):
        up = rng.random(120) < rise
        states[:, t] = np.clip(states[:, t - 1] + np.where(up, 1, -1), 0, 2)
    near = np.stack([states[area == a].mean(axis=0) for a in range(12)])[area]
    near = (10 * near - states) / 9
    return states, np.searchsorted(np.quantile(near, [1 / 3, 2 / 3]), near), area


def test_permutations_inside_provinces_keep_their_size_where_all_places_do_not():
    drawn = (provinces_that_differ(seed) for seed in range(40))
    chains = [spatial_markov(y, near, 3, 3, permutations=99, groups=a, seed=k) for k, (y, near, a) in enumerate(drawn)]
    assert sum(chain.p_perm <= 0.05 for chain in chains) >= 30
    assert sum(chain.p_perm_within <= 0.05 for chain in chains) <= 6  # more have a chance of 1 %
    states, near, _ = provinces_that_differ(0)
    alone = spatial_markov(states, near, 3, 3, permutations=19, groups=np.arange(120), seed=1)
    assert alone.p_perm_within == 1.0  # a city that is its own area has nowhere to go
    assert np.isnan(spatial_markov(states, near, 3, 3, permutations=19, seed=1).p_perm_within)


def test_error_by_city_is_the_usual_one_for_one_move_a_city_and_near_that_of_resampled_cities_for_many():
    states = np.random.default_rng(3).integers(0, 3, size=(80, 2))
    usual = iid_error(markov(states, 3).counts)
    np.testing.assert_allclose(cluster_error(states, 3), usual * np.sqrt(80 / 79), rtol=1e-12)
    rng = np.random.default_rng(4)  # half of the cities move often, half seldom: years of a city are alike
    moves = rng.random((80, 8)) < np.where(np.arange(80) % 2, 0.9, 0.1)[:, None]
    apart = moves.cumsum(axis=1) % 2
    found = cluster_error(apart, 2)
    np.testing.assert_allclose(found, row_shares(bootstrap_counts(apart, 2, 1, 1500, 5)).std(axis=0), rtol=0.1)
    assert np.all(found > 1.5 * iid_error(markov(apart, 2).counts))
    certain = cluster_error(np.tile([0, 1, 0, 1], (6, 1)), 3)  # certain moves, and a state that is never left
    assert certain[:2].max() < 1e-12
    assert np.isnan(certain[2]).all()


def random_matrix(seed: int, k: int) -> np.ndarray:
    p = np.random.default_rng(seed).random((k, k)) + 0.01
    return p / p.sum(axis=1, keepdims=True)


def mobility(p: np.ndarray, pi: np.ndarray) -> SimpleNamespace:
    """Mobility indices of one matrix."""
    return SimpleNamespace(**{name: column[0] for name, column in mobility_stack(p[None], pi[None]).items()})


def test_the_known_matrix_has_its_known_long_run(known):
    pi = ergodic(known).distribution
    found = mobility(known, pi)
    np.testing.assert_allclose(pi, [0.1696113074, 0.2120141343, 0.2473498233, 0.3710247350], atol=1e-10)
    told = 0.1366666667, 0.1408969149, 0.9645320101
    assert (found.prais, found.shorrocks_det, found.lambda2) == pytest.approx(told, abs=1e-10)
    assert found.half_life == pytest.approx(19.194235, abs=1e-6)


@given(seed=st.integers(0, 10_000), k=st.integers(2, 6))
def test_identities_of_the_ergodic_vector_and_mobility_equals_giddy(giddy, seed, k):
    p = random_matrix(seed, k)
    pi = ergodic(p).distribution
    found = mobility(p, pi)
    np.testing.assert_allclose(pi @ p, pi, atol=1e-10)
    assert pi.sum() == pytest.approx(1, abs=1e-10)
    assert (pi >= 0).all()
    # a stack of matrices is one at a time
    np.testing.assert_allclose(stationary_stack(p[None])[0], pi, atol=1e-12)
    others = np.stack([np.eye(k), p])
    assert mobility_stack(others, np.stack([np.full(k, np.nan), pi]))["lambda2"][1] == pytest.approx(found.lambda2)
    theirs = {name: giddy.mobility.markov_mobility(p, measure=name, ini=pi) for name in ("P", "L2", "B2", "D")}
    assert found.prais == pytest.approx(theirs["P"], abs=1e-12)
    assert (found.eigen, found.bartholomew) == pytest.approx((theirs["L2"], theirs["B2"]), abs=1e-10)
    assert found.shorrocks_det == pytest.approx(
        1 - (1 - theirs["D"]) ** (1 / (k - 1)), abs=1e-10
    )  # giddy lacks the root


def test_without_moves_every_state_is_its_own_class_and_with_equal_rows_the_start_is_forgotten_at_once():
    found = ergodic(np.eye(4))
    still, equal = mobility(np.eye(4), found.distribution), mobility(np.full((4, 4), 0.25), np.full(4, 0.25))
    assert found.n_closed_classes == 4
    assert np.isnan([*found.distribution, still.bartholomew]).all()
    np.testing.assert_array_equal(found.by_class, np.eye(4))
    assert (still.prais, still.shorrocks_det, still.lambda2, still.half_life) == (0, 0, 1, np.inf)
    assert (equal.prais, equal.lambda2, equal.half_life) == (pytest.approx(1), 0, 0)


def test_several_closed_classes_have_one_long_run_each():
    p = np.array([[0.5, 0.5, 0, 0], [0.25, 0.75, 0, 0], [0.1, 0.1, 0.7, 0.1], [0, 0, 0, 1.0]])
    found = ergodic(p)
    assert found.closed == (0, 2)
    np.testing.assert_allclose(found.by_class, [[1 / 3, 2 / 3, 0, 0], [0, 0, 0, 1]])
    frame = found.to_frame()
    assert frame["is_closed"].tolist() == [True, True, False, True]
    assert np.isnan(frame["pi_global"]).all()


def test_transient_and_empty_states_have_no_share_and_a_periodic_chain_has_its_long_run():
    p, swap = np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    stack = stationary_stack(np.stack([p, np.eye(2), swap]))
    np.testing.assert_allclose(stack, [[0, 1], [np.nan, np.nan], [0.5, 0.5]])
    for own, expected in zip((p, swap), stack[[0, 2]], strict=True):
        np.testing.assert_allclose(ergodic(own).distribution, expected)
    unentered = ergodic(np.array([[0.5, 0.5, 0], [0.5, 0.5, 0], [np.nan] * 3]))
    np.testing.assert_allclose(unentered.distribution, [0.5, 0.5, 0])
    assert unentered.classes.tolist() == [0, 0, -1]


def test_an_empty_state_that_can_be_entered_leaves_no_long_run_and_what_is_no_matrix_is_refused():
    p = np.array([[0.5, 0.5], [np.nan, np.nan]])
    found = ergodic(p)
    assert found.is_open
    assert np.isnan([*found.distribution, mobility(p, found.distribution).prais]).all()
    refused("row 0 is no distribution", ergodic, [[0.5, 0.6], [0, 1]])
    refused("row 0 is no distribution", ergodic, [[1.5, -0.5], [0, 1]])
    refused("missing in part", ergodic, [[np.nan, 1.0], [0, 1]])
    refused("must be square", ergodic, [[0.5, 0.5]])
