"""Interactive effects: 2SLS without factors, dense projections by hand, segments, refusals."""

import numpy as np
import pytest
from checks import panel_refused
from spec_worlds import draw, knn

from python_models.regression import average_effects, by_segment, city_effects, spatial_weights
from python_models.regression.interactive import interactive_iv
from python_models.regression.iv import spatial_2sls
from python_models.regression.within import within

RHO, BETA, THETA = 0.4, (0.5, -0.3), (0.3, 0.2)


def world(seed, w, t=10, together=0.3, k=2):
    """y, x with a factor of the years, of sd 2, in the first x and in the errors; their loadings go together."""
    rng = np.random.default_rng([seed, 7])
    y, x = draw(w, t=t, rng=rng, rho=RHO, beta=BETA[:k], theta=THETA[:k], scale=2.0)
    f, (a, b) = 2.0 * rng.standard_normal(t), rng.standard_normal((2, w.n, 1))
    in_y = (together * a + np.sqrt(1.0 - together**2) * b) * f
    in_x = np.concatenate([a * f[None, :]] + [np.zeros((w.n, t))] * (k - 1)).reshape(k, w.n, t).transpose(1, 2, 0)
    more = in_x @ np.array(BETA[:k]) + w.lag(np.ascontiguousarray(in_x)) @ np.array(THETA[:k]) + in_y
    return y + np.linalg.solve(np.eye(w.n) - RHO * w.matrix.toarray(), more), x + in_x


RAW = spatial_weights(np.linspace(0.6, 1.0, 60)[:, None] * knn(60).matrix.toarray())


@pytest.mark.parametrize("durbin", [None, (0,), ()])
@pytest.mark.parametrize("weights", [knn(60), RAW], ids=["knn", "rows of other sums"])
def test_without_factors_it_is_2sls_with_the_same_instruments(durbin, weights):
    y, x = draw(knn(60), t=6, rng=np.random.default_rng(1), rho=0.2, theta=(0.3, 0.2), scale=3.0)
    ours = interactive_iv(y, x, weights, durbin=durbin, max_factors=0)
    theirs = spatial_2sls(y, x, weights, durbin=durbin, w_lags=2)
    assert ours.names == (*theirs.names, "sigma2")
    np.testing.assert_allclose(ours.params[:-1], theirs.params, rtol=1e-8)
    np.testing.assert_allclose(ours.cov[:-1, :-1], theirs.cov, rtol=1e-7, atol=1e-12)
    assert ours.sigma2 == pytest.approx(theirs.sigma2, rel=1e-9)
    assert (ours.hansen.df, ours.n_factors) == (theirs.hansen.df, (0, 0))
    assert ours.hansen.statistic == pytest.approx(theirs.hansen.statistic, rel=1e-6)


def test_where_the_data_have_no_factor_none_is_taken_out():
    w = knn(120)
    y, x = draw(w, t=10, rng=np.random.default_rng(2), rho=0.4, theta=(0.3, 0.2), scale=3.0)
    fit = interactive_iv(y, x, w)
    assert fit.n_factors == (0, 0)
    np.testing.assert_allclose(fit.params[:-1], spatial_2sls(y, x, w, w_lags=2).params, rtol=1e-8)


def by_hand(y, x, w, r, s):
    """Every matrix written out: cities one after the other, r factors of x and s of the errors."""
    (n, t, k), dense = x.shape, w.matrix.toarray()
    demean = np.kron(np.eye(n) - 1 / n, np.eye(t) - 1 / t)
    lag, flat = np.kron(dense, np.eye(t)), x.reshape(n * t, k)
    c = demean @ np.column_stack([flat, lag @ flat, lag @ y.ravel()])
    q = demean @ np.column_stack([flat, lag @ flat, lag @ lag @ flat])
    target, own = demean @ y.ravel(), demean @ flat
    stacked = np.hstack([(own[:, j] / own[:, j].std()).reshape(n, t).T for j in range(k)])

    def off(columns, count):
        f = np.linalg.svd(columns)[0][:, :count]
        return np.kron(np.eye(n), np.eye(t) - f @ np.linalg.inv(f.T @ f) @ f.T)

    q = off(stacked, r) @ q
    fitted = q @ np.linalg.lstsq(q, c, rcond=None)[0]
    first = np.linalg.lstsq(fitted, target, rcond=None)[0]
    m = off((target - c @ first).reshape(n, t).T, s)
    q, c, target = m @ q, m @ c, m @ target
    fitted = q @ np.linalg.lstsq(q, c, rcond=None)[0]
    second = np.linalg.lstsq(fitted, target, rcond=None)[0]
    e = target - c @ second
    scores = [fitted[i * t : (i + 1) * t].T @ e[i * t : (i + 1) * t] for i in range(n)]
    bread = np.linalg.inv(fitted.T @ fitted)
    return second, bread @ sum(np.outer(g, g) for g in scores) @ bread * n / (n - 1)


