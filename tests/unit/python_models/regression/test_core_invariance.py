"""What must not change the estimates, and what the array core refuses."""

import numpy as np
import pytest
from spec_worlds import draw, knn

from python_models.regression import MODELS, PanelInputError, fit_panel, spatial_weights


@pytest.fixture(scope="module")
def world():
    w = knn(70)
    y, x = draw(w, t=6, rng=np.random.default_rng(11), rho=0.4, lam=0.2, theta=(0.3, 0.2))
    return y, x, w


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("estimator", ["lee_yu", "direct_bc", "elhorst"])
def test_order_of_cities_scale_and_fixed_effects_do_not_matter(world, model, estimator):
    y, x, w = world
    base = fit_panel(y, x, w, model=model, estimator=estimator)
    order = np.random.default_rng(2).permutation(len(y))
    moved = fit_panel(y[order], x[order], w.matrix[order][:, order], model=model, estimator=estimator)
    assert moved.params == pytest.approx(base.params, abs=1e-8)
    assert moved.cov == pytest.approx(base.cov, abs=1e-8)
    shifted = y + np.linspace(-5, 5, len(y))[:, None] + np.arange(6.0)
    if estimator != "elhorst" or model in ("ols", "slx"):  # W of the demeaned y is the same in any case
        assert fit_panel(shifted, x, w, model=model, estimator=estimator).params == pytest.approx(base.params, abs=1e-8)
    k = base.n_slopes
    scaled = fit_panel(100.0 * y, x, w, model=model, estimator=estimator)
    assert scaled.params[:k] == pytest.approx(100.0 * base.params[:k], rel=1e-8)
    assert scaled.params[k:-1] == pytest.approx(base.params[k:-1], abs=1e-8)
    assert scaled.sigma2 == pytest.approx(1e4 * base.sigma2, rel=1e-8)
    wide = fit_panel(y, x * [1000.0, 1.0], w, model=model, estimator=estimator)
    assert wide.params[0] == pytest.approx(base.params[0] / 1000.0, rel=1e-7)
    assert np.sqrt(wide.cov[0, 0]) == pytest.approx(np.sqrt(base.cov[0, 0]) / 1000.0, rel=1e-7)
    assert wide.rho == pytest.approx(base.rho, abs=1e-8)


def test_inputs_are_not_changed(world):
    y, x, w = world
    copies = y.copy(), x.copy(), w.matrix.toarray()
    dense = w.matrix.toarray()
    fit_panel(y, x, dense, model="sac", cov="qml")
    assert np.array_equal(y, copies[0])
    assert np.array_equal(x, copies[1])
    assert np.array_equal(dense, copies[2])


def test_residuals_and_likelihood_belong_together(world):
    y, x, w = world
    for estimator in ("lee_yu", "direct", "elhorst", "transformed_dummies"):
        fit = fit_panel(y, x, w, estimator=estimator)
        assert fit.sigma2 == pytest.approx((fit.residuals**2).sum() / fit.n_rows, rel=1e-10)
        m = fit.n_rows
        from_sigma = -m / 2.0 * (np.log(2.0 * np.pi * fit.sigma2) + 1.0)
        s = np.linalg.slogdet(np.eye(70) - fit.rho * w.matrix.toarray())[1]
        jacobian = fit.conv.t_eff * (s - (np.log(1.0 - fit.rho) if estimator == "lee_yu" else 0.0))
        assert fit.loglik == pytest.approx(from_sigma + jacobian, abs=1e-7)
    assert fit_panel(y, x, w).n_rows == 69 * 5
    assert fit_panel(y, x, w, estimator="direct").n_rows == 70 * 6


def test_selected_columns_alone_are_lagged(world):
    y, x, w = world
    fit = fit_panel(y, x, w, names=["a", "b"], durbin=[1])
    assert fit.names == ("a", "b", "W:b", "rho", "sigma2")
    own = np.concatenate([x, w.lag(x)[..., 1:]], axis=2)
    assert fit_panel(y, own, w, model="sar").params == pytest.approx(fit.params, abs=1e-9)


