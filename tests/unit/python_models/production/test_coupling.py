"""Coupling coordination: printed fixtures, the typical errors they catch, identities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from python_models.production import common_scale, coordination_class, coupling, lead_lag

PAIRS = np.array([[0.5, 0.5], [0.8, 0.2], [0.3, 0.6], [0, 0.4], [1, 1]])


def test_fixtures_of_two_systems():
    classic, corrected = coupling(PAIRS, form="classic"), coupling(PAIRS)
    assert classic.c == pytest.approx([1, 0.8, 0.94280904, 0, 1], abs=1e-8)
    assert corrected.c == pytest.approx([1, 0.31622777, 0.59160798, 0, 1], abs=1e-8)
    assert classic.d[1] == pytest.approx(0.63245553, abs=1e-8)
    assert corrected.d[1:3] == pytest.approx([0.39763536, 0.51596859], abs=1e-8)


def test_fixtures_of_three_systems():
    three = np.array([[0.2, 0.5, 0.8]])
    assert coupling(three, form="classic").c == pytest.approx([0.8617738760], abs=1e-10)
    assert coupling(three).c == pytest.approx([0.4870018732], abs=1e-10)


def test_both_zero_has_no_coupling_and_no_coordination():
    result = coupling([[0.0, 0.0]])
    assert np.isnan(result.c[0])
    assert result.d[0] == 0


unit = st.floats(1e-6, 1)


@given(st.lists(st.tuples(unit, unit), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_corrected_never_exceeds_classic_and_all_stay_in_the_unit_interval(values):
    u = np.array(values)
    classic, corrected = coupling(u, form="classic"), coupling(u)
    assert (corrected.c <= classic.c + 1e-12).all()
    for result in (classic, corrected):
        assert ((result.c >= 0) & (result.c <= 1 + 1e-12)).all()
        assert (result.d <= np.sqrt(result.t) + 1e-12).all()
        assert coupling(u[:, ::-1], form=result.form).d == pytest.approx(result.d, abs=1e-12)


def test_equal_systems_are_fully_coupled_at_any_number_of_systems():
    for n in (2, 3, 5):
        assert coupling(np.full((1, n), 0.37)).c == pytest.approx([1])
        assert coupling(np.full((1, n), 0.37), form="classic").c == pytest.approx([1])


@pytest.mark.parametrize(("bad", "what"), [([[0.5, 1.2]], "one common scale"), ([[0.5, np.nan]], "missing")])
def test_scores_off_the_unit_interval_are_refused(bad, what):
    with pytest.raises(ValueError, match=what):
        coupling(bad)


def test_common_scale_is_frozen_on_the_base_and_clips_what_comes_later():
    scores = np.array([[2.0, 3.0, 9.0], [4.0, 6.0, 5.0]])
    base = np.array([True, True, False])
    scaled = common_scale(scores, base=base)
    assert scaled[:, :2].min() == pytest.approx(0.01)
    assert scaled[:, :2].max() == pytest.approx(0.99)
    assert scaled[0, 2] == 1.0
    assert common_scale(3 * scores + 7, base=base) == pytest.approx(scaled, abs=1e-12)
    assert common_scale([0.1, 0.2, 0.4], scale="rank") == pytest.approx([1 / 6, 0.5, 5 / 6])
    with pytest.raises(ValueError, match="no scale"):
        common_scale([1.0, 1.0])


def test_rank_scale_is_the_percentile_of_scipy_with_ties_and_with_cells_after_the_base():
    rng = np.random.default_rng(7)
    x = rng.integers(0, 40, (60, 5)) / 40
    base = np.arange(5) < 3
    expected = stats.percentileofscore(x[:, :3].ravel(), x, kind="mean") / 100
    np.testing.assert_allclose(common_scale(x, base=base, scale="rank"), expected, rtol=0, atol=1e-15)


def test_class_and_lead():
    steps = [0, 0.0999, 0.1, 0.3, 0.5, 0.6, 0.7, 0.8999, 0.9, 1.0]
    names = coordination_class(steps)
    assert names[0] == names[1] == "extreme_imbalance"
    assert names[3] == "mild_imbalance"
    assert names[6] == "intermediate_coordination"
    assert names[7] == "good_coordination"
    assert names[8] == names[9] == "quality_coordination"
    assert lead_lag([0.5, 0.2, 0.4], [0.3, 0.5, 0.45]) == ["pr_lagging", "nqpf_lagging", "synchronous"]
