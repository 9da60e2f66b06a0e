"""S(rho) = I - rho W: factors for solves, and f(rho) = ln|S(rho)| with f' and f'' from eigenvalues, LU factors or
quadrature.

With G = W S^-1:  tr G = -f'(rho),  tr G^2 = -f''(rho),  tr S^-1 = n + rho tr G.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from python_models._types import ArrayLike, FloatArray
from python_models.regression.matrix_free import KrylovFactor, KrylovSystem, measure
from python_models.regression.weights import SpatialWeights
from python_models.space.spectrum import (
    ComplexArray,
    eigenvalues,
    smallest_real,
    spectral_radius,
    symmetric_eigenvalues,
    symmetric_twin,
)

DENSE_FROM = 0.1  # share of nonzero cells from which a dense factorisation is cheaper
SMALL = 120  # n up to which eigenvalues of any W cost less than a dozen sparse factors
SMALL_SYMMETRIC = 300  # the same for a W that is similar to a symmetric matrix
DENSE_EIGEN = 400  # dense W, general eigenvalues
DENSE_SYMMETRIC = 6000  # dense W, symmetric eigenvalues
FREE_FROM = 100_000  # sparse W: factors fill up beyond
SPACING, HALF_WIDTH = 0.15, 0.15  # tiles in s: distance of centres, and half width (they overlap by half)
NODES, MORE_NODES, TAIL = 12, 24, 1e-12  # the last coefficient must be below TAIL n
POWERS, PROBES_SEED = 40, 20_100
CELLS = 200_000  # values of rho times eigenvalues held at once
KEPT = 8  # weight matrices whose log-determinants are remembered


@dataclass(frozen=True, eq=False)
class SparseFactor:
    """Sparse LU of the symmetrically permuted system."""

    lu: Any
    order: NDArray[np.intp]

    @property
    def logdet(self) -> float:
        """The determinant is positive in the feasible range."""
        return float(np.log(np.abs(self.lu.U.diagonal())).sum())

    def solve(self, b: FloatArray, *, transposed: bool = False) -> FloatArray:
        out = np.empty_like(b)
        out[self.order] = self.lu.solve(b[self.order], "T" if transposed else "N")
        return out


@dataclass(frozen=True, eq=False)
class DenseFactor:
    """LAPACK's LU of the full matrix."""

    lu: FloatArray
    pivots: NDArray[np.intp]

    @property
    def logdet(self) -> float:
        return float(np.log(np.abs(np.diagonal(self.lu))).sum())

    def solve(self, b: FloatArray, *, transposed: bool = False) -> FloatArray:
        factors = (self.lu, self.pivots)
        return np.asarray(scipy.linalg.lu_solve(factors, b, trans=1 if transposed else 0, check_finite=False))


type Factor = SparseFactor | DenseFactor | KrylovFactor  # of S(rho): ln|S| as `logdet`, S^-1 b and S'^-1 b by `solve`


class SparseSystem:
    """Factors of I - rho W for many rho: the fill-reducing order is found once, from W + W', so it serves both
    triangles. A row-normalised W with |rho| < 1 is strictly diagonally dominant and needs no pivoting."""

    def __init__(self, weights: SpatialWeights) -> None:
        self._n = weights.n
        self._threshold = 0.0 if weights.is_row_normalised else 0.1
        scale = 1.0 if weights.is_row_normalised else max(float(abs(weights.matrix).sum(axis=1).max()), 1e-300)
        whole = sp.csc_matrix(sp.identity(self._n, format="csc") - 0.5 / scale * weights.matrix)
        first = self._superlu(whole, "MMD_AT_PLUS_A")
        self._order: NDArray[np.intp] = np.argsort(first.perm_c).astype(np.intp)
        pattern = sp.csc_matrix(weights.matrix[self._order][:, self._order] + sp.identity(self._n, format="csr"))
        pattern.sort_indices()
        self._pattern = pattern
        columns = np.repeat(np.arange(self._n), np.diff(pattern.indptr))
        self._ones = (pattern.indices == columns).astype(np.float64)
        self._data = pattern.data - self._ones

    def factor(self, rho: float) -> SparseFactor:
        matrix = copy(self._pattern)  # shares the places, without another check of them
        matrix.data = self._ones - rho * self._data
        return SparseFactor(self._superlu(matrix, "NATURAL"), self._order)

    def _superlu(self, matrix: sp.csc_matrix, order: Literal["NATURAL", "MMD_AT_PLUS_A"]) -> Any:
        # columns one by one: a third faster than in panels at 2,850 and at 40,000 units, whose factors stay sparse
        return splu(
            matrix, permc_spec=order, diag_pivot_thresh=self._threshold, panel_size=1, options={"SymmetricMode": True}
        )


