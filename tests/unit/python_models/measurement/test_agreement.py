"""Agreement of ranks and correlations with the outside: by hand, beside scipy, with holes."""

import numpy as np
import pytest
from checks import refused
from scipy import stats

from python_models.measurement.agreement import agreement, agreement_by_year, pairwise_agreement
from python_models.measurement.validity import pearson, validity


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(8)
    base = rng.random((60, 3))
    return {"a": base, "b": base + 0.2 * rng.random((60, 3)), "c": rng.random((60, 3))}


def test_a_score_agrees_with_itself(scores):
    row = agreement(scores["a"][:, 0], scores["a"][:, 0])
    assert (row.spearman, row.kendall_tau_b) == (pytest.approx(1.0, abs=1e-15), pytest.approx(1.0, abs=1e-15))
    assert (row.mean_abs_rank_shift, row.max_abs_rank_shift, row.top20_jaccard, row.bottom20_jaccard) == (0, 0, 1, 1)


def test_the_reverse_order_is_minus_one(scores):
    a = scores["a"][:, 0]
    row = agreement(a, -a)
    assert row.spearman == pytest.approx(-1.0, abs=1e-15)
    assert row.kendall_tau_b == pytest.approx(-1.0, abs=1e-15)
    assert (row.top20_jaccard, row.max_abs_rank_shift) == (0.0, 59.0)


def test_by_hand_with_a_hole():
    row = agreement([4.0, 3.0, 2.0, 1.0, np.nan], [4.0, 2.0, 3.0, 1.0, 9.0], top=2)
    assert row.n_obs == 4
    assert row.spearman == pytest.approx(0.8)
    assert row.kendall_tau_b == pytest.approx(2 / 3)
    assert (row.mean_abs_rank_shift, row.max_abs_rank_shift) == (0.5, 1.0)
    assert (row.top20_jaccard, row.bottom20_jaccard) == (pytest.approx(1 / 3), pytest.approx(1 / 3))


def test_against_scipy(scores):
    row = agreement(scores["a"][:, 1], scores["c"][:, 1])
    assert row.spearman == pytest.approx(stats.spearmanr(scores["a"][:, 1], scores["c"][:, 1]).statistic, abs=1e-14)
    assert row.spearman_low < row.spearman < row.spearman_high


def test_overlap_says_nothing_where_everybody_is_in_it():
    row = agreement(np.arange(20.0), np.arange(20.0)[::-1].copy())
    assert np.isnan(row.top20_jaccard)
    assert row.n_obs == 20


def test_too_few_pairs_or_a_flat_score_have_no_agreement():
    assert np.isnan(agreement([1.0, 2.0], [1.0, 2.0]).spearman)
    assert np.isnan(agreement([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]).kendall_tau_b)


def test_every_pair_of_schemes_and_year_has_one_row(scores):
    table = pairwise_agreement(scores, (2012, 2013, 2014))
    assert len(table) == 3 * 3
    assert not table.duplicated(["scheme_a", "scheme_b", "year"]).any()
    row = table[(table["scheme_a"] == "a") & (table["scheme_b"] == "b") & (table["year"] == 2013)].iloc[0]
    assert row["spearman"] == agreement(scores["a"][:, 1], scores["b"][:, 1]).spearman


def test_a_year_without_scores_is_left_out(scores):
    hole = scores["b"].copy()
    hole[:, 1] = np.nan
    assert agreement_by_year(scores["a"], hole, (2012, 2013, 2014))["year"].tolist() == [2012, 2014]


def test_scores_of_different_cities_raise():
    refused("same cities", agreement, [1.0, 2.0], [1.0, 2.0, 3.0])
    refused("must match", agreement_by_year, np.ones((3, 2)), np.ones((3, 2)), (2012,))


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
    refused("must match", validity, np.ones((3, 2)), np.ones((3, 2)), (2012,))
