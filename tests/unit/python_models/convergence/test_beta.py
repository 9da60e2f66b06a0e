"""Beta convergence: the Nickell limit, recovery of known speeds, groups, and another program's least squares."""

import math

import numpy as np
import pandas as pd
import pytest
from linearmodels.panel import PanelOLS

from python_models.dynamics import beta_convergence
from python_models.dynamics.beta import invert_nickell, nickell_limit, speed_of


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
def test_bad_input_is_refused(Y, options, message):
    with pytest.raises(ValueError, match=message):
        beta_convergence(Y, **options)
