"""What must not move an index: units, sign conventions, the order of rows. What must move it, and how far."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from python_models import CompositeIndex, Panel
from python_models.schemes import SCHEMES

SUMS = [name for name in SCHEMES if name not in ("pca", "entropy_topsis")]
PLAIN = [0, 2, 3, 4]  # n2 has a cap in its own unit
OLD = (2012, 2013, 2014, 2015)


def with_values(panel, values):
    return Panel(values, panel.cities, panel.years, panel.names)


def fitted(panel, spec, scheme="entropy"):
    return CompositeIndex(panel, scheme=scheme, **spec).fit()


def same_index(a, b, atol):
    np.testing.assert_allclose(a.w, b.w, rtol=0, atol=atol)
    np.testing.assert_allclose(a.score, b.score, rtol=0, atol=atol)


@settings(max_examples=5)
@given(k=st.sampled_from(PLAIN), a=st.floats(1e-2, 1e2), b=st.floats(-10, 10))
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_positive_affine_change_of_an_indicator_changes_nothing(panel, spec, scheme, k, a, b):
    values = panel.values.copy()
    values[..., k] = a * values[..., k] + b
    atol = 1e-11 if scheme == "entropy" else 1e-9
    same_index(fitted(with_values(panel, values), spec, scheme), fitted(panel, spec, scheme), atol)


def test_a_change_of_unit_by_a_power_of_two_changes_no_bit(panel, spec):
    values = panel.values.copy()
    values[..., [0, 3, 4]] *= 1024.0
    np.testing.assert_array_equal(fitted(with_values(panel, values), spec).score, fitted(panel, spec).score)


@pytest.mark.parametrize("k", PLAIN)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_flipping_sign_and_direction_changes_nothing(panel, spec, scheme, k):
    values = panel.values.copy()
    values[..., k] *= -1
    name = panel.names[k]
    flipped = {**spec, "directions": {**spec["directions"], name: -spec["directions"][name]}}
    one, other = fitted(panel, spec, scheme), fitted(with_values(panel, values), flipped, scheme)
    np.testing.assert_allclose(other.score, one.score, rtol=0, atol=1e-13 if scheme == "entropy" else 1e-9)


def test_flipping_the_direction_alone_does_change_the_index(panel, spec):
    flipped = {**spec, "directions": {**spec["directions"], "q1": -1}}
    assert np.abs(fitted(panel, flipped).score - fitted(panel, spec).score).max() > 0.1


@settings(max_examples=10)
@given(seed=st.integers(0, 1000))
def test_the_row_order_of_the_source_changes_no_bit(panel, spec, seed):
    shuffled = Panel.from_long(panel.to_long().sample(frac=1, random_state=seed))
    same_index(fitted(shuffled, spec), fitted(panel, spec), 0)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_order_of_cities_moves_the_scores_with_them(panel, spec, scheme):
    """With entropy weights no bit changes."""
    turn = np.random.default_rng(4).permutation(len(panel.cities))
    turned = Panel(panel.values[turn], [panel.cities[i] for i in turn], panel.years, panel.names)
    one, other = fitted(panel, spec, scheme), fitted(turned, spec, scheme)
    np.testing.assert_allclose(other.score, one.score[turn], rtol=0, atol=0 if scheme == "entropy" else 1e-9)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_raising_a_cell_after_the_window_raises_its_score_by_w_dz_and_no_other(panel_factory, spec, scheme):
    panel = panel_factory(years=(*OLD, 2016))
    before = fitted(panel, spec, scheme)
    for city, k, share in ((5, 3, 0.5), (20, 2, 0.1)):
        low, high = before.bounds.loc[k, ["min_value", "max_value"]]
        values = panel.values.copy()
        values[city, 4, k] = low + share * (high - low)
        after = fitted(with_values(panel, values), spec, scheme)
        np.testing.assert_array_equal(after.w, before.w)
        others = np.ones(before.score.shape, dtype=bool)
        others[city, 4] = False
        np.testing.assert_array_equal(after.score[others], before.score[others])
        dz = spec["directions"][panel.names[k]] * (values - panel.values)[city, 4, k] / (high - low)
        rise = after.score[city, 4] - before.score[city, 4]
        if scheme in SUMS:
            assert rise == pytest.approx(before.w[k] * dz, rel=0, abs=1e-13)
        else:
            assert rise * dz > 0 or before.w[k] < 0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_old_scores_keep_every_bit_when_a_year_is_appended(panel_factory, spec, scheme):
    old, new = (fitted(panel_factory(years=years), spec, scheme) for years in (OLD, (*OLD, 2016)))
    np.testing.assert_array_equal(new.score[:, :4], old.score)
    np.testing.assert_array_equal(new.w, old.w)


def test_inputs_are_never_changed(panel, spec):
    before = panel.values.copy()
    imputed = np.zeros(panel.values.shape, dtype=bool)
    CompositeIndex(panel, imputed=imputed, **spec).fit()
    np.testing.assert_array_equal(panel.values, before)
    assert not imputed.any()
