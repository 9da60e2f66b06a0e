"""f(rho) = ln|I - rho W| with f' and f'': eigenvalues (small n), LU factors with an interpolant, or matrix-free.

With G = W (I - rho W)^-1:  tr G = -f'(rho),  tr G^2 = -f''(rho),  tr (I - rho W)^-1 = n + rho tr G.

Large n: rho = mid + half tanh(s) maps the feasible range to the line. The logarithmic poles of f at the ends of the
range go to infinity, so f is smooth in s at one scale everywhere. The line is cut into tiles at fixed places; a tile is
factored at 12 Chebyshev nodes when it is first needed and kept, so results do not depend on what was fitted before.
A coarse f from traces of powers (Barry and Pace 1999) tells which tile is needed.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.polynomial import chebyshev

from python_models._types import ArrayLike, FloatArray
from python_models.regression.matrix_free import QuadratureLogDet
from python_models.regression.spectrum import (
    eigenvalues,
    smallest_real,
    spectral_radius,
    symmetric_eigenvalues,
    symmetric_twin,
)
from python_models.regression.systems import System, is_dense, system
from python_models.regression.weights import SpatialWeights

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


class LogDet(Protocol):
    """f, its derivatives and its feasible range."""

    method: str
    low: float
    high: float

    @property
    def system(self) -> System:
        """The factoring machine of this W."""

    def coarse(self, rho: FloatArray) -> FloatArray:
        """f to about 1e-3 n, for a first look at the whole range."""

    def derivatives(self, rho: ArrayLike, *, near: float | None = None) -> tuple[FloatArray, FloatArray, FloatArray]:
        """f, f', f'' at rho; `near` names a point whose interpolant serves wherever it reaches."""

    @property
    def wide(self) -> LogDet:
        """The same with the exact lower end 1 / omega_min, where `low` is only a bound."""

    def error(self, rho: float) -> FloatArray:
        """Bounds of the errors of f and f' at rho (2,): zero but for the matrix-free one."""


class EigenLogDet:
    """f(rho) = sum of Re ln(1 - rho omega_i) (complex eigenvalues come in pairs)."""

    def __init__(self, weights: SpatialWeights, values: FloatArray, *, is_symmetric: bool) -> None:
        self._weights, self._values = weights, values
        self._system: System | None = None
        self.method = "eigenvalues (symmetric)" if is_symmetric else "eigenvalues"
        real = values.real[np.abs(values.imag) <= 1e-12]
        radius = float(np.abs(values).max())
        self.high = 1.0 / float(real.max()) if len(real) and real.max() > 0 else 1.0 / radius
        self.low = 1.0 / float(real.min()) if len(real) and real.min() < -1e-12 else -1.0 / radius

    @property
    def system(self) -> System:
        """Made when first needed."""
        if self._system is None:
            self._system = system(self._weights)
        return self._system

    def coarse(self, rho: FloatArray) -> FloatArray:
        """Exact here."""
        return self.derivatives(rho)[0]

    def derivatives(self, rho: ArrayLike, *, near: float | None = None) -> tuple[FloatArray, FloatArray, FloatArray]:
        """f, f', f'' with the shape of rho."""
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

    @property
    def wide(self) -> LogDet:
        """Exact from the start."""
        return self

    def error(self, rho: float) -> FloatArray:
        """Exact to rounding."""
        return np.zeros(2)


@dataclass(frozen=True, eq=False)
class _Tile:
    """Chebyshev coefficients of f and of its first two derivatives on one tile, in x = (s - centre) / HALF_WIDTH."""

    f: FloatArray
    f1: FloatArray
    f2: FloatArray


class NodesLogDet:
    """f from LU factors at Chebyshev nodes, tile by tile."""

    def __init__(self, weights: SpatialWeights) -> None:
        self._weights = weights
        self._wide: NodesLogDet | None = None
        self._tiles: dict[int, _Tile] = {}
        self._traces: FloatArray | None = None
        self._system: System | None = None
        kind = "dense" if is_dense(weights) else "sparse"
        self.method = f"{kind} LU at {NODES} Chebyshev nodes a tile"
        self._radius = _radius(weights)
        self.high = 1.0 / self._radius
        self.low = -self.high
        self._mid, self._half = 0.0, self.high

    @property
    def system(self) -> System:
        """Made when first needed."""
        if self._system is None:
            self._system = system(self._weights)
        return self._system

    @property
    def wide(self) -> NodesLogDet:
        """Its own object, as its tiles follow its range: what is fitted here leaves other fits untouched."""
        if self._wide is None:
            wide = NodesLogDet(self._weights)
            wide._wide, wide._system, wide._traces = wide, self.system, self._traces
            wide.low = min(self.low, 1.0 / min(smallest_real(self._weights), -1e-12))
            wide._mid, wide._half = (wide.low + wide.high) / 2.0, (wide.high - wide.low) / 2.0
            self._wide = wide
        return self._wide

    def error(self, rho: float) -> FloatArray:
        """Exact to the tolerance of the interpolant."""
        return np.zeros(2)

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
        """f, f', f'' with the shape of rho."""
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
            tile = self._tile(int(i))
            out[:, at] = [chebyshev.chebval(x, c) for c in (tile.f, tile.f1, tile.f2)]
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


_remembered: OrderedDict[tuple[str, str | None], LogDet] = OrderedDict()


def log_determinant(weights: SpatialWeights) -> LogDet:
    """The log-determinant of this W, made once for each weight hash: SAR, SDM, SEM and robustness runs share it.

    Eigenvalues for n <= 120 (<= 300 if W is similar to a symmetric matrix), and for a dense W up to n = 400 (6,000 if
    similar to a symmetric one); LU factors with an interpolant up to n = 100,000; matrix-free beyond. A W with
    a `solver` takes the one it names: eigenvalues, dense or sparse (factors), matrix_free.
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
    dense, asked = is_dense(weights), weights.solver
    if asked == "matrix_free" or (asked is None and not dense and weights.n > FREE_FROM):
        return QuadratureLogDet(weights, _radius(weights))
    if asked in ("dense", "sparse"):
        return NodesLogDet(weights)
    if asked == "eigenvalues" or weights.n <= (DENSE_SYMMETRIC if dense else SMALL_SYMMETRIC):
        twin = symmetric_twin(weights)
        if twin is not None:
            return EigenLogDet(weights, symmetric_eigenvalues(twin), is_symmetric=True)
    if asked == "eigenvalues" or weights.n <= (DENSE_EIGEN if dense else SMALL):
        return EigenLogDet(weights, eigenvalues(weights), is_symmetric=False)
    return NodesLogDet(weights)


def _radius(weights: SpatialWeights) -> float:
    is_unit = weights.is_row_normalised or weights.has_unit_or_no_rows
    return 1.0 if is_unit else spectral_radius(weights)


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
