"""Dynamic SDM: likelihood identities, invariances, recovery with bias correction and adjusted score, effects."""

import numpy as np
import pytest
from spec_worlds import draw_dynamic, inverse_distance, knn

from python_models.regression.dynamic import fit_dynamic
from python_models.regression.dynamic_effects import _effects, dynamic_effects
from python_models.regression.dynamic_traces import spectrum
from python_models.regression.errors import PanelInputError

TRUTH = {"tau": 0.4, "eta": -0.1, "rho": 0.3}


@pytest.fixture(scope="module")
def fitted():
    w = knn(60)
    y, x = draw_dynamic(w, t=8, rng=np.random.default_rng(1), **TRUTH)
    return w, y, x, fit_dynamic(y, x, w, correction="adjusted_score", names=["pr"])


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


def test_scores_of_the_likelihood_vanish_at_its_maximum(fitted):
    _, _, _, fit = fitted
    best = fit.estimates["none"]
    frame = fit.to_frame().query("kind == 'none'")
    assert list(frame["term"]) == ["y_lag", "W:y_lag", "pr", "W:pr", "rho", "sigma2"]
    assert fit.spectrum.bounds()[0] < best.rho < 1
    assert np.all(np.linalg.eigvalsh(best.cov) > 0)


def test_order_of_cities_units_and_effects_do_not_matter(fitted):
    w, y, x, fit = fitted
    rng = np.random.default_rng(2)
    order = rng.permutation(60)
    moved = fit_dynamic(y[order], x[order], w.matrix[order][:, order], correction="adjusted_score")
    scaled = fit_dynamic(5.0 * y, x / 2.0, w, correction="adjusted_score")
    shifted = fit_dynamic(
        y, x + rng.standard_normal((60, 1, 1)) + rng.standard_normal((1, 9, 1)), w, correction="adjusted_score"
    )
    for kind, estimate in fit.estimates.items():
        np.testing.assert_allclose(moved.estimates[kind].params, estimate.params, atol=1e-7)
        np.testing.assert_allclose(shifted.estimates[kind].params, estimate.params, atol=1e-7)
        expected = estimate.params * [1, 1, 10, 10, 1, 25]
        np.testing.assert_allclose(scaled.estimates[kind].params, expected, rtol=1e-7, atol=1e-10)


def test_correction_moves_tau_up_and_variance_up(fitted):
    *_, fit = fitted
    raw, corrected, root = (fit.estimates[kind] for kind in ("none", "bias_corrected", "adjusted_score"))
    assert raw.tau < corrected.tau
    assert raw.sigma2 * 8 / 7 == pytest.approx(corrected.sigma2, rel=1e-12)
    assert abs(root.tau - corrected.tau) < 0.05


def test_headline_is_the_adjusted_score_only_for_persistent_series():
    w = knn(60)
    y, x = draw_dynamic(w, t=8, rng=np.random.default_rng(3), tau=0.2, eta=0.0, rho=0.2)
    assert fit_dynamic(y, x, w).headline == "bias_corrected"
    y, x = draw_dynamic(w, t=8, rng=np.random.default_rng(4), tau=0.7, eta=0.0, rho=0.2)
    fit = fit_dynamic(y, x, w)
    assert fit.headline == "adjusted_score"
    assert set(fit.estimates) == {"none", "bias_corrected", "adjusted_score"}


def test_effects_equal_those_of_explicit_matrices(fitted):
    w, *_, fit = fitted
    best, one, dense = fit.best, np.eye(60), w.matrix.toarray()
    tau, eta, beta, theta, rho = best.params[:5]
    frame = dynamic_effects(fit).to_frame().set_index(["horizon", "effect"])["point"]
    for horizon, matrix in (("short", one - rho * dense), ("long", (1 - tau) * one - (rho + eta) * dense)):
        s = np.linalg.inv(matrix) @ (beta * one + theta * dense)
        assert frame[horizon, "direct"] == pytest.approx(np.trace(s) / 60, rel=1e-9)
        assert frame[horizon, "total"] == pytest.approx(s.sum() / 60, rel=1e-9)
        assert frame[horizon, "indirect"] == pytest.approx(s.sum() / 60 - np.trace(s) / 60, rel=1e-9)
    assert frame["long", "total"] == pytest.approx((beta + theta) / (1 - tau - rho - eta), rel=1e-10)


