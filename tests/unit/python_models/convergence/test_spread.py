"""Sigma and beta convergence: known trends and speeds, the Nickell limit, other programs."""

import math

import numpy as np
import pandas as pd
import pytest
from checks import refused
from linearmodels.panel import PanelOLS
from statsmodels.api import OLS, add_constant

from python_models.dynamics import beta_convergence, sigma_convergence, sigma_trend
from python_models.dynamics.beta import invert_nickell, nickell_limit, speed_of
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
    log, cv = (sigma_trend(Y, measure=measure, seed=1).spread for measure in ("sigma_log", "cv"))
    assert log == pytest.approx(np.log(Y).std(axis=0, ddof=1), abs=1e-12)
    assert cv == pytest.approx(Y.std(axis=0, ddof=1) / Y.mean(axis=0), abs=1e-12)


def test_an_index_that_grows_with_falling_logs_is_not_said_to_converge():
    """Cities move apart in points while their ratios fall: logarithms alone called this convergence."""
    rng = np.random.default_rng(4)
    start = np.exp(0.5 * rng.normal(size=(250, 1)))
    Y = start + start**0.7 * np.arange(10) * 0.3 + 0.02 * rng.uniform(size=(250, 10))
    assert sigma_trend(Y, n_bootstrap=199).verdict == "convergence"
    assert sigma_convergence(Y, n_bootstrap=199).verdict == "compresses relative, widens absolute"
    # y falls towards one value: both spreads fall
    both = 1.0 + start * 0.9 ** np.arange(10) + 0.01 * rng.uniform(size=(250, 10))
    found = sigma_convergence(both, n_bootstrap=199)
    assert found.verdict == "converges"
    assert list(found.to_frame()["measure"]) == ["sigma_log", "sd"]


def test_intervals_go_with_p_and_hold_the_estimates_and_unequal_variances_are_rejected():
    for factor in (0.95, 0.99, 1.0, 1.02):
        found = sigma_trend(spread_panel(factor), n_bootstrap=199, seed=5)
        assert (found.p_value < 0.05) == (found.boot_hi < 0 or found.boot_lo > 0)
    found = sigma_trend(spread_panel(0.95), seed=3)
    assert found.boot_lo < found.slope < found.boot_hi < 0.0
    assert found.diff_lo < found.first_last_diff < found.diff_hi
    assert found.first_last_diff == pytest.approx(found.spread[-1] - found.spread[0])
    assert sigma_trend(spread_panel(1.0), seed=1).ck_p > 0.05
    assert sigma_trend(spread_panel(0.9), seed=1).ck_p < 0.001


def test_newey_west_with_one_lag_is_that_of_statsmodels():
    y = np.array([1.0, 0.9, 0.95, 0.7, 0.72, 0.5])
    peer = OLS(y, add_constant(np.arange(6.0))).fit(cov_type="HAC", cov_kwds={"maxlags": 1})
    assert trend(y) == pytest.approx((peer.params[1], peer.bse[1]), abs=1e-12)


def test_bad_input_is_refused():
    refused("3 years", sigma_trend, np.ones((4, 2)), seed=1)
    refused("unknown measure", sigma_trend, np.ones((4, 5)), measure="range", seed=1)


def panel(tau: float, n: int = 280, years: int = 10, seed: int = 1) -> np.ndarray:
    """exp of a two-way first-order panel with stationary start values: `years` equations per unit."""
    rng = np.random.default_rng(seed)
    y = np.empty((n, years + 1))
    y[:, 0] = rng.normal(size=n) / math.sqrt(1.0 - tau**2)
    for t in range(1, years + 1):
        y[:, t] = tau * y[:, t - 1] + rng.normal(size=n)
    return np.exp(y + rng.normal(size=(n, 1)) + rng.normal(size=years + 1))


@pytest.mark.parametrize("tau", [-0.9, -0.2, 0.0, 0.3, 0.8, 0.98])
@pytest.mark.parametrize("equations", [4, 10, 80])
def test_inversion_undoes_the_limit_whose_printed_values_are_met(tau, equations):
    assert invert_nickell(nickell_limit(tau, equations), equations) == pytest.approx(tau, abs=1e-10)
    assert [nickell_limit(t, 10) for t in (0.8, 0.6)] == pytest.approx([0.582, 0.422], abs=5e-4)
    assert math.isnan(invert_nickell(0.999, 10))  # beyond the limits


