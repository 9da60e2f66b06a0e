"""Scaling: pooled limits and bounds from a window, applied to any year, never clipped."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from python_models.scaling import Bounds, cap, minmax, winsor_limits, winsorise

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


@pytest.mark.parametrize("values", [(3.0, 3.0), (0.1 + 0.2, 0.3), (0.0, 0.0)])
def test_a_constant_indicator_is_reported_and_has_no_z(values):
    bounds = Bounds.from_window(column(*values))
    assert bounds.is_constant.tolist() == [True]
    assert np.isnan(minmax(column(*values), bounds, [1])).all()


def test_a_small_range_far_from_rounding_error_is_not_constant():
    assert not Bounds.from_window(column(1.0, 1.0 + 1e-9)).is_constant.any()


@pytest.mark.parametrize("direction", [[0], [2], [np.nan], [1, 1]])
def test_minmax_refuses_a_direction_that_is_not_plus_or_minus_1(direction):
    with pytest.raises(ValueError, match="direction"):
        minmax(column(1, 2), Bounds.from_window(column(1, 2)), direction)
