"""What must not move an index: units, sign conventions, the order of rows. What must move it, and how far."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from python_models import CompositeIndex, Panel


def with_values(panel, values):
    return Panel(values, panel.cities, panel.years, panel.names)


def same_index(a, b, atol=1e-11):
    np.testing.assert_allclose(a.w, b.w, rtol=0, atol=atol)
    np.testing.assert_allclose(a.score, b.score, rtol=0, atol=atol)


@settings(max_examples=30)
@given(k=st.sampled_from([0, 2, 3, 4]), a=st.floats(1e-3, 1e3), b=st.floats(-1e2, 1e2))
def test_a_positive_affine_change_of_an_indicator_changes_nothing(panel, spec, k, a, b):
    values = panel.values.copy()
    values[..., k] = a * values[..., k] + b
    same_index(CompositeIndex(with_values(panel, values), **spec).fit(), CompositeIndex(panel, **spec).fit())


def test_a_change_of_unit_by_a_power_of_two_changes_no_bit(panel, spec):
    values = panel.values.copy()
    values[..., [0, 3, 4]] *= 1024.0
    a, b = CompositeIndex(with_values(panel, values), **spec).fit(), CompositeIndex(panel, **spec).fit()
    np.testing.assert_array_equal(a.score, b.score)


@settings(max_examples=10)
@given(k=st.sampled_from([0, 2, 3, 4]))
def test_flipping_sign_and_direction_changes_nothing(panel, spec, k):
    values = panel.values.copy()
    values[..., k] *= -1
    name = panel.names[k]
    flipped = {**spec, "directions": {**spec["directions"], name: -spec["directions"][name]}}
    same_index(
        CompositeIndex(with_values(panel, values), **flipped).fit(), CompositeIndex(panel, **spec).fit(), atol=1e-13
    )


def test_flipping_the_direction_alone_does_change_the_index(panel, spec):
    flipped = {**spec, "directions": {**spec["directions"], "q1": -1}}
    assert np.abs(CompositeIndex(panel, **flipped).fit().score - CompositeIndex(panel, **spec).fit().score).max() > 0.1


@settings(max_examples=10)
@given(seed=st.integers(0, 1000))
def test_the_row_order_of_the_source_changes_no_bit(panel, spec, seed):
    shuffled = Panel.from_long(panel.to_long().sample(frac=1, random_state=seed))
    a, b = CompositeIndex(shuffled, **spec).fit(), CompositeIndex(panel, **spec).fit()
    np.testing.assert_array_equal(a.score, b.score)
    np.testing.assert_array_equal(a.w, b.w)


def test_the_order_of_cities_moves_the_scores_with_them_and_changes_no_bit(panel, spec):
    turn = np.random.default_rng(2).permutation(len(panel.cities))
    turned = Panel(panel.values[turn], tuple(panel.cities[i] for i in turn), panel.years, panel.names)
    a, b = CompositeIndex(turned, **spec).fit(), CompositeIndex(panel, **spec).fit()
    np.testing.assert_array_equal(a.w, b.w)
    np.testing.assert_array_equal(a.score, b.score[turn])


@settings(max_examples=30)
@given(city=st.integers(0, 29), k=st.sampled_from([2, 3]), share=st.floats(0.0625, 0.9375))
def test_raising_one_cell_outside_the_window_raises_its_score_by_w_dz_and_no_other(panel_factory, spec, city, k, share):
    panel = panel_factory(years=(2012, 2013, 2014, 2015, 2016))
    before = CompositeIndex(panel, **spec).fit()
    low, high = before.bounds.loc[k, ["min_value", "max_value"]]
    sign = spec["directions"][panel.names[k]]
    values = panel.values.copy()
    values[city, 4, k] = low + share * (high - low)
    after = CompositeIndex(with_values(panel, values), **spec).fit()
    np.testing.assert_array_equal(after.w, before.w)
    dz = sign * (values[city, 4, k] - panel.values[city, 4, k]) / (high - low)
    np.testing.assert_allclose(after.score[city, 4] - before.score[city, 4], before.w[k] * dz, rtol=0, atol=1e-13)
    others = np.ones(before.score.shape, dtype=bool)
    others[city, 4] = False
    np.testing.assert_array_equal(after.score[others], before.score[others])


def test_inputs_are_never_changed(panel, spec):
    before = panel.values.copy()
    imputed = np.zeros(panel.values.shape, dtype=bool)
    CompositeIndex(panel, imputed=imputed, **spec).fit()
    np.testing.assert_array_equal(panel.values, before)
    assert not imputed.any()
