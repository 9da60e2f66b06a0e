"""Smoothing, neighbours, barriers to centres, and the benchmark city."""

import numpy as np
import pytest

from python_models.policy import NOBODY, centre_barrier, gower_distance, high_presence, nearest_better, trailing_mean

YEARS = (2012, 2013, 2014, 2015)


def test_mean_of_three_years_looks_back_only():
    x = np.array([[1.0, 2.0, 6.0, 4.0]])
    assert trailing_mean(x, YEARS) == pytest.approx(np.array([[1.0, 1.5, 3.0, 4.0]]))
    longer = np.random.default_rng(1).uniform(size=(20, 9))
    years = range(2012, 2021)
    assert np.array_equal(trailing_mean(longer, years)[:, :6], trailing_mean(longer[:, :6], list(years)[:6]))


def test_a_gap_in_the_years_is_a_gap_in_the_window():
    assert trailing_mean([[1.0, 5.0]], (2012, 2015)) == pytest.approx(np.array([[1.0, 5.0]]))
    with pytest.raises(ValueError, match="rising year"):
        trailing_mean([[1.0, 5.0]], (2013, 2012))
    with pytest.raises(ValueError, match="missing"):
        trailing_mean([[1.0, np.nan]], (2012, 2013))


def test_only_neighbours_of_the_top_third_are_seen():
    p = np.array([[0.9], [0.1], [0.2], [0.8], [0.3], [0.4]])  # top third: the first and the fourth
    w = np.zeros((6, 6))
    w[1, [0, 2]] = 0.5
    w[2, [1, 4]] = 0.5
    w[4, [0, 3]] = 0.25, 0.75
    assert high_presence(p, w)[:, 0] == pytest.approx([0, 0.45, 0, 0, 0.25 * 0.9 + 0.75 * 0.8, 0])


def test_barrier_counts_borders_to_the_three_nearest_other_centres():
    points = np.array([[110.0, 30.0], [110.5, 30.0], [111.0, 30.0], [111.6, 30.0], [120.0, 30.0]])
    centre = np.array([True, False, True, True, True])
    area = ("a", "a", "b", "b", "b")
    # city 1 sees 0 (own), 2 and 3 (across); city 0 sees 2, 3 and 4, all across, never itself; city 4 sees 3, 2, 0
    found = centre_barrier(points, area, centre, 0.6)
    assert found == pytest.approx([0.6, 0.4, 0.2, 0.2, 0.2])
    assert centre_barrier(points, area, centre, 1.7).max() == 1.0
    assert (centre_barrier(points, area, centre, -0.3) == 0).all()
    assert np.isnan(centre_barrier(points, area, centre, np.nan)).all()
    assert np.isnan(centre_barrier(points, area, np.zeros(5, bool), 0.6)).all()
    alone = centre_barrier(points, area, np.arange(5) == 0, 0.6)
    assert np.isnan(alone[0])
    assert alone[1:] == pytest.approx([0.0, 0.6, 0.6, 0.6])


def test_gower_by_hand():
    mix = np.array([[20.0, 50.0], [40.0, 50.0], [60.0, 30.0]])
    size = np.array([[1.0], [3.0], [np.nan]])
    found = gower_distance([mix, size])
    assert found[0, 1] == pytest.approx(((20 / 40 + 0) / 2 + 1.0) / 2)
    assert found[0, 2] == pytest.approx((1.0 + 1.0) / 2)  # without the size, which is not known
    assert np.array_equal(found, found.T)
    assert not np.diag(found).any()


def test_gower_has_no_unit_and_stays_between_zero_and_one():
    x = np.random.default_rng(2).normal(size=(12, 3))
    assert gower_distance([x * [1.0, 100.0, -3.0] + 7.0]) == pytest.approx(gower_distance([x]), abs=1e-12)
    assert gower_distance([x]).max() <= 1
    assert not gower_distance([np.full((3, 1), 4.0)]).any()


def test_benchmark_is_the_nearest_city_with_better_relations():
    distance = np.array([[0.0, 0.1, 0.3], [0.1, 0.0, 0.2], [0.3, 0.2, 0.0]])
    assert list(nearest_better(distance, [0.5, 0.4, 0.6])) == [2, 0, NOBODY]
    assert list(nearest_better(distance, [0.5, 0.5, 0.5])) == [NOBODY] * 3
    assert list(nearest_better(np.full((3, 3), np.nan), [0.1, 0.2, 0.3])) == [NOBODY] * 3
    with pytest.raises(ValueError, match="same cities"):
        nearest_better(distance, [0.1, 0.2])
