"""What must not change the estimates, what is refused, and what is found on simulated panels."""

import numpy as np
import pytest
import scipy.sparse as sp
from checks import panel_refused, ring
from scipy.spatial import cKDTree
from spec_worlds import draw, knn

from python_models.regression import MODELS, average_effects, core, estimators, fit_panel, information, spatial_weights
from python_models.simulation import small_panel


@pytest.fixture(scope="module")
def world():
    w = knn(70)
    y, x = draw(w, t=6, rng=np.random.default_rng(11), rho=0.4, lam=0.2, theta=(0.3, 0.2))
    return y, x, w


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("estimator", ["lee_yu", "direct_bc", "elhorst"])
def test_order_of_cities_scale_and_fixed_effects_do_not_matter(world, model, estimator):
    y, x, w = world

    def fit(y, x, w):
        return fit_panel(y, x, w, model=model, estimator=estimator)

    base, order = fit(y, x, w), np.random.default_rng(2).permutation(len(y))
    moved = fit(y[order], x[order], w.matrix[order][:, order])
    assert moved.params == pytest.approx(base.params, abs=1e-8)
    assert moved.cov == pytest.approx(base.cov, abs=1e-8)
    if estimator != "elhorst" or model in ("ols", "slx"):  # W of the demeaned y is the same in any case
        shifted = fit(y + np.linspace(-5, 5, len(y))[:, None] + np.arange(6.0), x, w)
        assert shifted.params == pytest.approx(base.params, abs=1e-8)
    scaled, k = fit(100.0 * y, x, w), base.n_slopes
    assert scaled.params[:k] == pytest.approx(100.0 * base.params[:k], rel=1e-8)
    assert scaled.params[k:-1] == pytest.approx(base.params[k:-1], abs=1e-8)
    assert scaled.sigma2 == pytest.approx(1e4 * base.sigma2, rel=1e-8)
    wide = fit(y, x * [1000.0, 1.0], w)
    own = wide.params[0], np.sqrt(wide.cov[0, 0])
    assert own == pytest.approx((base.params[0] / 1000.0, np.sqrt(base.cov[0, 0]) / 1000.0), rel=1e-7)
    assert wide.rho == pytest.approx(base.rho, abs=1e-8)


@pytest.mark.parametrize("estimator", ["lee_yu", "direct", "elhorst", "transformed_dummies"])
def test_residuals_and_likelihood_belong_together(world, estimator):
    y, x, w = world
    fit = fit_panel(y, x, w, estimator=estimator)
    is_transformed = estimator == "lee_yu"
    assert fit.sigma2 == pytest.approx((fit.residuals**2).sum() / fit.n_rows, rel=1e-10)
    logdet = np.linalg.slogdet(np.eye(70) - fit.rho * w.matrix.toarray())[1]
    jacobian = fit.conv.t_eff * (logdet - is_transformed * np.log(1.0 - fit.rho))
    from_sigma = -fit.n_rows / 2.0 * (np.log(2.0 * np.pi * fit.sigma2) + 1.0)
    assert fit.loglik == pytest.approx(from_sigma + jacobian, abs=1e-7)
    assert estimator not in ("lee_yu", "direct") or fit.n_rows == (69 * 5 if is_transformed else 70 * 6)


def test_selected_columns_alone_are_lagged_and_years_alone_may_be_one(world):
    y, x, w = world
    fit = fit_panel(y, x, w, names=["a", "b"], durbin=[1])
    assert fit.names == ("a", "b", "W:b", "rho", "sigma2")
    own = np.concatenate([x, w.lag(x)[..., 1:]], axis=2)
    assert fit_panel(y, own, w, model="sar").params == pytest.approx(fit.params, abs=1e-9)
    assert fit_panel(y[:, :1], x[:, :1], w, effects="time", model="sar").n_rows == 69
    panel_refused("T = 1 year", fit_panel, y[:, :1], x[:, :1], w)


def test_a_request_that_cannot_be_met_is_refused_in_words(world):
    y, x, w = world
    panel_refused("model must be one of", fit_panel, y, x, w, model="gns")
    panel_refused("effects must be one of", fit_panel, y, x, w, effects="both")
    panel_refused("estimator must be one of", fit_panel, y, x, w, estimator="ml")
    panel_refused("cov must be one of", fit_panel, y, x, w, cov="hac")
    panel_refused("needs `rng`", fit_panel, y, x, w, cov="block_bootstrap")
    panel_refused("at least 2 draws", fit_panel, y, x, w, cov="block_bootstrap", draws=1, rng=np.random.default_rng(1))
    panel_refused("1 names for 2 regressors", fit_panel, y, x, w, names=["a"])
    panel_refused("among 0..1", fit_panel, y, x, w, durbin=[2])
    panel_refused("has no W:x terms", fit_panel, y, x, w, durbin=[0], model="sar")


