"""Correlations with the outside: against scipy, with holes, and where there is none."""

import numpy as np
import pytest
from scipy import stats

from python_models.measurement.validity import pearson, validity


def test_against_scipy_with_interval():
    rng = np.random.default_rng(3)
    x = rng.normal(size=80)
    y = x + rng.normal(size=80)
    mine, theirs = pearson(x, y), stats.pearsonr(x, y)
    assert mine.value == pytest.approx(theirs.statistic, abs=1e-14)
    interval = theirs.confidence_interval(0.95)
    assert (mine.low, mine.high) == (pytest.approx(interval.low, abs=1e-10), pytest.approx(interval.high, abs=1e-10))


def test_a_straight_line_has_correlation_one_and_no_interval():
    x = np.arange(9.0)
    assert pearson(x, 3 - 2 * x).value == pytest.approx(-1.0, abs=1e-14)
    assert np.isnan(pearson(x, 3 - 2 * x).low)


def test_no_variation_or_too_few_cities_have_no_correlation():
    assert np.isnan(pearson(np.ones(9), np.arange(9.0)).value)
    assert np.isnan(pearson([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 5.0]).value)


def test_each_year_by_itself_over_the_cities_that_have_both():
    rng = np.random.default_rng(4)
    score, outside = rng.random((30, 3)), rng.random((30, 3))
    outside[:10, 1] = np.nan
    outside[4:, 2] = np.nan
    table = validity(score, outside, (2012, 2013, 2014))
    assert table["year"].tolist() == [2012, 2013]
    assert table["n_obs"].tolist() == [30, 20]
    row = table.iloc[1]
    assert row["spearman"] == pytest.approx(stats.spearmanr(score[10:, 1], outside[10:, 1]).statistic, abs=1e-14)
    assert row["spearman_low"] < row["spearman"] < row["spearman_high"]


def test_a_rising_change_of_the_outside_variable_leaves_spearman_alone():
    rng = np.random.default_rng(5)
    score, outside = rng.random((30, 1)), rng.random((30, 1))
    a, b = validity(score, outside, (2012,)), validity(score, np.exp(4 * outside), (2012,))
    assert a["spearman"].item() == b["spearman"].item()
    assert a["pearson"].item() != b["pearson"].item()


def test_frames_that_do_not_match_raise():
    with pytest.raises(ValueError, match="must match"):
        validity(np.ones((3, 2)), np.ones((3, 2)), (2012,))
