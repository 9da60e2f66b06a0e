"""Panels with holes, a W of each year, another W in the error, province-by-year effects: true dummy ML on a stack."""

import numpy as np
import pandas as pd
import pytest
from checks import panel_refused
from golden import cases
from scipy import optimize
from spec_worlds import draw, knn

from python_models.regression import MODELS, Cluster, Conley, SpatialPanel, fit_panel
from python_models.regression.within import Absorb, within

N, T = 30, 6
CITIES = [f"C{i:02d}" for i in range(N)]
YEARS = range(2000, 2000 + T)
W, M = knn(N, 4), knn(N, 6, seed=9)


def square(weights):
    return pd.DataFrame(weights.matrix.toarray(), index=CITIES, columns=CITIES)


def fitted(y, x, graph=None, *, cov="cluster", **options):
    return SpatialPanel(y, x, square(W) if graph is None else graph, **options).fit(cov)


@pytest.fixture(scope="module")
def world():
    y, x = draw(W, t=T, rng=np.random.default_rng(1), rho=0.4, theta=(0.3, 0.2))
    index = pd.MultiIndex.from_product([CITIES, YEARS], names=["city", "year"])
    return pd.Series(y.ravel(), index=index, name="y"), pd.DataFrame(x.reshape(-1, 2), index, ["a", "b"])


@pytest.fixture(scope="module")
def holed(world):
    """About a fifth of the rows missing, in another order, some by a missing value."""
    y, x = world
    kept = np.random.default_rng(2).random(len(y)) > 0.2
    x = x.copy()
    x.iloc[np.flatnonzero(kept)[:3], 1] = np.nan
    return y[kept].sample(frac=1, random_state=1), x[kept].sample(frac=1, random_state=2)


@pytest.mark.parametrize("effects", ["none", "entity", "time", "twoways"])
@pytest.mark.parametrize("model", MODELS)
def test_a_full_panel_as_a_stack_is_the_direct_estimator(world, model, effects):
    options = {"model": model, "effects": effects, "cov": "info"}
    stack, plane = fitted(*world, STACKED, **options), fitted(*world, estimator="direct", **options)
    assert stack.params.to_numpy() == pytest.approx(plane.params.to_numpy(), abs=1e-6)
    assert stack.loglik == pytest.approx(plane.loglik, abs=1e-6)
    assert stack.std_errors.to_numpy()[:-1] == pytest.approx(plane.std_errors.to_numpy()[:-1], rel=1e-4)


STACKED = dict.fromkeys(YEARS, square(W))
FOURS = pd.Series(np.arange(N) % 4, index=CITIES)
PLACES = pd.DataFrame(np.random.default_rng(3).uniform(0, 5, (N, 2)), index=CITIES)


@pytest.mark.parametrize(
    "cov", ["cluster", "observed", Cluster(FOURS), Cluster(by_time=True), Conley(PLACES, 2.0, 1, metric="euclidean")]
)
def test_errors_and_effects_of_a_full_panel_agree_too(world, cov):
    one, two = fitted(*world, STACKED, cov=cov), fitted(*world, estimator="direct", cov=cov)
    assert one.std_errors.to_numpy()[:5] == pytest.approx(two.std_errors.to_numpy()[:5], rel=2e-3)
    a, b = (r.effects().to_frame()[["point", "se"]].to_numpy() for r in (one, two))
    assert a == pytest.approx(b, rel=2e-3)