def test_simulation_recovers_the_truth_only_by_inversion():
    runs = [betas(panel(0.8, seed=seed)) + 1.0 for seed in range(20)]
    means = pd.DataFrame(runs).mean()
    found = means[["nickell_inversion", "lsdv", "one_step"]]
    assert (np.abs(found - [0.8, 0.582, 0.739]) <= (0.02, 0.015, 0.02)).all(), found
    # of the half-panel jackknife the bias of order 1/T is gone, not the next one
    assert 0.7 < means["half_panel_jackknife"] < 0.9


def test_speed_times_half_life_is_ln_two_and_no_convergence_has_none_whatever_the_scale():
    Y = panel(0.8, n=60)
    found, other = beta_convergence(Y), beta_convergence(5.0 * Y)
    assert found.speed == pytest.approx(-math.log1p(found.beta))
    assert found.speed * found.half_life == pytest.approx(math.log(2.0), abs=1e-14)
    assert np.isnan([speed_of(0.0), speed_of(-1.0)]).all()
    assert (other.beta, other.se) == pytest.approx((found.beta, found.se), abs=1e-10)


@pytest.mark.parametrize("kind", ["absolute", "conditional"])
def test_least_squares_is_that_of_linearmodels(kind):
    Y = panel(0.7, n=40)
    logs = pd.DataFrame(np.log(Y))
    long = pd.DataFrame({"y": np.diff(logs).ravel(), "start": logs.iloc[:, :-1].to_numpy().ravel()})
    long.index = pd.MultiIndex.from_product([range(40), range(10)])
    peer = PanelOLS(long["y"], long[["start"]], entity_effects=kind == "conditional", time_effects=True)
    plain = {"debiased": False, "group_debias": False, "auto_df": False, "count_effects": False}
    fit = peer.fit(cov_type="clustered", cluster_entity=True, **plain)
    row = beta_convergence(Y, kind=kind).to_frame().iloc[1 if kind == "conditional" else 0]
    assert row["estimator"] == ("lsdv" if kind == "conditional" else "pooled_ols")
    assert row["beta"] == pytest.approx(float(fit.params["start"]), abs=1e-10)
    factor = math.sqrt(40 / 39)  # N / (N - 1)
    assert row["se"] == pytest.approx(float(fit.std_errors["start"]) * factor, rel=1e-10)


def betas(Y, **options):
    return beta_convergence(Y, **options).to_frame().set_index("estimator")["beta"]


def test_half_panel_jackknife_and_its_standard_error():
    Y = panel(0.6, n=50, years=8)
    whole, first, second = (betas(part) for part in (Y, Y[:, :5], Y[:, 4:]))
    expected = 2.0 * whole["lsdv"] - (first["lsdv"] + second["lsdv"]) / 2.0
    assert whole["half_panel_jackknife"] == pytest.approx(expected, abs=1e-12)
    found = [beta_convergence(panel(0.6, n=100, seed=s)).to_frame().set_index("estimator") for s in range(60)]
    rows = pd.DataFrame([f.loc["half_panel_jackknife", ["beta", "se"]] for f in found]).astype(float)
    assert rows["se"].mean() == pytest.approx(rows["beta"].std(ddof=0), rel=0.25)


def test_groups_have_their_own_slopes_and_a_test_of_equality():
    fast, slow = panel(0.2, n=150, seed=2), panel(0.9, n=150, seed=3)
    groups = np.repeat(["fast", "slow"], 150)
    found = beta_convergence(np.vstack([fast, slow]), groups=groups)
    by_group = found.to_frame().query("estimator == 'nickell_inversion'").set_index("group")["beta"]
    assert by_group["fast"] < by_group["slow"] < 0.0
    assert found.wald_df == 1
    assert found.wald_p < 0.001
    same = beta_convergence(panel(0.6, n=300), groups=groups)
    assert same.wald_p > 0.01


def test_beta_refuses_bad_input():
    refused("4 years", beta_convergence, np.ones((5, 3)))
    refused("not positive", beta_convergence, np.zeros((5, 8)))
    refused("unknown kind", beta_convergence, np.ones((5, 8)), kind="relative")
    refused("one label for each", beta_convergence, panel(0.5, n=5), groups=["a"])
