"""S2SLS: spreg and textbook formulas as oracles, invariances, strength of instruments, recovery."""

import libpysal
import numpy as np
import pytest
import spreg
from checks import panel_refused
from scipy import sparse, stats
from spec_worlds import draw, inverse_distance, knn
from statsmodels.api import OLS

from python_models.regression import Cluster, Conley
from python_models.regression.iv import anderson_rubin_set, first_stages, spatial_2sls, subset_anderson_rubin
from python_models.regression.within import within

TRUTH = {"rho": 0.4, "theta": (0.3, 0.2), "scale": 3.0}


@pytest.fixture(scope="module")
def world():
    w = knn(60)
    return (w, *draw(w, t=6, rng=np.random.default_rng(1), **TRUTH))


@pytest.mark.parametrize("durbin", [None, ()])
def test_estimates_equal_spreg_on_one_way_data(world, durbin):
    """City effects commute with W, so spreg's cross-section estimator on demeaned, stacked data is the same."""
    w, y, x = world
    n, t = y.shape
    graph = libpysal.weights.WSP(sparse.kron(sparse.eye_array(t), w.matrix).tocsr()).to_W(silence_warnings=True)
    ys, xs = within(y, "entity").T.reshape(-1, 1), within(x, "entity").transpose(1, 0, 2).reshape(n * t, 2)
    slx = {"slx_lags": 1, "w_lags": 1} if durbin is None else {"w_lags": 2}
    theirs = spreg.GM_Lag(ys, xs, w=graph, spat_diag=False, **slx)
    ours = spatial_2sls(y, x, w, effects="entity", durbin=durbin, w_lags=2, cov="homoskedastic")
    np.testing.assert_allclose(ours.params, theirs.betas.ravel()[1:], rtol=1e-7)
    # spreg divides e'e by NT, we by N(T-1) - k
    scale = np.sqrt(n * t / (n * (t - 1) - len(ours.params)))
    np.testing.assert_allclose(ours.std_errors, np.sqrt(np.diag(theirs.vm))[1:] * scale, rtol=1e-7)


def test_errors_of_any_kind_meet_in_their_special_cases(world):
    w, y, x = world
    group, points = np.arange(60) % 8, np.random.default_rng(1).uniform(0, 9, (60, 2))
    by_city = spatial_2sls(y, x, w)
    project, own = by_city.system.project, (by_city.system.q * by_city.residuals.reshape(-1, 1)).reshape(60, 6, -1)

    def cov(kind):
        return spatial_2sls(y, x, w, cov=kind).cov

    assert cov(Cluster()) == pytest.approx(by_city.cov)
    sums = np.stack([own[group == g].sum(axis=(0, 1)) for g in range(8)])
    by_group = project @ sums.T @ sums @ project.T
    assert cov(Cluster(group)) == pytest.approx(8 / 7 * by_group)
    white = np.einsum("ntj,ntk->jk", own, own)  # nobody near, no lags
    alone = Conley(points, 1e-9, metric="euclidean", correction="none")
    assert cov(alone) == pytest.approx(project @ white @ project.T)
    near = np.linalg.norm(points[:, None] - points[None], axis=2) <= 2.0
    spatial = np.einsum("itj,il,ltk->jk", own, near.astype(float), own)
    assert cov(Conley(points, 2.0, kernel="uniform", metric="euclidean")) == pytest.approx(
        project @ spatial @ project.T
    )
    assert np.linalg.eigvalsh(cov(Cluster(group, by_time=True))).min() > -1e-12
    panel_refused("one label a city", cov, Cluster(group[:5]))


