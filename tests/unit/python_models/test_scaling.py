"""Scaling: pooled limits and bounds from a window, applied to any year, never clipped."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from python_models.scaling import Bounds, WinsorLimits, cap, minmax, winsor_limits, winsorise

CUBES = arrays(np.float64, (4, 3, 2), elements=st.floats(-1e3, 1e3, width=32), unique=True)


def column(*values):
    """One indicator, one year, a city per value."""
    return np.array(values, dtype=float).reshape(-1, 1, 1)


def test_winsor_limits_are_type_7_quantiles():
    # Type 7: position 1 + (n - 1) q. With 0..100 the 1 % point is 1; with 0..50 it is 0.5.
    limits = winsor_limits(column(*range(101)))
    assert (limits.low[0], limits.high[0]) == (1.0, 99.0)
    limits = winsor_limits(column(*range(51)))
    np.testing.assert_allclose([limits.low[0], limits.high[0]], [0.5, 49.5], rtol=1e-15)


def test_winsor_limits_pool_cities_and_years_not_year_by_year():
    cube = np.arange(202.0).reshape(101, 2, 1)
    limits = winsor_limits(cube)
    np.testing.assert_allclose([limits.low[0], limits.high[0]], [2.01, 198.99], rtol=1e-14)


def test_winsor_limits_leave_missing_cells_out():
    assert winsor_limits(column(*range(101), np.nan)).low[0] == 1.0


def test_winsorise_moves_only_cells_beyond_the_limits_and_marks_them():
    values, moved = winsorise(column(1, 2, 5, 9, np.nan), WinsorLimits(np.array([2.0]), np.array([5.0])))
    np.testing.assert_array_equal(values.ravel(), [2, 2, 5, 5, np.nan])
    np.testing.assert_array_equal(moved.ravel(), [True, False, False, True, False])


def test_winsorise_leaves_an_indicator_that_was_not_chosen():
    cube = np.array([[[1.0, 1.0]], [[9.0, 9.0]]])
    values, moved = winsorise(cube, winsor_limits(cube, low=0.25, high=0.75), apply=[True, False])
    np.testing.assert_array_equal(values[..., 1], cube[..., 1])
    np.testing.assert_array_equal(moved[:, 0], [[True, False], [True, False]])


@given(CUBES)
def test_winsorised_window_lies_inside_its_quantiles_and_is_stable(cube):
    limits = winsor_limits(cube, low=0.1, high=0.9)
    values, moved = winsorise(cube, limits)
    assert ((values >= limits.low) & (values <= limits.high)).all()
    np.testing.assert_array_equal(values[~moved], cube[~moved])
    assert not winsorise(values, limits)[1].any()


def test_winsor_limits_refuse_quantiles_out_of_order():
    with pytest.raises(ValueError, match="low < high"):
        winsor_limits(column(1, 2), low=0.9, high=0.1)


def test_cap_cuts_above_the_ceiling_and_marks():
    values, cut = cap(np.array([[[99.0, 120.0]], [[np.nan, 100.0]]]), [100.0, 100.0])
    np.testing.assert_array_equal(values, [[[99.0, 100.0]], [[np.nan, 100.0]]])
    np.testing.assert_array_equal(cut, [[[False, True]], [[False, False]]])
    assert not cap(column(1e9), [np.inf])[1].any()
    with pytest.raises(ValueError, match="one number per indicator"):
        cap(column(1.0), [np.nan])


@given(CUBES, st.sampled_from([(1, 1), (1, -1), (-1, -1)]))
def test_minmax_of_its_own_window_spans_exactly_0_to_1(cube, direction):
    z = minmax(cube, Bounds.from_window(cube), direction)
    np.testing.assert_array_equal(z.min(axis=(0, 1)), [0.0, 0.0])
    np.testing.assert_array_equal(z.max(axis=(0, 1)), [1.0, 1.0])


def test_minmax_negative_direction_gives_1_to_the_smallest_value():
    z = minmax(column(2, 4, 10), Bounds.from_window(column(2, 4, 10)), [-1])
    np.testing.assert_array_equal(z.ravel(), [1.0, 0.75, 0.0])


@given(CUBES)
def test_minmax_flipping_sign_and_direction_changes_no_bit(cube):
    z = minmax(cube, Bounds.from_window(cube), [1, -1])
    flipped = minmax(-cube, Bounds.from_window(-cube), [-1, 1])
    np.testing.assert_array_equal(z, flipped)


def test_minmax_outside_the_window_is_not_clipped():
    bounds = Bounds.from_window(column(0, 10))
    np.testing.assert_array_equal(minmax(column(-5, 5, 20), bounds, [1]).ravel(), [-0.5, 0.5, 2.0])


def test_minmax_keeps_nan_and_never_changes_its_input():
    cube = column(1, np.nan, 3)
    before = cube.copy()
    z = minmax(cube, Bounds.from_window(cube), [1])
    np.testing.assert_array_equal(z.ravel(), [0.0, np.nan, 1.0])
    np.testing.assert_array_equal(cube, before)


@pytest.mark.parametrize("values", [(3.0, 3.0), (0.1 + 0.2, 0.3), (0.0, 0.0)])
def test_a_constant_indicator_is_reported_and_has_no_z(values):
    bounds = Bounds.from_window(column(*values))
    assert bounds.is_constant.tolist() == [True]
    assert np.isnan(minmax(column(*values), bounds, [1])).all()


def test_a_small_range_far_from_rounding_error_is_not_constant():
    assert not Bounds.from_window(column(1.0, 1.0 + 1e-9)).is_constant.any()


def test_an_indicator_without_values_has_no_bounds():
    with pytest.raises(ValueError, match="no value"):
        Bounds.from_window(column(np.nan, np.nan))


@pytest.mark.parametrize("direction", [[0], [2], [np.nan], [1, 1]])
def test_minmax_refuses_a_direction_that_is_not_plus_or_minus_1(direction):
    with pytest.raises(ValueError, match="direction"):
        minmax(column(1, 2), Bounds.from_window(column(1, 2)), direction)
