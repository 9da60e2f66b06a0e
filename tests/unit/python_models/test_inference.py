"""Intervals, families of tests, bands, draws, ranks: by hand, by their definition, in simulations, beside scipy."""

import numpy as np
import pytest
from checks import refused
from scipy import stats

from python_models.estimates import Ranks, rank_correlation
from python_models.inference import (
    adjust,
    half_width,
    holm,
    normal,
    normal_draws,
    p_from_draws,
    p_two_sided,
    rank_sets,
    ratio_interval,
    romano_wolf,
    rubin,
    sup_t_band,
    wald,
)


def test_normal_and_wald_by_hand_and_nothing_where_there_is_no_error():
    found = normal([1.96, 0.0], [1.0, 0.0])
    assert found.p[0] == pytest.approx(0.05, abs=1e-4)
    assert (found.lower[0], found.upper[0]) == pytest.approx((0.0, 3.92), abs=1e-4)
    assert np.isnan(found.p[1])
    assert half_width(0.9) == pytest.approx(1.644854, abs=1e-6)
    one = wald([0.5], [[0.04]])
    assert (one.statistic, one.p) == pytest.approx((6.25, float(normal(0.5, 0.2).p)))
    assert wald([1.0, 2.0], np.eye(2), [[1, -1]]).df == 1


def test_p_of_draws_is_never_zero():
    assert p_from_draws(np.zeros(999), 1.0) == 0.001
    assert p_from_draws([1.0, 2.0, np.nan, 3.0], 2.0) == 0.75
    draws = np.random.default_rng(1).normal(2.5, 1.0, (999, 1))
    p = float(p_two_sided(draws)[0])
    assert p >= 2 / 1000
    low, high = np.quantile(draws, [p / 2, 1 - p / 2])
    assert min(abs(low), abs(high)) < 0.1  # the interval of that level ends at zero


def test_fieller_solves_its_quadratic_equation_and_is_open_where_the_denominator_may_be_zero():
    cov = np.array([[0.04, 0.01], [0.01, 0.02]])
    low, high = ratio_interval(1.0, 2.0, cov)
    for ratio in (low, high):
        spread = cov[0, 0] - 2 * ratio * cov[0, 1] + ratio**2 * cov[1, 1]
        assert (1.0 - ratio * 2.0) ** 2 / spread == pytest.approx(half_width() ** 2)
    known = ratio_interval(1.0, 2.0, np.diag([0.01, 1e-12]))
    assert known == pytest.approx((0.5 - 1.959964 * 0.1 / 2, 0.5 + 1.959964 * 0.1 / 2), abs=1e-6)
    assert ratio_interval(1.0, 0.1, np.diag([0.01, 0.01])) == (float("-inf"), float("inf"))


def test_adjusted_p_values_are_the_textbook_ones_and_never_below_the_raw_ones():
    p, bh = np.array([0.01, 0.04, np.nan, 0.03, 0.005]), np.array([0.02, 0.04, np.nan, 0.04, 0.02])
    expected = {"bh": bh, "holm": [0.03, 0.06, np.nan, 0.06, 0.02], "by": np.minimum(bh * 25 / 12, 1)}
    many = np.random.default_rng(2).random(277)
    for method, adjusted in expected.items():
        np.testing.assert_allclose(adjust(p, method), adjusted)
        assert (adjust(many, method) >= many).all()
    assert holm(np.array([0.9, 0.8])).max() == 1.0
    refused("unknown correction", adjust, p, "bonferroni")


