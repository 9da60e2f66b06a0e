"""Scaling, entropy weights, scores and their parts: identities, limits, degenerate columns, holes."""

import math

import numpy as np
import pytest
from checks import refused
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from python_models import entropy_weights
from python_models.scaling import Bounds, cap, minmax, winsor_limits
from python_models.scores import (
    contributions,
    dimension_scores,
    obstacle_degrees,
    percentiles,
    ranks,
    relative_scores,
    weighted_score,
)

UNIT = arrays(np.float64, (5, 3, 4), elements=st.floats(0, 1, width=32))


def spread(cube):
    """Hypothesis cubes with a top of 1 and a bottom of 0 in each column, as min-max leaves them."""
    cube[0, 0, :], cube[1, 0, :] = 0.0, 1.0
    return cube


def columns(*cols):
    """Columns as one year: cities on axis 0."""
    return np.array(cols, dtype=float).T[:, None, :]


@given(UNIT.map(spread), st.sampled_from([0.0, 1e-4, 0.01]))
def test_weights_sum_to_1_entropy_lies_in_0_1_and_delta_0_is_the_exact_limit(Z, delta):
    w = entropy_weights(Z, delta=delta)
    assert abs(w.weights.sum() - 1.0) < 1e-12
    assert (w.weights >= 0).all()
    assert ((w.entropy >= 0) & (w.entropy <= 1)).all()
    np.testing.assert_array_equal(w.redundancy, 1.0 - w.entropy)
    assert np.abs(entropy_weights(Z, delta=1e-12).weights - entropy_weights(Z).weights).max() < 1e-8


def test_formula_by_hand_with_delta_which_pulls_weights_towards_equality():
    z = np.array([0.0, 0.5, 1.0])
    p = (z + 0.1) / (z + 0.1).sum()
    w = entropy_weights(columns(z, [0.0, 0.0, 1.0]), delta=0.1)
    assert (w.entropy[0], w.delta) == pytest.approx((-(p * np.log(p)).sum() / math.log(3), 0.1), rel=1e-14)
    Z = spread(np.random.default_rng(5).random((5, 3, 4)) ** [1, 2, 4, 8])
    spreads = [np.ptp(entropy_weights(Z, delta=d).weights) for d in (0.0, 1e-4, 1e-2, 1.0)]
    assert spreads == sorted(spreads, reverse=True)


def test_a_column_with_one_nonzero_cell_has_entropy_0_and_the_largest_redundancy():
    w = entropy_weights(columns([0.0, 0.0, 1.0], [0.0, 0.5, 1.0]), names=["b", "a"])
    assert (w.entropy[0], w.redundancy[0]) == (0.0, 1.0)
    assert w.weights[0] > w.weights[1]
    assert w.to_frame()["indicator_code"].tolist() == ["b", "a"]


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
    refused("weights do not exist", entropy_weights, np.zeros((3, 1, 2)))
    refused("names count 1", entropy_weights, columns([0.0, 1.0], [0.0, 1.0]), names=["only"])


def test_input_without_weights_raises_in_plain_words():
    refused("negative", entropy_weights, columns([0.0, -0.1, 1.0]), delta=0.0)
    refused("delta", entropy_weights, columns([0.0, 0.5, 1.0]), delta=-1.0)
    refused("delta", entropy_weights, columns([0.0, 0.5, 1.0]), delta=math.nan)
    refused("delta", entropy_weights, columns([0.0, 0.5, 1.0]), delta=math.inf)
    refused("at least 2", entropy_weights, columns([1.0]), delta=0.0)
    refused("at least 2", entropy_weights, columns([0.5, np.nan], [np.nan, 0.5]), delta=0.0)
    refused("axes", entropy_weights, np.ones((3, 2)), delta=0.0)
    refused("infinite", entropy_weights, columns([0.0, np.inf]), delta=0.0)


def column(*values):
    """One indicator, one year, a city per value."""
    return np.array(values, dtype=float).reshape(-1, 1, 1)


def test_winsor_limits_are_type_7_quantiles():
    # Type 7: position 1 + (n - 1) q. With 0..100 the 1 % point is 1; with 0..50 it is 0.5.
    for n, expected in ((101, [1.0, 99.0]), (51, [0.5, 49.5])):
        limits = winsor_limits(column(*range(n)))
        np.testing.assert_allclose([limits.low[0], limits.high[0]], expected, rtol=1e-15)
    refused("low < high", winsor_limits, column(1, 2), low=0.9, high=0.1)


def test_cap_cuts_above_the_ceiling_and_marks():
    values, cut = cap(np.array([[[99.0, 120.0]], [[np.nan, 100.0]]]), [100.0, 100.0])
    np.testing.assert_array_equal(values, [[[99.0, 100.0]], [[np.nan, 100.0]]])
    np.testing.assert_array_equal(cut, [[[False, True]], [[False, False]]])
    assert not cap(column(1e9), [np.inf])[1].any()
    refused("one number per indicator", cap, column(1.0), [np.nan])


@pytest.mark.parametrize("values", [(3.0, 3.0), (0.1 + 0.2, 0.3), (0.0, 0.0)])
def test_a_constant_indicator_is_reported_and_has_no_z(values):
    bounds = Bounds.from_window(column(*values))
    assert bounds.is_constant.tolist() == [True]
    assert np.isnan(minmax(column(*values), bounds, [1])).all()
    assert not Bounds.from_window(column(1.0, 1.0 + 1e-9)).is_constant.any()  # far from rounding error