def test_years_alone_may_be_one(world):
    y, x, w = world
    fit = fit_panel(y[:, :1], x[:, :1], w, effects="time", model="sar")
    assert fit.n_rows == 69
    with pytest.raises(PanelInputError, match="T = 1 year"):
        fit_panel(y[:, :1], x[:, :1], w)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "gns"}, "model must be one of"),
        ({"effects": "both"}, "effects must be one of"),
        ({"estimator": "ml"}, "estimator must be one of"),
        ({"cov": "hac"}, "cov must be one of"),
        ({"cov": "block_bootstrap"}, "needs `rng`"),
        ({"cov": "block_bootstrap", "draws": 1, "rng": np.random.default_rng(1)}, "at least 2 draws"),
        ({"bias_draws": 50}, "needs `rng`"),
        ({"names": ["a"]}, "1 names for 2 regressors"),
        ({"durbin": [2]}, "among 0..1"),
        ({"durbin": [0], "model": "sar"}, "has no W:x terms"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_in_words(world, change, message):
    y, x, w = world
    with pytest.raises(PanelInputError, match=message):
        fit_panel(y, x, w, **change)


def test_shapes_and_missing_values_are_refused(world):
    y, x, w = world
    with pytest.raises(PanelInputError, match=r"y must be \(N, T\)"):
        fit_panel(y.T, x, w)
    with pytest.raises(PanelInputError, match="W is for 70 cities, the panel has 69"):
        fit_panel(y[1:], x[1:], w)
    bad = x.copy()
    bad[3, 2, 1] = np.nan
    with pytest.raises(PanelInputError, match=r"X holds 1 missing or infinite values, first at \(3, 2, 1\)"):
        fit_panel(y, bad, w)


def test_columns_that_are_not_identified_are_named(world):
    y, x, w = world
    rng = np.random.default_rng(1)
    city = np.repeat(rng.standard_normal((70, 1, 1)), 6, axis=1)
    year = np.repeat(rng.standard_normal((1, 6, 1)), 70, axis=0)

    def refused(extra, message, **request):
        with pytest.raises(PanelInputError, match=message):
            fit_panel(y, np.concatenate([x, extra], axis=2), w, names=["a", "b", "c"], **request)

    refused(city, "'c' does not vary over time within any city")
    refused(year, "'c' is the same for all cities in each year")
    refused(city + year, "'c' is a city effect plus a year effect")
    refused(np.ones((70, 6, 1)), "'c' is constant", effects="none")
    refused(2.0 * x[..., :1] - x[..., 1:], "'c' is collinear with 'a', 'b'", model="sar")
    refused(x[..., :1] + city, "'c' is collinear with 'a'", model="sar", effects="entity")


def test_too_few_rows_are_refused():
    w = knn(6, k=2)
    rng = np.random.default_rng(1)
    with pytest.raises(
        PanelInputError, match="6 cities and 2 years leave 5 rows after the fixed effects, too few for 6"
    ):
        fit_panel(rng.standard_normal((6, 2)), rng.standard_normal((6, 2, 3)), w)


def test_weights_that_cannot_serve_are_refused(world):
    y, x, w = world
    dense = w.matrix.toarray()

    def refused(message, **cells):
        changed = dense.copy()
        for (i, j), value in cells.pop("at").items():
            changed[i, j] = value
        with pytest.raises(PanelInputError, match=message):
            fit_panel(y, x, changed)

    refused("diagonal weights, first city number 4", at={(4, 4): 0.1})
    refused("not finite in the row of city number 5", at={(5, 6): np.nan})
    refused("normalise the rows", at={(5, 6): 3.0})
    island = dense.copy()
    island[7] = 0.0
    with pytest.raises(PanelInputError, match=r"no neighbour \(islands\), first city number 7"):
        fit_panel(y, x, island)
    with pytest.raises(PanelInputError, match="must be square"):
        spatial_weights(dense[:, :-1])


def test_a_parameter_at_the_bound_is_refused():
    """y is a little more than its neighbours' mean everywhere, so the score is still positive at rho = 1."""
    n = 40
    w = np.zeros((n, n))
    for i in range(n):
        w[i, (i + 1) % n] = w[i, (i - 1) % n] = 0.5
    rng = np.random.default_rng(1)
    wave = np.sin(2.0 * np.pi * np.arange(n) / n)[:, None] * rng.standard_normal((1, 400))
    x = rng.standard_normal((n, 400, 1))
    with pytest.raises(PanelInputError, match="rho runs to the bound of its feasible range"):
        fit_panel(wave + 1e-7 * rng.standard_normal((n, 400)), x, w, model="sar", effects="time")


def test_y_among_the_regressors_is_refused(world):
    y, x, w = world
    with pytest.raises(PanelInputError, match="explain y exactly"):
        fit_panel(y, np.concatenate([x, y[..., None]], axis=2), w, model="ols")