def test_one_endogenous_regressor_makes_the_rank_statistic_the_clustered_f():
    rng, n, t, q = np.random.default_rng(3), 40, 5, 3
    z, x = rng.standard_normal((n * t, q)), rng.standard_normal((n * t, 1))
    d = z @ [0.5, 0.3, -0.2] + rng.standard_normal(n * t)
    stage = first_stages(x, d[:, None], z, ["d"], n=n, rows=n * t)[0]
    fit = OLS(d, np.hstack([x, z])).fit()
    bread, dof = fit.normalized_cov_params, n * t - 1 - q
    scores = (fit.model.exog * fit.resid[:, None]).reshape(n, t, -1).sum(axis=1)
    cov = bread @ (scores.T @ scores * n / (n - 1)) @ bread
    wald = fit.params[1:] @ np.linalg.solve(cov[1:, 1:], fit.params[1:])
    assert stage.kp_f == pytest.approx(wald / q * dof / (n * t), rel=1e-9)
    assert stage.f == pytest.approx((OLS(d, x).fit().ssr - fit.ssr) / q / (fit.ssr / dof), rel=1e-9)


def test_rank_statistic_sees_a_shared_direction_and_not_how_the_regressors_are_combined():
    rng, n, rows = np.random.default_rng(4), 60, 300
    z, x = rng.standard_normal((rows, 3)), rng.standard_normal((rows, 1))
    directions = np.array([[1.0, 0.5, 0.5], [1.0, 0.5, 0.5], [0.5, -1.0, 1.0]]).T  # the twins: strong alone only
    first, twin, other = (z @ directions + rng.standard_normal((rows, 3))).T

    def stages(*columns):
        return first_stages(x, np.column_stack(columns), z, ["a", "b"], n=n, rows=rows)

    weak, strong = stages(first, twin), stages(first, other)
    assert min(stage.f for stage in weak) > 50
    assert weak[0].kp_f < 5
    assert strong[0].kp_f > 50
    assert stages(2 * first - other, 0.5 * first + 3 * other)[0].kp_f == pytest.approx(strong[0].kp_f, rel=1e-8)


def test_anderson_rubin_set_holds_the_truth_and_is_unbounded_where_instruments_are_irrelevant(world):
    w, y, x = world
    fit = spatial_2sls(y, x, w)
    (ar,) = fit.anderson_rubin
    assert ar.is_connected
    assert ar.lo < min(0.4, fit.rho)
    assert max(0.4, fit.rho) < ar.hi
    rng, n, t = np.random.default_rng(5), 50, 6
    x, z, d, e = (rng.standard_normal((n * t, k)) for k in (1, 2, 1, 1))
    open_set = anderson_rubin_set((0.5 * d + e)[:, 0], x, d[:, 0], z, n=n)
    assert np.isinf([open_set.lo, open_set.hi]).any()
    assert "weakly identified" in open_set.note


def test_subset_set_of_a_lone_regressor_ends_where_its_moments_reject():
    """With nothing to minimise out, the ends solve g'Omega^-1 g = chi2_.95(q), g and Omega summed city by city."""
    rng, n, t, q = np.random.default_rng(12), 40, 5, 3
    z = rng.standard_normal((n * t, q))
    d = z @ [0.4, 0.3, -0.2] + rng.standard_normal(n * t)
    y, none = 0.5 * d + rng.standard_normal(n * t), np.empty((n * t, 0))
    where = {"position": 0, "n": n, "start": np.array([0.5]), "scale": np.array([0.1]), "bounds": (-3.0, 3.0)}
    ar = subset_anderson_rubin(y, none, d[:, None], z, **where)
    assert ar.lo < 0.5 < ar.hi
    for end in (ar.lo, ar.hi):
        g = (z * (y - end * d)[:, None]).reshape(n, t, q).sum(axis=1)
        assert g.sum(axis=0) @ np.linalg.solve(g.T @ g, g.sum(axis=0)) == pytest.approx(stats.chi2.ppf(0.95, q))


def two_endogenous(w, rng):
    """y with W y and a regressor `pr` that moves with the error; z is its instrument. Truth .8 and .3."""
    n, t = w.n, 5
    x, z, u = rng.standard_normal((n, t, 1)) * 3, rng.standard_normal((n, t, 1)), rng.standard_normal((n, t))
    pr = z[..., 0] + u + rng.standard_normal((n, t))
    mean = x[..., 0] + 0.5 * w.lag(x)[..., 0] + 0.8 * pr + u
    y = np.linalg.solve(np.eye(n) - 0.3 * w.matrix.toarray(), mean)
    return spatial_2sls(y, x, w, endog=pr[..., None], instruments=z, endog_names=["pr"])