@pytest.mark.parametrize("direction", [[0], [2], [np.nan], [1, 1]])
def test_minmax_refuses_a_direction_that_is_not_plus_or_minus_1(direction):
    refused("direction", minmax, column(1, 2), Bounds.from_window(column(1, 2)), direction)


SCALED = arrays(np.float64, (3, 2, 4), elements=st.floats(0, 1, width=32))
WEIGHTS = arrays(np.float64, 4, elements=st.floats(0.015625, 1, width=32)).map(lambda w: w / w.sum())
DIMENSIONS = ("new", "quality", "new", "quality")


@given(SCALED, WEIGHTS)
def test_score_is_the_sum_of_contributions_and_of_weighted_dimension_scores(Z, w):
    score = weighted_score(Z, w)
    np.testing.assert_allclose(contributions(Z, w).sum(axis=2), score, rtol=0, atol=1e-12)
    by_dimension = dimension_scores(Z, w, DIMENSIONS)
    np.testing.assert_allclose((by_dimension.scores * by_dimension.weights).sum(axis=2), score, rtol=0, atol=1e-12)
    assert ((score >= 0) & (score <= 1 + 1e-12)).all()


def test_obstacle_degree_is_the_share_of_the_weighted_distance_to_1_if_anything_is_left_to_reach():
    degrees = obstacle_degrees(np.array([[[0.5, 0.75]]]), [0.25, 0.75])
    np.testing.assert_allclose(degrees[0, 0], [0.4, 0.6], rtol=1e-15)
    assert np.isnan(obstacle_degrees(np.array([[[1.0, 1.0]], [[1.5, 0.9]], [[np.nan, 0.2]]]), [0.5, 0.5])).all()


def test_a_hole_makes_only_its_own_score_and_dimension_nan():
    Z, w = np.full((2, 2, 4), 0.5), np.full(4, 0.25)
    Z[1, 0, 0] = np.nan
    own, other = np.moveaxis(dimension_scores(Z, w, DIMENSIONS).scores, 2, 0)
    for score in (weighted_score(Z, w), own):
        np.testing.assert_array_equal(np.isnan(score), [[False, False], [True, False]])
    assert not np.isnan(other).any()


def test_an_indicator_of_weight_0_takes_no_part_even_without_z():
    Z, w = np.array([[[0.5, np.nan]]]), [1.0, 0.0]
    assert weighted_score(Z, w).tolist() == [[0.5]]
    assert contributions(Z, w).tolist() == [[[0.5, 0.0]]]
    assert obstacle_degrees(Z, w).tolist() == [[[1.0, 0.0]]]
    np.testing.assert_array_equal(dimension_scores(Z, w, ("new", "quality")).scores[0, 0], [0.5, np.nan])


def test_ranks_percentiles_and_relative_scores_of_a_year_with_ties_and_holes():
    score = np.array([[0.9, 0.1], [0.5, 0.4], [0.5, 0.3], [np.nan, 0.2], [0.2, np.nan]])
    np.testing.assert_array_equal(ranks(score).T, [[1, 2, 2, np.nan, 4], [4, 1, 2, 3, np.nan]])
    np.testing.assert_allclose(percentiles(score)[:, 0], [100, 100 / 3, 100 / 3, np.nan, 0], rtol=1e-15)
    assert np.isnan(percentiles(np.array([[0.9]]))).all()
    relative = relative_scores(np.array([[0.2, 0.0], [0.6, 0.0], [np.nan, 0.0]]))
    np.testing.assert_allclose(relative[:, 0], [0.5, 1.5, np.nan], rtol=1e-15)
    assert np.isnan(relative[:, 1]).all()


def test_the_bits_of_a_score_depend_on_its_own_row_only_not_on_memory_layout():
    Z = np.random.default_rng(6).random((40, 11, 22))
    w = np.random.default_rng(7).dirichlet(np.ones(22))
    score = weighted_score(Z, w)
    np.testing.assert_array_equal(weighted_score(np.asfortranarray(Z), w), score)
    np.testing.assert_array_equal(weighted_score(Z[::2, :1], w), score[::2, :1])
    np.testing.assert_array_equal(weighted_score(Z[3:4, 5:6].copy(), w), score[3:4, 5:6])
    np.testing.assert_array_equal(relative_scores(np.asfortranarray(score[:, :1])), relative_scores(score)[:, :1])


def test_weights_axes_and_dimensions_that_do_not_fit_raise():
    refused("one number per indicator", weighted_score, np.ones((1, 1, 2)), [0.5])
    refused("negative", weighted_score, np.ones((1, 1, 2)), [-0.5, 1.5])
    refused("all weights are zero", weighted_score, np.ones((1, 1, 2)), [0.0, 0.0])
    refused("missing or infinite", weighted_score, np.ones((1, 1, 2)), [np.nan, 1.0])
    refused("axes", weighted_score, np.ones((2, 2)), [0.5, 0.5])
    refused("axes", ranks, np.ones((2, 2, 2)))
    refused("dimensions count 1", dimension_scores, np.ones((1, 1, 2)), [0.5, 0.5], ("new",))
