"""Dynamic models by likelihood and by GMM: identities, other programs' numbers, known truth."""

import numpy as np
import pytest
from checks import panel_refused
from golden import cases
from scipy.linalg import null_space
from scipy.optimize import minimize_scalar
from spec_worlds import draw_dynamic, inverse_distance, knn

from python_models.regression import dynamic
from python_models.regression.dynamic import _effects, dynamic_effects, fit_dynamic
from python_models.regression.dynamic_gmm import Stacked, dynamic_gmm, fit_gmm, independent
from python_models.regression.multiplier import spectrum
from python_models.regression.weights import spatial_weights
from python_models.regression.within import within
from tests.random_graph import random_knn_weights

TRUTH = {"tau": 0.4, "eta": -0.1, "rho": 0.3}


@pytest.fixture(scope="module")
def fitted():
    w = knn(60)
    y, x = draw_dynamic(w, t=8, rng=np.random.default_rng(1), **TRUTH)
    return w, y, x, fit_dynamic(y, x, w, names=["pr"])


@pytest.mark.parametrize("w", [knn(30), inverse_distance(30)], ids=["knn", "invd"])
def test_traces_of_functions_of_w_equal_those_of_explicit_matrices(w):
    n, rho, tau, eta = 30, 0.35, 0.4, -0.1
    j, dense, one = np.eye(n) - 1 / n, w.matrix.toarray(), np.eye(n)
    s = np.linalg.inv(one - rho * dense)
    a, g = s @ (tau * one + eta * dense), dense @ s
    m = np.linalg.inv(one - a) @ s
    sp = spectrum(w)
    assert sp.star(lambda v: 1 / (1 - tau - (rho + eta) * v)) * (n - 1) == pytest.approx(np.trace(j @ m), rel=1e-9)
    assert sp.gram_star(rho) * (n - 1) == pytest.approx(np.trace(j @ g @ j @ (j @ g @ j).T), rel=1e-9)
    assert sp.radius(tau, eta, rho) == pytest.approx(np.abs(np.linalg.eigvals(a)).max(), rel=1e-9)
    assert sp.log_det(rho)[0] == pytest.approx(np.linalg.slogdet(one - rho * dense)[1] - np.log(1 - rho), rel=1e-9)


def test_many_cities_have_traces_by_quadrature_close_to_the_exact_ones():
    w, rho = knn(400), 0.4
    graphs = [spatial_weights(w, solver=s) for s in ("eigenvalues", "matrix_free")]
    exact, free = map(spectrum, graphs)
    for trace, rel in (
        (lambda s: s.star(lambda v: v / (1 - rho * v)), 1e-4),
        (lambda s: s.log_det(rho)[0], 1e-4),
        (lambda s: s.gram_star(rho), 1e-6),
        (lambda s: s.mean(1 / (1 - rho * s.omega)), 1e-5),
    ):
        assert trace(free) == pytest.approx(trace(exact), rel=rel)
    y, x = draw_dynamic(w, t=5, rng=np.random.default_rng(1), **TRUTH)
    one, two = (fit_dynamic(y, x, graph) for graph in graphs)
    se = np.sqrt(np.diag(one.best.cov))
    assert np.abs((two.best.params - one.best.params) / se).max() < 0.02
    assert np.sqrt(np.diag(two.best.cov)) == pytest.approx(se, rel=1e-3)
    assert dynamic_effects(two).point == pytest.approx(dynamic_effects(one).point, rel=1e-3)


