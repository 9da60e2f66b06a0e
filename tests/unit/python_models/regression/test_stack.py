"""Panels with holes, a W of each year, another W in the error, province-by-year effects: true dummy ML on a stack."""

import numpy as np
import pandas as pd
import pytest
from checks import panel_refused
from golden import cases
from scipy import optimize
from spec_worlds import draw, knn

from python_models.regression import (
    Cluster,
    Conley,
    PanelInputError,
    SpatialPanel,
    average_effects,
    fit_panel,
    wild_score,
)
from python_models.regression.within import Absorb, within

N, T = 30, 6
CITIES = [f"C{i:02d}" for i in range(N)]
YEARS = range(2000, 2000 + T)
W, M = knn(N, 4), knn(N, 6, seed=9)


def square(weights):
    return pd.DataFrame(weights.matrix.toarray(), index=CITIES, columns=CITIES)


def frames(y, x):
    index = pd.MultiIndex.from_product([CITIES, YEARS], names=["city", "year"])
    return pd.Series(y.ravel(), index=index, name="y"), pd.DataFrame(
        x.reshape(N * T, -1), index=index, columns=["a", "b"]
    )


@pytest.fixture(scope="module")
def world():
    return frames(*draw(W, t=T, rng=np.random.default_rng(1), rho=0.4, theta=(0.3, 0.2)))


@pytest.fixture(scope="module")
def holed(world):
    """About a fifth of the rows missing, in another order, some by a missing value."""
    y, x = world
    kept = np.random.default_rng(2).random(len(y)) > 0.2
    x = x.copy()
    x.iloc[np.flatnonzero(kept)[:3], 1] = np.nan
    return y[kept].sample(frac=1, random_state=1), x[kept].sample(frac=1, random_state=2)


@pytest.mark.parametrize("effects", ["none", "entity", "time", "twoways"])
@pytest.mark.parametrize("model", ["ols", "slx", "sar", "sem", "sdm", "sdem", "sac"])
def test_a_full_panel_as_a_stack_is_the_direct_estimator(world, model, effects):
    y, x = world
    stack = SpatialPanel(y, x, dict.fromkeys(YEARS, square(W)), model=model, effects=effects).fit("info")
    plane = SpatialPanel(y, x, square(W), model=model, effects=effects, estimator="direct").fit("info")
    assert stack.params.to_numpy() == pytest.approx(plane.params.to_numpy(), abs=1e-6)
    assert stack.loglik == pytest.approx(plane.loglik, abs=1e-6)
    assert stack.std_errors.to_numpy()[:-1] == pytest.approx(plane.std_errors.to_numpy()[:-1], rel=1e-4)


def test_errors_and_effects_of_a_full_panel_agree_too(world):
    y, x = world
    stack = SpatialPanel(y, x, dict.fromkeys(YEARS, square(W)))
    plane = SpatialPanel(y, x, square(W), estimator="direct")
    group = pd.Series(np.arange(N) % 4, index=CITIES)
    points = pd.DataFrame(np.random.default_rng(3).uniform(0, 5, (N, 2)), index=CITIES)
    for cov in (
        "cluster",
        "observed",
        Cluster(group),
        Cluster(by_time=True),
        Conley(points, 2.0, 1, metric="euclidean"),
    ):
        one, two = stack.fit(cov), plane.fit(cov)
        assert one.std_errors.to_numpy()[:5] == pytest.approx(two.std_errors.to_numpy()[:5], rel=2e-3), cov
        a, b = (r.effects().to_frame()[["point", "se"]].to_numpy() for r in (one, two))
        assert a == pytest.approx(b, rel=2e-3), cov


