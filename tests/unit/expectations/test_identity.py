"""The arithmetic of the gate: identities, slips of a unit and figures out of their place, with known answers."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from loads import LIMITS
from scipy.stats import spearmanr

from expectations.contract import FRAME_COLUMNS
from expectations.identity import blame, breaks_block, check, looks_swapped, read_identities
from expectations.slips import LN10, fitting_units, slip_power
from expectations.tracking import displaced_column, displaced_rows, fit, fits_better, ranks_of, spearman


def seed(**changes):
    row = {"identity_code": "sum", "left_side": "a + b", "right_side": "c", "scopes": "city", "low": 0.9, "high": 1.1}
    return pd.DataFrame([row | changes], columns=FRAME_COLUMNS["identities"])


def identity(**changes):
    return read_identities(seed(**changes))[0]


def wide(**columns):
    return pd.DataFrame({name.replace("_", "/"): column for name, column in columns.items()})


def test_sides_are_sums_of_products_in_the_scopes_of_the_row_or_of_a_term():
    both = read_identities(seed(left_side="2 * a * b + c", right_side="10000 * d", scopes="city district"))
    assert [one.scope for one in both] == ["city", "district"]
    assert both[0].left == ((2.0, ("a/city", "b/city")), (1.0, ("c/city",)))
    assert both[1].right == ((10000.0, ("d/district",)),)
    assert both[1].blocks == ("a/district", "b/district", "c/district", "d/district")
    part = identity(left_side="a@district", right_side="a@city", scopes=None, low=None, high=1.001)
    assert (part.blocks, part.compares_scopes) == (("a/district", "a/city"), True)
    assert part.words == "(a@district) / (a@city) must be at most 1.001"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"low": None, "high": None}, "sum has neither low nor high"),
        ({"scopes": None}, "sum gives no scope for 'a'"),
        ({"left_side": "a + "}, "sum has an empty term"),
    ],
)
def test_a_row_that_says_nothing_is_named(changes, says):
    with pytest.raises(ValueError, match=says):
        read_identities(seed(**changes))


def test_cities_with_all_figures_are_checked_and_rounding_breaks_nothing():
    frame = wide(a_city=[1.0, 40, 40, None], b_city=[1.0, 60, 80, 1], c_city=[0.0, 100, 100, 1])
    found = check(identity(), frame, LIMITS)
    assert found.index.tolist() == [1, 2]
    assert found[["ratio", "is_broken"]].to_dict("list") == {"ratio": [1.0, 1.2], "is_broken": [False, True]}
    assert check(identity(), wide(a_city=[1.0], b_city=[1.0]), LIMITS).empty
    part = identity(left_side="a", right_side="b", low=None, high=1.001)
    assert check(part, wide(a_city=[3.0, 5], b_city=[2.0, 2]), LIMITS)["is_broken"].tolist() == [False, True]
    shares = identity(left_side="a + b", right_side="100", low=0.995, high=1.005)
    assert check(shares, wide(a_city=[50.0, 50], b_city=[50.4, 50.9]), LIMITS)["is_broken"].tolist() == [False, True]


@pytest.mark.parametrize(("broken", "of", "is_block"), [(2, 10, False), (3, 10, True), (3, 60, False), (4, 60, True)])
def test_more_than_five_per_cent_and_three_cities_are_a_block(broken, of, is_block):
    assert breaks_block(pd.DataFrame({"is_broken": [True] * broken + [False] * (of - broken)}), LIMITS) is is_block


def test_blame_goes_to_the_column_that_breaks_most_then_to_the_one_that_meets_fewest():
    first, second = identity(), identity(identity_code="other", left_side="a", right_side="d")
    assert set(blame([first, second], [], [])) == {"a/city"}
    met = [identity(left_side="b", right_side="x"), identity(left_side="c", right_side="y")]
    assert set(blame([first], met, [])) == {"a/city"}
    assert blame([first], [], ["b/city"]) == {}  # a guilty column explains its identities


def test_blame_is_shared_where_nothing_tells_and_spares_the_cleared():
    every = {"a/city", "b/city", "c/city"}
    assert set(blame([identity()], [], [])) == every
    assert set(blame([identity()], [], [], ["a/city", "c/city"])) == {"b/city"}
    assert set(blame([identity()], [], [], sorted(every))) == every


def test_two_scopes_that_contradict_each_other_in_most_cities_are_swapped():
    part = identity(left_side="a@district", right_side="a@city", scopes=None, low=None, high=1.001)
    frame = pd.DataFrame({"a/district": [20.0, 20, 20, 1], "a/city": [10.0, 10, 10, 10]})
    checked = check(part, frame, LIMITS)
    assert looks_swapped(part, checked, LIMITS)
    assert not looks_swapped(identity(), checked, LIMITS)
    other = identity(left_side="a", right_side="b")
    assert set(blame([part, other], [], [])) == {"a/city"}
    assert set(blame([part, other], [], [], swapped=[part])) == {"a/city", "a/district"}


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture
def past(rng):
    return np.exp(rng.normal(10, 1, 200))


POWERS = [-8, -4, -3, -2, -1, 1, 2, 3, 4, 8]
NO_POWERS = [1.0, 1.6, 1 / 1.6, 3.0]


@pytest.mark.parametrize(
    ("factor", "found"), [*((10.0**power, (power, 100)) for power in POWERS), *((f, (0, 0)) for f in NO_POWERS)]
)
def test_spike_at_a_power_of_ten_is_found_under_growth_and_no_other(rng, factor, found):
    growth = rng.normal(0.08, 0.05, 100) if found[0] else rng.normal(0, 0.1, 100)
    assert slip_power(math.log(factor) + growth, LIMITS) == found


def test_tenfold_needs_half_of_the_cities_and_true_moves_are_no_spike(rng):
    few = np.zeros(100)
    few[:20] = LN10
    assert slip_power(few, LIMITS) == (0, 0)
    few[:20] = 2 * LN10
    assert slip_power(few, LIMITS) == (2, 20)
    few[5:20] = 0
    assert slip_power(few, LIMITS) == (0, 0)  # five of a hundred are not more than 5 %
    # Foreign investment falls to a tenth or a hundredth in many cities: some are near x1/100 by chance
    ratios = -np.abs(rng.standard_t(2, 200)) * 1.5
    near = np.abs(ratios + 2 * LN10) < math.log(2)
    assert near.mean() > 0.05
    assert slip_power(ratios, LIMITS) == (0, 0)


def test_unit_that_undoes_a_slip_measures_the_same(frames):
    units = frames["units"]
    assert fitting_units(units, "万元", -4) == ["亿元"]
    assert fitting_units(units, "亿元", 4) == ["万元"]
    assert fitting_units(units, "万人", 4) == ["人"]  # and not 元, which has the same factor
    assert fitting_units(units, "万元", -3) == []
    assert fitting_units(units, "斤", 4) == []


def test_rho_equals_scipy_with_ties_and_that_of_a_constant_is_missing(rng):
    x, y = rng.integers(0, 20, 300).astype(float), rng.integers(0, 20, 300).astype(float)
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
    assert math.isnan(spearman(np.ones(10), np.arange(10.0)))
    assert math.isnan(spearman(np.arange(2.0), np.arange(2.0)))  # two pairs


def test_fit_takes_complete_pairs_whatever_the_unit_and_losses_have_no_ratio(rng, past):
    now = past * 1.1 * np.exp(rng.normal(0, 0.05, 200))
    now[:7] = np.nan
    own, scaled = fit(now, past, LIMITS), fit(now * 1e4, past, LIMITS)
    assert own.n == 193
    assert own.median == pytest.approx(math.log(1.1), abs=0.02)
    assert (scaled.rho, scaled.mad) == (pytest.approx(own.rho), pytest.approx(own.mad))
    assert scaled.median == pytest.approx(own.median + 4 * LN10)
    profit = rng.normal(0, 1, 100) - 1
    found = fit(profit, profit, LIMITS)
    assert found.rho == pytest.approx(1)
    assert math.isnan(found.mad)


def test_figures_of_another_column_fit_its_past_better_and_a_dozen_cities_need_a_clear_case(rng, past):
    other = past * np.exp(rng.normal(0, 0.4, 200))
    now = other * np.exp(rng.normal(0.05, 0.03, 200))
    assert fits_better(fit(now, past, LIMITS), fit(now, other, LIMITS), LIMITS)
    assert not fits_better(fit(now, other, LIMITS), fit(now, past, LIMITS), LIMITS)
    twin = past * np.exp(rng.normal(0, 0.05, 200))
    now = past * np.exp(rng.normal(0, 0.06, 200))
    assert not fits_better(fit(now, past, LIMITS), fit(now, twin, LIMITS), LIMITS)
    assert not fits_better(fit(now, twin, LIMITS), fit(now, past, LIMITS), LIMITS)
    few = past[:12]
    other = few * np.exp(rng.normal(0, 0.5, 12))
    now = other * np.exp(rng.normal(0, 0.02, 12))
    assert fits_better(fit(now, few, LIMITS), fit(now, other, LIMITS), LIMITS)
    assert not fits_better(fit(now[:9], few[:9], LIMITS), fit(now[:9], other[:9], LIMITS), LIMITS)


def test_among_a_dozen_cities_a_perfect_order_is_no_certainty(past):
    """One pair of cities in another order than last year, by chance that of another column."""
    few = np.sort(past[:12])
    now = few * np.exp(np.linspace(0.02, 0.05, 12))
    now[5], now[6] = now[6], now[5]
    other = now * np.exp(np.linspace(0.01, 0.03, 12))
    own, of_other = fit(now, few, LIMITS), fit(now, other, LIMITS)
    assert of_other.rho == pytest.approx(1)
    assert own.rho == pytest.approx(1 - 12 / (12**3 - 12))
    assert not fits_better(own, replace(of_other, mad=0.9 * own.mad), LIMITS)


@pytest.mark.parametrize("shift", [-2, -1, 1, 2])
def test_displaced_rows_are_found_with_their_span(rng, past, shift):
    now = past * np.exp(rng.normal(0.06, 0.1, 200))
    assert displaced_rows(now, past, LIMITS) == (0, 0, 0)
    now[100:] = np.roll(now, shift)[100:]
    found, first, end = displaced_rows(now, past, LIMITS)
    assert (found, end) == (shift, 200)
    assert 85 <= first <= 110


def test_rows_of_a_unit_slip_are_not_displaced(rng, past):
    assert displaced_rows(past * 1e4 * np.exp(rng.normal(0, 0.05, 200)), past, LIMITS) == (0, 0, 0)


@pytest.mark.parametrize("shift", [-1, 2])
def test_growth_that_all_share_neither_makes_nor_hides_a_displacement(rng, shift):
    """Wages: alike everywhere, a tenth more each year. In thousands of rows some window always looks like a shift."""
    past = 60_000 * np.exp(rng.normal(0, 0.12, 20_000))
    now = 1.1 * past * np.exp(rng.normal(0, 0.03, len(past)))
    assert displaced_rows(now, past, LIMITS) == (0, 0, 0)
    now[1000:1100] = np.roll(now, shift)[1000:1100]
    found, first, end = displaced_rows(now, past, LIMITS)
    assert found == shift
    assert 970 <= first <= 1010 < 1090 <= end <= 1130


def shift_of(x, siblings):
    return displaced_column(ranks_of(x[:, None])[:, 0], ranks_of(siblings), LIMITS)


@pytest.mark.parametrize("shift", [-2, -1, 0, 1, 2])
def test_displaced_column_is_found_by_its_siblings(rng, past, shift):
    siblings = np.column_stack([past * np.exp(rng.normal(0, 0.5, 200)) for _ in range(4)])
    now = past * np.exp(rng.normal(0, 0.5, 200))
    assert shift_of(np.roll(now, shift), siblings) == shift


def test_displaced_column_is_not_guessed_without_kin(rng, past):
    strangers = np.column_stack([rng.permutation(past) for _ in range(6)])
    assert shift_of(np.roll(past, 1), strangers) == 0
    two = np.column_stack([past, past, *(rng.permutation(past) for _ in range(3))])
    assert shift_of(np.roll(past, 1), two) == 0  # two siblings are not three
