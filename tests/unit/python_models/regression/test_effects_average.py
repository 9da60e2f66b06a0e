"""Direct, indirect and total effects against the inverse, by hand numbers, draws, cities and orders."""

from dataclasses import replace

import numpy as np
import pytest
from checks import gradient, panel_refused
from scipy.stats import norm
from spec_worlds import draw, inverse_distance, knn

from python_models.regression import MODELS, average_effects, city_effects, fit_panel, spatial_weights


@pytest.fixture(scope="module")
def fit():
    w = knn(60)
    return fit_panel(*draw(w, t=6, rng=np.random.default_rng(41), rho=0.4, lam=0.2, theta=(0.3, 0.2)), w)


def general(n: int = 60):
    """kNN with unequal row sums, largest eigenvalue one."""
    base = knn(n).matrix.toarray() * np.random.default_rng(4).uniform(0.5, 1.5, (n, 1))
    return spatial_weights(base / np.abs(np.linalg.eigvals(base)).max())


WEIGHTS = {"row": knn(60), "general": general(), "dense": inverse_distance(60)}


def fitted(kind, seed, *, model="sdm", t=6, rho=0.4, **options):
    w = WEIGHTS[kind]
    y, x = draw(w, t=t, rng=np.random.default_rng(seed), rho=rho, theta=(0.3, 0.2))
    return fit_panel(y, x, w, model=model, estimator="transformed_dummies", **options)


def at(fit, params):
    """The fit with other parameters."""
    return replace(fit, params=params, rho=params[fit.n_slopes] if fit.conv.has_rho else 0.0)


def averages(s):
    direct, total = np.trace(s, axis1=1, axis2=2) / 60, s.sum(axis=(1, 2)) / 60
    return np.stack([direct, total - direct, total], axis=1)


def matrices(fit):
    """S_r of every regressor, (K, n, n), by inversion."""
    n, n_x = fit.weights.n, fit.n_slopes - len(fit.lagged)
    w = fit.weights.matrix.toarray()
    inverse = np.linalg.inv(np.eye(n) - fit.rho * w)
    theta = np.zeros(n_x)
    theta[list(fit.lagged)] = fit.params[n_x : fit.n_slopes]
    return np.array([inverse @ (b * np.eye(n) + th * w) for b, th in zip(fit.params[:n_x], theta, strict=True)])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", WEIGHTS)
def test_effects_are_averages_of_the_inverse_and_without_a_lag_nothing_goes_to_others(model, kind):
    fit = fitted(kind, 42, model=model, rho=0.3)
    found = average_effects(fit)
    assert found.point == pytest.approx(averages(matrices(fit)), abs=1e-10)
    assert found.point[:, :2].sum(axis=1) == pytest.approx(found.point[:, 2], abs=1e-12)
    if model in ("sem", "ols"):
        assert not found.point[:, 1].any()
        assert not found.se[:, 1].any()
        assert np.isnan(found.p[:, 1]).all()


@pytest.mark.parametrize("model", ["sdm", "sar", "sac", "slx", "sdem"])
@pytest.mark.parametrize("kind", ["row", "general"])
def test_delta_errors_are_those_of_the_numerical_gradient(model, kind):
    fit = fitted(kind, 43, model=model, rho=0.3)
    g = gradient(lambda p: averages(matrices(at(fit, p))), fit.params, 1e-5)
    assert average_effects(fit).se == pytest.approx(np.sqrt(np.einsum("ake,ab,bke->ke", g, fit.cov, g)), rel=1e-6)


@pytest.mark.parametrize("kind", ["row", "general"])
def test_draws_agree_with_the_delta_method_and_repeat_with_the_seed(kind):
    fit = fitted(kind, 44, t=8)
    a, b = (average_effects(fit, method="simulation", draws=4000, rng=np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(a.se, b.se)
    assert np.array_equal(a.lower, b.lower)
    assert np.abs(a.se / average_effects(fit).se - 1.0).max() < 0.10
    bend = np.abs(a.mean_draws - a.point)  # mean of a curved function: beyond noise by its skew only
    assert (bend < 3.0 * a.se / np.sqrt(4000) + 0.05 * a.se).all()
    assert a.share_rejected == 0.0
    assert not any(flag for row in a.flags for flag in row)
    assert ((a.lower < a.point) & (a.point < a.upper)).all()


def test_draws_outside_the_range_are_counted_and_flagged(fit):
    cov, sigma = fit.cov.copy(), 0.5
    cov[4, 4] = sigma**2
    wild = replace(fit, cov=cov)
    effects = average_effects(wild, method="simulation", draws=2000, rng=np.random.default_rng(1))
    outside = norm.sf((1.0 - fit.rho) / sigma) + norm.cdf((fit.optimum.low - fit.rho) / sigma)
    assert effects.share_rejected == pytest.approx(outside, abs=0.03)
    assert all("many_rejected" in flag for row in effects.flags for flag in row)


def test_requests_that_cannot_be_met_are_refused(fit):
    panel_refused("need `rng`", average_effects, fit, method="simulation")
    few = {"method": "simulation", "draws": 10, "rng": np.random.default_rng(1)}
    panel_refused("at least 100 draws", average_effects, fit, **few)
    panel_refused("method must be one of", average_effects, fit, method="exact")
    panel_refused("number 2 is not among them", city_effects, fit, 2, range(60))
    panel_refused("3 city labels for 60 cities", city_effects, fit, 0, range(3))


def by_city(s):
    """Own, received and emitted effects of each city, (3, n)."""
    own = np.diagonal(s)
    return np.array([own, s.sum(axis=1) - own, s.sum(axis=0) - own])


SIDES = ["own", "received", "emitted"]


@pytest.mark.parametrize("model", ["sdm", "sar", "slx", "sem"])
@pytest.mark.parametrize("kind", ["row", "general"])
def test_city_effects_are_diagonal_rows_and_columns(model, kind):
    fit = fitted(kind, 45, model=model)
    table = city_effects(fit, 1, [f"c{i}" for i in range(60)], name="second")
    assert table[SIDES].to_numpy() == pytest.approx(by_city(matrices(fit)[1]).T, abs=1e-10)
    assert (table["own_se_probes"] == 0.0).all()
    direct, indirect, _ = average_effects(fit).point[1]
    assert table[SIDES].mean().tolist() == pytest.approx([direct, indirect, indirect], abs=1e-10)


def test_errors_of_city_effects_are_those_of_the_numerical_gradient(fit):
    g = gradient(lambda p: by_city(matrices(at(fit, p))[0]), fit.params, 1e-5)
    table = city_effects(fit, 0, range(60))[[f"{side}_se" for side in SIDES]]
    assert table.to_numpy() == pytest.approx(np.sqrt(np.einsum("aei,ab,bei->ie", g, fit.cov, g)), rel=1e-6)


def test_many_cities_use_probes_and_say_so(fit, monkeypatch):
    exact = city_effects(fit, 0, range(60))
    monkeypatch.setattr("python_models.regression.effects.EXACT_LIMIT", 10)
    probed = city_effects(fit, 0, range(60))
    assert (probed["own_se_probes"] > 0).all()
    assert ((probed["own"] - exact["own"]) / probed["own_se_probes"]).abs().max() < 5.0
    assert (probed["own"] + probed["received"]).to_numpy() == pytest.approx(exact["own"] + exact["received"], abs=1e-10)
