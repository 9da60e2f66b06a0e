"""Honest bounds: one step before and after, the set by linear programming, invariances, a trend of the pilots' own."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import linprog

from python_models.influence import honest_bounds, pilot_effects

YEARS = list(range(2012, 2022))
RNG = np.random.default_rng(7)
EXACT = np.eye(6) * 1e-20
STEPS = np.array([0.2, -0.5, 0.1, 1.5, 0.7, -0.3])


def test_one_step_before_and_one_after_have_the_closed_form():
    cov = np.array([[0.04, 0.01], [0.01, 0.09]])
    bounds = honest_bounds([0.3, 1.0], cov, 1, m=2.0, dof=20)
    t, up, down = stats.t.ppf(0.975, 20), 0.09 + 4 * 0.04 + 4 * 0.01, 0.09 + 4 * 0.04 - 4 * 0.01
    assert bounds.upper == pytest.approx(max(1.6 + t * np.sqrt(up), 0.4 + t * np.sqrt(down)), rel=1e-12)
    assert bounds.lower == pytest.approx(min(1.6 - t * np.sqrt(up), 0.4 - t * np.sqrt(down)), rel=1e-12)
    usual = honest_bounds([0.3, 1.0], cov, 1, m=0.0, dof=20)
    assert [usual.lower, usual.upper] == pytest.approx([1 - t * 0.3, 1 + t * 0.3], rel=1e-12)


@pytest.mark.parametrize("m", [0.0, 0.5, 1.0, 2.0])
def test_without_noise_they_are_the_ends_of_the_set_by_linear_programming(m):
    before, after, reach = STEPS[:3], STEPS[3:], m * 0.5
    share = np.array([1, 2 / 3, 1 / 3])
    assert np.abs(before).max() == 0.5
    ends = [linprog(sign * -share, bounds=[(-reach, reach)] * 3).fun * sign for sign in (1, -1)]
    bounds = honest_bounds(STEPS, EXACT, 3, m=m)
    assert [bounds.lower, bounds.upper] == pytest.approx([share @ after + ends[0], share @ after + ends[1]], abs=1e-8)


def test_the_breakdown_value_is_where_zero_comes_in_and_units_change_nothing_else():
    root = RNG.normal(size=(6, 6)) / 20
    cov = root @ root.T
    bounds = honest_bounds(STEPS, cov, 3, dof=30)
    at = honest_bounds(STEPS, cov, 3, m=bounds.breakdown, dof=30)
    assert at.lower == pytest.approx(0.0, abs=1e-9)
    other = honest_bounds(-100 * STEPS, 1e4 * cov, 3, dof=30)
    assert other.breakdown == pytest.approx(bounds.breakdown, rel=1e-8)
    assert [other.lower, other.upper] == pytest.approx([-100 * bounds.upper, -100 * bounds.lower], rel=1e-12)
    assert honest_bounds(STEPS, 100 * np.eye(6), 3).breakdown == 0.0
    wider = [honest_bounds(STEPS, cov, 3, m=m) for m in (0.0, 0.3, 0.6, 2.0)]
    assert np.all(np.diff([b.lower for b in wider]) < 0)
    assert np.all(np.diff([b.upper for b in wider]) > 0)


def test_what_cannot_be_bounded_is_refused():
    for n_before, m in ((0, 1.0), (6, 1.0), (3, -1.0)):
        with pytest.raises(ValueError, match="a step before and one after, and m >= 0"):
            honest_bounds(STEPS, EXACT, n_before, m=m)


def panel(seed, trend, effect, n=120):
    """Pilots of one year grow faster by `trend` a year, before and after; provinces of ten share shocks."""
    rng = np.random.default_rng(seed)
    start = np.where(np.arange(n) % 4 == 0, 2017.0, np.nan)
    province = np.arange(n) // 10
    y = rng.normal(size=(n, 10)) + rng.normal(size=(12, 10))[province]
    years = np.array(YEARS)
    y += np.where(np.isnan(start), 0.0, 1.0)[:, None] * (trend * (years - 2016) + effect * (years >= 2017))
    return y, start, rng.uniform(0, 100, size=(n, 2)), province


def test_a_trend_of_the_pilots_is_inside_and_an_effect_without_one_is_above_zero():
    def direct(seed, trend, effect):
        y, start, points, province = panel(seed, trend, effect)
        table = pilot_effects(y, start, points, YEARS, [], metric="euclidean", clusters=province).table
        assert table.loc[table["estimator"] == "twfe", ["breakdown", "lower_honest"]].isna().all(axis=None)
        return table.iloc[0]

    grows = direct(1, 1.0, 0.0)
    assert grows["lower"] > 0  # the usual interval calls the trend an effect
    assert grows["lower_honest"] < 0 < grows["upper_honest"]
    assert grows["breakdown"] < 1.0
    works = direct(2, 0.0, 10.0)
    assert works["lower_honest"] > 0
    assert works["breakdown"] > 1.0
    assert works["lower_honest"] < works["estimate_event"] < works["upper_honest"]


def test_the_mean_over_event_years_is_that_of_changes_since_the_year_before_and_order_does_not_matter():
    y, start, points, province = panel(3, 0.0, 2.0)
    table = pilot_effects(y, start, points, YEARS, [], metric="euclidean", clusters=province, horizon=4).table
    pilots = ~np.isnan(start)
    gap = y[pilots].mean(axis=0) - y[~pilots].mean(axis=0)
    assert table["estimate_event"][0] == pytest.approx((gap[5:] - gap[4]).mean(), abs=1e-12)
    order = RNG.permutation(len(y))
    mixed = pilot_effects(
        y[order], start[order], points[order], YEARS, [], metric="euclidean", clusters=province[order], horizon=4
    ).table
    np.testing.assert_allclose(mixed.iloc[0, 2:].astype(float), table.iloc[0, 2:].astype(float), rtol=1e-8, atol=1e-9)


def test_errors_of_provinces_of_one_city_are_those_by_city_with_t():
    y, start, points, _ = panel(4, 0.0, 1.0)
    by_city = pilot_effects(y, start, points, YEARS, [], metric="euclidean").table
    alone = pilot_effects(y, start, points, YEARS, [], metric="euclidean", clusters=np.arange(120)).table
    np.testing.assert_allclose(alone["se"], by_city["se"] * np.sqrt([120 / 119] * 2), rtol=1e-9)
    half = alone["upper"] - alone["estimate"]
    np.testing.assert_allclose(half, stats.t.ppf(0.975, 119) * alone["se"], rtol=1e-12)
