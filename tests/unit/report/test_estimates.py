"""Intervals against scipy and against simulation; direction words only when the interval allows them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from dagster_project.publish.site import words
from python_models import estimates
from python_models.estimates import Interval, interval

RNG = np.random.default_rng(7)
A, B = RNG.normal(30, 5, 40), RNG.normal(25, 9, 25)


def test_mean_interval_is_students() -> None:
    found = interval(estimates.mean(A))
    low, high = stats.t.interval(0.95, len(A) - 1, loc=A.mean(), scale=stats.sem(A))
    assert (found.low, found.high) == pytest.approx((low, high))


def test_difference_is_welch() -> None:
    found = interval(estimates.minus(estimates.mean(A), estimates.mean(B)))
    wanted = stats.ttest_ind(A, B, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


def test_growth_interval_covers_the_truth() -> None:
    """Lognormal cities that all grow by 8 % on average: 95 % intervals hold it about 95 times in 100."""
    rng, hits = np.random.default_rng(3), 0
    for _ in range(400):
        first = rng.lognormal(3, 0.3, 60)
        last = first * rng.normal(1.08, 0.05, 60)
        found = estimates.factor(interval(estimates.log_growth(first, last)))
        hits += found.low <= 1.08 <= found.high
    assert 0.91 < hits / 400 < 0.985


def test_growth_a_year_and_ratio_in_closed_form() -> None:
    log = estimates.log_growth([10.0, 20.0], [20.0, 40.0])
    assert estimates.yearly_growth(interval(log), 10).value == pytest.approx(100 * (2**0.1 - 1))
    ratio = estimates.minus(estimates.log_mean([4.0, 6.0]), estimates.log_mean([2.0, 3.0]))
    assert estimates.factor(interval(ratio)).value == pytest.approx(2.0)


def test_one_city_and_constant_values() -> None:
    assert not interval(estimates.mean([5.0])).is_known
    assert interval(estimates.mean([5.0])).sign() == 0
    same = interval(estimates.minus(estimates.mean([2.0, 2.0]), estimates.mean([1.0, 1.0])))
    assert (same.low, same.value, same.high) == (1.0, 1.0, 1.0)
    assert math.isnan(estimates.log_mean([-1.0, 0.0]).value)
    assert math.isnan(estimates.mean([]).value)


def test_rank_correlation() -> None:
    x = np.arange(100)
    found = estimates.rank_correlation(x, np.roll(x, 3))
    assert found.value == pytest.approx(stats.spearmanr(x, np.roll(x, 3)).statistic)
    assert found.low < found.value < found.high < 1
    assert not estimates.rank_correlation(x, x).is_known


def test_sign_needs_an_interval_without_zero() -> None:
    assert [Interval(1, 0.5, 2).sign(), Interval(1, -0.5, 2).sign(), Interval(-1, -2, -0.1).sign()] == [1, 0, -1]


def test_words() -> None:
    assert words.cities(1) == "1 city"
    assert words.cities(1200) == "1,200 cities"
    assert words.number(-0.04, 1) == "0.0"
    assert words.number(-1.26, 1) == "−1.3"
    assert words.number(float("nan")) == words.NONE
    assert words.years([2012, 2013, 2014]) == "2012 to 2014"
    assert words.years([2012, 2014]) == "2012 and 2014"
    assert words.spelled(Interval(1, math.nan, math.nan), "points") == "1.0 points (too few cities for an interval)"
    assert words.size(Interval(-2, -3, -1)) == Interval(2, 1, 3)
    assert str(words.joined(["a", "<b>", "c"])) == "a, &lt;b&gt; and c"
