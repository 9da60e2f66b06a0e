"""Leads of x, robustness values and the strength of instruments."""

import numpy as np
import pytest
from checks import panel_refused
from spec_worlds import draw, knn

from python_models.influence import lead_lag
from python_models.regression import fit_panel, robustness_value, spatial_2sls


def lasting(seed, w, feedback):
    """x lasts (AR .95); with feedback it answers to last year's y."""
    rng, n, t = np.random.default_rng(seed), w.n, 10
    x, y = rng.normal(size=(n, t)), np.zeros((n, t))
    solve = np.linalg.inv(np.eye(n) - 0.3 * w.matrix.toarray())
    for s in range(t):
        if s:
            x[:, s] = 0.95 * x[:, s - 1] + 0.4 * rng.normal(size=n) + feedback * y[:, s - 1]
        y[:, s] = solve @ (0.5 * x[:, s] + 0.3 * w.lag(x[:, s]) + rng.normal(size=n))
    return y, x


def test_a_lead_in_place_of_x_is_no_placebo_and_a_lead_beside_x_is_one():
    """x lasts and nothing runs ahead: x of the next year alone is significant, beside x it is not."""
    w = knn(80)
    replaced, beside = [], []
    for seed in range(20):
        y, x = lasting(seed, w, 0.0)
        alone = fit_panel(y[:, :-1], x[:, 1:, None], w)
        replaced.append(abs(alone.params[0]) > 1.96 * np.sqrt(alone.cov[0, 0]))
        beside.append(lead_lag(y, x, w).leads.p < 0.05)
    assert np.mean(replaced) > 0.7
    assert np.mean(beside) <= 0.2


def test_feedback_from_y_shows_in_the_lead():
    w = knn(80)
    assert np.mean([lead_lag(*lasting(seed, w, 0.15), w).leads.p < 0.05 for seed in range(6)]) > 0.8
    found = lead_lag(*lasting(1, w, 0.0), w)
    assert list(found.to_frame()["term"]) == ["x_lag", "W:x_lag", "x", "W:x", "x_lead", "W:x_lead"]
    panel_refused("five years", lead_lag, *(v[:, :4] for v in lasting(1, w, 0.0)), w)


def test_robustness_value_of_the_published_example():
    """Darfur (Cinelli and Hazlett 2020, table 1): t 4.18, 783 degrees of freedom."""
    found = robustness_value(0.09731582, 0.02325654, 783)
    assert (found.partial_r2, found.value, found.value_alpha) == pytest.approx((0.02187, 0.13878, 0.07626), abs=5e-6)
    assert robustness_value(0.01, 0.02, 100).value_alpha == 0.0
    panel_refused("se > 0", robustness_value, 1.0, 0.0, 10)


def instrumented(seed=0, strength=1.0, direct=0.0):
    w, rng = knn(60), np.random.default_rng(seed)
    z, u = rng.normal(size=(2, 60, 6, 1))
    d = strength * z + u + rng.normal(size=(60, 6, 1))
    x = rng.normal(size=(60, 6, 1))
    mean = (d + x + u + direct * z)[:, :, 0] + rng.normal(size=(60, 6))
    y = np.linalg.solve(np.eye(60) - 0.3 * w.matrix.toarray(), mean)
    return spatial_2sls(y, x, w, endog=d, instruments=z, endog_names=["d"])


def test_effective_f_tells_weak_from_strong_instruments_and_with_one_is_the_clustered_f():
    """pi'Q'Q pi / tr(V Q'Q) with one column: the squared t of the first stage, clustered."""
    strong, weak = instrumented(), instrumented(strength=0.05)
    assert strong.first_stages[0].effective_f > 60
    assert weak.first_stages[0].effective_f < 23.1
    assert weak.is_weak
    assert "effective_f" in strong.diagnostics()
    w = knn(40)
    y, x = draw(w, t=6, rng=np.random.default_rng(3), rho=0.3)
    fit = spatial_2sls(y, x[:, :, :1], w, w_lags=2)
    (stage,), rows = fit.first_stages, 39 * 5
    assert len(fit.instruments) == 1
    assert stage.kp_f == pytest.approx(stage.effective_f * (rows - 3) / rows, rel=1e-8)
