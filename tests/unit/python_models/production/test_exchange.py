"""Relative-price segmentation, location quotients, specialisation: fixtures and invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from python_models.production import functional_specialisation, krugman, location_quotient, segmentation

RATIOS = np.array([[1.02, 1.05], [1.01, 1.00], [1.04, 1.06]])
PAIRS = [(0, 1), (0, 2), (1, 2)]


def test_segmentation_by_hand():
    result = segmentation(RATIOS, PAIRS)
    assert result.v.ravel() == pytest.approx([1.921882e-4, 4.28416e-4, 4.67175e-5], rel=1e-6)
    assert result.seg.ravel() == pytest.approx([3.103021e-4, 1.194528e-4, 2.375667e-4], rel=1e-6)
    assert result.integ.ravel() == pytest.approx(1 / np.sqrt(result.seg.ravel()), rel=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_segmentation_ignores_order_of_a_pair_and_what_is_common(seed):
    rng = np.random.default_rng(seed)
    ratios = np.exp(0.05 * rng.normal(size=(4, 2, 5)))
    pairs = [(0, 1), (1, 2), (2, 3), (0, 3)]
    plain = segmentation(ratios, pairs)
    assert segmentation(ratios, [(b, a) for a, b in pairs]).v == pytest.approx(plain.v, abs=1e-15)
    dear_good = ratios * np.array([1.3, 1, 1, 1, 1])
    assert segmentation(dear_good, pairs).v == pytest.approx(plain.v, abs=1e-12)


def test_same_inflation_everywhere_is_one_market():
    result = segmentation(np.tile([1.02, 1.07, 0.99], (3, 1)), PAIRS)
    assert (result.v == 0).all()
    assert (result.seg == 0).all()
    assert np.isnan(result.integ).all()


def test_unit_without_a_pair_has_no_value():
    result = segmentation(RATIOS, [(0, 1)])
    assert np.isnan(result.seg[2]).all()
    assert result.n_pairs.tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("pairs", "what"), [([(0, 0)], "itself"), ([(0, 3)], "outside"), ([(0, 1), (1, 0)], "twice"), ([], "at least one")]
)
def test_segmentation_refuses_bad_pairs(pairs, what):
    with pytest.raises(ValueError, match=what):
        segmentation(RATIOS, pairs)


def test_location_quotient_adds_up_to_the_covered_share():
    cases, gdp = np.array([5.0, 0, 20]), np.array([10.0, 30, 40])
    lq = location_quotient(cases, gdp, 50, 100)
    assert (gdp / 100) @ lq == pytest.approx(cases.sum() / 50, abs=1e-12)
    whole = location_quotient(cases, gdp, cases.sum(), gdp.sum())
    assert (gdp / gdp.sum()) @ whole == pytest.approx(1, abs=1e-12)
    assert location_quotient(gdp, gdp, gdp.sum(), gdp.sum()) == pytest.approx(np.ones(3))


def test_krugman_is_zero_at_the_national_structure_and_below_two():
    structure = np.array([5.0, 3, 2])
    assert krugman(np.outer([1, 10, 3], structure)) == pytest.approx(np.zeros(3), abs=1e-12)
    index = krugman(np.eye(3))
    assert index == pytest.approx(np.full(3, 4 / 3), abs=1e-12)
    assert (index < 2).all()


def test_krugman_does_not_know_the_size_of_the_unit():
    e = np.random.default_rng(0).uniform(1, 9, size=(5, 4))
    assert krugman(1000 * e) == pytest.approx(krugman(e), abs=1e-12)


def test_functional_specialisation_by_hand():
    assert functional_specialisation([30, 10, 10], [10, 20, 20], [True, False, False]) == pytest.approx(6)
    assert functional_specialisation([5, 5], [5, 5], [True, False]) == pytest.approx(1)
    assert np.isnan(functional_specialisation([5, 5], [5, 5], [True, True]))
