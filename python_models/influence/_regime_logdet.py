"""f(s1, s2) = ln|I - rho1 D W - rho2 (I - D) W| with rho = tanh(s), interpolated so that many panels share it.

Each tile of the plane of s is factored at a grid of Chebyshev nodes when it is first needed and kept; tiles have fixed
places, so no number depends on what was fitted before. A lattice with a spline tells where to look first.
"""

import numpy as np
import scipy.sparse as sp
from numpy.polynomial import chebyshev
from scipy.interpolate import RectBivariateSpline
from scipy.sparse.linalg import splu

from python_models._types import BoolArray, FloatArray
from python_models.regression import PanelInputError, SpatialWeights

NODES, HALF, SPACING = 14, 0.4, 0.4  # of a tile in s; a point lies in the inner half of its nearest tile
REACH, LATTICE = 2.6, 13  # first look: |rho| up to tanh(2.6) = .989
DENSE_FROM = 0.1
_DERIVATIVE = np.vstack([chebyshev.chebder(np.eye(NODES), axis=0), np.zeros((1, NODES))])


class RegimeLogDet:
    """The log-determinant of one W (N, N) and one split of the cities; D = diag(is_first), receivers."""

    def __init__(self, weights: SpatialWeights, is_first: BoolArray) -> None:
        if not weights.is_row_normalised:
            raise PanelInputError("two regimes need rows of W that sum to one: then every |rho| < 1 is stable.")
        first = is_first.astype(np.float64)
        self.weights, self.is_first = weights, is_first
        self.parts = (sp.diags_array(first) @ weights.matrix, sp.diags_array(1.0 - first) @ weights.matrix)
        self._eye = sp.eye_array(weights.n, format="csc")
        self._dense = tuple(part.toarray() for part in self.parts) if weights.density > DENSE_FROM else None
        self._tiles: dict[tuple[int, int], FloatArray] = {}
        self._spline: RectBivariateSpline | None = None

    def exact(self, rho: FloatArray) -> float:
        """f at rho (2,) by LU."""
        if self._dense is not None:
            inner = np.eye(self.weights.n) - rho[0] * self._dense[0] - rho[1] * self._dense[1]
            return float(np.linalg.slogdet(inner)[1])
        sparse = sp.csc_matrix(self._eye - rho[0] * self.parts[0] - rho[1] * self.parts[1])
        return float(np.log(np.abs(splu(sparse).U.diagonal())).sum())

    def coarse(self, s: FloatArray) -> FloatArray:
        """f on the grid s x s (m, m), from a spline through the lattice."""
        if self._spline is None:
            at = np.linspace(-REACH, REACH, LATTICE)
            self._spline = RectBivariateSpline(at, at, self._values(at, at))
        return np.asarray(self._spline(s, s))

    def derivatives(self, s: FloatArray, tile: tuple[int, int]) -> tuple[float, FloatArray, FloatArray]:
        """f, its gradient (2,) and its Hessian (2, 2) in s, from `tile`."""
        c = self._tile(tile)
        u, v = (_basis((s[j] - SPACING * tile[j]) / HALF) for j in (0, 1))
        left = u @ c
        full = left @ v.T  # [order in s1, order in s2]
        return (
            float(full[0, 0]),
            np.array([full[1, 0], full[0, 1]]) / HALF,
            np.array([[full[2, 0], full[1, 1]], [full[1, 1], full[0, 2]]]) / HALF**2,
        )

    def tile_of(self, s: FloatArray) -> tuple[int, int]:
        """The tile whose centre is nearest."""
        return int(np.rint(s[0] / SPACING)), int(np.rint(s[1] / SPACING))

    def reaches(self, s: FloatArray, tile: tuple[int, int]) -> bool:
        """True if `tile` covers s."""
        return all(abs(s[j] - SPACING * tile[j]) <= HALF for j in (0, 1))

    def _tile(self, tile: tuple[int, int]) -> FloatArray:
        if tile not in self._tiles:
            angle = (np.arange(NODES) + 0.5) * np.pi / NODES
            x = HALF * np.cos(angle)
            transform = 2.0 / NODES * np.cos(np.outer(np.arange(NODES), angle))
            transform[0] /= 2.0
            values = self._values(SPACING * tile[0] + x, SPACING * tile[1] + x)
            self._tiles[tile] = transform @ values @ transform.T
        return self._tiles[tile]

    def _values(self, s1: FloatArray, s2: FloatArray) -> FloatArray:
        return np.array([[self.exact(np.array([r1, r2])) for r2 in np.tanh(s2)] for r1 in np.tanh(s1)])


def _basis(x: float) -> FloatArray:
    """Chebyshev polynomials at x and their first two derivatives, (3, NODES)."""
    t = chebyshev.chebvander(np.array([x]), NODES - 1)[0]
    first = t @ _DERIVATIVE
    return np.stack([t, first, t @ (_DERIVATIVE @ _DERIVATIVE)])
