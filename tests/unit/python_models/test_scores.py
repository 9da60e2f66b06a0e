"""Scores and their parts: what adds up, who is in front, and what a hole does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from python_models.scores import (
    contributions,
    dimension_scores,
    obstacle_degrees,
    percentiles,
    ranks,
    relative_scores,
    weighted_score,
)

UNIT = arrays(np.float64, (3, 2, 4), elements=st.floats(0, 1, width=32))
WEIGHTS = arrays(np.float64, 4, elements=st.floats(0.015625, 1, width=32)).map(lambda w: w / w.sum())
DIMENSIONS = ("new", "quality", "new", "quality")


@given(UNIT, WEIGHTS)
def test_score_is_the_sum_of_contributions_and_of_weighted_dimension_scores(Z, w):
    score = weighted_score(Z, w)
    np.testing.assert_allclose(contributions(Z, w).sum(axis=2), score, rtol=0, atol=1e-12)
    by_dimension = dimension_scores(Z, w, DIMENSIONS)
    np.testing.assert_allclose((by_dimension.scores * by_dimension.weights).sum(axis=2), score, rtol=0, atol=1e-12)
    assert ((score >= 0) & (score <= 1 + 1e-12)).all()


@given(UNIT, WEIGHTS)
def test_obstacle_degrees_sum_to_1(Z, w):
    total = obstacle_degrees(Z, w).sum(axis=2)
    all_best = (Z == 1).all(axis=2)
    np.testing.assert_allclose(total[~all_best], 1.0, rtol=0, atol=1e-12)
    assert np.isnan(total[all_best]).all()


def test_obstacle_degree_is_the_share_of_the_weighted_distance_to_1():
    degrees = obstacle_degrees(np.array([[[0.5, 0.75]]]), [0.25, 0.75])
    np.testing.assert_allclose(degrees[0, 0], [0.4, 0.6], rtol=1e-15)


def test_obstacle_degree_has_no_value_if_nothing_is_left_to_reach():
    Z = np.array([[[1.0, 1.0]], [[1.5, 0.9]], [[np.nan, 0.2]]])
    assert np.isnan(obstacle_degrees(Z, [0.5, 0.5])).all()


def test_dimension_scores_by_hand():
    result = dimension_scores(np.array([[[0.0, 0.5, 1.0, 0.25]]]), [0.1, 0.2, 0.3, 0.4], DIMENSIONS)
    assert result.names == ("new", "quality")
    np.testing.assert_allclose(result.weights, [0.4, 0.6], rtol=1e-15)
    np.testing.assert_allclose(result.scores[0, 0], [0.75, 1 / 3], rtol=1e-15)
    assert result.to_frame()["dimension"].tolist() == ["new", "quality"]


def test_a_hole_makes_only_its_own_score_and_dimension_nan():
    Z = np.full((2, 2, 4), 0.5)
    Z[1, 0, 0] = np.nan
    w = np.full(4, 0.25)
    hole = np.array([[False, False], [True, False]])
    np.testing.assert_array_equal(np.isnan(weighted_score(Z, w)), hole)
    by_dimension = dimension_scores(Z, w, DIMENSIONS)
    np.testing.assert_array_equal(np.isnan(by_dimension.scores[..., 0]), hole)
    assert not np.isnan(by_dimension.scores[..., 1]).any()


def test_an_indicator_of_weight_0_takes_no_part_even_without_z():
    Z = np.array([[[0.5, np.nan]]])
    assert weighted_score(Z, [1.0, 0.0]).tolist() == [[0.5]]
    assert contributions(Z, [1.0, 0.0]).tolist() == [[[0.5, 0.0]]]
    assert obstacle_degrees(Z, [1.0, 0.0]).tolist() == [[[1.0, 0.0]]]
    without_weight = dimension_scores(Z, [1.0, 0.0], ("new", "quality"))
    np.testing.assert_array_equal(without_weight.scores[0, 0], [0.5, np.nan])


def test_ranks_start_at_1_for_the_highest_inside_each_year_and_ties_share_the_best_place():
    score = np.array([[0.9, 0.1], [0.5, 0.4], [0.5, 0.3], [np.nan, 0.2], [0.2, np.nan]])
    np.testing.assert_array_equal(ranks(score)[:, 0], [1, 2, 2, np.nan, 4])
    np.testing.assert_array_equal(ranks(score)[:, 1], [4, 1, 2, 3, np.nan])


def test_percentile_is_the_share_of_other_cities_strictly_below():
    score = np.array([[0.9], [0.5], [0.5], [np.nan], [0.2]])
    np.testing.assert_allclose(percentiles(score)[:, 0], [100, 100 / 3, 100 / 3, np.nan, 0], rtol=1e-15)
    assert np.isnan(percentiles(np.array([[0.9]]))).all()


def test_relative_score_is_over_the_mean_of_the_year_without_holes():
    score = np.array([[0.2, 0.0], [0.6, 0.0], [np.nan, 0.0]])
    np.testing.assert_allclose(relative_scores(score)[:, 0], [0.5, 1.5, np.nan], rtol=1e-15)
    assert np.isnan(relative_scores(score)[:, 1]).all()


def test_the_bits_of_a_score_depend_on_its_own_row_only_not_on_memory_layout():
    Z = np.random.default_rng(6).random((40, 11, 22))
    w = np.random.default_rng(7).dirichlet(np.ones(22))
    score = weighted_score(Z, w)
    np.testing.assert_array_equal(weighted_score(np.asfortranarray(Z), w), score)
    np.testing.assert_array_equal(weighted_score(Z[::2, :1], w), score[::2, :1])
    np.testing.assert_array_equal(weighted_score(Z[3:4, 5:6].copy(), w), score[3:4, 5:6])
    np.testing.assert_array_equal(relative_scores(np.asfortranarray(score[:, :1])), relative_scores(score)[:, :1])


@pytest.mark.parametrize(
    ("w", "message"),
    [
        ([0.5], "one number per indicator"),
        ([-0.5, 1.5], "negative"),
        ([0.0, 0.0], "all weights are zero"),
        ([np.nan, 1.0], "missing or infinite"),
    ],
)
def test_weights_that_cannot_weigh_raise(w, message):
    with pytest.raises(ValueError, match=message):
        weighted_score(np.ones((1, 1, 2)), w)


def test_wrong_axes_or_dimension_counts_raise():
    with pytest.raises(ValueError, match="axes"):
        weighted_score(np.ones((2, 2)), [0.5, 0.5])
    with pytest.raises(ValueError, match="axes"):
        ranks(np.ones((2, 2, 2)))
    with pytest.raises(ValueError, match="dimensions count 1"):
        dimension_scores(np.ones((1, 1, 2)), [0.5, 0.5], ("new",))
