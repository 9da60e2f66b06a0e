"""Other programs' answers: spatialreg, plm and splm (tests/golden), SDPDmod, spreg, linearmodels."""

import warnings

import numpy as np
import pandas as pd
import pytest
from golden import cases
from libpysal.weights import WSP
from linearmodels.panel import PanelOLS
from spec_worlds import cigarettes, draw, knn
from spreg import ML_ErrorFE, ML_LagFE

from python_models.regression import average_effects
from python_models.regression import fit_panel as fit_panel_clustered
from python_models.regression.weights import spatial_weights

INFO = {"cov": "info"}  # what the other programs print


def fit_panel(*data, **options):
    return fit_panel_clustered(*data, **{**INFO, **options})


@pytest.fixture(scope="module")
def munnell():
    """48 states 1970-86: log gsp on log public capital, private capital, employment, and unemployment."""
    y, x, w = cases.munnell()
    return cases.expected("munnell") | cases.expected("munnell", "splm"), y, x, spatial_weights(w)


@pytest.fixture(scope="module")
def cigar():
    """46 states 1963-92: log sales on log real price and income."""
    return cigarettes()


@pytest.mark.parametrize(
    ("case", "block", "request_", "tolerance"),
    [
        ("munnell", "individual_ML", {"effects": "entity", "estimator": "direct"}, 1e-6),
        ("munnell", "individual_ML", {"effects": "entity", "estimator": "elhorst"}, 1e-6),
        ("munnell", "twoways_B_dummyML", {"estimator": "direct"}, 1e-6),
        ("munnell", "twoways_A_splm", {"estimator": "elhorst"}, 1e-6),
        ("munnell", "sdm_individual_ML", {"model": "sdm", "effects": "entity", "estimator": "direct"}, 1e-6),
        ("munnell", "individual_LeeYu_splm", {"effects": "entity", "estimator": "lee_yu"}, 1e-6),
        ("cigar", "individual_ML", {"effects": "entity", "estimator": "direct"}, 1e-6),
        ("cigar", "individual_LeeYu_splm", {"effects": "entity", "estimator": "lee_yu"}, 1e-6),
        ("cigar", "twoways_B_dummyML", {"estimator": "direct"}, 1e-6),
        ("cigar", "twoways_A_splm", {"estimator": "elhorst"}, 1e-6),
        ("cigar", "twoways_LeeYu_biascorrected_from_A", {"estimator": "elhorst_bc"}, 1e-5),
        ("cigar", "twoways_LeeYu_biascorrected_from_B", {"estimator": "direct_bc_sdpdmod"}, 1e-5),
    ],
)
def test_estimates_errors_likelihood_and_effects_of_r(request, case, block, request_, tolerance):
    expected, y, x, w = request.getfixturevalue(case)
    golden = expected[block]
    fit = fit_panel(y, x, w, **{"model": "sar", **request_})
    k, last = fit.n_slopes, len(fit.params) - 1
    place = {"lambda": k, "rho": k, "sigma2": last}
    params = {**(golden.get("coef") or golden["theta"])} | {n: golden[n] for n in ("rho", "sigma2") if n in golden}
    for printed, ours, close in (
        (params, fit.params, {"abs": tolerance}),
        (golden.get("se_rest") or golden["se"], np.sqrt(np.diagonal(fit.cov)), {"abs": 1e-5}),
    ):
        slopes = [value for name, value in printed.items() if name not in place]
        assert ours[:k] == pytest.approx(slopes, **close)
        for name in place.keys() & printed.keys():
            assert ours[place[name]] == pytest.approx(printed[name], **close)
    assert params.keys() & {"lambda", "rho"}
    assert fit.sigma2 == pytest.approx(params["sigma2"], rel=tolerance)
    if "logLik" in golden:  # a bias-corrected estimate is no maximum: SDPDmod prints none
        assert fit.loglik == pytest.approx(golden["logLik"], abs=1e-5)
    if "effects" in golden:
        effects = [list(golden["effects"][effect].values()) for effect in ("direct", "indirect", "total")]
        assert average_effects(fit).point == pytest.approx(np.array(effects).T, abs=10 * tolerance)


@pytest.mark.parametrize("estimator", ["lee_yu", "direct_bc", "direct_bc_sdpdmod", "elhorst_bc"])
def test_two_way_estimators_equal_their_definition(munnell, estimator):
    """Dense matrices and no code of ours: tests/golden/munnell/recipe.py."""
    _, y, x, w = munnell
    fit = fit_panel(y, x, w, model="sar", estimator=estimator)
    assert fit.params == pytest.approx(cases.expected("munnell", "definition")[estimator], abs=1e-7)


def test_least_squares_of_plm(munnell):
    expected, y, x, w = munnell
    for effects, block in (("entity", "individual"), ("twoways", "twoways")):
        told = expected["ols_within"][block]
        fit = fit_panel(y, x, w, model="ols", effects=effects)
        assert fit.params[:4] == pytest.approx(list(told["coef"].values()), abs=1e-10)
        assert np.sqrt(np.diagonal(fit.cov))[:4] == pytest.approx(list(told["se"].values()), abs=1e-10)
        assert (fit.residuals**2).sum() == pytest.approx(told["ssr"], rel=1e-10)
        assert fit.dof == told["df"]


