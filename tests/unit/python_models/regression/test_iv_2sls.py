"""S2SLS: spreg and textbook formulas as oracles, invariances, strength of instruments, recovery."""

import libpysal
import numpy as np
import pytest
import spreg
from checks import panel_refused
from scipy import sparse, stats
from spec_worlds import draw, inverse_distance, knn

from python_models.regression import Cluster, Conley, wild_score
from python_models.regression.iv import spatial_2sls
from python_models.regression.iv_diagnostics import anderson_rubin_set, first_stages, subset_anderson_rubin
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
    stacked = sparse.kron(sparse.eye_array(t), w.matrix).tocsr()
    graph = libpysal.weights.WSP(stacked).to_W(silence_warnings=True)
    ys = within(y, "entity").T.reshape(-1, 1)
    xs = within(x, "entity").transpose(1, 0, 2).reshape(n * t, 2)
    slx = {"slx_lags": 1, "w_lags": 1} if durbin is None else {"w_lags": 2}
    theirs = spreg.GM_Lag(ys, xs, w=graph, spat_diag=False, **slx)
    ours = spatial_2sls(y, x, w, effects="entity", durbin=durbin, w_lags=2, cov="homoskedastic")
    np.testing.assert_allclose(ours.params, theirs.betas.ravel()[1:], rtol=1e-7)
    # spreg divides e'e by NT, we by N(T-1) - k
    scale = np.sqrt(n * t / (n * (t - 1) - len(ours.params)))
    np.testing.assert_allclose(ours.std_errors, np.sqrt(np.diag(theirs.vm))[1:] * scale, rtol=1e-7)


def test_order_of_cities_units_and_effects_do_not_matter(world):
    w, y, x = world
    rng = np.random.default_rng(2)
    order = rng.permutation(60)
    base = spatial_2sls(y, x, w)
    moved = spatial_2sls(y[order], x[order], w.matrix[order][:, order])
    shifted = spatial_2sls(y, x + rng.standard_normal((1, 6, 1)), w)
    scaled = spatial_2sls(4.0 * y, x, w)
    for other, scale in ((moved, 1.0), (shifted, 1.0), (scaled, np.array([4.0, 4.0, 4.0, 4.0, 1.0]))):
        np.testing.assert_allclose(other.params, base.params * scale, rtol=1e-7)
        np.testing.assert_allclose(other.std_errors, base.std_errors * scale, rtol=1e-7)
        assert other.hansen.statistic == pytest.approx(base.hansen.statistic, rel=1e-6)
        assert other.first_stages[0].kp_f == pytest.approx(base.first_stages[0].kp_f, rel=1e-6)


def test_errors_of_any_kind_meet_in_their_special_cases(world):
    w, y, x = world
    group, points = np.arange(60) % 8, np.random.default_rng(1).uniform(0, 9, (60, 2))
    by_city = spatial_2sls(y, x, w)
    assert spatial_2sls(y, x, w, cov=Cluster()).cov == pytest.approx(by_city.cov)
    assert by_city.influence.T @ by_city.influence == pytest.approx(by_city.cov)
    q, e, project = by_city.system.q, by_city.residuals, by_city.system.project
    own = (q * e.reshape(-1, 1)).reshape(60, 6, -1)
    sums = np.stack([own[group == g].sum(axis=(0, 1)) for g in range(8)])
    assert spatial_2sls(y, x, w, cov=Cluster(group)).cov == pytest.approx(8 / 7 * project @ sums.T @ sums @ project.T)
    alone = Conley(points, 1e-9, metric="euclidean", correction="none")  # nobody near, no lags: White's
    white = np.einsum("ntj,ntk->jk", own, own)
    assert spatial_2sls(y, x, w, cov=alone).cov == pytest.approx(project @ white @ project.T)
    near = np.linalg.norm(points[:, None] - points[None], axis=2) <= 2.0
    spatial = np.einsum("itj,il,ltk->jk", own, near.astype(float), own)
    uniform = Conley(points, 2.0, kernel="uniform", metric="euclidean")
    assert spatial_2sls(y, x, w, cov=uniform).cov == pytest.approx(project @ spatial @ project.T)
    both = spatial_2sls(y, x, w, cov=Cluster(group, by_time=True))
    assert np.linalg.eigvalsh(both.cov).min() > -1e-12
    wild = wild_score(by_city, "rho", groups=group)
    assert wild.is_enumerated
    alone = float(np.sqrt((project @ sums.T @ sums @ project.T)[-1, -1]))
    assert wild.t == pytest.approx(by_city.rho / alone / np.sqrt(60 / 59))
    panel_refused("one label a city", spatial_2sls, y, x, w, cov=Cluster(group[:5]))


