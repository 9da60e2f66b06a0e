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


def test_by_hand_with_a_hole_and_against_scipy(scores):
    row = agreement([4.0, 3.0, 2.0, 1.0, np.nan], [4.0, 2.0, 3.0, 1.0, 9.0], top=2)
    found = row.n_obs, row.spearman, row.kendall_tau_b, row.mean_abs_rank_shift, row.max_abs_rank_shift
    assert found == pytest.approx((4, 0.8, 2 / 3, 0.5, 1.0))
    assert (row.top20_jaccard, row.bottom20_jaccard) == pytest.approx((1 / 3, 1 / 3))
    row = agreement(scores["a"][:, 1], scores["c"][:, 1])
    assert row.spearman == pytest.approx(stats.spearmanr(scores["a"][:, 1], scores["c"][:, 1]).statistic, abs=1e-14)
    assert row.spearman_low < row.spearman < row.spearman_high


def test_overlap_says_nothing_where_everybody_is_in_it_and_too_few_or_flat_scores_do_not_agree():
    row = agreement(np.arange(20.0), np.arange(20.0)[::-1])
    assert np.isnan(row.top20_jaccard)
    assert row.n_obs == 20
    assert np.isnan(agreement([1.0, 2.0], [1.0, 2.0]).spearman)
    assert np.isnan(agreement([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]).kendall_tau_b)


def test_every_pair_of_schemes_and_year_with_scores_has_one_row(scores):
    years = (2012, 2013, 2014)
    table = pairwise_agreement(scores, years).set_index(["scheme_a", "scheme_b", "year"])
    assert (len(table), table.index.is_unique) == (3 * 3, True)
    own = agreement(scores["a"][:, 1], scores["b"][:, 1])
    assert table.loc[("a", "b", 2013), "spearman"] == own.spearman
    hole = scores["b"].copy()
    hole[:, 1] = np.nan
    assert agreement_by_year(scores["a"], hole, years)["year"].tolist() == [2012, 2014]


def test_scores_and_frames_that_do_not_match_raise():
    refused("same cities", agreement, [1.0, 2.0], [1.0, 2.0, 3.0])
    refused("must match", agreement_by_year, np.ones((3, 2)), np.ones((3, 2)), (2012,))
    refused("must match", validity, np.ones((3, 2)), np.ones((3, 2)), (2012,), list("abc"))


def test_correlations_against_scipy_with_interval_of_a_line_and_of_nothing():
    rng = np.random.default_rng(3)
    x = rng.normal(size=80)
    y = x + rng.normal(size=80)
    mine, theirs = pearson(x, y), stats.pearsonr(x, y)
    assert mine.value == pytest.approx(theirs.statistic, abs=1e-14)
    assert (mine.low, mine.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)), abs=1e-10)
    x = np.arange(9.0)
    line = pearson(x, 3 - 2 * x)
    assert line.value == pytest.approx(-1.0, abs=1e-14)
    assert np.isnan([line.low, pearson(np.ones(9), x).value, pearson(x[:4], [1.0, 2.0, 3.0, 5.0]).value]).all()


def test_each_year_by_itself_over_the_cities_that_have_both():
    score, outside = np.random.default_rng(4).random((2, 30, 3))
    outside[:10, 1] = outside[4:, 2] = np.nan
    outside = outside.round(1)  # ties
    province = np.repeat(list("abcdef"), 5)
    table = validity(score, outside, (2012, 2013, 2014), province)
    assert table[["year", "n_obs"]].values.tolist() == [[2012, 30], [2013, 20]]
    row = table.iloc[1]
    assert row["spearman"] == pytest.approx(stats.spearmanr(score[10:, 1], outside[10:, 1]).statistic, abs=1e-14)
    rest = [np.delete(np.arange(10, 30), slice(k, k + 5)) for k in (0, 5, 10, 15)]  # without one province
    z = np.arctanh([stats.spearmanr(score[r, 1], outside[r, 1]).statistic for r in rest])
    half = stats.t.ppf(0.975, 3) * np.sqrt(3 / 4 * ((z - z.mean()) ** 2).sum())
    limits = np.tanh(np.arctanh(row["spearman"]) + np.array([-half, half]))
    assert row[["spearman_low", "spearman_high"]].tolist() == pytest.approx(limits, abs=1e-12)
    assert validity(score, outside, (2012, 2013, 2014), ["a"] * 30).filter(regex="low|high").isna().all(axis=None)
    a, b = (validity(score, o, (2012, 2013, 2014), province).iloc[0] for o in (outside, np.exp(4 * outside)))
    assert a["spearman"] == b["spearman"]  # a rising change leaves it alone
    assert a["pearson"] != b["pearson"]


def test_an_interval_over_clusters_covers_where_cities_of_one_are_alike():
    """Of 200 drawn countries without a link between score and variable, both of them the same within a province."""
    rng, province = np.random.default_rng(5), np.repeat(np.arange(30), 9)
    drawn = 1.5 * rng.normal(size=(2, 30, 200))[:, province] + rng.normal(size=(2, 270, 200))
    table = validity(drawn[0], drawn[1], tuple(range(200)), province)
    covered = [((table[f"{k}_low"] < 0) & (table[f"{k}_high"] > 0)).mean() for k in ("pearson", "spearman")]
    assert all(0.91 < share < 0.99 for share in covered), covered
    apart = np.abs(np.arctanh(table["pearson"])) < 1.96 / np.sqrt(267)
    assert apart.mean() < 0.8  # what cities as independent draws would give
