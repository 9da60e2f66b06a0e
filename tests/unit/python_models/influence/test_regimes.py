"""Two spatial regimes: identities, recovery, invariances, degenerate cases."""

import numpy as np
import pytest
from checks import gradient, panel_refused

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
    ld = shared(100)
    for s in (np.array([0.5, 0.2]), np.array([1.7, -0.9])):
        tile, rho = ld.tile_of(s), np.tanh(s)
        f, slope, hessian = ld.derivatives(s, tile)
        full = np.eye(100) - np.where(ld.is_first[:, None], *rho) * weights(100)
        assert f == pytest.approx(np.linalg.slogdet(full)[1], abs=1e-9)
        assert slope == pytest.approx(gradient(lambda p, tile=tile: ld.derivatives(p, tile)[0], s, 1e-5), abs=1e-5)
        assert hessian == pytest.approx(gradient(lambda p, tile=tile: ld.derivatives(p, tile)[1], s, 1e-5), abs=1e-4)


def concentrated(e, logdet):
    """Log-likelihood of residuals (N, T) at their own variance."""
    m = e.size
    return -m / 2 * (np.log(2 * np.pi) + 1 - np.log(m) + np.log((e**2).sum())) + logdet


def test_equal_rho_is_the_likelihood_of_the_plain_direct_model():
    """At its own rho in both regimes the two-regime likelihood is that of the plain SDM, and its maximum is above."""
    y, x, w, first = drawn((0.5, 0.2))
    plain = fit_panel(y, x[:, :, None], w, estimator="direct")
    logdet = RegimeLogDet(spatial_weights(w), first).exact(np.array([plain.rho] * 2))
    assert concentrated(plain.residuals, y.shape[1] * logdet) == pytest.approx(plain.loglik, abs=1e-8)
    assert two_regime(y, x, w, first).loglik > plain.loglik


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
    fit, (n, t) = two_regime(y, x, w, first), y.shape
    dummies = np.kron(np.eye(n), np.ones((t, 1))), np.kron(np.ones((n, 1)), np.eye(t))
    z = np.column_stack([x.ravel(), (w @ x).ravel(), *dummies])

    def likelihood(rho):
        s = np.eye(n) - np.where(first[:, None], *rho) * w
        target = (s @ y).ravel()
        return concentrated(target - z @ np.linalg.lstsq(z, target, rcond=None)[0], t * np.linalg.slogdet(s)[1])

    top = likelihood(fit.maximum[-3:-1])
    assert top == pytest.approx(fit.loglik, abs=1e-7)
    for move in ([0.01, 0], [-0.01, 0], [0, 0.01], [0, -0.01], [0.3, -0.3], [-0.5, 0.5]):
        assert likelihood(fit.maximum[-3:-1] + move) < top


def replications(rho, count, n=100, years=8, draws=20):
    ld = shared(n)
    worlds = (drawn(rho, n=n, years=years, seed=seed) for seed in range(count))
    return [two_regime(*w, draws=draws, rng=np.random.default_rng(i), logdet=ld) for i, w in enumerate(worlds)]


def test_truth_is_recovered_in_the_mean_and_the_correction_helps():
    fits = replications((0.5, 0.2), 40)
    raw, corrected = np.array([f.maximum[-3:-1] for f in fits]), np.array([f.rho for f in fits])
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


def test_neither_units_nor_constants_of_cities_matter_and_those_of_years_only_with_years_by_regime():
    """S (y + c_t 1) = S y + (1 - rho_regime) c_t: a year effect of each regime, which a common one does not take."""
    y, x, w, first = drawn((0.5, 0.2))
    one, scaled = two_regime(y, x, w, first), two_regime(10 * y, 2 * x, w, first)
    moved = two_regime(y + np.linspace(0, 50, len(y))[:, None], x, w, first)
    for other in (scaled, moved):
        assert other.rho == pytest.approx(one.rho, abs=1e-7)
    assert scaled.params[:2] == pytest.approx(5 * one.params[:2], abs=1e-6)
    shifted = y + 3 * np.arange(y.shape[1])
    by_regime = [two_regime(v, x, w, first, years="by_regime").rho for v in (y, shifted)]
    assert by_regime[0] == pytest.approx(by_regime[1], abs=1e-7)
    assert np.abs(two_regime(shifted, x, w, first).rho - one.rho).max() > 0.05


def at(fit, params):
    """The fit with other parameters."""
    return type(fit)(**{**vars(fit), "params": params})


def test_effects_are_those_of_the_plain_model_when_rho_is_equal():
    """S of two equal regimes is S of the plain model: group means weighted by size are its average effects."""
    y, x, w, first = drawn((0.3, 0.3))
    fit = two_regime(y, x, w, first)
    plain = fit_panel(y, x[:, :, None], w, estimator="direct")
    merged = np.concatenate([plain.params[:2], [plain.rho, plain.rho], [plain.sigma2]])
    table = at(fit, merged).effects().pivot(index="regime", columns="effect", values="point")
    share = first.mean()
    expected = average_effects(plain, method="delta").point[0]
    mean = share * table.loc["first"] + (1 - share) * table.loc["second"]
    assert mean[["direct", "indirect", "total"]].to_numpy() == pytest.approx(expected, abs=1e-9)


def test_delta_errors_follow_the_gradient_and_the_bootstrap_is_seeded():
    world = drawn((0.5, 0.2), n=40)
    fit = two_regime(*world)
    slope = gradient(lambda p: at(fit, np.append(p, fit.params[4:])).effects()["point"], fit.params[:4])
    expected = np.sqrt(np.einsum("ji,jk,ki->i", slope, fit.cov[:4, :4], slope))
    assert fit.effects()["se"].to_numpy() == pytest.approx(expected, rel=1e-5)
    one, two = (two_regime(*world, draws=9, rng=np.random.default_rng(1)).draws for _ in (0, 1))
    assert (one == two).all()
    assert one.shape == (9, len(fit.names))


def test_bad_input_is_said_in_words():
    y, x, w, first = drawn((0.5, 0.2), n=40)
    panel_refused("at least three", two_regime, y, x, w, np.arange(40) < 2)
    panel_refused("sum to one", two_regime, y, x, 2 * w, first)
    panel_refused("needs `rng`", two_regime, y, x, w, first, draws=5)
    panel_refused("absorbed", two_regime, y, np.repeat(x[:, :1], x.shape[1], axis=1), w, first)
    y[3, 2] = np.nan
    panel_refused(r"missing or infinite value at \(3, 2\)", two_regime, y, x, w, first)


@pytest.mark.slow
@pytest.mark.parametrize(("rho", "count"), [((0.5, 0.2), 100), ((0.3, 0.3), 300)])
def test_recovery_and_size_at_the_scale_of_the_study(rho, count):
    """N = 280: means within .03 of the truth; equal rho: test size 3-8 %."""
    fits = replications(rho, count, n=280, years=10, draws=30)
    for values in ([f.maximum[-3:-1] for f in fits], [f.rho for f in fits]):
        assert np.abs(np.mean(values, axis=0) - rho).max() < 0.03
    assert rho[0] != rho[1] or 0.03 <= np.mean([f.equal_rho()[1] < 0.05 for f in fits]) <= 0.08