def test_one_endogenous_regressor_makes_the_rank_statistic_the_clustered_f():
    rng = np.random.default_rng(3)
    n, t, q = 40, 5, 3
    z, x = rng.standard_normal((n * t, q)), rng.standard_normal((n * t, 1))
    d = z @ [0.5, 0.3, -0.2] + rng.standard_normal(n * t)
    stage = first_stages(x, d[:, None], z, ["d"], n=n, rows=n * t)[0]
    full = np.hstack([x, z])
    coef = np.linalg.lstsq(full, d, rcond=None)[0]
    e = d - full @ coef
    bread = np.linalg.inv(full.T @ full)
    scores = (full * e[:, None]).reshape(n, t, -1).sum(axis=1)
    cov = bread @ (scores.T @ scores * n / (n - 1)) @ bread
    wald = coef[1:] @ np.linalg.solve(cov[1:, 1:], coef[1:])
    assert stage.kp_f == pytest.approx(wald / q * (n * t - 1 - q) / (n * t), rel=1e-9)
    short = np.linalg.lstsq(x, d, rcond=None)[1][0]
    f = (short - e @ e) / q / (e @ e / (n * t - 1 - q))
    assert stage.f == pytest.approx(f, rel=1e-9)


def test_rank_statistic_falls_when_two_regressors_share_one_instrumented_direction():
    rng = np.random.default_rng(4)
    n, t = 60, 5
    z, x = rng.standard_normal((n * t, 3)), rng.standard_normal((n * t, 1))
    first = z @ [1.0, 0.5, 0.5] + rng.standard_normal(n * t)
    twin = z @ [1.0, 0.5, 0.5] + rng.standard_normal(n * t)  # strong alone, unidentified together
    other = z @ [0.5, -1.0, 1.0] + rng.standard_normal(n * t)
    weak = first_stages(x, np.column_stack([first, twin]), z, ["a", "b"], n=n, rows=n * t)
    strong = first_stages(x, np.column_stack([first, other]), z, ["a", "b"], n=n, rows=n * t)
    assert min(stage.f for stage in weak) > 50
    assert weak[0].kp_f < 5
    assert strong[0].kp_f > 50


def test_rank_statistic_does_not_depend_on_how_the_regressors_are_combined():
    rng = np.random.default_rng(15)
    n, t = 50, 4
    z, x = rng.standard_normal((n * t, 4)), rng.standard_normal((n * t, 1))
    d = z @ rng.standard_normal((4, 2)) + rng.standard_normal((n * t, 2))
    mixed = d @ np.array([[2.0, -1.0], [0.5, 3.0]])
    one, other = (first_stages(x, values, z, ["a", "b"], n=n, rows=n * t)[0].kp_f for values in (d, mixed))
    assert one == pytest.approx(other, rel=1e-8)


def test_anderson_rubin_set_holds_the_truth_and_agrees_with_its_own_test(world):
    w, y, x = world
    fit = spatial_2sls(y, x, w)
    (ar,) = fit.anderson_rubin
    assert ar.is_connected
    assert ar.lo < 0.4 < ar.hi
    assert ar.lo < fit.rho < ar.hi


def test_irrelevant_instruments_leave_the_set_unbounded():
    rng = np.random.default_rng(5)
    n, t = 50, 6
    x, z, d, e = (rng.standard_normal((n * t, k)) for k in (1, 2, 1, 1))
    ar = anderson_rubin_set((0.5 * d + e)[:, 0], x, d[:, 0], z, n=n)
    assert np.isinf(ar.lo) or np.isinf(ar.hi)
    assert "weakly identified" in ar.note