class DenseSystem:
    """Factors of I - rho W for a W with few zeros."""

    def __init__(self, weights: SpatialWeights) -> None:
        self._weights = weights

    def factor(self, rho: float) -> DenseFactor:
        matrix = self._weights.matrix.toarray(order="F")
        matrix *= -rho
        matrix.flat[:: len(matrix) + 1] += 1.0
        lu, pivots = scipy.linalg.lu_factor(matrix, overwrite_a=True, check_finite=False)
        return DenseFactor(np.asarray(lu), np.asarray(pivots, dtype=np.intp))


def is_dense(weights: SpatialWeights) -> bool:
    """Whether W is factored as a dense matrix: by its name, or by its share of nonzero cells."""
    return weights.solver == "dense" or (weights.solver != "sparse" and weights.density > DENSE_FROM)


def system(weights: SpatialWeights) -> SparseSystem | DenseSystem:
    return DenseSystem(weights) if is_dense(weights) else SparseSystem(weights)


class LogDet(ABC):
    """f, its derivatives and its feasible range (low, high)."""

    method: str
    low: float
    high: float

    def __init__(self, weights: SpatialWeights) -> None:
        self._weights = weights

    @cached_property
    def system(self) -> SparseSystem | DenseSystem | KrylovSystem:
        """The factoring machine of this W."""
        return system(self._weights)

    def coarse(self, rho: FloatArray) -> FloatArray:
        """f to about 1e-3 n, for a first look at the whole range."""
        return self.derivatives(rho)[0]

    @abstractmethod
    def derivatives(self, rho: ArrayLike, *, near: float | None = None) -> tuple[FloatArray, FloatArray, FloatArray]:
        """f, f', f'' with the shape of rho; `near` names a point whose interpolant serves wherever it reaches."""

    @property
    def wide(self) -> LogDet:
        """The same with the exact lower end 1 / omega_min, where `low` is only a bound."""
        return self

    def error(self, rho: float) -> FloatArray:
        """Bounds of the errors of f and f' at rho (2,): zero but for the matrix-free one."""
        return np.zeros(2)


