"""Traces of functions of W: for a row-normalised W, tr(J f(W) J) needs its eigenvalues, or a quadrature of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from python_models._types import FloatArray
from python_models.regression.errors import PanelInputError
from python_models.regression.logdet import log_determinant
from python_models.regression.matrix_free import measure
from python_models.regression.multiplier import cross_trace, multiplier
from python_models.regression.spectrum import DENSE_LIMIT, eigenvalues
from python_models.regression.weights import SpatialWeights

type ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Nodes omega (K,) of a row-normalised W and how many eigenvalues each stands for: mass (K,).

    Up to 1,000 cities (or by solver='eigenvalues') all eigenvalues, each once; above them the nodes of `matrix_free`.
    """

    omega: ComplexArray
    mass: ComplexArray
    weights: SpatialWeights
    is_exact: bool

    @property
    def n(self) -> int:
        return self.weights.n

    def mean(self, values: ComplexArray) -> FloatArray:
        """tr f(W)/n from f at the nodes, on the last axis."""
        return np.asarray((self.mass * values).sum(axis=-1).real / self.n)

    def star(self, function: Callable[[ComplexArray], ComplexArray]) -> float:
        """tr*(f(W)) = tr(J f(W) J)/(n - 1) = [sum f(omega_i) - f(1)]/(n - 1): W1 = 1, so J takes f(1) away."""
        at_one = float(function(np.ones(1, dtype=np.complex128))[0].real)
        return float((self.mass * function(self.omega)).sum().real - at_one) / (self.n - 1)

    def log_det(self, rho: FloatArray | float) -> FloatArray:
        """ln|I - rho W| - ln(1 - rho) for each rho."""
        grid = np.atleast_1d(np.asarray(rho, dtype=np.float64))
        rest = 1.0 - grid[:, None] * self.omega[None, :]
        logs = np.log(np.abs(rest)) if self.is_exact else np.log(rest)
        return np.asarray((self.mass * logs).sum(axis=1).real - np.log1p(-grid), dtype=np.float64)

    def bounds(self) -> tuple[float, float]:
        """The open interval of rho around zero in which I - rho W is regular."""
        if not self.is_exact:
            return -1.0, 1.0
        real = self.omega.real[np.abs(self.omega.imag) < 1e-9]
        lowest = float(real.min(initial=0.0))
        return (1.0 / lowest if lowest < -1e-12 else -10.0), 1.0

    def gram_star(self, rho: float) -> float:
        """tr(Gs'Gs)/(n - 1), Gs = J G J, G = W (I - rho W)^-1; |G|^2 - |G'1|^2/n for a row-normalised W."""
        g = multiplier(self.weights, log_determinant(self.weights), rho)
        return (cross_trace(g, g).value - float(g.column_sums @ g.column_sums) / self.n) / (self.n - 1)

    def spread(self, values: FloatArray, rho: float) -> FloatArray:
        """G values (n, m)."""
        return self.weights.lag(log_determinant(self.weights).system.factor(rho).solve(values))

    def radius(self, tau: float, eta: float, rho: float) -> float:
        """Largest |eigenvalue| of A = (I - rho W)^-1 (tau I + eta W): below one the process is stable."""
        return float(np.abs((tau + eta * self.omega) / (1.0 - rho * self.omega)).max())


def spectrum(weights: SpatialWeights) -> Spectrum:
    """Spectrum of W, for any number of cities; PanelInputError for a W whose rows do not sum to one."""
    if not weights.is_row_normalised:
        raise PanelInputError("the dynamic model needs a row-normalised W: year effects cannot be removed otherwise.")
    if weights.solver == "eigenvalues" or (weights.solver != "matrix_free" and weights.n <= DENSE_LIMIT):
        omega = eigenvalues(weights).astype(np.complex128)
        return Spectrum(omega, np.ones(len(omega), dtype=np.complex128), weights, True)
    found, _ = measure(weights)
    omega = np.append(found.nodes.ravel(), 1.0 + 0.0j)
    return Spectrum(omega, np.append(found.mass.ravel() / len(found.mass), 1.0 + 0.0j), weights, False)