def block_world(seed, n=200, m=12, shift=0.0):
    """Means of m correlated series over n cities; what each city adds."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 1)) + 0.5 * rng.normal(size=(n, m)) + shift * (np.arange(m) == 0)
    mean = values.mean(axis=0)
    return mean, (values - mean) / n


def test_step_down_keeps_the_family_error_and_is_no_worse_than_holm():
    rejected, gain = [], []
    for seed in range(200):
        mean, psi = block_world(seed)
        p = romano_wolf(mean, psi, draws=199, rng=np.random.default_rng(seed))
        rejected.append(p.min() < 0.05)
        plain = normal(mean, np.sqrt((psi**2).sum(axis=0))).p
        gain.append(holm(plain).min() - p.min())
        assert (np.diff(p[np.argsort(plain)]) >= 0).all()
    assert 0.015 <= np.mean(rejected) <= 0.1
    assert np.mean(gain) > 0  # estimates that go together: Holm gives too much away


def test_step_down_finds_the_one_that_is_there():
    mean, psi = block_world(1, shift=0.6)
    p = romano_wolf(mean, psi, draws=499, rng=np.random.default_rng(2))
    assert p[0] == 1 / 500
    refused("influence must be", romano_wolf, mean, psi[:, :3], rng=np.random.default_rng(2))


def test_draws_have_the_covariance_and_follow_units_but_not_the_last_digits():
    a = np.random.default_rng(3).normal(size=(4, 4))
    cov, unit = a @ a.T, np.array([1.0, 10.0, 1e-6, 1e6])
    drawn = normal_draws(cov, 100_000, np.random.default_rng(4))
    assert np.cov(drawn.T) == pytest.approx(cov, abs=0.02 * cov.max())
    scaled = normal_draws(cov * np.outer(unit, unit), 100_000, np.random.default_rng(4))
    np.testing.assert_allclose(scaled, drawn * unit, rtol=1e-9, atol=1e-9 * unit.min())
    alike = np.full((4, 4), 0.2) + 0.8 * np.eye(4)  # three equal eigenvalues: their vectors are any basis
    nudge = 1e-15 * np.random.default_rng(5).normal(size=(4, 4))
    both = [normal_draws(v, 50, np.random.default_rng(6)) for v in (alike, alike + nudge + nudge.T)]
    np.testing.assert_allclose(*both, atol=1e-12)
    constant = normal_draws(np.diag([1.0, 0.0]), 50, np.random.default_rng(6))
    assert (constant[:, 1] == 0).all()


def test_band_holds_all_estimates_at_once_at_its_level():
    rng = np.random.default_rng(3)
    root = rng.normal(size=(6, 6))
    cov = root @ root.T
    critical = sup_t_band(np.zeros(6), cov, rng=np.random.default_rng(4)).critical
    drawn = rng.multivariate_normal(np.zeros(6), cov, size=20_000)
    inside = (np.abs(drawn) <= critical * np.sqrt(np.diag(cov))).all(axis=1).mean()
    assert inside == pytest.approx(0.95, abs=0.01)
    for same in (np.ones((1, 1)), np.ones((3, 3))):  # one estimate, and one estimate three times
        band = sup_t_band(np.zeros(len(same)), same, rng=np.random.default_rng(4))
        assert band.critical == pytest.approx(half_width(), abs=0.04)


@pytest.mark.parametrize(
    ("estimates", "run"), [([1.0, 0.9, 0.1, 0.9], 2), ([0.1, 0.9, 0.9, 0.9], 0), ([1.0, 0.9, 0.8, 0.9], 4)]
)
def test_run_ends_where_the_band_meets_zero(estimates, run):
    assert sup_t_band(estimates, 0.01 * np.eye(4), rng=np.random.default_rng(1)).run() == run


def test_rubins_rules_by_hand():
    found = rubin([[1.0], [2.0], [3.0]], [[0.5], [0.5], [0.5]])
    total, df, r = 0.5 + 4 / 3 * 1.0, 2 * (1 + 0.5 / (4 / 3)) ** 2, (4 / 3) / 0.5
    got = found.estimate[0], found.se[0], found.share[0], found.df[0]
    assert got == pytest.approx((2.0, np.sqrt(total), 4 / 3 / total, df))
    row = found.to_frame(["direct"]).iloc[0]
    assert row["p"] == pytest.approx(2 * stats.t.sf(2 / np.sqrt(total), df))
    assert row[["se_within", "se_between"]].tolist() == pytest.approx([np.sqrt(0.5), 1.0])
    assert row["missing"] == pytest.approx((r + 2 / (df + 3)) / (r + 1))


def test_data_that_are_known_add_nothing_and_one_draw_is_no_draw():
    same = rubin(np.full((4, 2), 3.0), np.full((4, 2), 0.25))
    assert np.isinf(same.df).all()
    assert np.array([same.se, same.share, same.missing]) == pytest.approx(np.array([[0.5] * 2, [0.0] * 2, [0.0] * 2]))
    refused("two draws or more", rubin, [[1.0]], [[1.0]])
    refused("missing, infinite or negative", rubin, [1.0, np.nan], [1.0, 1.0])


@pytest.mark.parametrize("decimals", [0, 1, 12])
def test_ranks_are_those_of_scipy(decimals):
    rng = np.random.default_rng(5)
    for n in (3, 4, 17, 280):
        a = np.round(rng.normal(size=n), decimals)
        ranks = Ranks.of(a)
        for own, method in ((ranks.average, "average"), (ranks.low, "min"), (ranks.high, "max")):
            assert own.tolist() == stats.rankdata(a, method=method).tolist()
        assert (n + 1.0 - ranks.high).tolist() == stats.rankdata(-a, method="min").tolist()


def test_rho_is_that_of_scipy():
    rng = np.random.default_rng(6)
    for n in (5, 30, 281):
        a = np.round(rng.normal(size=n), 1)
        b = np.round(a + rng.normal(size=n), 1)
        assert rank_correlation(a, b).value == float(stats.spearmanr(a, b).statistic)
    assert np.isnan(rank_correlation([1.0, np.nan, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0]).value)


# mathematics in PISA 2018, OECD: score and standard error by country (the data of csranks), United Kingdom first
PISA = """501.770 2.564  491.360 1.940  498.942 2.971  508.070 2.263  512.017 2.357  417.407 2.416  390.932 2.990
499.468 2.461  509.398 1.735  523.415 1.744  507.301 1.968  495.408 2.320  500.044 2.647  451.370 3.091  481.083 2.320
495.187 1.953  499.633 2.199  463.035 3.499  486.590 2.780  526.973 2.471  525.933 3.121  496.126 1.963  481.191 1.953
483.421 1.098  408.801 2.493  519.231 2.632  494.490 1.706  500.964 2.219  515.648 2.602  492.487 2.685  486.165 2.556
508.898 1.364  481.393 1.462  502.388 2.654  515.315 2.908  453.508 2.260  478.245 3.235"""


def test_rank_sets_are_those_of_the_published_example_and_of_the_closed_form_of_two():
    """csranks, vignette: the United Kingdom is 13th, its set of 95 % is 8 to 23 (1,000 draws)."""
    score, se = np.array(PISA.split(), dtype=float).reshape(-1, 2).T
    sets = rank_sets(score, np.diag(se**2), draws=20_000, rng=np.random.default_rng(0))
    assert sets[0].tolist() == [8, 23]
    rank = stats.rankdata(-score)
    assert ((sets[:, 0] <= rank) & (rank <= sets[:, 1])).all()
    for gap, expected in ((1.9, [[1, 2], [1, 2]]), (2.02, [[1, 1], [2, 2]])):  # of two: |t| against 1.96
        draws = {"draws": 200_000, "rng": np.random.default_rng(1)}
        assert rank_sets([gap, 0.0], [[0.7, 0.2], [0.2, 0.7]], **draws).tolist() == expected