class EigenLogDet(LogDet):
    """f(rho) = sum of Re ln(1 - rho omega_i) (complex eigenvalues come in pairs)."""

    def __init__(self, weights: SpatialWeights, values: ComplexArray, *, is_symmetric: bool) -> None:
        super().__init__(weights)
        self._values = values
        self.method = "eigenvalues (symmetric)" if is_symmetric else "eigenvalues"
        real = values.real[np.abs(values.imag) <= 1e-12]
        radius = float(np.abs(values).max())
        self.high = 1.0 / float(real.max()) if len(real) and real.max() > 0 else 1.0 / radius
        self.low = 1.0 / float(real.min()) if len(real) and real.min() < -1e-12 else -1.0 / radius

    def derivatives(self, rho: ArrayLike, *, near: float | None = None) -> tuple[FloatArray, FloatArray, FloatArray]:
        points = np.asarray(rho, dtype=np.float64)
        flat = points.ravel()
        out = np.empty((3, len(flat)))
        step = max(1, CELLS // len(self._values))
        for start in range(0, len(flat), step):
            part = slice(start, start + step)
            rest = 1.0 - flat[part, None] * self._values
            ratio = self._values / rest
            out[0, part] = np.log(np.abs(rest)).sum(axis=1)
            out[1, part] = -ratio.real.sum(axis=1)
            out[2, part] = -(ratio * ratio).real.sum(axis=1)
        f, f1, f2 = out.reshape(3, *points.shape)
        return f, f1, f2


class _Tile(NamedTuple):
    """Chebyshev coefficients of f and of its first two derivatives on one tile, in x = (s - centre) / HALF_WIDTH."""

    f: FloatArray
    f1: FloatArray
    f2: FloatArray


class NodesLogDet(LogDet):
    """f from LU factors at Chebyshev nodes, tile by tile.

    rho = mid + half tanh(s) maps the feasible range to the line: the logarithmic poles of f go to infinity, so f is
    smooth in s at one scale. A tile, at a fixed place, is factored when it is first needed and kept, so results do not
    depend on what was fitted before. A coarse f from traces of powers (Barry and Pace 1999) tells which tile is needed.
    """

    def __init__(self, weights: SpatialWeights) -> None:
        super().__init__(weights)
        self._wide: NodesLogDet | None = None
        self._tiles: dict[int, _Tile] = {}
        self._traces: FloatArray | None = None
        kind = "dense" if is_dense(weights) else "sparse"
        self.method = f"{kind} LU at {NODES} Chebyshev nodes a tile"
        self._radius = _radius(weights)
        self.high = 1.0 / self._radius
        self.low = -self.high
        self._mid, self._half = 0.0, self.high

    @property
    def wide(self) -> NodesLogDet:
        """Its own object, as its tiles follow its range: what is fitted here leaves other fits untouched."""
        if self._wide is None:
            wide = NodesLogDet(self._weights)
            wide._wide, wide.system, wide._traces = wide, self.system, self._traces
            wide.low = min(self.low, 1.0 / min(smallest_real(self._weights.matrix), -1e-12))
            wide._mid, wide._half = (wide.low + wide.high) / 2.0, (wide.high - wide.low) / 2.0
            self._wide = wide
        return self._wide

    def coarse(self, rho: FloatArray) -> FloatArray:
        """-sum_j rho^j tr(W^j) / j, j <= 40, traces from seeded probes (the first two exact); the root 1 exact."""
        if self._traces is None:
            self._traces = _power_traces(self._weights, self._radius)
        scaled = np.asarray(rho, dtype=np.float64) * self._radius
        inside = np.clip(scaled, -1.0, 1.0)
        powers = np.arange(1, POWERS + 1)
        rest = -(inside[..., None] ** powers * ((self._traces - 1.0) / powers)).sum(axis=-1)
        return np.asarray(rest + np.log1p(-np.minimum(scaled, 1.0 - 1e-15)))

    def derivatives(self, rho: ArrayLike, *, near: float | None = None) -> tuple[FloatArray, FloatArray, FloatArray]:
        points = np.asarray(rho, dtype=np.float64)
        if (points <= self.low).any() and self._wide is not self:
            return self.wide.derivatives(points, near=near)
        t = (points.ravel() - self._mid) / self._half
        s = np.arctanh(t)
        index = np.rint(s / SPACING).astype(int)
        if near is not None:
            home = int(np.rint(np.arctanh((near - self._mid) / self._half) / SPACING))
            index[np.abs(s - home * SPACING) <= HALF_WIDTH] = home
        out = np.empty((3, len(s)))
        for i in np.unique(index):
            at = index == i
            x = (s[at] - i * SPACING) / HALF_WIDTH
            out[:, at] = [chebyshev.chebval(x, c) for c in self._tile(int(i))]
        slope = 1.0 / (self._half * (1.0 - t * t))  # ds / drho
        bend = 2.0 * t * slope * slope  # d2s / drho2
        f, f1, f2 = out
        shape = points.shape
        return f.reshape(shape), (f1 * slope).reshape(shape), (f2 * slope * slope + f1 * bend).reshape(shape)

    def _tile(self, index: int) -> _Tile:
        if index not in self._tiles:
            f = self._coefficients(index, NODES)
            if abs(f[-1]) > TAIL * self._weights.n:  # eigenvalues far from the real line
                f = self._coefficients(index, MORE_NODES)
            f1: FloatArray = np.asarray(chebyshev.chebder(f), dtype=np.float64) / HALF_WIDTH
            f2: FloatArray = np.asarray(chebyshev.chebder(f1), dtype=np.float64) / HALF_WIDTH
            self._tiles[index] = _Tile(f, f1, f2)
        return self._tiles[index]

    def _coefficients(self, index: int, nodes: int) -> FloatArray:
        angle = (np.arange(nodes) + 0.5) * np.pi / nodes
        s = index * SPACING + HALF_WIDTH * np.cos(angle)
        rho = self._mid + self._half * np.tanh(s)
        f = np.array([self.system.factor(float(r)).logdet for r in rho])
        coefficients: FloatArray = 2.0 / nodes * np.cos(np.outer(np.arange(nodes), angle)) @ f
        coefficients[0] /= 2.0
        return coefficients


class QuadratureLogDet(LogDet):
    """f from a `Measure`: no factors, memory of some forty vectors. `low` is -high, not the exact lower end."""

    def __init__(self, weights: SpatialWeights, radius: float) -> None:
        super().__init__(weights)
        self._full, self._rough = measure(weights)
        self.system = KrylovSystem(weights, lambda rho: float(self.derivatives(rho)[0]))
        self.high = 1.0 / radius
        self.low = -self.high
        probes, steps = self._full.nodes.shape
        self.method = f"Arnoldi quadrature, {probes} probes of {steps} steps"

    def derivatives(self, rho: ArrayLike, *, near: float | None = None) -> tuple[FloatArray, FloatArray, FloatArray]:
        points = np.asarray(rho, dtype=np.float64)
        flat = points.ravel()
        out = self._full.derivatives(flat).mean(axis=1)
        if self._full.one:
            rest = 1.0 - flat
            out += np.stack([np.log(rest), -1.0 / rest, -1.0 / (rest * rest)])
        f, f1, f2 = out.reshape(3, *points.shape)
        return f, f1, f2

    def error(self, rho: float) -> FloatArray:
        """Three standard errors of the probes, and the change by the last steps."""
        at = np.array([rho])
        full, rough = self._full.derivatives(at)[:2, :, 0], self._rough.derivatives(at)[:2, :, 0]
        change = np.abs(full.mean(axis=1) - rough.mean(axis=1))
        if self._full.is_exact:
            return np.asarray(change)
        return np.asarray(3.0 * full.std(axis=1, ddof=1) / np.sqrt(full.shape[1]) + change)


_remembered: OrderedDict[tuple[str, str | None], LogDet] = OrderedDict()


def log_determinant(weights: SpatialWeights) -> LogDet:
    """The log-determinant of this W, made once for each weight hash: all models and runs share it.

    Eigenvalues for n <= 120 (<= 300 if W is similar to a symmetric matrix), for a dense W up to n = 400 (6,000); LU
    factors with an interpolant up to n = 100,000; matrix-free beyond; or what `solver` of W names: eigenvalues, dense
    or sparse (factors), matrix_free.
    """
    key = weights.key, weights.solver
    if key not in _remembered:
        _remembered[key] = _make(weights)
        if len(_remembered) > KEPT:
            _remembered.popitem(last=False)
    _remembered.move_to_end(key)
    return _remembered[key]


def forget() -> None:
    """Drop every remembered log-determinant (for timings)."""
    _remembered.clear()


def _make(weights: SpatialWeights) -> LogDet:
    dense, solver = is_dense(weights), weights.solver
    if solver == "matrix_free" or (solver is None and not dense and weights.n > FREE_FROM):
        return QuadratureLogDet(weights, _radius(weights))
    if solver in ("dense", "sparse"):
        return NodesLogDet(weights)
    if solver == "eigenvalues" or weights.n <= (DENSE_SYMMETRIC if dense else SMALL_SYMMETRIC):
        twin = symmetric_twin(weights.matrix)
        if twin is not None:
            return EigenLogDet(weights, symmetric_eigenvalues(twin), is_symmetric=True)
    if solver == "eigenvalues" or weights.n <= (DENSE_EIGEN if dense else SMALL):
        return EigenLogDet(weights, eigenvalues(weights.matrix), is_symmetric=False)
    return NodesLogDet(weights)


def _radius(weights: SpatialWeights) -> float:
    is_unit = weights.is_row_normalised or weights.has_unit_or_no_rows
    return 1.0 if is_unit else spectral_radius(weights.matrix)


def _power_traces(weights: SpatialWeights, radius: float) -> FloatArray:
    """tr((W / radius)^j), j = 1..40; few probes suffice, as only the neighbourhood of the optimum is sought."""
    n, matrix = weights.n, weights.matrix
    probes = int(np.clip(8192 // n, 4, 16))
    v = np.random.default_rng(PROBES_SEED).choice(np.array([-1.0, 1.0]), size=(n, probes))
    traces, power = np.empty(POWERS), v
    for j in range(POWERS):
        power = np.asarray(matrix @ power) / radius
        traces[j] = (v * power).sum() / probes
    traces[0] = matrix.diagonal().sum() / radius
    traces[1] = float((matrix.multiply(matrix.T)).sum()) / radius**2
    return traces