def test_subset_set_of_a_lone_regressor_ends_where_its_moments_reject():
    """With nothing to minimise out, the ends solve g'Omega^-1 g = chi2_.95(q), g and Omega summed city by city."""
    rng = np.random.default_rng(12)
    n, t, q = 40, 5, 3
    z = rng.standard_normal((n * t, q))
    d = z @ [0.4, 0.3, -0.2] + rng.standard_normal(n * t)
    y = 0.5 * d + rng.standard_normal(n * t)
    none = np.empty((n * t, 0))
    ar = subset_anderson_rubin(
        y, none, d[:, None], z, position=0, n=n, start=np.array([0.5]), scale=np.array([0.1]), bounds=(-3.0, 3.0)
    )
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


def test_a_dense_w_is_flagged_as_weak():
    w = inverse_distance(60)
    y, x = draw(w, t=6, rng=np.random.default_rng(8), rho=0.4, theta=(0.3, 0.2))
    fit = spatial_2sls(y, x, w)
    assert fit.is_weak
    assert fit.diagnostics()["first_stage_f"].iloc[0] < 10


def test_gmm_is_two_stage_least_squares_where_exactly_identified():
    w = knn(40)
    y, x = draw(w, t=6, rng=np.random.default_rng(9), beta=(1.0,), theta=(0.0,), rho=0.3, scale=3.0)
    plain = spatial_2sls(y, x, w, w_lags=2)
    efficient = spatial_2sls(y, x, w, w_lags=2, gmm=True)
    np.testing.assert_allclose(plain.params, efficient.params, rtol=1e-7)
    assert plain.hansen.df == 0
    assert np.isnan(plain.hansen.p)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"w_lags": 1}, "too few"),
        ({"cov": "robust"}, "cov must be one of"),
        ({"endog": np.ones((60, 6, 2)), "instruments": np.ones((60, 6, 1))}, "as many instruments"),
    ],
)
def test_bad_input_is_refused_in_words(world, options, message):
    w, y, x = world
    panel_refused(message, spatial_2sls, y, x, w, **options)


def eight_moments(cities, cov="cluster"):
    """2 x, 2 W x and 4 of W^2 x, W^3 x."""
    w = knn(cities, 3)
    y, x = draw(w, t=8, rng=np.random.default_rng(4), **TRUTH)
    return spatial_2sls(y, x, w, cov=cov)


def test_no_more_cities_than_moments_are_refused():
    """The covariance summed over so few cities is singular: its inverse gives any J, even a negative one."""
    panel_refused("8 instruments and regressors with 8 cities", eight_moments, 8)


@pytest.mark.parametrize(("cities", "cov"), [(9, "cluster"), (8, "homoskedastic")])
def test_statistics_of_the_fewest_cities_are_not_negative(cities, cov):
    fit = eight_moments(cities, cov)
    assert fit.hansen.statistic >= 0
    assert min(stage.kp_f for stage in fit.first_stages) >= 0


@pytest.mark.slow
def test_recovery_coverage_and_size():
    """200 panels, N = 120, T = 8: rho within .03, 95 % intervals cover 90 to 98 %, Hansen rejects in 2 to 9 %."""
    w, rng = knn(120), np.random.default_rng(10)
    rho, covered, ar, hansen = [], [], [], []
    for _ in range(200):
        fit = spatial_2sls(*draw(w, t=8, rng=rng, **TRUTH), w)
        rho.append(fit.rho)
        covered.append(abs(fit.rho - 0.4) < 1.96 * fit.std_errors[-1])
        ar.append(fit.anderson_rubin[0].lo <= 0.4 <= fit.anderson_rubin[0].hi)
        hansen.append(fit.hansen.rejects())
    assert abs(np.mean(rho) - 0.4) < 0.03
    assert 0.9 <= np.mean(covered) <= 0.98
    assert 0.9 <= np.mean(ar) <= 0.98
    assert 0.02 <= np.mean(hansen) <= 0.09
