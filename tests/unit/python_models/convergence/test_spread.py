"""Sigma and beta convergence: known trends and speeds, the Nickell limit, other programs."""

import math

import numpy as np
import pandas as pd
import pytest
from checks import refused
from linearmodels.panel import PanelOLS

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


def simulated(tau: float, runs: int) -> pd.Series:
    """Mean of 1 + beta by estimator."""
    found = [beta_convergence(panel(tau, seed=s)).to_frame().set_index("estimator")["beta"] + 1.0 for s in range(runs)]
    return pd.DataFrame(found).mean()


@pytest.mark.parametrize(("tau", "limit"), [(0.8, 0.582), (0.6, 0.422)])
def test_nickell_limit_of_ten_equations_has_the_printed_value(tau, limit):
    assert nickell_limit(tau, 10) == pytest.approx(limit, abs=5e-4)


@pytest.mark.parametrize("tau", [-0.9, -0.2, 0.0, 0.3, 0.8, 0.98])
@pytest.mark.parametrize("equations", [4, 10, 80])
def test_inversion_undoes_the_limit(tau, equations):
    assert invert_nickell(nickell_limit(tau, equations), equations) == pytest.approx(tau, abs=1e-10)


def test_no_tau_belongs_to_a_value_beyond_the_limits():
    assert math.isnan(invert_nickell(0.999, 10))


def test_small_simulation_recovers_the_truth_only_by_inversion():
    means = simulated(0.8, 20)
    assert means["nickell_inversion"] == pytest.approx(0.8, abs=0.02)
    assert means["lsdv"] == pytest.approx(0.582, abs=0.015)
    assert means["one_step"] == pytest.approx(0.739, abs=0.02)  # not enough
    assert 0.7 < means["half_panel_jackknife"] < 0.9  # the bias of order 1/T is gone, not the next one


@pytest.mark.slow
@pytest.mark.parametrize(("tau", "lsdv", "one_step"), [(0.8, 0.582, 0.739), (0.6, 0.422, 0.564)])
def test_simulation_recovers_the_truth_only_by_inversion(tau, lsdv, one_step):
    means = simulated(tau, 200)
    assert means["nickell_inversion"] == pytest.approx(tau, abs=0.01)
    assert means["lsdv"] == pytest.approx(lsdv, abs=0.01)
    assert means["one_step"] == pytest.approx(one_step, abs=0.01)


def test_speed_times_half_life_is_ln_two_and_no_convergence_has_none():
    found = beta_convergence(panel(0.8))
    assert found.speed == pytest.approx(-math.log1p(found.beta))
    assert found.speed * found.half_life == pytest.approx(math.log(2.0), abs=1e-14)
    assert math.isnan(speed_of(0.0))
    assert math.isnan(speed_of(-1.0))


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


def test_half_panel_jackknife_is_twice_the_whole_less_the_mean_of_the_halves():
    Y = panel(0.6, n=50, years=8)
    whole, first, second = (
        beta_convergence(part).to_frame().set_index("estimator")["beta"] for part in (Y, Y[:, :5], Y[:, 4:])
    )
    expected = 2.0 * whole["lsdv"] - (first["lsdv"] + second["lsdv"]) / 2.0
    assert whole["half_panel_jackknife"] == pytest.approx(expected, abs=1e-12)


def test_its_standard_error_is_the_spread_of_its_estimates():
    found = [beta_convergence(panel(0.6, n=100, seed=s)).to_frame().set_index("estimator") for s in range(60)]
    estimates = [f.loc["half_panel_jackknife", "beta"] for f in found]
    errors = [f.loc["half_panel_jackknife", "se"] for f in found]
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.25)


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


def test_scale_of_y_and_order_of_units_change_nothing():
    Y = panel(0.7, n=60)
    one, other = beta_convergence(Y), beta_convergence(5.0 * Y[::-1])
    assert (other.beta, other.se) == pytest.approx((one.beta, one.se), abs=1e-10)


def test_controls_switch_the_headline_to_least_squares():
    Y = panel(0.7, n=60)
    X = np.random.default_rng(4).normal(size=(60, 11))
    found = beta_convergence(Y, X=X)
    assert "nickell_inversion" not in found.to_frame()["estimator"].tolist()
    without = beta_convergence(Y).to_frame().set_index("estimator")["beta"]
    assert found.beta == pytest.approx(without["lsdv"], abs=0.02)


@pytest.mark.parametrize(
    ("Y", "options", "message"),
    [
        (np.ones((5, 3)), {}, "4 years"),
        (np.zeros((5, 8)), {}, "not positive"),
        (np.ones((5, 8)), {"kind": "relative"}, "unknown kind"),
        (np.ones((5, 8)), {"kind": "absolute", "X": np.ones((5, 8))}, "no controls"),
        (np.ones((5, 8)), {"X": np.ones((5, 7))}, "axes"),
        (panel(0.5, n=5), {"groups": ["a"]}, "one label for each"),
    ],
)
def test_beta_refuses_bad_input(Y, options, message):
    refused(message, beta_convergence, Y, **options)
