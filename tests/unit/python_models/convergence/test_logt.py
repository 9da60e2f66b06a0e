"""The log t test: known truths, degenerate cases, invariances, and the values of the R package ConvergenceClubs."""

import math

import convergence_clubs as peer
import numpy as np
import pandas as pd
import pytest
from golden import cases

from python_models.dynamics import hp_trend, log_t
from python_models.dynamics.logt import LogTDesign


def paths(n: int, years: int, alpha: float, seed: int = 1, spread: float = 0.3) -> np.ndarray:
    """Relative transition paths whose spread decays with speed alpha: 1 + e_i / (ln(t + 1) t^alpha)."""
    t = np.arange(1.0, years + 1.0)
    deviation = np.random.default_rng(seed).normal(0.0, spread, n)
    return 1.0 + np.clip(deviation, -0.6, 0.6)[:, None] / (np.log(t + 1.0) * t**alpha)


def plain(Y: np.ndarray, r: float) -> tuple[float, float, float]:
    """b, se, t term by term, one lag after the other."""
    h = Y / Y.mean(axis=0)
    H = ((h - 1.0) ** 2).mean(axis=0)
    T = Y.shape[1]
    t = np.arange(round(r * T) + 1, T + 1)
    y = np.log(H[0] / H[t - 1]) - 2.0 * np.log(np.log(t))
    X = np.column_stack([np.ones(t.size), np.log(t)])
    (_, b), *_ = np.linalg.lstsq(X, y, rcond=None)
    u = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    m = u.size
    rho = sum(u[i] * u[i + 1] for i in range(m - 1)) / sum(u[i] ** 2 for i in range(m - 1))
    width = 1.3221 * (4.0 * rho**2 / (1.0 - rho) ** 4 * m) ** 0.2
    lrv = sum(x**2 for x in u) / (m - 1)
    for lag in range(1, m - 1):
        z = 6.0 * math.pi * lag / width / 5.0
        gamma = sum(u[i] * u[i + lag] for i in range(m - 1 - lag)) / (m - 1)
        lrv += 2.0 * 3.0 / z**2 * (math.sin(z) / z - math.cos(z)) * gamma
    se = math.sqrt(lrv * np.linalg.inv(X.T @ X)[1, 1])
    return float(b), se, float(b / se)


@pytest.mark.parametrize("years", [10, 25, 34])
def test_it_equals_the_formula_written_out(years):
    Y = np.exp(0.1 * np.cumsum(np.random.default_rng(years).normal(size=(40, years)), axis=1))
    found = log_t(Y)
    assert (found.b, found.se, found.t) == pytest.approx(plain(Y, 1.0 / 3.0), rel=1e-9)


@pytest.mark.parametrize("name", ["filtered_gdp", "gdp"])
def test_it_equals_the_python_package_on_its_own_data(name):
    Y = getattr(peer, f"load_{name}")().select_dtypes("number")
    expected = peer.log_t_test(peer.cross_sectional_variation(Y.to_numpy()))
    found = log_t(Y)
    assert found.b == pytest.approx(float(expected.beta), abs=1e-10)
    assert found.t == pytest.approx(float(expected.t_value), rel=1e-9)


@pytest.mark.parametrize(("case", "levels"), [("countries", cases.countries), ("us_states", cases.us_states)])
def test_it_equals_the_r_package_on_two_reference_panels(case, levels):
    """ConvergenceClubs 2.2.5, HACmethod FQSB."""
    expected = cases.expected("clubs")[case]
    found = log_t(cases.trend(levels()))
    assert found.dispersion == pytest.approx(np.array(expected["H_t"]), abs=1e-14)
    assert found.b == pytest.approx(expected["log_t"]["beta"], abs=1e-12)
    assert found.se == pytest.approx(expected["log_t"]["std.err"], rel=1e-9)
    assert found.t == pytest.approx(expected["log_t"]["tvalue"], rel=1e-9)


def test_paths_that_converge_with_speed_a_half_are_seen_to():
    found = log_t(paths(100, 60, 0.5))
    assert found.b == pytest.approx(1.0, abs=0.15)  # b = 2 alpha
    assert found.converges
    assert found.kind == "rate"


def test_growing_apart_is_rejected():
    rates = np.random.default_rng(2).normal(0.03, 0.02, 50)
    found = log_t(np.exp(rates[:, None] * np.arange(1, 31)))
    assert found.t < -1.65
    assert found.kind == "none"
    assert not found.converges


def test_scale_and_order_of_units_change_nothing():
    Y = paths(30, 20, 0.2)
    one, other = log_t(Y), log_t(7.0 * Y[::-1])
    assert (other.b, other.t) == pytest.approx((one.b, one.t), rel=1e-8)


def test_no_difference_at_all_has_no_answer():
    found = log_t(np.ones((4, 12)) * np.arange(1.0, 13.0))
    assert math.isnan(found.b)
    assert not found.converges


@pytest.mark.parametrize(
    ("years", "r", "first"), [(25, 1 / 3, 9), (10, 1 / 3, 4), (34, 1 / 3, 12), (15, 0.3, 5), (9, 0, 2)]
)
def test_first_year_of_the_regression(years, r, first):
    """round(r T) + 1 with halves to even, never below 2."""
    assert LogTDesign.of(years, r).columns[1] + 1 == first


@pytest.mark.parametrize(
    ("Y", "r", "message"),
    [
        (np.ones((1, 10)), 1 / 3, "two units"),
        (np.array([[1.0] * 10, [0.0] * 10]), 1 / 3, "not positive number at position \\(1, 0\\)"),
        (np.array([[1.0] * 10, [np.nan] * 10]), 1 / 3, "missing"),
        (np.ones((3, 5)), 1 / 3, "points for the log t regression"),
        (np.ones((3, 10)), 1.0, "r must lie"),
    ],
)
def test_bad_input_is_refused(Y, r, message):
    with pytest.raises(ValueError, match=message):
        log_t(Y, r)


def test_hp_trend_keeps_straight_lines_and_equals_the_package():
    line = np.arange(12.0)[None] * 2.0 + 1.0
    assert hp_trend(line) == pytest.approx(line, abs=1e-9)
    Y = np.random.default_rng(3).normal(size=(5, 20)).cumsum(axis=1)
    expected = peer.hp_filter(pd.DataFrame(Y), 400).to_numpy()
    assert hp_trend(Y, 400.0) == pytest.approx(expected, abs=1e-8)


@pytest.mark.slow
def test_ten_years_reject_the_boundary_and_keep_real_convergence():
    """N = 100, T = 10: speed 0.5 is never rejected, growing apart always; the boundary cannot be told from none."""
    kept = [log_t(paths(100, 10, 0.5, seed)).converges for seed in range(100)]
    assert np.mean(kept) == 1.0
    apart = [np.exp(np.random.default_rng(s).normal(0.03, 0.02, 100)[:, None] * np.arange(1, 11)) for s in range(100)]
    assert not any(log_t(Y).converges for Y in apart)