def test_simulated_durbin_panel_of_280_cities():
    """splm and spreg (W of the demeaned y), and true dummy ML in base R; 280 cities, 10 years."""
    y, x, w = cases.durbin()
    w, splm = spatial_weights(w), cases.expected("durbin_280", "splm")
    outer, told = fit_panel(y, x, w, estimator="elhorst"), splm["A_splm_eigen"]
    assert [*outer.params[:3], outer.rho, outer.sigma2] == pytest.approx(
        [*told["b"], told["rho"], told["sigma2"]], abs=1e-6
    )
    errors = splm["se_spreg_b1_b2_b3_th1_th2_th3_rho"]
    assert np.sqrt(np.diagonal(outer.cov))[:7] == pytest.approx(errors, abs=1e-6)
    effects = np.column_stack([told["direct"], told["indirect"]])
    assert average_effects(outer).point[:, :2] == pytest.approx(effects, abs=1e-6)
    dummy, told = fit_panel(y, x, w, estimator="direct"), cases.expected("durbin_280")["twoways_B_dummyML"]
    assert dummy.params == pytest.approx([*told["b_th"], told["rho"], told["sigma2"]], abs=1e-6)
    assert dummy.loglik == pytest.approx(told["logLik"], abs=1e-5)
    headline = fit_panel(y, x, w)
    effects, true = average_effects(headline), splm["true_effects"]
    truth = np.column_stack([true["direct"], true["indirect"]])
    assert (np.abs(effects.point[:, :2] - truth) < 3.0 * effects.se[:, :2]).all()
    assert (np.abs(headline.params[6:8] - [0.4, 1.0]) < 3.0 * np.sqrt(np.diagonal(headline.cov))[6:8]).all()


def spreg_world(estimator, **options):
    """The panel and what spreg says of it."""
    w = knn(60)
    y, x = draw(w, t=6, rng=np.random.default_rng(21), rho=0.4, lam=0.3, theta=(0.3, 0.2))
    left, right = y.T.reshape(-1, 1), x.transpose(1, 0, 2).reshape(-1, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = estimator(left, right, WSP(w.matrix).to_W(silence_warnings=True), epsilon=1e-12, **options)
    return (y, x, w), told


@pytest.mark.parametrize("time_effects", [False, True])
def test_durbin_model_of_spreg(time_effects):
    """spreg's time dummies are regressors, so its two-way estimate is the true dummy ML."""
    world, told = spreg_world(ML_LagFE, slx_lags=1, time_effects=time_effects)
    fit = fit_panel(*world, effects="twoways" if time_effects else "entity", estimator="direct")
    named = zip(told.name_x, np.ravel(told.betas), strict=False)
    slopes = [v for name, v in named if not name.startswith("time_")][: fit.n_slopes]
    assert [*fit.params[:4], fit.rho] == pytest.approx([*slopes, float(np.ravel(told.rho)[0])], abs=1e-6)
    assert fit.sigma2 == pytest.approx(float(np.ravel(told.sig2)[0]), rel=1e-6)


def test_error_model_of_spreg():
    world, told = spreg_world(ML_ErrorFE)
    fit = fit_panel(*world, model="sem", effects="entity", estimator="direct")
    assert fit.params[:3] == pytest.approx(np.ravel(told.betas), abs=1e-6)
    assert fit.sigma2 == pytest.approx(float(np.ravel(told.sig2)[0]), rel=1e-6)
    assert np.sqrt(np.diagonal(fit.cov))[:3] == pytest.approx(np.ravel(told.std_err)[:3], rel=1e-5)


@pytest.mark.parametrize("effects", ["none", "entity", "time", "twoways"])
@pytest.mark.parametrize("model", ["ols", "slx"])
def test_least_squares_of_linearmodels(effects, model):
    w = knn(30)
    y, x = draw(w, t=5, rng=np.random.default_rng(22), rho=0.2)
    right = x if model == "ols" else np.concatenate([x, w.lag(x)], axis=2)
    frame = pd.DataFrame(right.reshape(150, -1), pd.MultiIndex.from_product([range(30), range(2000, 2005)]))
    if effects == "none":
        frame["const"] = 1.0
    kinds = {"entity_effects": effects in ("entity", "twoways"), "time_effects": effects in ("time", "twoways")}
    asked = PanelOLS(pd.Series(y.ravel(), frame.index), frame, **kinds)
    told, fit = asked.fit(), fit_panel(y, x, w, model=model, effects=effects)
    k = fit.n_slopes
    assert fit.params[:k] == pytest.approx(told.params.to_numpy()[:k], abs=1e-10)
    assert np.sqrt(np.diagonal(fit.cov))[:k] == pytest.approx(told.std_errors.to_numpy()[:k], abs=1e-10)
    if effects != "none":
        robust = asked.fit(cov_type="kernel", kernel="bartlett")
        ours = fit_panel(y, x, w, model=model, effects=effects, cov="driscoll_kraay")
        assert ours.params == pytest.approx(fit.params)
        assert np.sqrt(np.diagonal(ours.cov))[:k] == pytest.approx(robust.std_errors.to_numpy(), rel=1e-9)
