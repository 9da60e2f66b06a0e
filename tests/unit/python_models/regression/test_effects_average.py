"""Direct, indirect and total effects against the inverse, by hand numbers, draws, cities and orders."""

import numpy as np
import pytest
from checks import panel_refused
from spec_worlds import draw, inverse_distance, knn

from python_models.regression import (
    MODELS,
    PanelInputError,
    average_effects,
    city_effects,
    effects_by_order,
    effects_city,
    fit_panel,
    spatial_weights,
)


@pytest.fixture(scope="module")
def world():
    w = knn(60)
    y, x = draw(w, t=6, rng=np.random.default_rng(41), rho=0.4, lam=0.2, theta=(0.3, 0.2))
    return y, x, w


def general(n: int = 60):
    """kNN with unequal row sums, largest eigenvalue one."""
    base = knn(n).matrix.toarray() * np.random.default_rng(4).uniform(0.5, 1.5, (n, 1))
    return spatial_weights(base / np.abs(np.linalg.eigvals(base)).max())


def matrices(fit):
    """S_r of every regressor, (K, n, n), by inversion."""
    n, n_x = fit.weights.n, fit.n_slopes - len(fit.lagged)
    w = fit.weights.matrix.toarray()
    inverse = np.linalg.inv(np.eye(n) - fit.rho * w)
    theta = np.zeros(n_x)
    theta[list(fit.lagged)] = fit.params[n_x : fit.n_slopes]
    return np.array([inverse @ (b * np.eye(n) + th * w) for b, th in zip(fit.params[:n_x], theta, strict=True)])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", ["row", "general", "dense"])
def test_effects_are_averages_of_the_inverse(model, kind):
    w = {"row": lambda: knn(60), "general": general, "dense": lambda: inverse_distance(60)}[kind]()
    y, x = draw(w, t=6, rng=np.random.default_rng(42), rho=0.3, theta=(0.3, 0.2))
    fit = fit_panel(y, x, w, model=model, estimator="transformed_dummies")
    got = average_effects(fit).point
    s = matrices(fit)
    direct, total = np.trace(s, axis1=1, axis2=2) / 60, s.sum(axis=(1, 2)) / 60
    assert got[:, 0] == pytest.approx(direct, abs=1e-10)
    assert got[:, 2] == pytest.approx(total, abs=1e-10)
    assert got[:, 0] + got[:, 1] == pytest.approx(got[:, 2], abs=1e-12)


def test_without_a_lag_nothing_goes_to_others(world):
    y, x, w = world
    for model in ("sem", "ols"):
        effects = average_effects(fit_panel(y, x, w, model=model))
        assert np.array_equal(effects.point[:, 1], [0.0, 0.0])
        assert np.array_equal(effects.se[:, 1], [0.0, 0.0])
        assert np.isnan(effects.p[:, 1]).all()


@pytest.mark.parametrize("model", ["sdm", "sar", "sac", "slx", "sdem"])
@pytest.mark.parametrize("kind", ["row", "general"])
def test_delta_errors_are_those_of_the_numerical_gradient(model, kind):
    from dataclasses import replace

    w = knn(60) if kind == "row" else general()
    y, x = draw(w, t=6, rng=np.random.default_rng(43), rho=0.3, theta=(0.3, 0.2))
    fit = fit_panel(y, x, w, model=model, estimator="transformed_dummies")
    h, gradient = 1e-5, []
    for j in range(len(fit.params)):
        ends = []
        for sign in (1.0, -1.0):
            p = fit.params.copy()
            p[j] += sign * h
            moved = replace(fit, params=p, rho=p[fit.n_slopes] if fit.conv.has_rho else 0.0)
            s = matrices(moved)
            direct, total = np.trace(s, axis1=1, axis2=2) / 60, s.sum(axis=(1, 2)) / 60
            ends.append(np.stack([direct, total - direct, total], axis=1))
        gradient.append((ends[0] - ends[1]) / (2 * h))
    g = np.array(gradient)
    se = np.sqrt(np.einsum("ake,ab,bke->ke", g, fit.cov, g))
    assert average_effects(fit).se == pytest.approx(se, rel=1e-6)


@pytest.mark.parametrize("kind", ["row", "general"])
def test_draws_agree_with_the_delta_method_and_repeat_with_the_seed(kind):
    w = knn(60) if kind == "row" else general()
    y, x = draw(w, t=8, rng=np.random.default_rng(44), rho=0.4, theta=(0.3, 0.2))
    fit = fit_panel(y, x, w, estimator="transformed_dummies")
    request = {"method": "simulation", "draws": 4000}
    a = average_effects(fit, rng=np.random.default_rng(9), **request)
    b = average_effects(fit, rng=np.random.default_rng(9), **request)
    assert np.array_equal(a.se, b.se)
    assert np.array_equal(a.lower, b.lower)
    delta = average_effects(fit)
    assert np.abs(a.se / delta.se - 1.0).max() < 0.10
    bend = np.abs(a.mean_draws - a.point)  # mean of a curved function: beyond noise by its skew only
    assert (bend < 3.0 * a.se / np.sqrt(4000) + 0.05 * a.se).all()
    assert a.share_rejected == 0.0
    assert all(flag == "" for row in a.flags for flag in row)
    assert ((a.lower < a.point) & (a.point < a.upper)).all()


