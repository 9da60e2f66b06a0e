"""Entropy weights: identities, the delta = 0 limit, degenerate columns, invariances."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from python_models import entropy_weights

UNIT = arrays(np.float64, (5, 3, 4), elements=st.floats(0, 1, width=32))


def spread(cube):
    """Hypothesis cubes with a top of 1 and a bottom of 0 in each column, as min-max leaves them."""
    cube[0, 0, :], cube[1, 0, :] = 0.0, 1.0
    return cube


def columns(*cols):
    """Columns as one year: cities on axis 0."""
    return np.array(cols, dtype=float).T[:, None, :]


@given(UNIT.map(spread), st.sampled_from([0.0, 1e-4, 0.01]))
def test_weights_sum_to_1_and_entropy_lies_in_0_1(Z, delta):
    w = entropy_weights(Z, delta=delta)
    assert abs(w.weights.sum() - 1.0) < 1e-12
    assert (w.weights >= 0).all()
    assert ((w.entropy >= 0) & (w.entropy <= 1)).all()
    np.testing.assert_array_equal(w.redundancy, 1.0 - w.entropy)


def test_formula_by_hand_with_delta():
    z = [0.0, 0.5, 1.0]
    shifted = [v + 0.1 for v in z]
    p = [v / sum(shifted) for v in shifted]
    expected = -sum(q * math.log(q) for q in p) / math.log(3)
    w = entropy_weights(columns(z, [0.0, 0.0, 1.0]), delta=0.1)
    assert w.entropy[0] == pytest.approx(expected, rel=1e-14)
    assert w.delta == 0.1


@given(UNIT.map(spread))
def test_delta_0_is_the_exact_limit(Z):
    assert np.abs(entropy_weights(Z, delta=1e-12).weights - entropy_weights(Z).weights).max() < 1e-8


def test_a_large_delta_pulls_weights_towards_equality():
    Z = spread(np.random.default_rng(5).random((5, 3, 4)) ** [1, 2, 4, 8])
    spreads = [np.ptp(entropy_weights(Z, delta=d).weights) for d in (0.0, 1e-4, 1e-2, 1.0)]
    assert spreads == sorted(spreads, reverse=True)


def test_a_column_with_one_nonzero_cell_has_entropy_0_and_the_largest_redundancy():
    w = entropy_weights(columns([0.0, 0.0, 1.0], [0.0, 0.5, 1.0]))
    assert (w.entropy[0], w.redundancy[0]) == (0.0, 1.0)
    assert w.weights[0] > w.weights[1]


@pytest.mark.parametrize(
    ("column", "flag"),
    [([0.0, 0.0, 0.0], "zero_column"), ([0.3, 0.3, 0.3], "constant_indicator"), ([np.nan] * 3, "empty_column")],
)
@pytest.mark.parametrize("delta", [0.0, 1e-4])
def test_a_column_without_information_gets_exactly_weight_0_and_a_flag(column, flag, delta):
    w = entropy_weights(columns([0.0, 0.5, 1.0], column), delta=delta)
    assert w.weights.tolist() == [1.0, 0.0]
    assert w.flags == ("", flag)
    assert w.n_rows == 3


def test_all_uniform_columns_fall_back_to_equal_weights_with_a_flag():
    w = entropy_weights(columns([0.4, 0.4, 0.4], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]))
    assert w.weights.tolist() == [0.5, 0.5, 0.0]
    assert w.flags == ("all_uniform", "all_uniform", "zero_column")


def test_only_zero_columns_raise():
    with pytest.raises(ValueError, match="weights do not exist"):
        entropy_weights(np.zeros((3, 1, 2)))


def test_rows_with_a_missing_cell_are_left_out_as_if_they_were_not_there():
    Z = spread(np.random.default_rng(7).random((6, 1, 3)))
    with_hole = Z.copy()
    with_hole[4, 0, 1] = np.nan
    w, without = entropy_weights(with_hole), entropy_weights(np.delete(Z, 4, axis=0))
    assert w.n_rows == without.n_rows == 5
    np.testing.assert_array_equal(w.weights, without.weights)


def test_duplicating_every_row_changes_entropy_through_ln_m_only():
    Z = spread(np.random.default_rng(9).random((5, 2, 3)))
    one, two = entropy_weights(Z), entropy_weights(np.concatenate([Z, Z]))
    expected = (one.entropy * math.log(10) + math.log(2)) / math.log(20)
    np.testing.assert_allclose(two.entropy, expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("Z", "delta", "message"),
    [
        (columns([0.0, -0.1, 1.0]), 0.0, "negative"),
        (columns([0.0, 0.5, 1.0]), -1.0, "delta"),
        (columns([0.0, 0.5, 1.0]), math.nan, "delta"),
        (columns([0.0, 0.5, 1.0]), math.inf, "delta"),
        (columns([1.0]), 0.0, "at least 2"),
        (columns([0.5, np.nan], [np.nan, 0.5]), 0.0, "at least 2"),
        (np.ones((3, 2)), 0.0, "axes"),
        (columns([0.0, np.inf]), 0.0, "infinite"),
    ],
)
def test_input_without_weights_raises_in_plain_words(Z, delta, message):
    with pytest.raises(ValueError, match=message):
        entropy_weights(Z, delta=delta)


def test_to_frame_keeps_the_labels_in_order():
    frame = entropy_weights(columns([0.0, 0.5, 1.0], [0.0, 0.0, 1.0]), names=["b", "a"]).to_frame()
    assert frame["indicator_code"].tolist() == ["b", "a"]
    assert frame.loc[1, "entropy"] == 0.0
    with pytest.raises(ValueError, match="names count 1"):
        entropy_weights(columns([0.0, 1.0], [0.0, 1.0]), names=["only"])