def test_two_endogenous_regressors_have_a_set_each_and_lose_their_bias():
    fit = two_endogenous(knn(80), np.random.default_rng(13))
    (pr, rho), estimate = fit.anderson_rubin, dict(zip(fit.names, fit.params, strict=True))
    assert pr.lo < estimate["pr"] < pr.hi
    assert rho.lo < estimate["rho"] < rho.hi
    assert "others minimised out" in pr.note
    assert abs(estimate["pr"] - 0.8) < 3 * fit.std_errors[fit.names.index("pr")]
    assert fit.diagnostics()["first_stage_f"].min() > 10


@pytest.mark.slow
def test_subset_sets_cover_the_truth():
    w, rng = knn(80), np.random.default_rng(14)
    hits = []
    for _ in range(60):
        pr, rho = two_endogenous(w, rng).anderson_rubin
        hits.append([pr.lo <= 0.8 <= pr.hi, rho.lo <= 0.3 <= rho.hi])
    assert np.all(np.mean(hits, axis=0) >= 0.88), np.mean(hits, axis=0)


def test_hansen_rejects_an_instrument_that_enters_the_equation():
    w, rng = knn(80), np.random.default_rng(6)
    y, x = draw(w, t=6, rng=rng, **TRUTH)
    bad = rng.standard_normal((80, 6, 1))
    inner = bad + rng.standard_normal((80, 6, 1))
    options = {"endog": inner, "endog_names": ["pr"]}
    valid = spatial_2sls(y + inner[..., 0], x, w, instruments=bad, **options)
    wrong = spatial_2sls(y + inner[..., 0] + w.lag(w.lag(x))[..., 0], x, w, instruments=bad, **options)
    assert not valid.hansen.rejects(0.01)
    assert wrong.hansen.rejects(0.01)
    assert len(valid.anderson_rubin) == 2
    assert [stage.endogenous for stage in valid.first_stages] == ["pr", "W:y"]


def test_a_dense_w_is_flagged_as_weak_and_gmm_is_2sls_where_exactly_identified():
    w = inverse_distance(60)
    weak = spatial_2sls(*draw(w, t=6, rng=np.random.default_rng(8), rho=0.4, theta=(0.3, 0.2)), w)
    assert weak.is_weak
    assert weak.diagnostics()["first_stage_f"].iloc[0] < 10
    w = knn(40)
    y, x = draw(w, t=6, rng=np.random.default_rng(9), beta=(1.0,), theta=(0.0,), rho=0.3, scale=3.0)
    plain, efficient = (spatial_2sls(y, x, w, w_lags=2, gmm=gmm) for gmm in (False, True))
    np.testing.assert_allclose(plain.params, efficient.params, rtol=1e-7)
    assert plain.hansen.df == 0
    assert np.isnan(plain.hansen.p)


def test_bad_input_is_refused_in_words(world):
    w, y, x = world
    panel_refused("too few", spatial_2sls, y, x, w, w_lags=1)
    panel_refused("cov must be one of", spatial_2sls, y, x, w, cov="robust")
    few = {"endog": np.ones((60, 6, 2)), "instruments": np.ones((60, 6, 1))}
    panel_refused("as many instruments", spatial_2sls, y, x, w, **few)


def eight_moments(cities, cov="cluster"):
    """2 x, 2 W x and 4 of W^2 x, W^3 x."""
    w = knn(cities, 3)
    y, x = draw(w, t=8, rng=np.random.default_rng(4), **TRUTH)
    return spatial_2sls(y, x, w, cov=cov)


@pytest.mark.parametrize(("cities", "cov"), [(9, "cluster"), (8, "homoskedastic")])
def test_statistics_of_the_fewest_cities_are_not_negative_and_fewer_are_refused(cities, cov):
    """The covariance summed over so few cities is singular: its inverse gives any J, even a negative one."""
    fit = eight_moments(cities, cov)
    assert fit.hansen.statistic >= 0
    assert min(stage.kp_f for stage in fit.first_stages) >= 0
    panel_refused("8 instruments and regressors with 8 cities", eight_moments, 8)