def test_units_and_effects_do_not_matter(fitted):
    w, y, x, fit = fitted
    rng, unit = np.random.default_rng(2), np.array([1, 1, 10, 10, 1, 25])
    shift = rng.standard_normal((60, 1, 1)) + rng.standard_normal((1, 9, 1))
    shifted = fit_dynamic(y, x + shift, w)
    scaled = fit_dynamic(5.0 * y, x / 2.0, w)
    for kind, estimate in fit.estimates.items():
        own = scaled.estimates[kind]
        np.testing.assert_allclose(shifted.estimates[kind].params, estimate.params, atol=1e-7)
        np.testing.assert_allclose(own.params, estimate.params * unit, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(own.cov, estimate.cov * np.outer(unit, unit), rtol=1e-5, atol=1e-8)


def test_correction_moves_tau_up_and_variance_up(fitted):
    *_, fit = fitted
    assert (fit.headline, set(fit.estimates)) == ("adjusted_score", {"none", "bias_corrected", "adjusted_score"})
    raw, corrected, root = (fit.estimates[kind] for kind in ("none", "bias_corrected", "adjusted_score"))
    assert raw.tau < corrected.tau
    assert raw.sigma2 * 8 / 7 == pytest.approx(corrected.sigma2, rel=1e-12)
    assert abs(root.tau - corrected.tau) < 0.05


def test_maximum_is_that_of_the_likelihood_of_n_less_one_rows_a_year(fitted):
    w, y, x, fit = fitted
    raw, links, basis = fit.estimates["none"], w.matrix.toarray(), null_space(np.ones((1, 60)))
    rows, small = basis.T @ within(y[:, 1:], "entity"), basis.T @ links @ basis
    before, now = y[:, :-1], x[:, 1:, 0]
    terms = [within(a, "entity") for a in (before, links @ before, now, links @ now)]
    z = np.stack([basis.T @ a for a in terms], axis=2).reshape(-1, 4)

    def likelihood(rho):
        left = (rows - rho * small @ rows).reshape(-1)
        s2 = np.square(left - z @ np.linalg.lstsq(z, left)[0]).mean()
        log_det = np.linalg.slogdet(np.eye(59) - rho * small)[1]
        return -len(left) / 2 * (np.log(2 * np.pi * s2) + 1) + rows.shape[1] * log_det, s2

    best = minimize_scalar(lambda rho: -likelihood(rho)[0], bounds=(-0.9, 0.9), options={"xatol": 1e-10}).x
    assert raw.rho == pytest.approx(best, abs=1e-6)
    assert (fit.loglik, raw.sigma2) == pytest.approx(likelihood(raw.rho), rel=1e-10)


def test_headline_without_a_root_is_the_corrected_maximum(fitted, monkeypatch):
    w, y, x, _ = fitted
    monkeypatch.setattr(dynamic, "adjusted_score", lambda *_, **__: None)
    without = fit_dynamic(y, x, w)
    assert without.headline == "bias_corrected"
    assert "no stable root" in without.note


def test_effects_equal_those_of_explicit_matrices(fitted):
    w, *_, fit = fitted
    one, dense = np.eye(60), w.matrix.toarray()
    tau, eta, beta, theta, rho = fit.best.params[:5]
    point = dynamic_effects(fit).to_frame().set_index(["horizon", "effect"])["point"]
    for horizon, matrix in (("short", one - rho * dense), ("long", (1 - tau) * one - (rho + eta) * dense)):
        s = np.linalg.inv(matrix) @ (beta * one + theta * dense)
        direct, total = np.trace(s) / 60, s.sum() / 60
        own = point[horizon][["direct", "total", "indirect"]].tolist()
        assert own == pytest.approx([direct, total, total - direct], rel=1e-9)
    assert point["long", "total"] == pytest.approx((beta + theta) / (1 - tau - rho - eta), rel=1e-10)


def test_delta_errors_agree_with_draws_of_the_estimate(fitted):
    *_, fit = fitted
    delta, best = dynamic_effects(fit), fit.best
    drawn = np.random.default_rng(5).multivariate_normal(best.params, best.cov, size=1000, method="eigh")
    values = np.concatenate([_effects(fit, part) for part in np.array_split(drawn, 5)])
    np.testing.assert_allclose(values.std(axis=0)[:, 0], delta.se[:, 0], rtol=0.12)
    assert np.all((delta.lo < delta.point) & (delta.point < delta.hi))


def draw_uneven(w, *, t, rng, tau=0.4, eta=-0.1, rho=0.2, spread=0.6):
    """As `draw_dynamic`, but cities whose x moves most also have the largest errors, and x is an AR(0.7)."""
    n, links = w.n, w.matrix.toarray()
    multiplier, mu = np.linalg.inv(np.eye(n) - rho * links), rng.standard_normal(n)
    size = np.exp(spread * rng.standard_normal(n))
    x, y, xs, ys = np.zeros(n), np.zeros(n), [], []
    for year in range(-30, t + 1):
        x = 0.7 * x + 0.7 * size * rng.standard_normal(n)
        shock = size * rng.standard_normal(n) + rng.standard_normal()
        y = multiplier @ (tau * y + eta * links @ y + x + 0.3 * links @ x + mu + shock)
        if year >= 0:
            xs.append(x)
            ys.append(y)
    return np.array(ys).T, np.array(xs).T[:, :, None]


def test_clustered_errors_are_the_sandwich_written_out():
    """Cities one by one: residuals freed of their own pull, forms in e by the pairs of cities."""
    w, n, t = knn(14, 3), 14, 5
    y, x = draw_dynamic(w, t=t, rng=np.random.default_rng(11), tau=0.3, eta=0.0, rho=0.2)
    best, links = fit_dynamic(y, x, w).estimates["none"], w.matrix.toarray()
    before, now, here = y[:, :-1], y[:, 1:], x[:, 1:, 0]
    z = within(np.stack([before, links @ before, here, links @ here], axis=2), "twoways")
    rho, s2 = best.rho, best.sigma2
    wy = within(links @ now, "twoways")
    e = within(now, "twoways") - z @ best.params[:4] - rho * wy
    j, g = np.eye(n) - 1 / n, links @ np.linalg.inv(np.eye(n) - rho * links)
    b = j @ (g + g.T) @ j / 2
    every = np.concatenate([z, (wy - j @ g @ e)[:, :, None]], axis=2)
    flat = every.reshape(n * t, 5)
    bread, meat = np.linalg.inv(flat.T @ flat), np.zeros((6, 6))
    for i in range(n):
        free = np.linalg.solve(np.eye(t) - every[i] @ bread @ every[i].T, e[i])
        own = np.append(every[i].T @ free / s2, (e[i] @ e[i] - (e**2).mean() * t) / (2 * s2**2))
        own[4] += b[i, i] * (e[i] @ e[i] - s2 * t) / s2
        meat += np.outer(own, own)
        meat[4, 4] += 2 * sum(b[i, k] * (e[i] @ e[k]) / s2 for k in range(n) if k != i) ** 2
    np.testing.assert_allclose(best.cov, best.cov_info @ meat @ best.cov_info, rtol=1e-8, atol=1e-14)


def test_clustered_errors_are_those_of_the_information_only_where_its_premises_hold():
    """Mean errors of 6 panels, N = 100: within 15 % of each other on even errors; uneven ones need 1.4 times more."""
    w, rng = knn(100), np.random.default_rng(12)

    def ratio(draw, **options):
        fits = [fit_dynamic(*draw(w, t=8, rng=rng, **options), w).best for _ in range(6)]
        se = np.array([[np.sqrt(np.diag(c)) for c in (f.cov, f.cov_info)] for f in fits]).mean(axis=0)
        return se[0] / se[1]

    assert np.all(np.abs(ratio(draw_dynamic, **TRUTH)[:5] - 1.0) < 0.15)
    assert (ratio(draw_uneven)[[0, 2]] > 1.4).all()


def test_bad_input_is_refused_in_words(fitted):
    w, y, x, _ = fitted
    holed, constant = x.copy(), np.repeat(x[:, :1], 9, axis=1)
    holed[2, 3] = np.nan
    panel_refused("four years", fit_dynamic, y[:, :3], x[:, :3], w)
    panel_refused("row-normalised", fit_dynamic, y, x, w.matrix * 0.7)
    panel_refused("missing", fit_dynamic, y, holed, w)
    panel_refused("no variation left", fit_dynamic, y, constant, w)


def _recover(n, t, truth, repeats, seed):
    """kind -> its estimates; the adjusted score has none where it has no root."""
    w, rng = knn(n, 6, seed=seed), np.random.default_rng(seed)
    fits = [fit_dynamic(*draw_dynamic(w, t=t, rng=rng, **truth), w) for _ in range(repeats)]
    kinds = "none", "bias_corrected", "adjusted_score"
    return {kind: np.array([f.estimates[kind].params for f in fits if kind in f.estimates]) for kind in kinds}


def test_small_recovery():
    """20 panels, N = 80, T = 8: the corrected tau is nearer to .4 than the uncorrected one, which is below .35."""
    found = _recover(80, 8, TRUTH, 20, 6)
    assert found["none"][:, 0].mean() < 0.35
    assert abs(found["bias_corrected"][:, 0].mean() - 0.4) < 0.035


@pytest.mark.slow
def test_recovery_by_the_adjusted_score_for_a_persistent_series():
    """100 panels, N = 150, T = 10, tau = .7: mean within .02 and a root in at least four of five panels."""
    found = _recover(150, 10, {"tau": 0.7, "eta": -0.1, "rho": 0.2}, 100, 8)
    assert abs(found["adjusted_score"][:, 0].mean() - 0.7) < 0.02
    assert len(found["adjusted_score"]) >= 80
    assert found["none"][:, 0].mean() < 0.62


@pytest.mark.slow
@pytest.mark.parametrize("tau", [0.4, 0.7])
def test_intervals_by_city_cover_the_truth_where_those_of_the_information_do_not(tau):
    """200 panels, N = 120, T = 8, errors tied to the spread of x, nominal 95 %: tau and the direct effect."""
    w, rng, inside = knn(120, seed=2), np.random.default_rng(13), []
    for _ in range(200):
        best = fit_dynamic(*draw_uneven(w, t=8, rng=rng, tau=tau), w).best
        gap = np.abs(best.params - [tau, -0.1, 1.0, 0.3, 0.2, np.inf])
        inside.append([gap < 1.96 * np.sqrt(np.diag(cov)) for cov in (best.cov, best.cov_info)])
    by_city, information = np.mean(inside, axis=0)[:, [0, 2, 3, 4]]
    assert np.all(by_city >= 0.91), by_city
    assert information[1] <= 0.8, information  # the slope of x, whose spread goes with the errors


def panel(seed, *, n=120, years=8, feedback=0.0):
    """y, x (N, T + 1, 1), W; with `feedback` a shock to y moves x of the same year: x is endogenous."""
    rng = np.random.default_rng(seed)
    w = random_knn_weights(n, 5, rng=np.random.default_rng(7))
    s = np.linalg.inv(np.eye(n) - 0.3 * w)
    mu, burn = rng.normal(size=n), 30
    y, x, ys, xs = np.zeros(n), np.zeros(n), [], []
    for year in range(burn + years):
        e = rng.normal(size=n)
        x = 0.6 * x + 0.3 * mu + rng.normal(size=n) + feedback * e
        y = s @ (0.4 * y - 0.1 * w @ y + x + 0.3 * w @ x + mu + 0.2 * np.sin(year) + e)
        if year >= burn:
            ys.append(y)
            xs.append(x)
    return np.array(ys).T, np.array(xs).T[:, :, None], w


def stacked(seed=0, *, n=60, rows=4, k=2, m=5):
    rng = np.random.default_rng(seed)
    z, noise = rng.normal(size=(n, rows, m)), rng.normal(size=(n, rows))
    x = np.einsum("nrm,mk->nrk", z, rng.normal(size=(m, k))) + noise[:, :, None]
    return Stacked(x @ np.arange(1.0, k + 1) + noise, x, z, np.eye(rows), rows)


@pytest.mark.parametrize("case", ["difference, x endogenous", "difference, x exogenous", "system, x endogenous"])
def test_numbers_are_those_of_another_program(case):
    told, endogenous = cases.expected("dynamic_gmm")[case], (0,) if case.endswith("endogenous") else ()
    found = dynamic_gmm(*panel(3, feedback=0.5), kind=case.split(",")[0], endogenous=endogenous)
    assert found.params == pytest.approx(told["coef"], abs=2e-9)
    assert [found.gmm.hansen.statistic, found.gmm.hansen.df] == pytest.approx(told["hansen"], abs=1e-9)
    assert found.gmm.n_instruments == told["instruments"]
    if "se" in told:
        assert found.std_errors == pytest.approx(told["se"], abs=2e-9)
        assert [test.statistic for test in found.gmm.ar] == pytest.approx(told["ar"], abs=1e-9)


def test_one_step_is_two_stage_least_squares_and_exactly_identified_is_instrumental_variables():
    for data in (stacked(), stacked(m=2)):
        x, z, y = data.x.reshape(-1, 2), data.z.reshape(-1, data.z.shape[2]), data.y.ravel()
        hat, found = z @ np.linalg.lstsq(z, x, rcond=None)[0], fit_gmm(data)
        assert found.one_step == pytest.approx(np.linalg.solve(hat.T @ x, hat.T @ y), abs=1e-10)
    # exactly identified: nothing to weigh, nothing to correct
    assert found.params == pytest.approx(np.linalg.solve(z.T @ x, z.T @ y), abs=1e-10)
    assert found.cov == pytest.approx(found.cov_plain, abs=1e-12)
    assert np.isnan(found.hansen.p)


def test_serial_correlation_shows_and_short_and_long_run_effects_follow():
    found = dynamic_gmm(*panel(2, n=200, years=11))
    first, second = found.gmm.ar
    assert first.p < 0.001
    assert second.p > 0.01
    assert found.sigma2 == pytest.approx(1.0, abs=0.15)
    tau, eta, beta, theta, rho = found.params
    effects = dynamic_effects(found.as_dynamic()).to_frame().set_index(["horizon", "effect"])
    total = effects["point"].xs("total", level="effect")
    told = {"short": (beta + theta) / (1 - rho), "long": (beta + theta) / (1 - tau - eta - rho)}
    assert total.to_dict() == pytest.approx(told)
    assert (effects["se"] > 0).all()
    row = found.diagnostics().iloc[0]
    assert (row["endogenous"], row["rho"]) == ("y_lag, W:y_lag, W:y", found.params[-1])
    assert row["n_instruments"] == found.gmm.n_instruments == len(found.instruments)


def test_a_repeated_instrument_is_dropped_and_named_reasons_are_given():
    columns = np.random.default_rng(0).normal(size=(50, 3))
    assert independent(np.column_stack([columns, columns[:, 0], np.zeros(50)])).tolist() == [True] * 3 + [False] * 2
    panel_refused("fewer instruments than cities", dynamic_gmm, *panel(0, n=20), endogenous=(0,))
    y, x, w = panel(0)
    panel_refused("needs 5 years", dynamic_gmm, y[:, :4], x[:, :4], w)
    panel_refused("max_lag must be 2", dynamic_gmm, y, x, w, max_lag=1)
    panel_refused("kind must be", dynamic_gmm, y, x, w, kind="level")
    panel_refused("endogenous must name", dynamic_gmm, y, x, w, endogenous=(4,))
    y[3, 2] = np.nan
    panel_refused("missing", dynamic_gmm, y, x, w)
