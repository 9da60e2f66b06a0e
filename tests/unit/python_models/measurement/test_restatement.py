"""The bridge between two scores: exact sums, signs, and parts that cannot act."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_models import CompositeIndex, Panel
from python_models.measurement.restatement import PLAYERS, Basis, restate, shapley, subsets

OLD = (2012, 2013, 2014, 2015)


def basis_of(result):
    bounds = result.bounds
    return Basis(
        bounds["min_value"].to_numpy(),
        bounds["max_value"].to_numpy(),
        bounds["winsor_low_value"].fillna(-np.inf).to_numpy(),
        bounds["winsor_high_value"].fillna(np.inf).to_numpy(),
        result.w,
    )


@pytest.fixture(scope="module")
def extended(panel_factory):
    return panel_factory(years=(*OLD, 2016))


@pytest.fixture(scope="module")
def bridge_of(spec, extended):
    """bridge_of(old values, new values, window old, window new): results and the bridge between them."""

    def make(before=extended.values, after=extended.values, old=(2012, 2015), new=(2012, 2016)):
        panels = [Panel(x, extended.cities, extended.years, extended.names) for x in (before, after)]
        results = [CompositeIndex(p, **{**spec, "window": w}).fit() for p, w in zip(panels, (old, new), strict=True)]
        directions = [spec["directions"][n] for n in extended.names]
        caps = [spec["caps"].get(n, np.inf) for n in extended.names]
        bridge = restate(
            before,
            after,
            *map(basis_of, results),
            directions=directions,
            caps=caps,
            cities=extended.cities,
            years=extended.years,
        )
        return results, bridge

    return make


def revised(extended, seed=1):
    return extended.values * np.random.default_rng(seed).uniform(0.95, 1.05, extended.values.shape)


def test_ends_of_the_bridge_are_the_published_scores(bridge_of, extended):
    (old, new), bridge = bridge_of(after=revised(extended))
    np.testing.assert_allclose(bridge.score_old, old.score, rtol=0, atol=1e-15)
    np.testing.assert_allclose(bridge.score_new, new.score, rtol=0, atol=1e-15)


@given(seed=st.integers(0, 50))
def test_parts_sum_to_the_change(bridge_of, extended, seed):
    _, bridge = bridge_of(after=revised(extended, seed))
    total = sum(bridge.parts.values())
    np.testing.assert_allclose(total, bridge.total_change, rtol=0, atol=1e-12)
    assert all(np.abs(part).max() > 1e-5 for part in bridge.parts.values())


def test_swapping_old_and_new_flips_every_sign(bridge_of, extended):
    after = revised(extended)
    _, there = bridge_of(extended.values, after, (2012, 2015), (2012, 2016))
    _, back = bridge_of(after, extended.values, (2012, 2016), (2012, 2015))
    for name in PLAYERS:
        np.testing.assert_allclose(back.parts[name], -there.parts[name], rtol=0, atol=1e-14)


def test_without_revised_data_the_data_have_no_part(bridge_of):
    _, bridge = bridge_of()
    assert not bridge.parts["revision"].any()
    assert np.abs(bridge.total_change[:, :4]).max() > 1e-4


def test_nothing_changed_means_no_change_at_all(bridge_of):
    _, bridge = bridge_of(new=(2012, 2015))
    assert not bridge.total_change.any()
    assert not any(part.any() for part in bridge.parts.values())


def test_new_weights_alone_have_the_whole_change(bridge_of, extended):
    (old, new), _ = bridge_of()
    a = basis_of(old)
    b = Basis(a.minimum, a.maximum, a.winsor_low, a.winsor_high, basis_of(new).weights)
    bridge = restate(
        extended.values,
        extended.values,
        a,
        b,
        directions=[1, 1, -1, 1, -1],
        caps=[np.inf, 100, *[np.inf] * 3],
        cities=extended.cities,
        years=extended.years,
    )
    np.testing.assert_allclose(bridge.parts["weights"], old.z @ (new.w - old.w), rtol=0, atol=1e-14)
    assert not bridge.parts["bounds"].any()


def test_shapley_of_a_known_game():
    """Gloves: a holds a left one, b and c a right one each; a pair is worth 1. Values 2/3, 1/6, 1/6."""

    def value(s):
        return np.array(float("a" in s and bool(s & {"b", "c"})))

    assert [float(shapley(value, "abc", p)) for p in "abc"] == pytest.approx([2 / 3, 1 / 6, 1 / 6], abs=1e-15)
    assert len(subsets("abc")) == 8


def test_a_missing_value_has_no_bridge_and_the_others_keep_theirs(bridge_of, extended):
    hole = extended.values.copy()
    hole[0, 0, 3] = np.nan
    _, bridge = bridge_of(after=hole)
    frame = bridge.to_frame()
    assert len(frame) == 30 * 5 - 1
    assert {"part_revision", "part_bounds", "part_weights", "total_change"} <= set(frame.columns)


def test_values_of_different_shapes_raise(extended, bridge_of):
    (old, _), _ = bridge_of()
    with pytest.raises(ValueError, match="one shape"):
        restate(
            extended.values,
            extended.values[:5],
            basis_of(old),
            basis_of(old),
            directions=[1] * 5,
            caps=[1] * 5,
            cities=extended.cities,
            years=extended.years,
        )
