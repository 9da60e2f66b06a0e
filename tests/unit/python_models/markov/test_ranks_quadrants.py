"""Rank mobility and LISA Markov, against scipy, giddy and counts by hand."""

import giddy.markov
import giddy.rank
import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau, spearmanr

from python_models.dynamics.chain import ergodic
from python_models.dynamics.lisa_markov import lisa_markov
from python_models.dynamics.ranks import rank_mobility
from python_models.space import to_graph


def test_correlations_are_means_of_those_of_scipy(country):
    y, _ = country
    found = rank_mobility(y, 3)
    assert found.kendall_tau == pytest.approx(np.mean([kendalltau(y[:, t], y[:, t + 3])[0] for t in range(5)]))
    assert found.spearman == pytest.approx(np.mean([spearmanr(y[:, t], y[:, t + 3])[0] for t in range(5)]))
    assert found.n_pairs == 5
    assert found.tau_lo < found.kendall_tau < found.tau_hi


def test_ties_are_tau_b():
    y = np.array([[1.0, 1], [1, 2], [2, 2], [3, 1], [3, 5]])
    assert rank_mobility(y).kendall_tau == pytest.approx(kendalltau(y[:, 0], y[:, 1])[0])


def test_theta_equals_giddy(income):
    groups = np.arange(48) % 4
    theirs = giddy.rank.Theta(income.to_numpy(), groups, permutations=9)
    ours = rank_mobility(income, groups=groups, permutations=99, seed=1)
    assert ours.theta == pytest.approx(np.mean(theirs.theta))
    assert 0.01 <= ours.p_perm <= 1
    assert ours == rank_mobility(income, groups=groups, permutations=99, seed=1)


def test_scores_that_keep_their_order_have_no_rank_mobility():
    y = np.arange(1.0, 11)[:, None] * np.array([1.0, 2.0, 3.0])
    found = rank_mobility(y, groups=np.arange(10) % 2, permutations=9, seed=1)
    assert (found.kendall_tau, found.mean_abs_rank_change, found.tau_se) == (1, 0, 0)
    assert np.isnan(found.theta)


def test_a_monotone_transformation_changes_nothing(country):
    y, _ = country
    for lag in (1, 4):
        pd.testing.assert_frame_equal(rank_mobility(np.log(y), lag).to_frame(), rank_mobility(y, lag).to_frame())


def test_a_group_is_compared_inside_and_its_places_are_national(country):
    y, _ = country
    mask = np.arange(60) < 20
    found = rank_mobility(y, subset=mask)
    alone = rank_mobility(y[:20])
    assert found.kendall_tau == alone.kendall_tau
    assert found.mean_abs_rank_change > alone.mean_abs_rank_change
    assert found.n_obs == 20


def test_the_jackknife_error_is_that_of_leaving_cities_out():
    y = np.random.default_rng(3).random((12, 3))
    left = [rank_mobility(np.delete(y, i, axis=0)).kendall_tau for i in range(12)]
    error = np.sqrt(11 / 12 * ((left - np.mean(left)) ** 2).sum())
    assert rank_mobility(y).tau_se == pytest.approx(error)


def test_ranks_of_nothing_are_refused():
    with pytest.raises(ValueError, match="at least three cities"):
        rank_mobility(np.ones((2, 3)))
    with pytest.raises(ValueError, match="no rank"):
        rank_mobility(np.ones((4, 3)))


def test_quadrants_of_us_incomes_equal_giddy(income, contiguity):
    """giddy 2.3.9: 1087 of 1169 moves from HH stay there; long-run share of LL 0.4049367."""
    ours = lisa_markov(income, contiguity)
    assert ours.chain.counts[0].tolist() == [1087, 44, 4, 34]
    theirs = giddy.markov.LISA_Markov(income.to_numpy(), contiguity.to_W(), permutations=0)
    np.testing.assert_array_equal(ours.chain.counts, theirs.transitions)
    assert ergodic(ours.chain.probabilities).distribution[2] == pytest.approx(0.4049367169307159, abs=1e-12)


def test_the_product_chain_is_a_chain_and_the_test_has_eight_degrees(income, contiguity):
    found = lisa_markov(income, contiguity, permutations=99, seed=1)
    np.testing.assert_allclose(found.p_independent.sum(axis=1), 1, atol=1e-12)
    assert found.dof == 8
    expected = found.chain.n_row[:, None] * found.p_independent
    assert found.q == pytest.approx(((found.chain.counts - expected) ** 2 / expected).sum())
    assert found.p_perm <= 0.05  # neighbours move together


def test_independent_sides_are_not_rejected():
    rng = np.random.default_rng(9)
    y = rng.standard_normal((200, 12))
    ring = np.roll(np.eye(200), 1, axis=1)  # the neighbour is another city with a life of its own
    found = lisa_markov(y, to_graph(ring), permutations=199, seed=1)
    assert found.p_perm > 0.05


def test_the_significance_variant_has_a_fifth_state(country):
    y, graph = country
    plain = lisa_markov(y, graph)
    nothing = lisa_markov(y, graph, significant=np.zeros(y.shape, dtype=bool))
    assert nothing.chain.counts[4, 4] == 60 * 7
    assert np.isnan(nothing.chain.probabilities[:4]).all()
    everything = lisa_markov(y, graph, significant=np.ones(y.shape, dtype=bool))
    np.testing.assert_array_equal(everything.chain.counts[:4, :4], plain.chain.counts)
    assert everything.names == ("HH", "LH", "LL", "HL", "NS")
    assert np.isnan(everything.p_perm)


def test_cities_without_neighbours_have_no_quadrant(country):
    y, graph = country
    cut = graph.sparse.toarray()
    cut[5] = 0
    found = lisa_markov(y, to_graph(cut), permutations=9, seed=1)
    assert (found.states[5] == -1).all()
    assert found.chain.n_obs == 59 * 7


def test_scale_changes_no_quadrant(country):
    y, graph = country
    np.testing.assert_array_equal(lisa_markov(7 * y, graph).states, lisa_markov(y, graph).states)
