"""Two spatial regimes: identities, recovery, invariances, degenerate cases."""

import numpy as np
import pytest
from checks import panel_refused

from python_models.influence._regime_logdet import RegimeLogDet
from python_models.influence.regimes import two_regime
from python_models.regression import average_effects, fit_panel, spatial_weights
from python_models.simulation import random_knn_weights


def weights(n):
    return random_knn_weights(n, 5, rng=np.random.default_rng(1))


def drawn(rho, *, n=100, years=8, seed=0, theta=0.3):
    """y, x, W, first of two regimes (every fourth city); effects correlated with x."""
    rng = np.random.default_rng([5, seed])
    w, first = weights(n), np.arange(n) % 4 == 0
    city, year = rng.normal(size=(n, 1)), rng.normal(size=(1, years))
    x = rng.normal(size=(n, years)) + 0.5 * city + 0.5 * year
    mean = x + theta * w @ x + city + year + rng.normal(size=(n, years))
    return np.linalg.solve(np.eye(n) - np.where(first[:, None], *rho) * w, mean), x, w, first


def shared(n):
    return RegimeLogDet(spatial_weights(weights(n)), np.arange(n) % 4 == 0)


def test_interpolated_logdet_and_its_derivatives_are_those_of_the_matrix():
    ld, step = shared(100), 1e-5
    for s in (np.array([0.5, 0.2]), np.array([1.7, -0.9])):
        tile = ld.tile_of(s)
        f, gradient, hessian = ld.derivatives(s, tile)
        rho = np.tanh(s)
        d = ld.is_first[:, None]
        full = np.eye(100) - np.where(d, rho[0], rho[1]) * weights(100)
        assert f == pytest.approx(np.linalg.slogdet(full)[1], abs=1e-9)
        for j, e in enumerate(step * np.eye(2)):
            above, below = ld.derivatives(s + e, tile), ld.derivatives(s - e, tile)
            assert gradient[j] == pytest.approx((above[0] - below[0]) / (2 * step), abs=1e-5)
            assert hessian[j] == pytest.approx((above[1] - below[1]) / (2 * step), abs=1e-4)


def test_equal_rho_is_the_likelihood_of_the_plain_direct_model():
    """At its own rho in both regimes the two-regime likelihood is that of the plain SDM, and its maximum is above."""
    y, x, w, first = drawn((0.5, 0.2))
    plain = fit_panel(y, x[:, :, None], w, estimator="direct")
    fit = two_regime(y, x, w, first)
    n, t = y.shape
    r = plain.rho
    ld = RegimeLogDet(spatial_weights(w), first)
    e = plain.residuals
    constant = -n * t / 2 * (np.log(2 * np.pi) + 1 - np.log(n * t))
    by_hand = constant - n * t / 2 * np.log((e**2).sum()) + t * ld.exact(np.array([r, r]))
    assert by_hand == pytest.approx(plain.loglik, abs=1e-8)
    assert fit.loglik > plain.loglik


def test_no_difference_in_the_data_gives_close_estimates_and_no_rejection():
    y, x, w, first = drawn((0.3, 0.3), n=280, years=10)
    plain = fit_panel(y, x[:, :, None], w, estimator="direct")
    fit = two_regime(y, x, w, first)
    assert plain.loglik <= fit.loglik < plain.loglik + 3.84 / 2
    assert fit.rho == pytest.approx([plain.rho] * 2, abs=0.05)
    assert fit.equal_rho()[1] > 0.05


def test_maximum_has_no_higher_neighbour():
    """Any other rho, slopes fitted by least squares with the effects as dummies, has a lower likelihood."""
    y, x, w, first = drawn((0.6, 0.1), n=40, years=6)
    fit = two_regime(y, x, w, first)
    n, t = y.shape
    z = np.column_stack(
        [x.ravel(), (w @ x).ravel(), np.kron(np.eye(n), np.ones((t, 1))), np.kron(np.ones((n, 1)), np.eye(t))]
    )

    def likelihood(rho):
        s = np.eye(n) - np.where(first[:, None], *rho) * w
        target = (s @ y).ravel()
        e = target - z @ np.linalg.lstsq(z, target, rcond=None)[0]
        constant = -n * t / 2 * (np.log(2 * np.pi) + 1 - np.log(n * t))
        return constant - n * t / 2 * np.log(e @ e) + t * np.linalg.slogdet(s)[1]

    top = likelihood(fit.maximum[-3:-1])
    assert top == pytest.approx(fit.loglik, abs=1e-7)
    for move in ([0.01, 0], [-0.01, 0], [0, 0.01], [0, -0.01], [0.3, -0.3], [-0.5, 0.5]):
        assert likelihood(fit.maximum[-3:-1] + move) < top


def test_truth_is_recovered_in_the_mean_and_the_correction_helps():
    ld = shared(100)
    fits = []
    for seed in range(40):
        y, x, w, first = drawn((0.5, 0.2), seed=seed)
        fits.append(two_regime(y, x, w, first, draws=20, rng=np.random.default_rng(seed), logdet=ld))
    raw = np.array([f.maximum[-3:-1] for f in fits])
    corrected = np.array([f.rho for f in fits])
    noise = 4 * raw.std(axis=0) / np.sqrt(len(fits))
    assert (np.abs(corrected.mean(axis=0) - [0.5, 0.2]) < 0.01 + noise).all()
    assert (raw.mean(axis=0) < corrected.mean(axis=0)).all()
    assert np.mean([f.equal_rho()[1] < 0.05 for f in fits]) > 0.9


