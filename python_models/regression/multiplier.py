"""Traces of the multiplier G = W (I - r W)^-1 at one value r: exact for n <= 1,000, seeded probes above.

tr G and tr G^2 come from the log-determinant. tr G'G = tr G'JG + |G'1|^2 / n, J = I - 11'/n; for large n

    tr G'JG ~ |J M|_F^2 + mean over probes of (|J G v|^2 - |J M v|^2),   M = W + r W^2 + r^2 W^3 (dense W: M = W;
more than 30 million links in W^3: M = W + r W^2)

The control variate M and the removal of the constant mode leave little to the probes (Hutchinson 1990).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from python_models._types import FloatArray
from python_models.regression.errors import PanelInputError
from python_models.regression.logdet import DENSE_FROM, Factor, LogDet, log_determinant
from python_models.regression.matrix_free import measure
from python_models.regression.weights import SpatialWeights
from python_models.space.spectrum import DENSE_LIMIT, ComplexArray, eigenvalues

PROBE_CELLS, MIN_PROBES, MAX_PROBES = 365_000, 8, 256  # n times probes: relative error near 5e-4
CONTROL_LINKS, BLOCK_LINKS = 30_000_000, 8_000_000  # of M with W^3, as a bound; of a block of its rows
SEED = 20_101


class Outer(NamedTuple):
    """R = I - lam M, factored."""

    weights: SpatialWeights
    lam: float
    factor: Factor

    def filtered(self, values: FloatArray, *, transposed: bool = False) -> FloatArray:
        matrix = self.weights.matrix.T if transposed else self.weights.matrix
        return np.asarray(values - self.lam * (matrix @ values))


@dataclass(frozen=True, eq=False)
class Multiplier:
    """G at r: traces g1 = tr G, g2 = tr G^2; G itself (n <= 1,000) or its image of the probes."""

    r: float
    g1: float
    g2: float
    factor: Factor
    weights: SpatialWeights
    column_sums: FloatArray
    row_sums: FloatArray
    matrix: FloatArray | None
    probes: FloatArray
    images: FloatArray
    outer: Outer | None = None  # G stands between R and R^-1

    @property
    def terms(self) -> int:
        """How many powers of W are in M."""
        if self.weights.density > DENSE_FROM:
            return 1
        n = self.weights.n
        return 2 if n * (self.weights.matrix.nnz / n) ** 3 > CONTROL_LINKS else 3

    def control_rows(self, rows: slice) -> sp.csr_matrix:
        """Rows of M, without `outer`."""
        power = results = self.weights.matrix[rows]
        for _ in range(1, self.terms):
            power = self.r * (power @ self.weights.matrix)
            results = results + power
        return sp.csr_matrix(results)

    @cached_property
    def control(self) -> sp.csr_matrix:
        if self.outer is None:
            return self.control_rows(slice(None))
        w, other = self.weights.matrix, self.outer.weights.matrix
        base = sp.csr_matrix(w + self.r * (w @ w))  # R (W + r W^2) (I + lam M)
        return sp.csr_matrix(base - self.outer.lam * (other @ base) + self.outer.lam * (base @ other))

    def control_blocks(self) -> Iterator[sp.csr_matrix]:
        """M in blocks of rows: of a million units it would take half a GB."""
        if self.outer is not None:
            yield self.control
            return
        n = self.weights.n
        rows = int(np.clip(BLOCK_LINKS / max(1.0, self.weights.matrix.nnz / n) ** self.terms, 1, n))
        yield from (self.control_rows(slice(start, start + rows)) for start in range(0, n, rows))

    @cached_property
    def control_sums(self) -> tuple[FloatArray, float]:
        """Diagonal and sum of squares of M."""
        diagonal, squares, start = np.empty(self.weights.n), 0.0, 0
        for block in self.control_blocks():
            stop = start + block.shape[0]
            diagonal[start:stop] = block.diagonal(k=start)
            squares += float(block.data @ block.data)
            start = stop
        return diagonal, squares

    @cached_property
    def control_images(self) -> FloatArray:
        """M v of the probes."""
        return self.controlled(self.probes)

    def controlled(self, values: FloatArray, *, transposed: bool = False) -> FloatArray:
        """M v, or M'v."""
        if self.outer is not None:
            return np.asarray((self.control.T if transposed else self.control) @ values)
        matrix = self.weights.matrix.T if transposed else self.weights.matrix
        results = power = np.asarray(matrix @ values)
        for _ in range(1, self.terms):
            power = self.r * (matrix @ power)
            results = results + power
        return results

    def apply(self, values: FloatArray) -> FloatArray:
        flat = np.ascontiguousarray(values.reshape(self.weights.n, -1))
        if self.outer is not None:
            flat = self.outer.factor.solve(flat)
        flat = self.weights.lag(self.factor.solve(flat))
        return (flat if self.outer is None else self.outer.filtered(flat)).reshape(values.shape)

    def apply_transposed(self, values: FloatArray) -> FloatArray:
        flat = values.reshape(self.weights.n, -1)
        if self.outer is not None:
            flat = self.outer.filtered(flat, transposed=True)
        flat = np.ascontiguousarray(np.asarray(self.weights.matrix.T @ flat))
        flat = self.factor.solve(flat, transposed=True)
        if self.outer is not None:
            flat = self.outer.factor.solve(flat, transposed=True)
        return np.asarray(flat).reshape(values.shape)

    def diagonal(self, *, is_centred: bool) -> FloatArray:
        first, second = diagonals(self, is_centred=is_centred)
        return (first + second) / 2.0

    def links(self) -> sp.csr_matrix:
        """(G + G')/2: exact up to 1,000 cities, above them W + r W^2 + r^2 W^3 in place of G."""
        g = sp.csr_matrix(self.matrix) if self.matrix is not None else self.control
        return sp.csr_matrix((g + g.T) / 2.0)


