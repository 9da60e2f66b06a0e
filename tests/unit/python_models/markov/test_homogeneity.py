"""Homogeneity and order of a chain, giddy, scipy, counts by hand."""

import numpy as np
import pytest
from checks import refused
from drawn_chains import walk

from python_models.dynamics.homogeneity import (
    divergence,
    group_homogeneity,
    judged,
    order_test,
    simulate_chain,
    time_homogeneity,
)
from python_models.dynamics.markov import markov
from python_models.dynamics.states import discretise


def of_tables(counts):
    """Test that tables of counts come from one matrix, without simulation."""
    return judged(np.array(counts, dtype=float), np.empty(0), None)


def test_the_halves_of_the_century_equal_giddy(giddy, income):
    """Two tables, 1929-1969 and 1969-2009: LR 103.84985861721717, Q 102.6428756456604, 15 degrees of freedom."""
    states = discretise(income, "relative", n_states=5).states
    found = of_tables([markov(states[:, :41], 5).counts, markov(states[:, 40:], 5).counts])
    assert (found.lr, found.q, found.dof) == pytest.approx((103.84985861721717, 102.6428756456604, 15), abs=1e-8)


def test_random_tables_equal_giddy_in_any_order_and_equal_ones_have_no_distance(giddy):
    tables = np.random.default_rng(4).integers(5, 60, (3, 4, 4)).astype(float)
    theirs, ours = giddy.markov.Homogeneity_Results(list(tables)), of_tables(tables)
    assert (ours.q, ours.lr, ours.dof) == pytest.approx((theirs.Q, theirs.LR, theirs.dof), abs=1e-8)
    assert ours.p_value == pytest.approx(theirs.Q_p_value, abs=1e-10)
    stack = np.random.default_rng(6).integers(0, 9, (5, 3, 4, 4)).astype(float)
    for one, *expected in zip(stack, *divergence(stack), strict=True):
        assert divergence(one) == pytest.approx(expected)
        assert divergence(one[::-1]) == pytest.approx(expected)
    table = np.array([[5.0, 5, 0], [2, 8, 0], [0, 0, 0]])  # empty rows take no part
    same = of_tables([table, 3 * table])
    assert same.q == pytest.approx(0, abs=1e-12)
    assert (same.dof, same.n_empty, same.p_value) == (2, 2, 1)


def test_yearly_tables_and_groups_are_compared(known):
    states = walk(known, 100, 6, np.random.default_rng(2))
    found, again = (time_homogeneity(states, 4, simulations=199, seed=1) for _ in range(2))
    assert found.q == pytest.approx(of_tables([markov(states[:, t : t + 2], 4).counts for t in range(5)]).q)
    assert 0.005 <= found.p_perm <= 1
    assert found == again
    rng = np.random.default_rng(3)
    apart = walk(known, 60, 10, rng), walk(known[::-1, ::-1], 60, 10, rng)
    grouped = group_homogeneity(np.vstack(apart), 4, ["a"] * 60 + ["b"] * 60, permutations=99, seed=1)
    assert grouped.q == pytest.approx(of_tables([markov(own, 4).counts for own in apart]).q)
    mixed = group_homogeneity(np.vstack(apart), 4, np.arange(120) % 2, permutations=199, seed=1)
    assert mixed.p_perm > 0.05


def test_a_chain_depends_on_the_present_and_not_on_the_past(known):
    states = walk(known, 200, 10, np.random.default_rng(5))
    first, second = (order_test(states, 4, order, simulations=99, seed=1) for order in (1, 2))
    assert (first.dof, first.p_perm, second.n_obs) == (9, 0.01, 200 * 8)
    assert second.p_perm > 0.05


def test_order_two_is_the_textbook_count_and_memory_of_two_years_is_seen():
    rng = np.random.default_rng(7)
    states = rng.integers(0, 2, (150, 12))
    for t in range(2, 12):  # goes back to where it was two years ago
        states[:, t] = states[:, t - 2] ^ (rng.random(150) >= 0.8)
    found = order_test(states, 2, 2, simulations=99, seed=1)
    assert found.p_value < 1e-6
    assert (found.p_perm, found.dof) == (0.01, 2)
    states, tables = np.array([[0, 0, 1, 1, 0, 1], [1, 1, 0, 0, 1, 0], [0, 1, 1, 0, 0, 0]]), np.zeros((2, 2, 2))
    np.add.at(tables, (states[:, :-2], states[:, 1:-1], states[:, 2:]), 1)
    assert order_test(states, 2, 2).q == pytest.approx(of_tables(tables).q)


def test_simulated_chains_have_the_matrix_they_come_from_where_every_state_is_left(known):
    panels = simulate_chain(np.zeros(500, dtype=int), known, 30, 4, np.random.default_rng(1))
    counts = sum(markov(panel, 4).counts for panel in panels)
    np.testing.assert_allclose(counts / counts.sum(axis=1, keepdims=True), known, atol=0.02)
    # a state that a row excludes is never drawn
    p = np.array([[0.1, 0.2, 0.7, 0.0], [0.3, 0.3, 0.4, 0.0], [1 / 3, 1 / 3, 1 / 3, 0.0], [0, 0, 0, 1.0]])
    assert simulate_chain(np.zeros(50, dtype=int), p, 40, 20, np.random.default_rng(2)).max() == 2
    states = np.array([[0, 1, 1, 2], [1, 0, 1, 1], [0, 0, 1, 0]])
    found = time_homogeneity(states, 3, simulations=9, seed=1)
    assert np.isnan(found.p_perm)
    assert found.n_perm == 0
    dead_end = np.array([1]), np.array([[1.0, 0], [np.nan, np.nan]]), 3, 2, np.random.default_rng(1)
    refused("cannot be drawn further", simulate_chain, *dead_end)


def test_errors_say_what_is_wrong():
    states = np.zeros((2, 5), dtype=int)
    refused("order must be 1 or 2", order_test, states, 2, 3)
    refused("one label per city", group_homogeneity, states, 2, ["a"])
    refused("need a seed", time_homogeneity, states, 2, simulations=9)