def test_maximum_is_that_of_the_likelihood_with_every_dummy(holed):
    """Brute force on the rows: all dummies as columns, W of each year cut and scaled, the likelihood maximised."""
    y, x = holed
    found = SpatialPanel(y, x, square(W), has_holes=True).fit("info")
    rows = pd.concat([y, x], axis=1).dropna()
    city, year = (rows.index.get_level_values(j) for j in (0, 1))
    full = W.matrix.toarray()
    at = np.array([CITIES.index(c) for c in city])
    block = full[np.ix_(at, at)] * (year.to_numpy()[:, None] == year.to_numpy()[None, :])
    sums = block.sum(axis=1, keepdims=True)
    block = np.divide(block, sums, out=np.zeros_like(block), where=sums > 0)
    z = rows[["a", "b"]].to_numpy()
    d = np.column_stack([pd.get_dummies(city).to_numpy(float), pd.get_dummies(year).to_numpy(float)[:, 1:]])
    design = np.column_stack([z, block @ z, d])
    left, r = rows["y"].to_numpy(), len(rows)
    assert found.nobs == r

    def loglik(rho):
        target = left - rho * block @ left
        e = target - design @ np.linalg.lstsq(design, target, rcond=None)[0]
        logdet = np.linalg.slogdet(np.eye(r) - rho * block)[1]
        return -r / 2 * (np.log(2 * np.pi * (e @ e) / r) + 1) + logdet

    best = optimize.minimize_scalar(
        lambda rho: -loglik(rho), bounds=(-0.9, 0.9), method="bounded", options={"xatol": 1e-9}
    )
    assert found.rho == pytest.approx(best.x, abs=1e-6)
    assert found.loglik == pytest.approx(-best.fun, abs=1e-8)
    # effects are means over the rows present
    b = found.params
    s = np.linalg.solve(np.eye(r) - found.rho * block, b["a"] * np.eye(r) + b["W:a"] * block)
    direct, total = np.trace(s) / r, s.sum() / r
    own = found.effects().to_frame().query("variable == 'a'").set_index("effect")["point"]
    assert own[["direct", "total"]].to_numpy() == pytest.approx([direct, total], abs=1e-8)


def test_order_of_rows_and_of_the_graph_do_not_matter(holed):
    y, x = holed
    one = SpatialPanel(y, x, square(W), has_holes=True).fit()
    order = np.random.default_rng(4).permutation(N)
    two = SpatialPanel(y[::-1], x.sample(frac=1, random_state=7), square(W).iloc[order, order], has_holes=True).fit()
    assert two.params.to_numpy() == pytest.approx(one.params.to_numpy(), abs=1e-7)
    assert two.std_errors.to_numpy() == pytest.approx(one.std_errors.to_numpy(), rel=1e-5)


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
    one = SpatialPanel(y, x, square(W), model="sac", error_graph=square(W)).fit("info")
    two = SpatialPanel(y, x, square(W), model="sac").fit("info")
    assert one.params.to_numpy() == pytest.approx(two.params.to_numpy(), abs=1e-7)
    order = np.random.default_rng(1).permutation(N)
    mixed = square(M).iloc[order, order]
    apart = SpatialPanel(y, x, square(W), model="sac", error_graph=mixed).fit("info")
    direct = fit_panel(y.to_numpy().reshape(N, T), x.to_numpy().reshape(N, T, 2), W, model="sac", error_W=M, cov="info")
    assert apart.params.to_numpy() == pytest.approx(direct.params, abs=1e-8)


@pytest.mark.parametrize("effects", ["entity", "twoways"])
def test_information_with_two_w_is_minus_the_mean_hessian(effects):
    """Over 15 panels the observed information agrees with the expected one.

    Lee-Yu only: the traces of direct count the means that the dummies have taken away.
    """
    rng, t, parts = np.random.default_rng(5), 24, []
    inverse = np.linalg.inv(np.eye(N) - 0.3 * W.matrix.toarray()), np.linalg.inv(np.eye(N) - 0.3 * M.matrix.toarray())
    for _ in range(15):
        x = rng.normal(size=(N, t, 1))
        y = inverse[0] @ (x[:, :, 0] + rng.normal(size=(N, 1)) + inverse[1] @ rng.normal(size=(N, t)))
        pair = [
            fit_panel(y, x, W, model="sac", error_W=M, effects=effects, estimator="lee_yu", cov=c).cov
            for c in ("info", "observed")
        ]
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
    one = SpatialPanel(y, x, square(W), period_groups=province).fit()
    shock = pd.Series(np.random.default_rng(7).normal(size=18), pd.MultiIndex.from_product([["p0", "p1", "p2"], YEARS]))
    city, year = (y.index.get_level_values(j) for j in (0, 1))
    common = shock.loc[list(zip(province[city], year, strict=True))].to_numpy()
    # the shock is added to (I - rho W) y, so that rho is the truth of one fit
    rows = np.arange(N * T).reshape(N, T)
    solve = np.linalg.inv(np.eye(N) - one.rho * W.matrix.toarray())
    moved = y + (solve @ (5 * common[rows])).ravel()
    two = SpatialPanel(moved, x, square(W), period_groups=province.sample(frac=1, random_state=1)).fit()
    # rho is estimated anew: its own estimate stays, as the shock is absorbed at that rho
    assert two.rho == pytest.approx(one.rho, abs=0.02)
    assert two.params["a"] == pytest.approx(one.params["a"], abs=0.02)


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


