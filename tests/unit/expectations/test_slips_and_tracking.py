"""The arithmetic of the block rules on made-up columns with known answers."""

import math

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from expectations.slips import LN10, fitting_units, slip_power
from expectations.tracking import average_ranks, displaced_column, displaced_rows, fit, fits_better, spearman


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture
def past(rng):
    return np.exp(rng.normal(10, 1, 200))


@pytest.mark.parametrize("power", [-8, -4, -3, -2, -1, 1, 2, 3, 4, 8])
def test_spike_at_a_power_of_ten_is_found_under_growth(rng, power):
    ratios = power * LN10 + rng.normal(0.08, 0.05, 100)
    assert slip_power(ratios) == (power, 100)


@pytest.mark.parametrize("factor", [1.0, 1.6, 1 / 1.6, 3.0])
def test_no_spike_without_a_power_of_ten(rng, factor):
    assert slip_power(math.log(factor) + rng.normal(0, 0.1, 100)) == (0, 0)


def test_tenfold_needs_half_of_the_cities_and_hundredfold_a_twentieth():
    few = np.zeros(100)
    few[:20] = LN10
    assert slip_power(few) == (0, 0)
    few[:20] = 2 * LN10
    assert slip_power(few) == (2, 20)
    few[5:20] = 0
    assert slip_power(few) == (0, 0)  # five of a hundred are not more than 5 %


def test_a_long_tail_of_true_moves_is_no_spike(rng):
    """Foreign investment falls to a tenth or a hundredth in many cities: some are near x1/100 by chance."""
    ratios = -np.abs(rng.standard_t(2, 200)) * 1.5
    near = np.abs(ratios + 2 * LN10) < math.log(2)
    assert near.mean() > 0.05
    assert slip_power(ratios) == (0, 0)


def test_unit_that_undoes_a_slip_measures_the_same(frames):
    units = frames["units"]
    assert fitting_units(units, "万元", -4) == ["亿元"]
    assert fitting_units(units, "亿元", 4) == ["万元"]
    assert fitting_units(units, "万人", 4) == ["人"]  # and not 元, which has the same factor
    assert fitting_units(units, "万元", -3) == []
    assert fitting_units(units, "斤", 4) == []


def test_ranks_and_rho_equal_scipy_with_ties(rng):
    x, y = rng.integers(0, 20, 300).astype(float), rng.integers(0, 20, 300).astype(float)
    np.testing.assert_array_equal(average_ranks(x), rankdata(x))
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)


def test_rho_of_a_constant_or_of_two_pairs_is_missing():
    assert math.isnan(spearman(np.ones(10), np.arange(10.0)))
    assert math.isnan(spearman(np.arange(2.0), np.arange(2.0)))


def test_fit_takes_complete_pairs_and_does_not_mind_the_unit(rng, past):
    now = past * 1.1 * np.exp(rng.normal(0, 0.05, 200))
    now[:7] = np.nan
    own, scaled = fit(now, past), fit(now * 1e4, past)
    assert own.n == 193
    assert own.median == pytest.approx(math.log(1.1), abs=0.02)
    assert (scaled.rho, scaled.mad) == (pytest.approx(own.rho), pytest.approx(own.mad))
    assert scaled.median == pytest.approx(own.median + 4 * LN10)


def test_fit_of_losses_has_ranks_and_no_ratio(rng):
    profit = rng.normal(0, 1, 100) - 1
    found = fit(profit, profit)
    assert found.rho == pytest.approx(1)
    assert math.isnan(found.mad)


def test_figures_of_another_column_fit_its_past_better(rng, past):
    other = past * np.exp(rng.normal(0, 0.4, 200))
    now = other * np.exp(rng.normal(0.05, 0.03, 200))
    assert fits_better(fit(now, past), fit(now, other))
    assert not fits_better(fit(now, other), fit(now, past))


def test_a_near_twin_is_not_taken_for_the_place(rng, past):
    twin = past * np.exp(rng.normal(0, 0.05, 200))
    now = past * np.exp(rng.normal(0, 0.06, 200))
    assert not fits_better(fit(now, past), fit(now, twin))
    assert not fits_better(fit(now, twin), fit(now, past))


def test_a_dozen_cities_need_a_clear_case(rng, past):
    few = past[:12]
    other = few * np.exp(rng.normal(0, 0.5, 12))
    now = other * np.exp(rng.normal(0, 0.02, 12))
    assert fits_better(fit(now, few), fit(now, other))
    assert not fits_better(fit(now[:9], few[:9]), fit(now[:9], other[:9]))


@pytest.mark.parametrize("shift", [-2, -1, 1, 2])
def test_displaced_rows_are_found_with_their_span(rng, past, shift):
    now = past * np.exp(rng.normal(0.06, 0.1, 200))
    assert displaced_rows(now, past) == (0, 0, 0)
    now[100:] = np.roll(now, shift)[100:]
    found, first, end = displaced_rows(now, past)
    assert found == shift
    assert 85 <= first <= 110
    assert end == 200


def test_rows_of_a_unit_slip_are_not_displaced(rng, past):
    assert displaced_rows(past * 1e4 * np.exp(rng.normal(0, 0.05, 200)), past) == (0, 0, 0)


@pytest.mark.parametrize("shift", [-1, 2])
def test_growth_that_all_share_neither_makes_nor_hides_a_displacement(rng, shift):
    """Wages: alike everywhere, a tenth more each year. In thousands of rows some window always looks like a shift."""
    past = 60_000 * np.exp(rng.normal(0, 0.12, 20_000))
    now = 1.1 * past * np.exp(rng.normal(0, 0.03, len(past)))
    assert displaced_rows(now, past) == (0, 0, 0)
    now[1000:1100] = np.roll(now, shift)[1000:1100]
    found, first, end = displaced_rows(now, past)
    assert found == shift
    assert 970 <= first <= 1010
    assert 1090 <= end <= 1130


@pytest.mark.parametrize("shift", [-2, -1, 1, 2])
def test_displaced_column_is_found_by_its_siblings(rng, past, shift):
    siblings = np.column_stack([past * np.exp(rng.normal(0, 0.5, 200)) for _ in range(4)])
    now = past * np.exp(rng.normal(0, 0.5, 200))
    assert displaced_column(now, siblings) == 0
    assert displaced_column(np.roll(now, shift), siblings) == shift


def test_displaced_column_is_not_guessed_without_kin(rng, past):
    strangers = np.column_stack([rng.permutation(past) for _ in range(6)])
    assert displaced_column(np.roll(past, 1), strangers) == 0
    two = np.column_stack([past, past, *(rng.permutation(past) for _ in range(3))])
    assert displaced_column(np.roll(past, 1), two) == 0  # two siblings are not three
