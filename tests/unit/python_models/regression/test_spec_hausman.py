"""Fixed against random effects: the twin of the core's estimate, degenerate cases, size and power."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from spec_worlds import draw, knn

from python_models.regression.core import fit_panel
from python_models.regression.errors import PanelInputError
from python_models.regression.spec_hausman import hausman_tests
from python_models.regression.spec_random import fit_fixed, fit_random, information, panel_parts

TRUTH = {"rho": 0.4, "theta": (0.3, 0.2)}


@pytest.mark.parametrize("durbin", [None, ()])
def test_fixed_part_equals_the_lee_yu_fit_of_the_core(durbin):
    w = knn(40)
    y, x = draw(w, t=6, rng=np.random.default_rng(1), **TRUTH)
    fixed = fit_fixed(panel_parts(y, x, w, durbin=durbin))
    core = fit_panel(y, x, w, model="sdm" if durbin is None else "sar")
    np.testing.assert_allclose(fixed.params, core.params[:-1], atol=1e-6)
    assert fixed.sigma2 == pytest.approx(core.sigma2, rel=1e-6)
    assert fixed.loglik == pytest.approx(core.loglik, abs=1e-6)


def test_information_of_fixed_effects_inverts_to_the_covariance_of_the_core():
    w = knn(40)
    y, x = draw(w, t=6, rng=np.random.default_rng(2), **TRUTH)
    parts = panel_parts(y, x, w)
    cov = np.linalg.inv(information(parts, fit_fixed(parts), random=False))
    np.testing.assert_allclose(cov, fit_panel(y, x, w).cov[:-1, :-1], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("effects", ["twoways", "entity"])
def test_random_effects_likelihood_equals_the_normal_density(effects):
    """lnL from the density of the stacked, demeaned panel with covariance s2 I + s2_mu (1 1')."""
    w = knn(12, 3)
    n, t = 12, 4
    y, x = draw(w, t=t, rng=np.random.default_rng(3), **TRUTH)
    parts = panel_parts(y, x, w, effects=effects)
    fit = fit_random(parts)
    s, v = fit.sigma2, fit.v
    errors = y - fit.rho * w.lag(y) - np.concatenate([x, w.lag(x)], axis=2) @ fit.params[:-1]
    year_cov = s * np.eye(t) + s * (1.0 / v - 1.0) / t * np.ones((t, t))
    if effects == "twoways":  # n - 1 orthonormal contrasts of the cities
        contrasts = np.linalg.svd(np.eye(n) - 1.0 / n)[0][:, : n - 1].T
        errors = contrasts @ errors
        log_det = np.linalg.slogdet(np.eye(n) - fit.rho * w.matrix.toarray())[1] - np.log(1 - fit.rho)
    else:
        errors = errors - errors.mean()
        log_det = np.linalg.slogdet(np.eye(n) - fit.rho * w.matrix.toarray())[1]
    quadratic = np.einsum("it,ts,is->", errors, np.linalg.inv(year_cov), errors)
    rows = len(errors)
    density = -0.5 * (rows * t * np.log(2 * np.pi) + rows * np.linalg.slogdet(year_cov)[1] + quadratic)
    assert fit.loglik == pytest.approx(density + t * log_det, abs=1e-6)


def test_random_effects_information_is_minus_the_mean_hessian_in_slopes_and_rho():
    """At the truth, over 60 panels, the observed curvature agrees with the information within 4 standard errors."""
    w, rng = knn(25, 4), np.random.default_rng(4)
    gaps = []
    for _ in range(60):
        y, x = draw(w, t=5, rng=rng, correlation=0.0, **TRUTH)
        parts = panel_parts(y, x, w)
        fit = fit_random(parts)
        info = information(parts, fit, random=True)
        gaps.append(np.diag(info) / _curvature(parts, fit) - 1.0)
    gaps = np.array(gaps)
    assert np.all(np.abs(gaps.mean(axis=0)) < 4 * gaps.std(axis=0) / np.sqrt(60) + 0.03)


def _curvature(parts, fit):
    """Minus the diagonal of the Hessian of the likelihood by central differences, v and s2 maximised out."""

    def profile(point):
        c = np.concatenate([[1.0, -point[-1]], -point[:-1]])

        def minus(log_v):
            ssr = c @ (parts.cross_within + np.exp(log_v) * parts.cross_between) @ c
            return 0.5 * parts.n_free * (parts.t * np.log(ssr) - log_v)

        best = minimize_scalar(minus, bounds=(-12, 0), method="bounded", options={"xatol": 1e-10}).fun
        return -best + parts.t * float(parts.jacobian(point[-1])[0])

    k, step = len(fit.params), 1e-3
    center = profile(fit.params)
    steps = np.eye(k) * step
    return -np.array([(profile(fit.params + d) - 2 * center + profile(fit.params - d)) / step**2 for d in steps])


def test_order_of_cities_and_units_do_not_matter():
    w, rng = knn(40), np.random.default_rng(5)
    y, x = draw(w, t=6, rng=rng, **TRUTH)
    order = rng.permutation(40)
    base = hausman_tests(y, x, w).to_frame()["statistic"]
    moved = hausman_tests(y[order], x[order], w.matrix[order][:, order]).to_frame()["statistic"]
    scaled = hausman_tests(5.0 * y, x * [0.1, 10.0], w).to_frame()["statistic"]
    np.testing.assert_allclose(moved, base, rtol=1e-5)
    np.testing.assert_allclose(scaled, base, rtol=1e-5)


def test_correlated_city_effects_are_found():
    w = knn(80)
    y, x = draw(w, t=8, rng=np.random.default_rng(6), correlation=1.0, **TRUTH)
    tests = hausman_tests(y, x, w)
    assert tests["hausman"].rejects(0.001)
    assert tests["mundlak"].rejects(0.001)
    assert tests["mundlak"].df == 4


def test_one_year_or_a_w_that_is_not_row_normalised_is_refused():
    w = knn(20)
    y, x = draw(w, t=5, rng=np.random.default_rng(7))
    with pytest.raises(PanelInputError, match="one year"):
        hausman_tests(y[:, :1], x[:, :1], w)
    with pytest.raises(PanelInputError, match="row-normalised"):
        hausman_tests(y, x, w.matrix * 0.5)
    with pytest.raises(PanelInputError, match="random city effects need"):
        hausman_tests(y, x, w, effects="time")


@pytest.mark.slow
def test_size_without_and_power_with_correlated_effects():
    """400 panels, N = 120, T = 8: size 3 to 9 %, power above 90 %."""
    w, rng = knn(120), np.random.default_rng(8)
    size, power = [], []
    for correlation, hits, repeats in ((0.0, size, 400), (0.5, power, 60)):
        for _ in range(repeats):
            tests = hausman_tests(*draw(w, t=8, rng=rng, correlation=correlation, **TRUTH), w)
            hits.append([tests["hausman"].rejects(), tests["mundlak"].rejects()])
    assert np.all((np.mean(size, axis=0) >= 0.03) & (np.mean(size, axis=0) <= 0.09)), np.mean(size, axis=0)
    assert np.all(np.mean(power, axis=0) > 0.9), np.mean(power, axis=0)