def test_without_persistence_in_the_estimate_both_horizons_agree(fitted):
    *_, fit = fitted
    best = fit.best
    params = best.params.copy()
    params[:2] = 0.0
    still = type(best)("still", params, best.cov, 0.0)
    frame = dynamic_effects(
        type(fit)(**{**fit.__dict__, "estimates": {"still": still}, "headline": "still"})
    ).to_frame()
    short, long = (frame[frame["horizon"] == h]["point"].to_numpy() for h in ("short", "long"))
    np.testing.assert_allclose(short, long, rtol=1e-12)


def test_delta_errors_agree_with_draws_of_the_estimate(fitted):
    *_, fit = fitted
    delta, best = dynamic_effects(fit), fit.best
    drawn = np.random.default_rng(5).multivariate_normal(best.params, best.cov, size=1000, method="eigh")
    values = np.concatenate([_effects(fit, part) for part in np.array_split(drawn, 5)])
    np.testing.assert_allclose(values.std(axis=0)[:, 0], delta.se[:, 0], rtol=0.12)
    assert np.all((delta.lo < delta.point) & (delta.point < delta.hi))


@pytest.mark.parametrize(
    ("change", "message"),
    [("short", "four years"), ("spectral", "row-normalised"), ("nan", "missing"), ("constant", "no variation left")],
)
def test_bad_input_is_refused_in_words(fitted, change, message):
    w, y, x, _ = fitted
    y, x, weights = y.copy(), x.copy(), w
    if change == "short":
        y, x = y[:, :3], x[:, :3]
    elif change == "spectral":
        weights = w.matrix * 0.7
    elif change == "nan":
        x[2, 3] = np.nan
    else:
        x[:] = x[:, :1]
    with pytest.raises(PanelInputError, match=message):
        fit_dynamic(y, x, weights)


def _recover(n, t, truth, repeats, seed):
    w, rng = knn(n, 6, seed=seed), np.random.default_rng(seed)
    found = {"none": [], "bias_corrected": [], "adjusted_score": []}
    for _ in range(repeats):
        fit = fit_dynamic(*draw_dynamic(w, t=t, rng=rng, **truth), w, correction="adjusted_score")
        for kind, estimate in fit.estimates.items():
            found[kind].append(estimate.params)
    return {kind: np.array(values) for kind, values in found.items()}


def test_small_recovery():
    """20 panels, N = 80, T = 8: the corrected tau is nearer to .4 than the uncorrected one, which is below .35."""
    found = _recover(80, 8, TRUTH, 20, 6)
    assert found["none"][:, 0].mean() < 0.35
    assert abs(found["bias_corrected"][:, 0].mean() - 0.4) < 0.035


@pytest.mark.slow
def test_recovery_of_the_dynamic_model():
    """300 panels, N = 200, T = 10, truth (.4, -.1, 1, .3, .3, 1)."""
    found = _recover(200, 10, TRUTH, 300, 7)
    gap = np.abs(found["bias_corrected"].mean(axis=0) - [0.4, -0.1, 1.0, 0.3, 0.3, 1.0])
    assert found["none"][:, 0].mean() < 0.35
    assert np.all(gap <= [0.01, 0.015, 0.01, 0.015, 0.015, 0.04]), gap


@pytest.mark.slow
def test_recovery_by_the_adjusted_score_for_a_persistent_series():
    """100 panels, N = 150, T = 10, tau = .7: mean within .02 and a root in at least four of five panels."""
    found = _recover(150, 10, {"tau": 0.7, "eta": -0.1, "rho": 0.2}, 100, 8)
    assert abs(found["adjusted_score"][:, 0].mean() - 0.7) < 0.02
    assert len(found["adjusted_score"]) >= 80
    assert found["none"][:, 0].mean() < 0.62
