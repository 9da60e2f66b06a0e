"""Traces of functions of W: for a row-normalised W, tr(J f(W) J) needs the eigenvalues alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from python_models._types import FloatArray
from python_models.regression.errors import PanelInputError
from python_models.regression.weights import SpatialWeights

type ComplexArray = NDArray[np.complex128]

MAX_CITIES = 4000


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues omega (n,) of a row-normalised W, and W itself (n, n) dense for tr(G'G)."""

    omega: ComplexArray
    dense: FloatArray

    @property
    def n(self) -> int:
        return len(self.omega)

    def star(self, function: Callable[[ComplexArray], ComplexArray]) -> float:
        """tr*(f(W)) = tr(J f(W) J)/(n - 1) = [sum f(omega_i) - f(1)]/(n - 1): W1 = 1, so J takes f(1) away."""
        at_one = float(function(np.ones(1, dtype=np.complex128))[0].real)
        return float(function(self.omega).sum().real - at_one) / (self.n - 1)

    def log_det(self, rho: FloatArray | float) -> FloatArray:
        """ln|I - rho W| - ln(1 - rho) for each rho."""
        grid = np.atleast_1d(np.asarray(rho, dtype=np.float64))
        values = np.log(np.abs(1.0 - grid[:, None] * self.omega[None, :])).sum(axis=1) - np.log1p(-grid)
        return np.asarray(values, dtype=np.float64)

    def bounds(self) -> tuple[float, float]:
        """The open interval of rho around zero in which I - rho W is regular."""
        real = self.omega.real[np.abs(self.omega.imag) < 1e-9]
        lowest = float(real.min(initial=0.0))
        return (1.0 / lowest if lowest < -1e-12 else -10.0), 1.0

    def gram_star(self, rho: float) -> float:
        """tr(Gs'Gs)/(n - 1), Gs = J G J, G = W (I - rho W)^-1; |G|^2 - |G'1|^2/n for a row-normalised W."""
        g = np.linalg.solve((np.eye(self.n) - rho * self.dense).T, self.dense.T).T
        columns = g.sum(axis=0)
        return float((g**2).sum() - columns @ columns / self.n) / (self.n - 1)

    def radius(self, tau: float, eta: float, rho: float) -> float:
        """Largest |eigenvalue| of A = (I - rho W)^-1 (tau I + eta W): below one the process is stable."""
        return float(np.abs((tau + eta * self.omega) / (1.0 - rho * self.omega)).max())


def spectrum(weights: SpatialWeights) -> Spectrum:
    """Eigenvalues of W; refuses a W whose rows do not sum to one, and more than 4,000 cities."""
    if not weights.is_row_normalised:
        raise PanelInputError("the dynamic model needs a row-normalised W: year effects cannot be removed otherwise.")
    if weights.n > MAX_CITIES:
        raise PanelInputError(f"{weights.n} cities are too many for the eigenvalues of W (at most {MAX_CITIES}).")
    dense = np.asarray(weights.matrix.toarray(), dtype=np.float64)
    return Spectrum(np.linalg.eigvals(dense).astype(np.complex128), dense)