@dataclass(frozen=True, eq=False)
class MatrixMultiplier:
    """A known matrix G (n, n) in the place of a `Multiplier`."""

    matrix: FloatArray

    def apply(self, values: FloatArray) -> FloatArray:
        return np.asarray(self.matrix @ values)

    def apply_transposed(self, values: FloatArray) -> FloatArray:
        return np.asarray(self.matrix.T @ values)

    def diagonal(self, *, is_centred: bool) -> FloatArray:
        g = self.matrix
        if is_centred:
            g = g - g.mean(axis=0) - g.mean(axis=1, keepdims=True) + g.mean()
        return np.diagonal(g).copy()

    def links(self) -> sp.csr_matrix:
        return sp.csr_matrix((self.matrix + self.matrix.T) / 2.0)


def multiplier(weights: SpatialWeights, logdet: LogDet, r: float) -> Multiplier:
    """Factor S(r) once and prepare the traces of G."""
    n = weights.n
    factor = logdet.system.factor(r)
    _, f1, f2 = logdet.derivatives(r)
    ones = np.ones(n)
    column_sums = np.asarray(weights.matrix.T @ factor.solve(ones, transposed=True))
    row_sums = weights.lag(factor.solve(ones))
    matrix, probes, images = None, np.empty((n, 0)), np.empty((n, 0))
    if n <= DENSE_LIMIT:
        matrix = factor.solve(weights.matrix.toarray())  # S^-1 W = W S^-1
    else:
        count = int(np.clip(PROBE_CELLS // n, MIN_PROBES, MAX_PROBES)) // 2 * 2
        # `choice` of the two signs draws the same and takes three times as long
        probes = np.where(np.random.default_rng(SEED).integers(0, 2, size=(n, count)), 1.0, -1.0)
        images = weights.lag(factor.solve(probes))
    return Multiplier(r, -float(f1), -float(f2), factor, weights, column_sums, row_sums, matrix, probes, images)


def cross_trace(a: Multiplier, b: Multiplier) -> tuple[float, float]:
    """tr G_a' G_b, and the standard error that its probes leave (0 if exact)."""
    if a.matrix is not None and b.matrix is not None:
        return float((a.matrix * b.matrix).sum()), 0.0
    n = a.weights.n
    constant = float(a.column_sums @ b.column_sums) / n
    squares = a.control_sums[1] if b is a else float(a.control.multiply(b.control).sum())
    ones = np.ones(n)
    base = squares - float(a.controlled(ones, transposed=True) @ b.controlled(ones, transposed=True)) / n
    control = _centred_products(a.control_images, b.control_images)
    per_probe = _centred_products(a.images, b.images) - control
    return base + constant + float(per_probe.mean()), float(per_probe.std(ddof=1) / np.sqrt(len(per_probe)))


def conjugated(g: Multiplier, weights: SpatialWeights, logdet: LogDet, lam: float) -> Multiplier:
    """R G R^-1 with R = I - lam M, M another matrix than the W of G: the same traces of powers, another tr G'G."""
    outer = Outer(weights, lam, logdet.system.factor(lam))
    conjugate = replace(g, outer=outer, matrix=None)
    ones = np.ones((weights.n, 1))
    column_sums, row_sums = conjugate.apply_transposed(ones)[:, 0], conjugate.apply(ones)[:, 0]
    matrix = None if g.matrix is None else conjugate.apply(np.eye(weights.n))
    images = conjugate.apply(g.probes) if g.matrix is None else g.images
    return replace(conjugate, matrix=matrix, images=images, column_sums=column_sums, row_sums=row_sums)


def product_trace(a: Multiplier, b: Multiplier) -> float:
    """tr G_a G_b: (tr G_a - tr G_b) / (r_a - r_b) of one W, tr G^2 in the limit; else by G or probes."""
    if a is not b and (a.outer is not None or b.outer is not None):
        if a.matrix is not None and b.matrix is not None:
            return float((a.matrix * b.matrix.T).sum())
        return float((a.apply_transposed(a.probes) * b.images).sum() / a.probes.shape[1])
    if abs(a.r - b.r) < 1e-5:
        return (a.g2 + b.g2) / 2.0
    return (a.g1 - b.g1) / (a.r - b.r)


def diagonals(m: Multiplier, *, is_centred: bool) -> tuple[FloatArray, FloatArray]:
    """Diagonal of G (or J G J) twice: exact, or of two independent halves of the probes, whose product has no bias."""
    if m.matrix is not None:
        halves = [np.diagonal(m.matrix).copy()] * 2
    else:
        rest = m.probes * (m.images - m.control_images)
        cut = m.probes.shape[1] // 2
        halves = [m.control_sums[0] + rest[:, part].mean(axis=1) for part in (slice(0, cut), slice(cut, None))]
    if is_centred:
        n = m.weights.n
        shift = (m.column_sums + m.row_sums) / n - m.column_sums.sum() / n**2
        halves = [h - shift for h in halves]
    return halves[0], halves[1]


def _centred_products(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray((a * b).sum(axis=0) - a.sum(axis=0) * b.sum(axis=0) / len(a))


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
        return (cross_trace(g, g)[0] - float(g.column_sums @ g.column_sums) / self.n) / (self.n - 1)

    def spread(self, values: FloatArray, rho: float) -> FloatArray:
        return self.weights.lag(log_determinant(self.weights).system.factor(rho).solve(values))

    def radius(self, tau: float, eta: float, rho: float) -> float:
        """Largest |eigenvalue| of A = (I - rho W)^-1 (tau I + eta W): below one the process is stable."""
        return float(np.abs((tau + eta * self.omega) / (1.0 - rho * self.omega)).max())


def spectrum(weights: SpatialWeights) -> Spectrum:
    """Spectrum of W, for any number of cities; PanelInputError for a W whose rows do not sum to one."""
    if not weights.is_row_normalised:
        raise PanelInputError("the dynamic model needs a row-normalised W: year effects cannot be removed otherwise.")
    if weights.solver == "eigenvalues" or (weights.solver != "matrix_free" and weights.n <= DENSE_LIMIT):
        omega = eigenvalues(weights.matrix)
        return Spectrum(omega, np.ones(len(omega), dtype=np.complex128), weights, True)
    points, _ = measure(weights)
    omega = np.append(points.nodes.ravel(), 1.0 + 0.0j)
    return Spectrum(omega, np.append(points.mass.ravel() / len(points.mass), 1.0 + 0.0j), weights, False)