def test_names_of_the_regimes_may_be_swapped():
    y, x, w, first = drawn((0.5, 0.2))
    one, two = two_regime(y, x, w, first), two_regime(y, x, w, ~first)
    assert one.rho == pytest.approx(two.rho[::-1], abs=1e-8)
    assert one.loglik == pytest.approx(two.loglik, abs=1e-8)
    assert one.equal_rho()[0] == pytest.approx(-two.equal_rho()[0], abs=1e-7)
    a, b = (f.effects().set_index(["regime", "effect"])["point"] for f in (one, two))
    assert a["first"].to_numpy() == pytest.approx(b["second"].to_numpy(), abs=1e-8)


def test_order_of_cities_and_units_do_not_matter():
    y, x, w, first = drawn((0.5, 0.2))
    one = two_regime(y, x, w, first)
    order = np.random.default_rng(3).permutation(len(y))
    two = two_regime(10 * y[order], 2 * x[order], w[np.ix_(order, order)], first[order])
    assert two.rho == pytest.approx(one.rho, abs=1e-7)
    assert two.params[:2] == pytest.approx(5 * one.params[:2], abs=1e-6)


def test_year_constants_in_y_are_removed_only_with_years_by_regime():
    """S (y + c_t 1) = S y + (1 - rho_regime) c_t: a year effect of each regime, which a common one does not take."""
    y, x, w, first = drawn((0.5, 0.2))
    shifted = y + 3 * np.arange(y.shape[1])
    by_regime = [two_regime(v, x, w, first, years="by_regime").rho for v in (y, shifted)]
    common = [two_regime(v, x, w, first).rho for v in (y, shifted)]
    assert by_regime[0] == pytest.approx(by_regime[1], abs=1e-7)
    assert np.abs(common[0] - common[1]).max() > 0.05


def test_city_constants_in_y_are_removed():
    y, x, w, first = drawn((0.5, 0.2))
    moved = y + np.linspace(0, 50, len(y))[:, None]
    assert two_regime(moved, x, w, first).rho == pytest.approx(two_regime(y, x, w, first).rho, abs=1e-7)


def test_effects_are_those_of_the_plain_model_when_rho_is_equal():
    """S of two equal regimes is S of the plain model: group means weighted by size are its average effects."""
    y, x, w, first = drawn((0.3, 0.3))
    fit = two_regime(y, x, w, first)
    plain = fit_panel(y, x[:, :, None], w, estimator="direct")
    merged = np.concatenate([plain.params[:2], [plain.rho, plain.rho], [plain.sigma2]])
    table = (
        type(fit)(**{**vars(fit), "params": merged}).effects().pivot(index="regime", columns="effect", values="point")
    )
    share = first.mean()
    expected = average_effects(plain, method="delta").point[0]
    mean = share * table.loc["first"] + (1 - share) * table.loc["second"]
    assert mean[["direct", "indirect", "total"]].to_numpy() == pytest.approx(expected, abs=1e-9)


def test_delta_errors_follow_the_gradient():
    y, x, w, first = drawn((0.5, 0.2), n=40)
    fit = two_regime(y, x, w, first)
    at = [0, 1, 2, 3]
    step = 1e-6
    columns = []
    for j in at:
        ends = []
        for sign in (1, -1):
            params = fit.params.copy()
            params[j] += sign * step
            ends.append(type(fit)(**{**vars(fit), "params": params}).effects()["point"].to_numpy())
        columns.append((ends[0] - ends[1]) / (2 * step))
    gradient = np.stack(columns, axis=1)
    expected = np.sqrt(np.einsum("ij,jk,ik->i", gradient, fit.cov[:4, :4], gradient))
    assert fit.effects()["se"].to_numpy() == pytest.approx(expected, rel=1e-5)


def test_bootstrap_is_seeded():
    y, x, w, first = drawn((0.5, 0.2), n=40)
    one, two = (two_regime(y, x, w, first, draws=9, rng=np.random.default_rng(1)) for _ in (0, 1))
    assert (one.draws == two.draws).all()
    assert one.draws.shape == (9, len(one.names))


def test_bad_input_is_said_in_words():
    y, x, w, first = drawn((0.5, 0.2), n=40)
    panel_refused("at least three", two_regime, y, x, w, np.arange(40) < 2)
    panel_refused("sum to one", two_regime, y, x, 2 * w, first)
    panel_refused("needs `rng`", two_regime, y, x, w, first, draws=5)
    holed = y.copy()
    holed[3, 2] = np.nan
    panel_refused(r"missing or infinite value at \(3, 2\)", two_regime, holed, x, w, first)
    panel_refused("absorbed", two_regime, y, np.repeat(x[:, :1], x.shape[1], axis=1), w, first)


@pytest.mark.slow
def test_recovery_and_size_at_the_scale_of_the_study():
    """Truth (.5, .2), N = 280: means within .03; equal rho: test size 3-8 %."""
    ld, results = shared(280), {}
    for rho, count in (((0.5, 0.2), 100), ((0.3, 0.3), 300)):
        fits = []
        for seed in range(count):
            y, x, w, first = drawn(rho, n=280, years=10, seed=seed)
            fits.append(two_regime(y, x, w, first, draws=30, rng=np.random.default_rng(seed), logdet=ld))
        results[rho] = fits
    for rho, fits in results.items():
        for values in ([f.maximum[-3:-1] for f in fits], [f.rho for f in fits]):
            assert np.abs(np.mean(values, axis=0) - rho).max() < 0.03
    size = np.mean([f.equal_rho()[1] < 0.05 for f in results[(0.3, 0.3)]])
    assert 0.03 <= size <= 0.08
