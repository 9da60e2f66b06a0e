"""Identities of transformation, log-determinant and likelihood, with and without factors of I - rho W."""

import numpy as np
import pytest
import scipy.sparse as sp
from checks import gradient, panel_refused, ring
from scipy.ndimage import maximum_filter
from spec_worlds import draw, inverse_distance, knn

from python_models.regression import average_effects, fit_panel, logdet, matrix_free, spatial_weights
from python_models.regression.convention import convention
from python_models.regression.design import make_design
from python_models.regression.estimators import Estimator
from python_models.regression.likelihood import Likelihood, Moments, fit_term
from python_models.regression.logdet import EigenLogDet, NodesLogDet, QuadratureLogDet, log_determinant
from python_models.regression.matrix_free import bicgstab, exact_traces
from python_models.regression.multiplier import multiplier
from python_models.regression.weights import SOLVERS
from python_models.regression.within import within
from python_models.space.spectrum import symmetric_twin

GRID = (-0.95, -0.5, 0.0, 0.3, 0.6, 0.97)


def likelihood(y, x, weights, **request) -> Likelihood:
    n, t = y.shape
    conv = convention(n=n, t=t, W=weights, **request)
    lagged = tuple(range(x.shape[2])) if conv.has_wx else ()
    design = make_design(y, x, weights, conv, names=[f"x{j}" for j in range(x.shape[2])], lagged=lagged)
    est = Estimator.of(design, conv, weights)
    return Likelihood.of(Moments.of(design.ys, est.slopes), conv, log_determinant(weights))


@pytest.mark.parametrize(
    ("effects", "axes"), [("twoways", (0, 1)), ("entity", (1,)), ("time", (0,)), ("none", ((0, 1),))]
)
def test_demeaned_values_have_zero_means_and_demeaning_twice_changes_nothing(effects, axes):
    values = np.random.default_rng(1).standard_normal((12, 5, 3)) + 7.0
    once = within(values, effects)
    assert all(np.abs(once.mean(axis=axis)).max() < 1e-13 for axis in axes)
    assert np.abs(within(once, effects) - once).max() < 1e-13
    assert np.abs(values[0, 0] - once[0, 0]).min() > 0.1
    w, j = knn(50).matrix.toarray(), np.eye(50) - 1.0 / 50
    assert np.abs(j @ w - j @ w @ j).max() < 1e-12  # demeaning commutes with a row-normalised W


@pytest.mark.parametrize(
    ("weights", "method"),
    [
        (knn(60), log_determinant),
        (spatial_weights(ring(80)), log_determinant),
        (inverse_distance(80), log_determinant),
        (knn(150), NodesLogDet),
        (inverse_distance(60), NodesLogDet),
        (spatial_weights(ring(130)), NodesLogDet),
    ],
    ids=["eigen", "symmetric", "dense symmetric", "sparse nodes", "dense nodes", "ring nodes"],
)
def test_log_determinant_and_its_derivatives_are_those_of_the_matrix(weights, method):
    w, n, ld = weights.matrix.toarray(), weights.n, method(weights)
    for r in GRID:
        f, f1, f2 = (float(v) for v in ld.derivatives(r))
        s = np.eye(n) - r * w
        g = w @ np.linalg.inv(s)
        assert f == pytest.approx(np.linalg.slogdet(s)[1], abs=1e-8)
        assert -f1 == pytest.approx(np.trace(g), rel=1e-9, abs=1e-9)
        assert -f2 == pytest.approx((g * g.T).sum(), rel=1e-8)
        assert float(ld.coarse(np.array([r]))[0]) == pytest.approx(f, abs=0.03 * n)
    assert float(ld.derivatives(0.0)[0]) == pytest.approx(0.0, abs=1e-11)