def test_draws_outside_the_range_are_counted_and_flagged(world):
    from dataclasses import replace

    y, x, w = world
    fit = fit_panel(y, x, w)
    cov = fit.cov.copy()
    cov[4, 4] = 0.5**2
    wild = replace(fit, cov=cov)
    effects = average_effects(wild, method="simulation", draws=2000, rng=np.random.default_rng(1))
    sigma = 0.5
    from scipy.stats import norm

    outside = norm.sf((1.0 - fit.rho) / sigma) + norm.cdf((fit.optimum.low - fit.rho) / sigma)
    assert effects.share_rejected == pytest.approx(outside, abs=0.03)
    assert all("many_rejected" in flag for row in effects.flags for flag in row)


def test_requests_for_draws_are_checked(world):
    y, x, w = world
    fit = fit_panel(y, x, w)
    panel_refused("need `rng`", average_effects, fit, method="simulation")
    with pytest.raises(PanelInputError, match="at least 100 draws"):
        average_effects(fit, method="simulation", draws=10, rng=np.random.default_rng(1))
    panel_refused("method must be one of", average_effects, fit, method="exact")
    panel_refused("number 2 is not among them", city_effects, fit, 2, range(60))
    panel_refused("3 city labels for 60 cities", city_effects, fit, 0, range(3))


@pytest.mark.parametrize("model", ["sdm", "sar", "slx", "sem"])
@pytest.mark.parametrize("kind", ["row", "general"])
def test_city_effects_are_diagonal_rows_and_columns(model, kind):
    w = knn(60) if kind == "row" else general()
    y, x = draw(w, t=6, rng=np.random.default_rng(45), rho=0.4, theta=(0.3, 0.2))
    fit = fit_panel(y, x, w, model=model, estimator="transformed_dummies")
    s = matrices(fit)[1]
    own = np.diagonal(s)
    table = city_effects(fit, 1, [f"c{i}" for i in range(60)], name="second")
    assert table["own"].to_numpy() == pytest.approx(own, abs=1e-10)
    assert table["received"].to_numpy() == pytest.approx(s.sum(axis=1) - own, abs=1e-10)
    assert table["emitted"].to_numpy() == pytest.approx(s.sum(axis=0) - own, abs=1e-10)
    assert (table["own_se_probes"] == 0.0).all()
    average = average_effects(fit).point[1]
    assert [table["own"].mean(), table["received"].mean(), table["emitted"].mean()] == pytest.approx(
        [average[0], average[1], average[1]], abs=1e-10
    )


def test_errors_of_city_effects_are_those_of_the_numerical_gradient(world):
    from dataclasses import replace

    y, x, w = world
    fit = fit_panel(y, x, w)
    h, gradient = 1e-5, []
    for j in range(len(fit.params)):
        ends = []
        for sign in (1.0, -1.0):
            p = fit.params.copy()
            p[j] += sign * h
            s = matrices(replace(fit, params=p, rho=p[4]))[0]
            ends.append([np.diagonal(s), s.sum(axis=1) - np.diagonal(s), s.sum(axis=0) - np.diagonal(s)])
        gradient.append((np.array(ends[0]) - np.array(ends[1])) / (2 * h))
    g = np.array(gradient)
    se = np.sqrt(np.einsum("aei,ab,bei->ei", g, fit.cov, g))
    table = city_effects(fit, 0, range(60))
    for row, column in enumerate(("own_se", "received_se", "emitted_se")):
        assert table[column].to_numpy() == pytest.approx(se[row], rel=1e-6)


def test_many_cities_use_probes_and_say_so(world, monkeypatch):
    y, x, w = world
    fit = fit_panel(y, x, w)
    exact = city_effects(fit, 0, range(60))
    monkeypatch.setattr(effects_city, "EXACT_LIMIT", 10)
    probed = city_effects(fit, 0, range(60))
    gap = (probed["own"] - exact["own"]) / probed["own_se_probes"]
    assert (probed["own_se_probes"] > 0).all()
    assert gap.abs().max() < 5.0
    assert (probed["own"] + probed["received"]).to_numpy() == pytest.approx(exact["own"] + exact["received"], abs=1e-10)


@pytest.mark.parametrize("kind", ["row", "dense"])
def test_orders_add_up_to_the_effects(world, kind):
    w = knn(60) if kind == "row" else inverse_distance(60)
    y, x = draw(w, t=6, rng=np.random.default_rng(46), rho=0.4, theta=(0.3, 0.2))
    fit = fit_panel(y, x, w)
    six = effects_by_order(fit)
    assert six["order"].max() == 6
    assert len(six) == 2 * 7 * 3
    dense, n_x = w.matrix.toarray(), 2
    powers = [np.linalg.matrix_power(dense, q) for q in range(13)]
    full = effects_by_order(fit, max_order=12)
    for v, name in enumerate(fit.names[:n_x]):
        b, th = fit.params[v], fit.params[n_x + v]
        for q in range(13):
            c = b if q == 0 else fit.rho**q * b + fit.rho ** (q - 1) * th
            rows = full[(full["variable"] == name) & (full["order"] == q)].set_index("effect")["value"]
            assert rows["direct"] == pytest.approx(c * np.trace(powers[q]) / 60, abs=1e-12)
            assert rows["total"] == pytest.approx(c * powers[q].sum() / 60, abs=1e-12)
    sums = full.groupby(["variable", "effect"], sort=False)["value"].sum().to_numpy().reshape(2, 3)
    tail = np.abs(fit.rho) ** 12 * 10.0
    assert sums == pytest.approx(average_effects(fit).point, abs=tail)
    assert (full["se"] >= 0).all()
    panel_refused(r"0\.\.12", effects_by_order, fit, max_order=13)