def brute_force(y, z, lag, error, dummies, *, has_rho):
    """Maximum of the likelihood of F(y - rho W y - Z d - D c) = e, F = I - lam M, every dummy a column of F D."""
    r = len(y)
    eye = np.eye(r)
    columns = np.column_stack([z, dummies])

    def loss(theta):
        rho, lam = (theta[0], theta[1]) if has_rho else (0.0, theta[0])
        filter_ = eye - lam * error
        target, design = filter_ @ (y - rho * lag @ y), filter_ @ columns
        e = target - design @ np.linalg.lstsq(design, target, rcond=None)[0]
        jacobian = np.linalg.slogdet(eye - rho * lag)[1] + np.linalg.slogdet(filter_)[1]
        return r / 2 * (np.log(2 * np.pi * (e @ e) / r) + 1) - jacobian

    if has_rho:
        starts = [(a, b) for a in (-0.3, 0.4) for b in (-0.3, 0.4)]
        options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000}
        best = min(
            (optimize.minimize(loss, s, method="Nelder-Mead", options=options) for s in starts), key=lambda o: o.fun
        )
        return best.x, -best.fun
    best = optimize.minimize_scalar(
        lambda v: loss([v]), bounds=(-0.9, 0.95), method="bounded", options={"xatol": 1e-10}
    )
    return np.array([best.x]), -best.fun


STACKS = {
    "holes": {"has_holes": True},
    "W by year": {"graph": {year: square(knn(N, 4, seed=year)) for year in YEARS}},
    "groups by year": {"period_groups": pd.Series([f"p{i % 3}" for i in range(N)], index=CITIES)},
    "two W": {"has_holes": True, "error_graph": square(M)},
}


@pytest.mark.parametrize("model", ["sem", "sdem", "sac"])
@pytest.mark.parametrize("case", STACKS)
def test_dummies_of_a_spatial_error_model_are_filtered_with_it(world, holed, case, model):
    options = dict(STACKS[case])
    graph, given = options.pop("graph", square(W)), holed if "has_holes" in options else world
    panel = SpatialPanel(*given, graph, model=model, **options)
    fit = panel.fit("info")
    stack = panel._stack
    lag, error = panel.data.weights.matrix.toarray(), stack.error.matrix.toarray()
    y, x = panel.data.y.ravel(), panel.data.x.reshape(len(panel.data.y), -1)
    z = np.column_stack([x, lag @ x]) if model == "sdem" else x
    dummies = np.column_stack([pd.get_dummies(codes).to_numpy(float) for codes in stack.effects])
    at, loglik = brute_force(y, z, lag, error, dummies, has_rho=model == "sac")
    mine = [fit.rho, fit.lam] if model == "sac" else [fit.lam]
    assert mine == pytest.approx(at, abs=1e-6)
    assert fit.loglik == pytest.approx(loglik, abs=1e-7)
    # slopes and their errors: least squares of the filtered equation at the maximum
    filter_ = np.eye(len(y)) - fit.lam * error
    design = filter_ @ np.column_stack([z, dummies])
    target = filter_ @ (y - fit.core.rho * lag @ y)
    slopes = np.linalg.lstsq(design, target, rcond=None)[0][: z.shape[1]]
    assert fit.params.to_numpy()[: z.shape[1]] == pytest.approx(slopes, abs=1e-8)
    if model != "sac":
        cov = fit.sigma2 * np.linalg.pinv(design.T @ design)[: z.shape[1], : z.shape[1]]
        assert fit.std_errors.to_numpy()[: z.shape[1]] == pytest.approx(np.sqrt(np.diag(cov)), rel=1e-8)


def test_errors_that_would_need_other_filters_are_refused(holed):
    sem = SpatialPanel(*holed, square(W), has_holes=True, model="sem")
    panel_refused("observed", sem.fit, "observed")


def test_w_is_scaled_back_only_where_asked(holed):
    y, x = holed
    scaled, cut = (SpatialPanel(y, x, square(W), has_holes=True, renormalise=r).data.weights for r in (True, False))
    sums = np.asarray(cut.matrix.sum(axis=1)).ravel()
    assert 0 < sums[sums > 0].min() < 0.9
    # a row all of whose neighbours are missing stays empty
    assert np.asarray(scaled.matrix.sum(axis=1)).ravel() == pytest.approx((sums > 0).astype(float))
    assert scaled.has_unit_or_no_rows
    assert not cut.has_unit_or_no_rows


def test_a_city_without_observed_neighbours_keeps_a_zero_row(world):
    y, x = world
    near = [CITIES[j] for j in W.matrix[0].indices]
    gone = [(c, 2003) for c in near]
    panel = SpatialPanel(y.drop(gone), x.drop(gone), square(W), has_holes=True)
    alone = panel.data.rows.get_loc((CITIES[0], 2003))
    assert panel.data.weights.matrix[alone].nnz == 0
    assert np.isfinite(panel.fit().std_errors).all()