def test_the_lower_end_of_the_range_is_the_smallest_real_eigenvalue():
    weights = inverse_distance(60)
    w, nodes = weights.matrix.toarray(), NodesLogDet(weights)
    low = 1.0 / np.linalg.eigvals(w).real.min()
    assert nodes.low == -1.0
    assert (log_determinant(weights).low, nodes.wide.low) == pytest.approx((low, low), rel=1e-9)
    below = 0.5 * (nodes.wide.low - 1.0)
    assert float(nodes.derivatives(below)[0]) == pytest.approx(np.linalg.slogdet(np.eye(60) - below * w)[1], abs=1e-8)
    assert float(nodes.derivatives(0.4)[0]) == float(NodesLogDet(weights).derivatives(0.4)[0])


def test_a_general_w_has_the_inverse_of_its_largest_eigenvalue_as_upper_end():
    base = knn(150).matrix
    weights = spatial_weights(base.multiply(sp.csr_matrix(np.linspace(0.5, 2.0, 150)[:, None])))
    radius = np.abs(np.linalg.eigvals(weights.matrix.toarray())).max()
    nodes = NodesLogDet(weights)
    assert not weights.is_row_normalised
    assert nodes.high == pytest.approx(1.0 / radius, rel=1e-8)
    r = 0.6 / radius
    exact = np.linalg.slogdet(np.eye(150) - r * weights.matrix.toarray())[1]
    assert float(nodes.derivatives(r)[0]) == pytest.approx(exact, abs=1e-8)


def test_a_symmetric_twin_exists_only_for_weights_that_are_similar_to_symmetric_ones():
    dense = inverse_distance(30)
    twin = symmetric_twin(dense.matrix)
    assert twin is not None
    assert np.abs(twin - twin.T).max() < 1e-14
    mine = np.sort(np.linalg.eigvalsh(twin))
    assert np.abs(mine - np.sort(np.linalg.eigvals(dense.matrix.toarray()).real)).max() < 1e-10
    assert symmetric_twin(knn(30).matrix) is None
    assert isinstance(log_determinant(dense), EigenLogDet)


def test_the_log_determinant_is_made_once_for_the_content_of_w_and_no_fit_depends_on_another():
    w = knn(150, seed=9)
    again = spatial_weights(w.matrix.toarray())
    assert again.key == w.key
    assert log_determinant(again) is log_determinant(w)
    assert log_determinant(knn(150, seed=8)) is not log_determinant(w)
    y, x = draw(w, t=5, rng=np.random.default_rng(3), rho=0.4, theta=(0.3, 0.2))
    first, *_, last = (fit_panel(y, x, w, model=model) for model in ("sdm", "sac", "sem", "sar", "sdm"))
    assert np.array_equal(first.params, last.params)
    assert np.array_equal(first.cov, last.cov)


@pytest.mark.parametrize("estimator", ["direct", "elhorst", "lee_yu", "transformed_dummies"])
@pytest.mark.parametrize("effects", ["none", "entity", "time", "twoways"])
def test_at_zero_the_spatial_likelihoods_are_those_of_least_squares(estimator, effects):
    w, request = knn(40), {"effects": effects, "estimator": estimator}
    y, x = draw(w, t=5, rng=np.random.default_rng(5), rho=0.3, theta=(0.3, 0.2))
    for plain, models in (("ols", ("sar", "sem", "sac")), ("slx", ("sdm", "sdem"))):
        loglik = fit_panel(y, x, w, model=plain, **request).loglik
        for model in models:
            assert likelihood(y, x, w, model=model, **request).value(0.0, 0.0) == pytest.approx(loglik, abs=1e-8)
    if effects == "entity":  # without year effects both transformations are one
        a, b = (fit_panel(y, x, w, effects=effects, estimator=e) for e in ("lee_yu", "transformed_dummies"))
        assert np.array_equal(a.params, b.params)
        assert a.loglik == b.loglik


