"""I - rho W without factors: the same numbers as with them, and bounds that hold."""

import numpy as np
import pytest
import scipy.sparse as sp
from spec_worlds import draw, inverse_distance, knn

from python_models.regression import PanelInputError, average_effects, fit_panel, logdet, matrix_free, spatial_weights
from python_models.regression.logdet import QuadratureLogDet, log_determinant
from python_models.regression.matrix_free import bicgstab, exact_traces
from python_models.regression.multiplier import multiplier
from python_models.regression.weights import SOLVERS

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
    b = np.random.default_rng(1).normal(size=(200, 3))
    b[:, 1] = 0.0
    x, steps = bicgstab(w, 0.95, b)
    assert np.abs(x - 0.95 * (w @ x) - b).max() < 1e-10
    assert 10 < steps < 200
    monkeypatch.setattr(matrix_free, "MAX_STEPS", 3)
    with pytest.raises(PanelInputError, match="could not be solved in 3 steps: take solver='sparse'"):
        bicgstab(w, 0.95, b)


def test_size_or_name_choose_the_solver(monkeypatch):
    w = knn(130, seed=21)
    assert "LU" in log_determinant(w).method
    assert "eigenvalues" in log_determinant(spatial_weights(w, solver="eigenvalues")).method
    assert log_determinant(spatial_weights(w, solver="dense")).method.startswith("dense LU")
    monkeypatch.setattr(logdet, "FREE_FROM", 100)
    assert "Arnoldi" in log_determinant(knn(130, seed=22)).method
    with pytest.raises(PanelInputError, match="solver must be one of"):
        spatial_weights(w, solver="cholesky")