def test_another_w_in_the_error_equals_the_same_w_given_twice(world):
    y, x = world
    sac = {"model": "sac", "cov": "info"}
    one, two = fitted(y, x, error_graph=square(W), **sac), fitted(y, x, **sac)
    assert one.params.to_numpy() == pytest.approx(two.params.to_numpy(), abs=1e-7)
    order = np.random.default_rng(1).permutation(N)
    apart = fitted(y, x, error_graph=square(M).iloc[order, order], **sac)
    direct = fit_panel(y.to_numpy().reshape(N, T), x.to_numpy().reshape(N, T, 2), W, error_W=M, **sac)
    assert apart.params.to_numpy() == pytest.approx(direct.params, abs=1e-8)


@pytest.mark.parametrize(("name", "matrices"), [("W", (2.0 * W.matrix, M)), ("error_W", (W, 2.0 * M.matrix))])
def test_both_matrices_are_judged_and_the_one_that_does_not_fit_is_named(world, name, matrices):
    y, x = (frame.to_numpy().reshape(N, T, -1) for frame in world)
    first, second = matrices
    panel_refused(rf"needs rows of {name} that sum to one", fit_panel, y[..., 0], x, first, error_W=second, model="sac")
    small = [m if k != (name == "error_W") else knn(N - 1) for k, m in enumerate((W, M))]
    panel_refused(rf"{name} is for {N - 1} cities", fit_panel, y[..., 0], x, small[0], error_W=small[1], model="sac")


@pytest.mark.parametrize("effects", ["entity", "twoways"])
def test_information_with_two_w_is_minus_the_mean_hessian(effects):
    """Over 15 panels the observed information agrees with the expected one.

    Lee-Yu only: the traces of direct count the means that the dummies have taken away.
    """
    rng, t, parts = np.random.default_rng(5), 24, []
    lag, spread = (np.linalg.inv(np.eye(N) - 0.3 * w.matrix.toarray()) for w in (W, M))
    options = {"model": "sac", "error_W": M, "effects": effects, "estimator": "lee_yu"}
    for _ in range(15):
        x = rng.normal(size=(N, t, 1))
        y = lag @ (x[:, :, 0] + rng.normal(size=(N, 1)) + spread @ rng.normal(size=(N, t)))
        pair = [fit_panel(y, x, W, cov=c, **options).cov for c in ("info", "observed")]
        parts.append([np.linalg.inv(c)[1:3, 1:3] / (N * t) for c in pair])
    expected, observed = np.mean(parts, axis=0)
    assert observed == pytest.approx(expected, abs=0.03)


def test_two_w_beyond_a_thousand_rows_by_probes(monkeypatch):
    y, x = draw(knn(60, 4), t=5, rng=np.random.default_rng(6), rho=0.3)
    options = {"model": "sac", "error_W": knn(60, 6, seed=9), "cov": "info"}
    exact = fit_panel(y, x, knn(60, 4), **options)
    monkeypatch.setattr("python_models.regression.multiplier.DENSE_LIMIT", 10)
    probed = fit_panel(y, x, knn(60, 4), **options)
    assert np.sqrt(np.diag(probed.cov)) == pytest.approx(np.sqrt(np.diag(exact.cov)), rel=0.03)
    assert probed.trace_se > 0


def test_effects_of_provinces_by_year_take_out_what_all_of_a_province_share(world):
    y, x = world
    province = pd.Series([f"p{i % 3}" for i in range(N)], index=CITIES)
    one = fitted(y, x, period_groups=province)
    # the shock is added to (I - rho W) y, so that rho is the truth of one fit
    shock = np.random.default_rng(7).normal(size=(3, T))[np.arange(N) % 3]
    moved = y + np.linalg.solve(np.eye(N) - one.rho * W.matrix.toarray(), 5 * shock).ravel()
    two = fitted(moved, x, period_groups=province.sample(frac=1, random_state=1))
    # rho is estimated anew: its own estimate stays, as the shock is absorbed at that rho
    assert two.params[["rho", "a"]].to_numpy() == pytest.approx(one.params[["rho", "a"]].to_numpy(), abs=0.02)