@pytest.mark.parametrize("model", ["sar", "sem", "sdm", "sdem"])
@pytest.mark.parametrize("n", [60, 150])
def test_maximum_is_that_of_a_fine_grid_and_lies_inside_the_range(model, n):
    w = knn(n)
    y, x = draw(w, t=5, rng=np.random.default_rng(6), rho=0.5, theta=(0.3, 0.2))
    fit = fit_panel(y, x, w, model=model)
    best = fit.rho if model in ("sar", "sdm") else fit.lam
    surface = likelihood(y, x, w, model=model, effects="twoways", estimator="lee_yu")
    is_rho = surface.conv.has_rho
    grid = np.arange(best - 0.3, best + 0.3, 1e-4)
    pair = (grid, np.zeros_like(grid)) if is_rho else (np.zeros_like(grid), grid)
    values = fit_term(surface.conv.n_rows, surface.moments.profile(*pair).ssr) + surface.jacobian(grid, not is_rho)[0]
    assert abs(grid[int(np.argmax(values))] - best) <= 1e-4
    assert fit.loglik >= values.max() - 1e-9
    assert fit.optimum.low < best < fit.optimum.high
    assert abs(fit.optimum.start[0] - best) < 0.05
    assert abs(surface.gradient(fit.rho, fit.lam)[0 if is_rho else 1]) < 1e-6


def test_gradient_of_the_sac_likelihood_is_its_derivative_and_vanishes_at_the_maximum():
    w = knn(60)
    y, x = draw(w, t=6, rng=np.random.default_rng(7), rho=0.3, lam=0.4)
    surface = likelihood(y, x, w, model="sac", effects="twoways", estimator="lee_yu")
    for at in ((0.2, 0.5), (-0.4, 0.1), (0.6, -0.3)):
        slope = gradient(lambda p: surface.value(*p), np.array(at))
        assert surface.gradient(*at) == pytest.approx(slope, rel=1e-5, abs=1e-4)
    fit = fit_panel(y, x, w, model="sac")
    assert np.abs(surface.gradient(fit.rho, fit.lam)).max() < 1e-5
    assert fit.loglik >= max(fit_panel(y, x, w, model=m).loglik for m in ("sar", "sem"))
    assert fit.optimum.modes >= 1


def test_sac_takes_the_higher_of_two_modes():
    """With much lag and no error dependence the mirrored solution (rho, lam swapped) is a second local maximum."""
    w = knn(80)
    y, x = draw(w, t=8, rng=np.random.default_rng(8), rho=0.7, beta=(0.1, -0.1))
    surface = likelihood(y, x, w, model="sac", effects="twoways", estimator="lee_yu")
    fit, grid = fit_panel(y, x, w, model="sac"), np.linspace(-0.9, 0.95, 38)
    values = np.array([[surface.value(a, b) for b in grid] for a in grid])
    is_top = values == maximum_filter(values, size=3)
    assert is_top[1:-1, 1:-1].sum() == fit.optimum.modes == 2
    assert fit.loglik > values.max()


RHOS = (-0.7, 0.2, 0.6, 0.9)


def grid(side):
    """Row-normalised neighbours with a common side."""
    line = sp.diags([1.0, 1.0], [-1, 1], shape=(side, side))
    both = sp.csr_matrix(sp.kronsum(line, line))
    return spatial_weights(sp.diags(1.0 / np.asarray(both.sum(axis=1)).ravel()) @ both)


def cut(weights):
    """Rows that do not sum to one, one of them empty."""
    matrix = weights.matrix.toarray()
    matrix[3] = 0.0
    matrix[7] *= 0.5
    return spatial_weights(matrix, islands="keep")


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("world", [knn(90), grid(10), inverse_distance(40), cut(knn(60))])
def test_every_solver_gives_the_dense_numbers(world, solver):
    w = spatial_weights(world, solver=solver)
    full, one = w.matrix.toarray(), np.eye(w.n)
    b = np.random.default_rng(3).normal(size=(w.n, 2))
    for r in RHOS:
        s = one - r * full
        g = multiplier(w, log_determinant(w), r)
        exact = full @ np.linalg.inv(s)
        assert g.factor.logdet == pytest.approx(np.linalg.slogdet(s)[1], abs=1e-6)
        assert (g.g1, g.g2) == pytest.approx((np.trace(exact), np.trace(exact @ exact)), abs=1e-5, rel=1e-6)
        assert np.abs(g.factor.solve(b) - np.linalg.solve(s, b)).max() < 1e-9
        assert np.abs(g.factor.solve(b, transposed=True) - np.linalg.solve(s.T, b)).max() < 1e-9
        assert g.diagonal(is_centred=False) == pytest.approx(np.diag(exact), abs=1e-6)