def test_estimates_and_errors_by_hand_with_dense_projections():
    w = knn(40)
    y, x = world(1, w, t=8)
    fit = interactive_iv(y, x, w)
    assert fit.n_factors == (1, 1)
    params, cov = by_hand(y, x, w, 1, 1)
    np.testing.assert_allclose(fit.params[:-1], params, rtol=1e-7)
    np.testing.assert_allclose(fit.cov[:-1, :-1], cov, rtol=1e-6, atol=1e-12)
    assert fit.to_frame()["term"].tolist() == ["x1", "x2", "W:x1", "W:x2", "rho"]
    assert fit.influence.T @ fit.influence == pytest.approx(fit.cov)


def test_effects_are_those_of_the_estimates():
    w = knn(40)
    fit = interactive_iv(*world(1, w, t=8), w)
    own = np.linalg.solve(np.eye(40) - fit.rho * w.matrix, fit.params[0] * np.eye(40) + fit.params[2] * w.matrix)
    point = average_effects(fit).point[0]
    assert point == pytest.approx([np.trace(own) / 40, own.sum() / 40 - np.trace(own) / 40, own.sum() / 40], rel=1e-9)
    assert city_effects(fit, 0, range(40))["own"].to_numpy() == pytest.approx(np.diagonal(own), rel=1e-9)


def test_segments_are_those_of_values_less_their_means_by_segment():
    w, segments = knn(60), [0] * 6 + [1] * 4
    y, x = world(3, w)
    jump = np.random.default_rng(6).standard_normal((60, 1)) * (np.array(segments) * 5.0)
    fit = interactive_iv(by_segment(y + jump, segments), by_segment(x, segments), w)
    cut = [np.concatenate([within(part, "entity") for part in (v[:, :6], v[:, 6:])], axis=1) for v in (y + jump, x)]
    plain = interactive_iv(*cut, w)
    assert fit.n_factors == plain.n_factors == (1, 1)
    np.testing.assert_allclose(fit.params[:-1], plain.params[:-1], rtol=1e-7)
    np.testing.assert_allclose(fit.cov[:-1, :-1], plain.cov[:-1, :-1], rtol=1e-6, atol=1e-12)


def test_short_panels_take_fewer_factors_and_the_shortest_are_refused_in_words():
    w = knn(60)
    assert max(interactive_iv(*world(4, w, t=4), w).n_factors) <= 1
    y, x = world(4, w, t=3)
    panel_refused("3 years leave nothing beside a factor .* at least 4 are needed", interactive_iv, y, x, w)
    assert interactive_iv(y, x, w, max_factors=0).n_factors == (0, 0)
    panel_refused("6 instruments and regressors with 6 cities", interactive_iv, *world(4, knn(6, 3)), knn(6, 3))
    y, x = world(4, w)
    panel_refused("4 usable instruments are too few for 5 regressors", interactive_iv, y, x, w, w_lags=1)
    panel_refused("x2", interactive_iv, y, np.stack([x[..., 0]] * 2, axis=2), w)


def test_a_rho_that_the_instruments_do_not_identify_is_refused():
    w, rng = knn(30), np.random.default_rng(5)
    y, x = rng.standard_normal((30, 5)), rng.standard_normal((30, 5, 1))  # x says nothing about y
    panel_refused("lies outside its range", interactive_iv, y, x, w)
