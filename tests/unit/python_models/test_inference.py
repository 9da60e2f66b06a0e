"""Intervals, families of tests, bands and draws: by hand, by their definition, in simulations."""

import numpy as np
import pytest
from scipy import stats

from python_models.inference import (
    adjust,
    half_width,
    holm,
    normal,
    p_from_draws,
    p_two_sided,
    ratio_interval,
    romano_wolf,
    rubin,
    sup_t_band,
    wald,
)


def test_normal_by_hand_and_nothing_where_there_is_no_error():
    found = normal([1.96, 0.0], [1.0, 0.0])
    assert found.p[0] == pytest.approx(0.05, abs=1e-4)
    assert (found.lower[0], found.upper[0]) == pytest.approx((0.0, 3.92), abs=1e-4)
    assert np.isnan(found.p[1])
    assert half_width(0.9) == pytest.approx(1.644854, abs=1e-6)


def test_wald_of_one_estimate_is_its_squared_z():
    found = wald([0.5], [[0.04]])
    assert found.statistic == pytest.approx(6.25)
    assert found.p == pytest.approx(float(normal(0.5, 0.2).p))
    assert wald([1.0, 2.0], np.eye(2), [[1, -1]]).df == 1


def test_p_of_draws_is_never_zero():
    assert p_from_draws(np.zeros(999), 1.0) == 0.001
    assert p_from_draws([1.0, 2.0, np.nan, 3.0], 2.0) == 0.75
    draws = np.random.default_rng(1).normal(2.5, 1.0, (999, 1))
    p = float(p_two_sided(draws)[0])
    assert p >= 2 / 1000
    low, high = np.quantile(draws, [p / 2, 1 - p / 2])
    assert min(abs(low), abs(high)) < 0.1  # the interval of that level ends at zero


def test_fieller_solves_its_quadratic_equation():
    cov = np.array([[0.04, 0.01], [0.01, 0.02]])
    low, high = ratio_interval(1.0, 2.0, cov)
    for ratio in (low, high):
        spread = cov[0, 0] - 2 * ratio * cov[0, 1] + ratio**2 * cov[1, 1]
        assert (1.0 - ratio * 2.0) ** 2 / spread == pytest.approx(half_width() ** 2)


def test_adjusted_p_values_are_the_textbook_ones_and_never_below_the_raw_ones():
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.005])
    np.testing.assert_allclose(adjust(p, "bh"), [0.02, 0.04, np.nan, 0.04, 0.02])
    np.testing.assert_allclose(adjust(p, "holm"), [0.03, 0.06, np.nan, 0.06, 0.02])
    np.testing.assert_allclose(adjust(p, "by"), np.minimum(np.array([0.02, 0.04, np.nan, 0.04, 0.02]) * 25 / 12, 1))
    with pytest.raises(ValueError, match="unknown correction"):
        adjust(p, "bonferroni")
    many = np.random.default_rng(2).random(277)
    for method in ("bh", "by", "holm"):
        assert (adjust(many, method) >= many).all()


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
    with pytest.raises(ValueError, match="influence must be"):
        romano_wolf(mean, psi[:, :3], rng=np.random.default_rng(2))


def test_band_holds_all_estimates_at_once_at_its_level():
    rng = np.random.default_rng(3)
    root = rng.normal(size=(6, 6))
    cov = root @ root.T
    critical = sup_t_band(np.zeros(6), cov, rng=np.random.default_rng(4)).critical
    drawn = rng.multivariate_normal(np.zeros(6), cov, size=20_000)
    inside = (np.abs(drawn) <= critical * np.sqrt(np.diag(cov))).all(axis=1).mean()
    assert inside == pytest.approx(0.95, abs=0.01)
    alone = sup_t_band([1.0], [[1.0]], rng=np.random.default_rng(4))
    assert alone.critical == pytest.approx(half_width(), abs=0.04)
    same = sup_t_band(np.zeros(3), np.ones((3, 3)), rng=np.random.default_rng(4))
    assert same.critical == pytest.approx(half_width(), abs=0.04)  # one estimate three times


def test_run_ends_where_the_band_meets_zero():
    cov = np.diag([0.01, 0.01, 0.01, 0.01])
    assert sup_t_band([1.0, 0.9, 0.1, 0.9], cov, rng=np.random.default_rng(1)).run() == 2
    assert sup_t_band([0.1, 0.9, 0.9, 0.9], cov, rng=np.random.default_rng(1)).run() == 0
    assert sup_t_band([1.0, 0.9, 0.8, 0.9], cov, rng=np.random.default_rng(1)).run() == 4


def test_rubins_rules_by_hand():
    found = rubin([[1.0], [2.0], [3.0]], [[0.5], [0.5], [0.5]])
    assert found.estimate[0] == 2.0
    total = 0.5 + 4 / 3 * 1.0
    assert found.se[0] == pytest.approx(np.sqrt(total))
    assert found.share[0] == pytest.approx(4 / 3 / total)
    assert found.df[0] == pytest.approx(2 * (1 + 0.5 / (4 / 3)) ** 2)
    frame = found.to_frame(["direct"])
    assert frame["p"].item() == pytest.approx(2 * stats.t.sf(2 / np.sqrt(total), found.df[0]))
    assert frame[["se_within", "se_between"]].iloc[0].tolist() == pytest.approx([np.sqrt(0.5), 1.0])
    r = (4 / 3) / 0.5
    assert frame["missing"].item() == pytest.approx((r + 2 / (found.df[0] + 3)) / (r + 1))


def test_data_that_are_known_add_nothing_and_one_draw_is_no_draw():
    same = rubin(np.full((4, 2), 3.0), np.full((4, 2), 0.25))
    assert same.se == pytest.approx([0.5, 0.5])
    assert np.isinf(same.df).all()
    assert same.share == pytest.approx([0.0, 0.0])
    assert same.missing == pytest.approx([0.0, 0.0])
    with pytest.raises(ValueError, match="two draws or more"):
        rubin([[1.0]], [[1.0]])
    with pytest.raises(ValueError, match="missing, infinite or negative"):
        rubin([1.0, np.nan], [1.0, 1.0])


def test_rubins_intervals_cover_the_truth_where_plain_ones_do_not():
    """x is known up to a draw of noise: the slope on draws, combined."""
    rng, plain, whole = np.random.default_rng(5), [], []
    for _ in range(200):
        x = rng.normal(size=100)
        y = x + rng.normal(size=100)
        # draws from the law of x given what was seen of it (y and a noisy copy)
        seen = x + rng.normal(size=100)
        mean, spread = (seen + y) / 3, np.sqrt(1 / 3)
        found = []
        for _ in range(10):
            drawn = mean + spread * rng.normal(size=100)
            fit = stats.linregress(drawn, y)
            found.append((fit.slope, fit.stderr**2))
        b, v = np.array(found).T
        combined = rubin(b, v).to_frame(["slope"])
        whole.append(combined["lower"].item() <= 1 <= combined["upper"].item())
        plain.append(abs(b[0] - 1) <= 1.96 * np.sqrt(v[0]))
    assert np.mean(whole) >= 0.92
    assert np.mean(plain) < np.mean(whole)