@pytest.mark.parametrize("model", ["sar", "sem", "sac"])
def test_fits_agree_by_any_solver(model):
    w = knn(100)
    y, x = draw(w, t=5, rng=np.random.default_rng(1), rho=0.4)
    fits = [fit_panel(y, x, spatial_weights(w, solver=s), model=model) for s in SOLVERS]
    for fit in fits[1:]:
        assert fit.params == pytest.approx(fits[0].params, abs=1e-6)
        assert fit.cov == pytest.approx(fits[0].cov, rel=1e-4, abs=1e-9)
        assert average_effects(fit).se == pytest.approx(average_effects(fits[0]).se, rel=1e-4)
    assert "Arnoldi" in fits[-1].logdet_method


@pytest.mark.parametrize("weights", [knn(900), grid(30)])
def test_bounds_of_the_log_determinant_hold(weights):
    free = log_determinant(spatial_weights(weights, solver="matrix_free"))
    exact = log_determinant(spatial_weights(weights, solver="sparse"))
    assert isinstance(free, QuadratureLogDet)
    for r in RHOS:
        off = np.abs(np.array(free.derivatives(r)[:2]) - np.array(exact.derivatives(r)[:2]))
        assert (off <= free.error(r) + 1e-6).all(), r
        assert not exact.error(r).any()
    assert free.error(0.2)[0] < 1e-7 * weights.n < free.error(0.9)[0]  # it says so where probes leave noise


def test_noise_of_probes_is_small_beside_the_errors_of_the_estimates():
    w = knn(500)
    y, x = draw(w, t=6, rng=np.random.default_rng(2), rho=0.5)
    exact, free = (fit_panel(y, x, spatial_weights(w, solver=s), model="sdm") for s in ("sparse", "matrix_free"))
    se = np.sqrt(np.diag(exact.cov))
    assert 0.0 == exact.logdet_noise < free.logdet_noise < 0.05
    assert (np.abs(free.params - exact.params) <= free.logdet_noise * se + 1e-9).all()


def test_exact_traces_are_those_of_powers(monkeypatch):
    monkeypatch.setattr(matrix_free, "BLOCK_CELLS", 500)  # several blocks of rows
    w = knn(70).matrix
    dense = w.toarray()
    assert exact_traces(w) == pytest.approx(
        [np.trace(np.linalg.matrix_power(dense, j)) for j in range(1, 7)], abs=1e-10
    )


def test_solves_reach_their_tolerance_or_say_so(monkeypatch):
    w = knn(200).matrix
    assert bicgstab(w, 0.95, np.zeros(200))[1] == 0
    b = np.random.default_rng(1).normal(size=200)
    x, steps = bicgstab(w, 0.95, b)
    assert np.abs(x - 0.95 * (w @ x) - b).max() < 1e-10
    assert 10 < steps < 200
    monkeypatch.setattr(matrix_free, "MAX_STEPS", 3)
    panel_refused("could not be solved in 3 steps: take solver='sparse'", bicgstab, w, 0.95, b)


def test_size_or_name_choose_the_solver(monkeypatch):
    w = knn(130, seed=21)
    assert "LU" in log_determinant(w).method
    assert "eigenvalues" in log_determinant(spatial_weights(w, solver="eigenvalues")).method
    assert log_determinant(spatial_weights(w, solver="dense")).method.startswith("dense LU")
    monkeypatch.setattr(logdet, "FREE_FROM", 100)
    assert "Arnoldi" in log_determinant(knn(130, seed=22)).method
    panel_refused("solver must be one of", spatial_weights, w, solver="cholesky")