def test_projection_off_dummies_with_holes_is_least_squares():
    rng = np.random.default_rng(8)
    city, year, group = rng.integers(0, 12, 70), rng.integers(0, 6, 70), rng.integers(0, 4, 70)
    codes = [np.unique(c, return_inverse=True)[1] for c in (city, year, group)]
    made = Absorb.of(codes)
    d = np.column_stack([pd.get_dummies(c).to_numpy(float) for c in codes])
    values = rng.normal(size=(70, 1, 3))
    expected = values[:, 0] - d @ np.linalg.lstsq(d, values[:, 0], rcond=None)[0]
    assert made(values)[:, 0] == pytest.approx(expected, abs=1e-10)
    assert made.rank == np.linalg.matrix_rank(d)
    full = [np.repeat(np.arange(5), 4), np.tile(np.arange(4), 5)]
    plane = rng.normal(size=(5, 4))
    assert Absorb.of(full)(plane.ravel()).reshape(5, 4) == pytest.approx(within(plane, "twoways"), abs=1e-12)


def test_what_holes_do_not_allow_is_said_in_words(world, holed):
    y, x = holed
    panel, own = SpatialPanel(y, x, square(W), has_holes=True), square(W)
    panel_refused("balanced panel", panel.fit, "qml")
    panel_refused("needs a balanced panel", panel.fit().effects().by_city, "a")
    panel_refused("needs 'direct'", SpatialPanel, y, x, own, has_holes=True, estimator="lee_yu")
    panel_refused("must be balanced", SpatialPanel, y, x.dropna(), own)
    panel_refused("no graph for year 2005", SpatialPanel, *world, {t: own for t in YEARS if t != 2005})
    fewer = own.drop(index="C03", columns="C03")
    panel_refused("missing from the graph, first 'C03'", SpatialPanel, *world, fewer, has_holes=True)
    twice = pd.concat([world[0], world[0].iloc[:1]])
    panel_refused("occurs more than once", SpatialPanel, twice, world[1], own, has_holes=True)


@pytest.mark.parametrize("case", ["holes", "two_w", "group_year"])
def test_reference_answers_of_brute_force_likelihoods(case):
    told, (d, graphs) = cases.expected("dummy_ml")[case], cases.dummy_ml(case)
    d = d.sample(frac=1, random_state=1).set_index(["id", "t"])
    graph, *other = ((w, list(range(40))) for w in graphs.values())
    options = {
        "holes": {"has_holes": True},
        "two_w": {"model": "sac", "estimator": "direct", "error_graph": other[0] if other else None},
        "group_year": {"period_groups": d.reset_index().drop_duplicates("id").set_index("id")["prov"]},
    }[case]
    panel = SpatialPanel(d["y"], d[["x1", "x2"]], graph, **options)
    expected, observed = panel.fit("info"), panel.fit("observed")
    assert len(expected.residuals) == told["N"]
    assert expected.loglik == pytest.approx(told["logL"], abs=1e-8)
    for key, found, tolerance in (
        ("estimates", expected.params, {"abs": 1e-8}),
        ("se_expected_information", expected.std_errors, {"rel": 1e-7}),
        ("se_observed_information", observed.std_errors, {"rel": 1e-7}),
    ):
        own = found.rename({"W:x1": "Wx1", "W:x2": "Wx2"})[list(told["estimates"])]
        assert own.tolist() == pytest.approx([told[key][name] for name in own.index], **tolerance)
    effects = observed.effects().to_frame()
    effects = effects.set_index(effects["effect"] + "_" + effects["variable"]).loc[list(told["effects"])]
    assert effects["point"].to_dict() == pytest.approx(told["effects"], abs=1e-9)
    assert effects["se"].to_dict() == pytest.approx({k: told["effects_se_delta"][k] for k in effects.index}, rel=1e-7)
