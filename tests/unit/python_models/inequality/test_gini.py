"""Gini index: identities, edge cases, invariances, and the values of other programs."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inequality.gini import Gini

from python_models.inequality import gini

VALUES = st.lists(st.floats(0.0, 1e6, allow_subnormal=False), min_size=2, max_size=40).filter(lambda v: sum(v) > 1e-3)


def by_pairs(y: np.ndarray, w: np.ndarray | None = None) -> float:
    """The definition: all pairs."""
    w = np.ones(y.size) if w is None else w
    spread = (np.outer(w, w) * np.abs(y[:, None] - y[None, :])).sum()
    return float(spread / (2.0 * w.sum() * (w @ y)))


def test_gini_of_seven_values_has_the_printed_value():
    assert gini([1, 2, 3, 6, 2, 4, 10]) == pytest.approx(0.3775510204, abs=1e-10)


@settings(deadline=None, max_examples=60)
@given(VALUES)
def test_sorted_form_equals_all_pairs(values):
    y = np.array(values)
    assert gini(y) == pytest.approx(by_pairs(y), abs=1e-10)


def test_sorted_form_equals_all_pairs_and_the_package_at_280_cities():
    y = np.random.default_rng(3).lognormal(0.0, 0.7, 280)
    assert gini(y) == pytest.approx(by_pairs(y), abs=1e-12)
    assert gini(y) == pytest.approx(Gini(y).g, abs=1e-10)


def test_weights_count_as_often_as_the_value_were_repeated():
    rng = np.random.default_rng(4)
    y, w = rng.lognormal(size=50), rng.integers(0, 5, 50)
    assert gini(y, w) == pytest.approx(gini(np.repeat(y, w)), abs=1e-12)
    assert gini(y, w * 0.37) == pytest.approx(by_pairs(y, w * 0.37), abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(VALUES, st.floats(0.01, 100.0), st.randoms(use_true_random=False))
def test_scale_order_and_replication_change_nothing(values, factor, random):
    y = np.array(values)
    mixed = values.copy()
    random.shuffle(mixed)
    assert gini(factor * y) == pytest.approx(gini(y), abs=1e-10)
    assert gini(np.array(mixed)) == pytest.approx(gini(y), abs=1e-10)
    assert gini(np.repeat(y, 2)) == pytest.approx(gini(y), abs=1e-10)


@settings(deadline=None, max_examples=40)
@given(VALUES, st.floats(1.0, 100.0))
def test_adding_a_constant_lowers_it(values, constant):
    y = np.array(values)
    if gini(y) > 1e-9:
        assert gini(y + constant) < gini(y)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 7.0, 1e-300])
def test_equal_values_have_no_inequality(value):
    assert gini(np.full(9, value)) == 0.0
    assert gini(np.full(9, value), np.arange(9)) == 0.0


def test_only_zeros_have_no_gini_index():
    assert math.isnan(gini([0.0, 0.0]))
    assert math.isnan(gini([0.0, 5.0], [1, 0]))


def test_one_owner_of_everything_gives_one_less_a_share():
    assert gini([0, 0, 0, 8]) == pytest.approx(0.75)
    assert gini([3.0]) == 0.0


@pytest.mark.parametrize(
    ("y", "weights", "message"),
    [
        ([1.0, np.nan], None, "missing or infinite number at position \\(1,\\)"),
        ([1.0, np.inf], None, "missing or infinite"),
        ([1.0, -0.5, 2.0], None, "negative number at position \\(1,\\)"),
        ([], None, "empty"),
        ([[1.0, 2.0]], None, "one vector"),
        ([1.0, 2.0], [1.0], "one weight per value"),
        ([1.0, 2.0], [0.0, 0.0], "all weights are zero"),
        ([1.0, 2.0], [1.0, -1.0], "weights holds a negative"),
    ],
)
def test_bad_input_is_refused_with_its_place(y, weights, message):
    with pytest.raises(ValueError, match=message):
        gini(y, weights)


def test_input_is_not_changed_and_pandas_is_taken():
    y = pd.Series([3.0, 1.0, 2.0], index=["c", "a", "b"])
    before = y.copy()
    assert gini(y) == pytest.approx(by_pairs(y.to_numpy()))
    pd.testing.assert_series_equal(y, before)
