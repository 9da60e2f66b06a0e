"""Sigma convergence: known trends, Newey-West by hand, invariances."""

import math

import numpy as np
import pytest

from python_models.dynamics import sigma_convergence, sigma_trend
from python_models.dynamics.sigma import trend


def spread_panel(factor: float, n: int = 200, years: int = 10) -> np.ndarray:
    """ln y = e_i factor^t: the sd of logs changes by `factor` each year."""
    e = np.random.default_rng(1).normal(size=(n, 1))
    noise = 0.02 * np.random.default_rng(2).normal(size=(n, years))
    return np.exp(e * factor ** np.arange(years) + noise)


@pytest.mark.parametrize(("factor", "verdict"), [(0.95, "convergence"), (1.05, "divergence"), (1.0, "none")])
def test_verdict_follows_the_truth(factor, verdict):
    assert sigma_trend(spread_panel(factor), n_bootstrap=299, seed=1).verdict == verdict


def test_spread_is_the_sd_of_logs_or_the_coefficient_of_variation():
    Y = spread_panel(0.9)
    assert sigma_trend(Y, seed=1).spread == pytest.approx(np.log(Y).std(axis=0, ddof=1), abs=1e-12)
    cv = sigma_trend(Y, measure="cv", seed=1)
    assert cv.spread == pytest.approx(Y.std(axis=0, ddof=1) / Y.mean(axis=0), abs=1e-12)


def test_an_index_that_grows_with_falling_logs_is_not_said_to_converge():
    """Cities move apart in points while their ratios fall: logarithms alone called this convergence."""
    rng = np.random.default_rng(4)
    start = np.exp(0.5 * rng.normal(size=(250, 1)))
    Y = start + start**0.7 * np.arange(10) * 0.3 + 0.02 * rng.uniform(size=(250, 10))
    assert sigma_trend(Y, n_bootstrap=199).verdict == "convergence"
    assert sigma_convergence(Y, n_bootstrap=199).verdict == "compresses relative, widens absolute"
    # y falls towards one value: both spreads fall
    both = 1.0 + start * 0.9 ** np.arange(10) + 0.01 * rng.uniform(size=(250, 10))
    assert sigma_convergence(both, n_bootstrap=199).verdict == "converges"
    frame = sigma_convergence(both, n_bootstrap=199).to_frame()
    assert list(frame["measure"]) == ["sigma_log", "sd"]


def test_p_and_interval_come_from_the_same_draws():
    for factor in (0.95, 0.99, 1.0, 1.02):
        found = sigma_trend(spread_panel(factor), n_bootstrap=199, seed=5)
        assert (found.p_value < 0.05) == (found.boot_hi < 0 or found.boot_lo > 0)


def test_newey_west_with_one_lag_written_out():
    y = np.array([1.0, 0.9, 0.95, 0.7, 0.72, 0.5])
    t = np.arange(6.0)
    X = np.column_stack([np.ones(6), t])
    b = np.linalg.solve(X.T @ X, X.T @ y)
    u = y - X @ b
    S = sum(u[i] ** 2 * np.outer(X[i], X[i]) for i in range(6))
    for i in range(1, 6):
        cross = u[i] * u[i - 1] * np.outer(X[i], X[i - 1])
        S = S + 0.5 * (cross + cross.T)
    V = np.linalg.inv(X.T @ X) @ S @ np.linalg.inv(X.T @ X)
    slope, se = trend(y)
    assert slope == pytest.approx(b[1], abs=1e-12)
    assert se == pytest.approx(math.sqrt(V[1, 1]), abs=1e-12)


def test_intervals_hold_the_estimates_and_the_seed_decides():
    one, two = (sigma_trend(spread_panel(0.95), seed=3) for _ in range(2))
    assert one.boot_lo < one.slope < one.boot_hi < 0.0
    assert one.diff_lo < one.first_last_diff < one.diff_hi
    assert (one.boot_lo, one.diff_hi) == (two.boot_lo, two.diff_hi)
    assert one.first_last_diff == pytest.approx(one.spread[-1] - one.spread[0])


def test_equal_variances_are_not_rejected_and_unequal_ones_are():
    assert sigma_trend(spread_panel(1.0), seed=1).ck_p > 0.05
    assert sigma_trend(spread_panel(0.9), seed=1).ck_p < 0.001


@pytest.mark.parametrize("measure", ["sigma_log", "cv"])
def test_scale_and_order_change_nothing(measure):
    Y = spread_panel(0.95, n=40)
    one, other = (sigma_trend(y, measure=measure, seed=1) for y in (Y, 7.0 * Y))
    assert (other.slope, other.se_nw, other.boot_lo) == pytest.approx((one.slope, one.se_nw, one.boot_lo), abs=1e-12)
    assert sigma_trend(Y[::-1], measure=measure, seed=1).slope == pytest.approx(one.slope, abs=1e-12)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="3 years"):
        sigma_trend(np.ones((4, 2)), seed=1)
    with pytest.raises(ValueError, match="unknown measure"):
        sigma_trend(np.ones((4, 5)), measure="range", seed=1)
