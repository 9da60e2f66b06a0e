"""Agreement of ranks: with itself and the reverse, with holes, by hand and beside scipy."""

import numpy as np
import pytest
from scipy import stats

from python_models.measurement.agreement import agreement, agreement_by_year, pairwise_agreement


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
    with pytest.raises(ValueError, match="same cities"):
        agreement([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="must match"):
        agreement_by_year(np.ones((3, 2)), np.ones((3, 2)), (2012,))