def test_bootstrap_of_the_bias_and_wild_errors_work_with_holes(holed):
    y, x = holed
    panel = SpatialPanel(y, x, square(W), has_holes=True)
    wild = panel.fit("wild_bootstrap", draws=60, rng=np.random.default_rng(1))
    assert wild.std_errors["a"] == pytest.approx(panel.fit().std_errors["a"], rel=0.4)
    mended = panel.fit(bias_draws=40, rng=np.random.default_rng(1))
    assert mended.sigma2 > panel.fit().sigma2  # dummies eat degrees of freedom


def test_wild_scores_by_group_work_with_holes(holed):
    fit = SpatialPanel(*holed, square(W), has_holes=True).fit()
    found = wild_score(fit.core, "rho", groups=np.arange(N) % 6)
    assert found.is_enumerated
    assert found.t == pytest.approx(fit.tstats["rho"], rel=0.5)


def test_what_holes_do_not_allow_is_said_in_words(world, holed):
    y, x = holed
    panel = SpatialPanel(y, x, square(W), has_holes=True)
    panel_refused("balanced panel", panel.fit, "qml")
    with pytest.raises(PanelInputError, match="needs a balanced panel"):
        panel.fit().predict()
    panel_refused("needs 'direct'", SpatialPanel, y, x, square(W), has_holes=True, estimator="lee_yu")
    panel_refused("must be balanced", SpatialPanel, y, x.dropna(), square(W))
    panel_refused("no graph for year 2005", SpatialPanel, *world, {t: square(W) for t in YEARS if t != 2005})
    with pytest.raises(PanelInputError, match="missing from the graph, first 'C03'"):
        SpatialPanel(*world, square(W).drop(index="C03", columns="C03"), has_holes=True)
    with pytest.raises(PanelInputError, match="occurs more than once"):
        SpatialPanel(pd.concat([world[0], world[0].iloc[:1]]), world[1], square(W), has_holes=True)


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
    names = {"W:x1": "Wx1", "W:x2": "Wx2"}
    expected, observed = panel.fit("info"), panel.fit("observed")
    assert expected.nobs == told["N"]
    assert expected.loglik == pytest.approx(told["logL"], abs=1e-8)
    for name, value in told["estimates"].items():
        assert expected.params.rename(names)[name] == pytest.approx(value, abs=1e-8)
        own = told["se_expected_information"][name], told["se_observed_information"][name]
        assert expected.std_errors.rename(names)[name] == pytest.approx(own[0], rel=1e-7)
        assert observed.std_errors.rename(names)[name] == pytest.approx(own[1], rel=1e-7)
    effects = observed.effects().to_frame()
    effects.index = effects["effect"] + "_" + effects["variable"]
    for name, value in told["effects"].items():
        assert effects.loc[name, "point"] == pytest.approx(value, abs=1e-9)
        assert effects.loc[name, "se"] == pytest.approx(told["effects_se_delta"][name], rel=1e-7)


def test_average_effects_need_no_plane(holed):
    fit = SpatialPanel(*holed, square(W), has_holes=True).fit()
    assert average_effects(fit.core).point.shape == (2, 3)
    assert "Spatial panel: SDM" in str(fit.summary())
    assert len(fit.residuals) == fit.nobs
