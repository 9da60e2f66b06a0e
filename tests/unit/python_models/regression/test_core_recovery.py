"""Known truth: what the estimators find on simulated panels. The long runs are slow, a short twin of each is not."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial import cKDTree
from spec_worlds import draw, inverse_distance, knn

from python_models.regression import average_effects, fit_panel, spatial_weights

TRUTH = np.array([1.0, -0.5, 0.3, 0.2, 0.4, 1.0])  # b1, b2, th1, th2, rho, s2
STATE = {"rho": 0.4, "theta": (0.3, 0.2)}


def replications(w, t, runs, seed, *, estimator="lee_yu", model="sdm", **state):
    """Estimates and standard errors (runs, p)."""
    found = [
        fit_panel(*draw(w, t=t, rng=np.random.default_rng([seed, i]), **state), w, model=model, estimator=estimator)
        for i in range(runs)
    ]
    return np.array([f.params for f in found]), np.array([np.sqrt(np.diagonal(f.cov)) for f in found])


def recovers(w, t, runs, seed, allowed):
    estimates, errors = replications(w, t, runs, seed, **STATE)
    noise = 4.0 * estimates.std(axis=0, ddof=1) / np.sqrt(runs)
    assert (np.abs(estimates.mean(axis=0) - TRUTH) <= allowed + noise).all()
    return (np.abs(estimates - TRUTH) < 1.959964 * errors).mean(axis=0), estimates, errors


@pytest.mark.slow
def test_lee_yu_recovers_the_durbin_model_and_its_intervals_cover():
    """N = 280, T = 10, five neighbours, 200 panels: bias below .005 beyond noise, coverage of 95 % in [.91, .98]."""
    coverage, estimates, errors = recovers(knn(280), 10, 200, 1, 0.005)
    assert ((coverage >= 0.91) & (coverage <= 0.98)).all()
    assert errors.mean(axis=0) == pytest.approx(estimates.std(axis=0, ddof=1), rel=0.2)


def test_lee_yu_recovers_a_small_durbin_model():
    coverage, _, _ = recovers(knn(60), 10, 50, 2, 0.02)
    assert (coverage > 0.8).all()


@pytest.mark.slow
def test_direct_is_biased_as_theory_says_and_the_correction_takes_the_bias_away():
    """N = 60: s2 is short by (N-1)(T-1)/(NT), rho is low; bc moves rho above .38."""
    w = knn(60)
    direct, _ = replications(w, 10, 200, 3, estimator="direct", **STATE)
    assert direct[:, 4].mean() < 0.37
    assert direct[:, 5].mean() == pytest.approx(59 * 9 / 600, abs=0.02)
    mended, _ = replications(w, 10, 200, 3, estimator="direct_bc", **STATE)
    assert mended[:, 4].mean() > 0.38
    assert mended[:, 5].mean() == pytest.approx(1.0, abs=0.03)


def test_direct_understates_the_error_variance():
    direct, _ = replications(knn(60), 10, 30, 4, estimator="direct", **STATE)
    assert direct[:, 5].mean() == pytest.approx(59 * 9 / 600, abs=4 * direct[:, 5].std() / np.sqrt(30) + 0.01)


@pytest.mark.slow
def test_dense_weights_tell_the_estimators_apart():
    """Inverse distance without cut-off, N = 280, truth .4: lee_yu within .03, direct below .25."""
    w = inverse_distance(280)
    good, _ = replications(w, 10, 100, 5, **STATE)
    bad, _ = replications(w, 10, 100, 5, estimator="direct", **STATE)
    assert good[:, 4].mean() == pytest.approx(0.4, abs=0.03)
    assert bad[:, 4].mean() < 0.25


def test_dense_weights_pull_direct_down():
    w = inverse_distance(100)
    good, _ = replications(w, 8, 15, 6, **STATE)
    bad, _ = replications(w, 8, 15, 6, estimator="direct", **STATE)
    assert bad[:, 4].mean() < good[:, 4].mean() - 0.1


@pytest.mark.slow
@pytest.mark.parametrize("model", ["sem", "sdem", "sac"])
def test_error_models_recover_their_truth(model):
    state = {"lam": 0.5, "theta": (0.3, 0.2) if model == "sdem" else (0.0, 0.0), "rho": 0.3 if model == "sac" else 0.0}
    estimates, errors = replications(knn(150), 8, 100, 7, model=model, **state)
    truth = np.array([1.0, -0.5, *([0.3, 0.2] * (model == "sdem")), *([0.3] * (model == "sac")), 0.5, 1.0])
    noise = 4.0 * estimates.std(axis=0, ddof=1) / 10.0
    assert (np.abs(estimates.mean(axis=0) - truth) <= 0.01 + noise).all()
    coverage = (np.abs(estimates - truth) < 1.959964 * errors).mean(axis=0)
    assert ((coverage >= 0.88) & (coverage <= 1.0)).all()


@pytest.mark.slow
@pytest.mark.parametrize(("n", "t"), [(2850, 20), (40_000, 5)])
def test_large_panels_find_the_truth(n, t):
    """Sparse factors and probes instead of eigenvalues and inverses; no n x n matrix."""
    rng = np.random.default_rng(10)
    points = rng.random((n, 2))
    near = cKDTree(points).query(points, k=7)[1][:, 1:]
    w = spatial_weights(sp.csr_array((np.full(6 * n, 1 / 6), (np.repeat(np.arange(n), 6), near.ravel())), shape=(n, n)))
    x = rng.standard_normal((n, t, 2)) + 0.5 * rng.standard_normal((n, 1, 2))
    mean = x @ TRUTH[:2] + w.lag(x) @ TRUTH[2:4] + rng.standard_normal((n, 1)) + rng.standard_normal((n, t))
    y, power = mean, mean
    for _ in range(45):  # .4^45 is nothing
        power = 0.4 * w.lag(power)
        y = y + power
    fit = fit_panel(y, x, w)
    assert "sparse LU" in fit.logdet_method
    assert (np.abs(fit.params - TRUTH) < 4.0 * np.sqrt(np.diagonal(fit.cov))).all()
    assert 0.0 < fit.trace_se < 1e-3
    effects = average_effects(fit)
    assert (np.abs(effects.point[:, 2] - (TRUTH[:2] + TRUTH[2:4]) / 0.6) < 4.0 * effects.se[:, 2]).all()