def test_shapes_missing_values_and_too_few_rows_are_refused(world):
    y, x, w = world
    panel_refused(r"y must be \(N, T\)", fit_panel, y.T, x, w)
    panel_refused("W is for 70 cities, the panel has 69", fit_panel, y[1:], x[1:], w)
    bad = x.copy()
    bad[3, 2, 1] = np.nan
    panel_refused(r"X holds 1 missing or infinite values, first at \(3, 2, 1\)", fit_panel, y, bad, w)
    panel_refused("explain y exactly", fit_panel, y, np.concatenate([x, y[..., None]], axis=2), w, model="ols")
    rng = np.random.default_rng(1)
    few = rng.standard_normal((6, 2)), rng.standard_normal((6, 2, 3)), knn(6, k=2)
    panel_refused("6 cities and 2 years leave 5 rows after the fixed effects, too few for 6", fit_panel, *few)


def test_columns_that_are_not_identified_are_named(world):
    y, x, w = world
    rng = np.random.default_rng(1)
    city = np.repeat(rng.standard_normal((70, 1, 1)), 6, axis=1)
    year = np.repeat(rng.standard_normal((1, 6, 1)), 70, axis=0)
    for extra, message, request in (
        (city, "'c' does not vary over time within any city", {}),
        (year, "'c' is the same for all cities in each year", {}),
        (city + year, "'c' is a city effect plus a year effect", {}),
        (np.ones((70, 6, 1)), "'c' is constant", {"effects": "none"}),
        (2.0 * x[..., :1] - x[..., 1:], "'c' is collinear with 'a', 'b'", {"model": "sar"}),
        (x[..., :1] + city, "'c' is collinear with 'a'", {"model": "sar", "effects": "entity"}),
    ):
        given = y, np.concatenate([x, extra], axis=2), w
        panel_refused(message, fit_panel, *given, names=["a", "b", "c"], **request)


def test_weights_that_cannot_serve_are_refused(world):
    y, x, w = world
    dense = w.matrix.toarray()
    for message, at, value in (
        ("diagonal weights, first city number 4", (4, 4), 0.1),
        ("not finite in the row of city number 5", (5, 6), np.nan),
        ("normalise the rows", (5, 6), 3.0),
        (r"no neighbour \(islands\), first city number 7", 7, 0.0),
    ):
        changed = dense.copy()
        changed[at] = value
        panel_refused(message, fit_panel, y, x, changed)
    panel_refused("must be square", spatial_weights, dense[:, :-1])


def test_a_parameter_at_the_bound_is_refused():
    """y is a little more than its neighbours' mean everywhere, so the score is still positive at rho = 1."""
    n, rng = 40, np.random.default_rng(1)
    wave = np.sin(2.0 * np.pi * np.arange(n) / n)[:, None] * rng.standard_normal((1, 400))
    x, y = rng.standard_normal((n, 400, 1)), wave + 1e-7 * rng.standard_normal((n, 400))
    message = "rho runs to the bound of its feasible range"
    panel_refused(message, fit_panel, y, x, ring(n), model="sar", effects="time")


TRUTH = np.array([1.0, -0.5, 0.3, 0.2, 0.4, 1.0])  # b1, b2, th1, th2, rho, s2


@pytest.mark.parametrize("model", ["ols", "slx"])
def test_least_squares_ask_for_no_log_determinant(model, monkeypatch):
    y, x, w = small_panel()
    full = fit_panel(y, x[..., None], w, model="sdm")

    def refuse(*_):
        raise AssertionError("a log-determinant was made")

    for module in (core, estimators, information):
        monkeypatch.setattr(module, "log_determinant", refuse)
    fit = fit_panel(y, x[..., None], w, model=model)
    assert fit.logdet_method == ""
    assert full.logdet_method
    assert fit.rho == 0.0
    m = fit.conv.n_rows
    ssr = float((fit.residuals**2).sum())
    assert fit.loglik == pytest.approx(-m / 2.0 * (np.log(2.0 * np.pi * ssr / m) + 1.0), rel=1e-12)


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
