"""Long run of a chain: identities, known values, degenerate chains, and giddy."""

import giddy.ergodic
import giddy.markov
import giddy.mobility
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_models.dynamics.chain import (
    ergodic,
    mean_first_passage,
    mobility,
    mobility_stack,
    passage_stack,
    sojourn,
    stationary_stack,
)
from python_models.dynamics.markov import markov
from python_models.dynamics.states import discretise


def random_matrix(seed: int, k: int) -> np.ndarray:
    p = np.random.default_rng(seed).random((k, k)) + 0.01
    return p / p.sum(axis=1, keepdims=True)


def test_the_known_matrix_has_its_known_long_run(known):
    pi = ergodic(known).distribution
    np.testing.assert_allclose(pi, [0.1696113074, 0.2120141343, 0.2473498233, 0.3710247350], atol=1e-10)
    times = mean_first_passage(known)
    np.testing.assert_allclose(times[0], [5.895833, 10, 35.714286, 78.095238], atol=1e-6)
    np.testing.assert_allclose(times[3], [115.625, 66.666667, 25, 2.695238], atol=1e-6)
    found = mobility(known)
    assert found.prais == pytest.approx(0.1366666667, abs=1e-10)
    assert found.shorrocks_det == pytest.approx(0.1408969149, abs=1e-10)
    assert found.lambda2 == pytest.approx(0.9645320101, abs=1e-10)
    assert found.half_life == pytest.approx(19.194235, abs=1e-6)


@given(seed=st.integers(0, 10_000), k=st.integers(2, 6))
def test_identities_of_the_ergodic_vector_and_the_passage_times(seed, k):
    p = random_matrix(seed, k)
    pi, times = ergodic(p).distribution, mean_first_passage(p)
    np.testing.assert_allclose(pi @ p, pi, atol=1e-10)
    assert pi.sum() == pytest.approx(1, abs=1e-10)
    assert (pi >= 0).all()
    np.testing.assert_allclose(np.diag(times), 1 / pi, rtol=1e-8)
    np.testing.assert_allclose(times, 1 + p @ (times - np.diag(np.diag(times))), rtol=1e-8)
    np.testing.assert_allclose(times, giddy.ergodic.mfpt(p), rtol=1e-8)
    np.testing.assert_allclose(passage_stack(p[None], pi[None])[0], times, rtol=1e-8)


@given(seed=st.integers(0, 10_000))
def test_mobility_equals_giddy(seed):
    p = random_matrix(seed, 4)
    found, pi = mobility(p), ergodic(p).distribution
    assert found.prais == pytest.approx(giddy.mobility.markov_mobility(p, measure="P"), abs=1e-12)
    assert found.eigen == pytest.approx(giddy.mobility.markov_mobility(p, measure="L2"), abs=1e-10)
    assert found.bartholomew == pytest.approx(giddy.mobility.markov_mobility(p, measure="B2", ini=pi), abs=1e-10)
    # giddy's determinant index lacks the root
    root = 1 - (1 - giddy.mobility.markov_mobility(p, measure="D")) ** (1 / 3)
    assert found.shorrocks_det == pytest.approx(root, abs=1e-10)
    np.testing.assert_allclose(sojourn(p), giddy.markov.sojourn_time(p, summary=False), rtol=1e-12)


def test_without_moves_every_state_is_its_own_class():
    found = ergodic(np.eye(4))
    assert found.n_closed_classes == 4
    assert np.isnan(found.distribution).all()
    np.testing.assert_array_equal(found.by_class, np.eye(4))
    still = mobility(np.eye(4))
    assert (still.prais, still.shorrocks_det, still.lambda2, still.half_life) == (0, 0, 1, np.inf)
    assert np.isnan(still.bartholomew)
    np.testing.assert_array_equal(mean_first_passage(np.eye(2)), [[1, np.inf], [np.inf, 1]])


def test_with_equal_rows_the_start_is_forgotten_at_once():
    found = mobility(np.full((4, 4), 0.25))
    assert found.prais == pytest.approx(1)
    assert found.lambda2 == 0
    assert found.half_life == 0


def test_several_closed_classes_have_one_long_run_each():
    p = np.array([[0.5, 0.5, 0, 0], [0.25, 0.75, 0, 0], [0.1, 0.1, 0.7, 0.1], [0, 0, 0, 1.0]])
    found = ergodic(p)
    assert found.closed == (0, 2)
    np.testing.assert_allclose(found.by_class, [[1 / 3, 2 / 3, 0, 0], [0, 0, 0, 1]])
    frame = found.to_frame()
    assert frame["is_closed"].tolist() == [True, True, False, True]
    assert np.isnan(frame["pi_global"]).all()
    assert np.isinf(mean_first_passage(p)[2, 0])  # it may be caught elsewhere


def test_transient_states_have_no_share_and_infinite_return():
    p = np.array([[0.5, 0.5], [0.0, 1.0]])
    np.testing.assert_allclose(ergodic(p).distribution, [0, 1])
    np.testing.assert_allclose(mean_first_passage(p), [[np.inf, 2], [np.inf, 1]])
    np.testing.assert_allclose(stationary_stack(np.stack([p, np.eye(2)])), [[0, 1], [np.nan, np.nan]])


def test_an_empty_state_that_can_be_entered_leaves_no_long_run():
    p = np.array([[0.5, 0.5], [np.nan, np.nan]])
    found = ergodic(p)
    assert found.is_open
    assert np.isnan(found.distribution).all()
    times = mean_first_passage(p)
    assert times[0, 1] == 2
    assert np.isnan(times[0, 0])
    assert np.isnan(mobility(p).prais)


def test_an_empty_state_that_no_one_enters_has_no_share():
    p = np.array([[0.5, 0.5, 0], [0.5, 0.5, 0], [np.nan] * 3])
    np.testing.assert_allclose(ergodic(p).distribution, [0.5, 0.5, 0])
    assert ergodic(p).classes.tolist() == [0, 0, -1]


def test_a_periodic_chain_has_its_long_run_too():
    swap = np.array([[0.0, 1.0], [1.0, 0.0]])
    np.testing.assert_allclose(ergodic(swap).distribution, [0.5, 0.5])
    np.testing.assert_allclose(stationary_stack(swap[None]), [[0.5, 0.5]])


def test_a_stack_equals_one_at_a_time():
    stack = np.stack([random_matrix(seed, 4) for seed in range(5)])
    pi = stationary_stack(stack)
    together = mobility_stack(stack, pi)
    for at, p in enumerate(stack):
        np.testing.assert_allclose(pi[at], ergodic(p).distribution, atol=1e-12)
        assert together["lambda2"][at] == mobility(p).lambda2


def test_yearly_quartiles_without_ties_are_doubly_stochastic():
    """Margins are fixed, so the ergodic vector is uniform by construction."""
    y = np.random.default_rng(2).random((80, 12))
    p = markov(discretise(y, "yearly").states, 4).probabilities
    np.testing.assert_allclose(p.sum(axis=0), 1, atol=1e-12)
    np.testing.assert_allclose(ergodic(p).distribution, 0.25, atol=1e-12)


@pytest.mark.parametrize(
    ("p", "message"),
    [
        ([[0.5, 0.6], [0, 1]], "row 0 is no distribution"),
        ([[1.5, -0.5], [0, 1]], "row 0 is no distribution"),
        ([[np.nan, 1.0], [0, 1]], "missing in part"),
        ([[0.5, 0.5]], "must be square"),
    ],
)
def test_what_is_no_transition_matrix_is_refused(p, message):
    with pytest.raises(ValueError, match=message):
        ergodic(p)
