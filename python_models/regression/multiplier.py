"""Traces of the multiplier G = W (I - r W)^-1 at one value r: exact for n <= 1,000, seeded probes above.

tr G and tr G^2 come from the log-determinant. tr G'G = tr G'JG + |G'1|^2 / n, J = I - 11'/n; for large n

    tr G'JG ~ |J M|_F^2 + mean over probes of (|J G v|^2 - |J M v|^2),   M = W + r W^2 + r^2 W^3 (dense W: M = W;
more than 30 million links in W^3: M = W + r W^2)

The control variate M and the removal of the constant mode leave little to the probes (Hutchinson 1990).
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from python_models._types import FloatArray
from python_models.regression.logdet import LogDet, log_determinant
from python_models.regression.spectrum import DENSE_LIMIT
from python_models.regression.systems import DENSE_FROM, Factor
from python_models.regression.weights import SpatialWeights

PROBE_CELLS, MIN_PROBES, MAX_PROBES = 365_000, 8, 256  # n times probes: relative error near 5e-4
CONTROL_CELLS = 30_000_000  # links up to which W^3 is in M: 400 MB
SEED = 20_101


@dataclass(frozen=True, eq=False)
class Outer:
    """R = I - lam M, factored."""

    weights: SpatialWeights
    lam: float
    factor: Factor

    def filtered(self, values: FloatArray, *, transposed: bool = False) -> FloatArray:
        """R values, or R' values."""
        matrix = self.weights.matrix.T if transposed else self.weights.matrix
        return np.asarray(values - self.lam * (matrix @ values))


@dataclass(frozen=True, eq=False)
class Multiplier:
    """G at r: traces g1 = tr G, g2 = tr G^2; G itself (n <= 1,000) or its image of the probes.

    column_sums : G'1 (n,).   row_sums : G1 (n,).   factor : S(r) factored.
    """

    r: float
    g1: float
    g2: float
    factor: Factor
    weights: SpatialWeights
    column_sums: FloatArray
    row_sums: FloatArray
    matrix: FloatArray | None
    probes: FloatArray | None
    images: FloatArray | None
    outer: Outer | None = None  # G stands between R and R^-1

    @property
    def logdet(self) -> float:
        """ln|S(r)|."""
        return float(log_determinant(self.weights).derivatives(self.r)[0])

    @property
    def trace(self) -> float:
        """tr G."""
        return self.g1

    def solve(self, b: FloatArray, *, transposed: bool = False) -> FloatArray:
        """S(r)^-1 b, or S(r)'^-1 b."""
        return self.factor.solve(b, transposed=transposed)

    @cached_property
    def control(self) -> sp.csr_matrix:
        """The first terms of G."""
        return _control(self)

    def apply(self, values: FloatArray) -> FloatArray:
        """G applied to the first axis of `values` (n, ...)."""
        flat = np.ascontiguousarray(values.reshape(self.weights.n, -1))
        if self.outer is not None:
            flat = self.outer.factor.solve(flat)
        flat = self.weights.lag(self.factor.solve(flat))
        return (flat if self.outer is None else self.outer.filtered(flat)).reshape(values.shape)

    def apply_transposed(self, values: FloatArray) -> FloatArray:
        """G' applied to the first axis of `values` (n, ...)."""
        flat = values.reshape(self.weights.n, -1)
        if self.outer is not None:
            flat = self.outer.filtered(flat, transposed=True)
        flat = np.ascontiguousarray(np.asarray(self.weights.matrix.T @ flat))
        flat = self.factor.solve(flat, transposed=True)
        if self.outer is not None:
            flat = self.outer.factor.solve(flat, transposed=True)
        return np.asarray(flat).reshape(values.shape)

    def diagonal(self, *, is_centred: bool) -> FloatArray:
        """Diagonal of G, or of J G J (n,)."""
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
        """G applied to the first axis of `values` (n, t)."""
        return np.asarray(self.matrix @ values)

    def apply_transposed(self, values: FloatArray) -> FloatArray:
        """G' applied to the first axis of `values` (n, t)."""
        return np.asarray(self.matrix.T @ values)

    def diagonal(self, *, is_centred: bool) -> FloatArray:
        """Diagonal of G, or of J G J (n,)."""
        g = self.matrix
        if is_centred:
            g = g - g.mean(axis=0) - g.mean(axis=1, keepdims=True) + g.mean()
        return np.diagonal(g).copy()

    def links(self) -> sp.csr_matrix:
        """(G + G')/2."""
        return sp.csr_matrix((self.matrix + self.matrix.T) / 2.0)


@dataclass(frozen=True)
class Traced:
    """A trace and the standard error that its probes leave (0 if exact)."""

    value: float
    se: float


def multiplier(weights: SpatialWeights, logdet: LogDet, r: float) -> Multiplier:
    """Factor S(r) once and prepare the traces of G."""
    n = weights.n
    factor = logdet.system.factor(r)
    _, f1, f2 = logdet.derivatives(r)
    ones = np.ones(n)
    column_sums = np.asarray(weights.matrix.T @ factor.solve(ones, transposed=True))
    row_sums = weights.lag(factor.solve(ones))
    matrix = probes = images = None
    if n <= DENSE_LIMIT:
        matrix = factor.solve(weights.matrix.toarray())  # S^-1 W = W S^-1
    else:
        count = int(np.clip(PROBE_CELLS // n, MIN_PROBES, MAX_PROBES)) // 2 * 2
        probes = np.random.default_rng(SEED).choice(np.array([-1.0, 1.0]), size=(n, count))
        images = weights.lag(factor.solve(probes))
    return Multiplier(r, -float(f1), -float(f2), factor, weights, column_sums, row_sums, matrix, probes, images)


def cross_trace(a: Multiplier, b: Multiplier) -> Traced:
    """tr G_a' G_b."""
    if a.matrix is not None and b.matrix is not None:
        return Traced(float((a.matrix * b.matrix).sum()), 0.0)
    n = a.weights.n
    constant = float(a.column_sums @ b.column_sums) / n
    ma, mb = a.control, b.control
    squares = float(ma.data @ ma.data) if mb is ma else float(ma.multiply(mb).sum())
    base = squares - float(_sums(ma) @ _sums(mb)) / n
    own = _centred_products(ma @ _probes(a), mb @ _probes(b))
    per_probe = _centred_products(_images(a), _images(b)) - own
    return Traced(base + constant + float(per_probe.mean()), float(per_probe.std(ddof=1) / np.sqrt(len(per_probe))))


def conjugated(g: Multiplier, weights: SpatialWeights, logdet: LogDet, lam: float) -> Multiplier:
    """R G R^-1 with R = I - lam M, M another matrix than the W of G: the same traces of powers, another tr G'G."""
    outer = Outer(weights, lam, logdet.system.factor(lam))
    made = replace(g, outer=outer, matrix=None)
    ones = np.ones((weights.n, 1))
    column_sums, row_sums = made.apply_transposed(ones)[:, 0], made.apply(ones)[:, 0]
    matrix = images = None
    if g.matrix is not None:
        matrix = made.apply(np.eye(weights.n))
    else:
        images = made.apply(_probes(g))
    return replace(made, matrix=matrix, images=images, column_sums=column_sums, row_sums=row_sums)


def product_trace(a: Multiplier, b: Multiplier) -> float:
    """tr G_a G_b = (tr G_a - tr G_b) / (r_a - r_b) where both are functions of one W; tr G^2 in the limit.

    Of two matrices: from G_a and G_b themselves, or from probes.
    """
    if a is not b and (a.outer is not None or b.outer is not None):
        if a.matrix is not None and b.matrix is not None:
            return float((a.matrix * b.matrix.T).sum())
        return float((a.apply_transposed(_probes(a)) * _images(b)).sum() / _probes(a).shape[1])
    if abs(a.r - b.r) < 1e-5:
        return (a.g2 + b.g2) / 2.0
    return (a.g1 - b.g1) / (a.r - b.r)


def diagonals(m: Multiplier, *, is_centred: bool) -> tuple[FloatArray, FloatArray]:
    """Diagonal of G (or J G J) twice, (n,) each: exact copies, or from two independent halves of the probes.

    The product of the two halves is free of the bias that the square of one estimate has.
    """
    if m.matrix is not None:
        halves = [np.diagonal(m.matrix).copy()] * 2
    else:
        control, probes, images = m.control, _probes(m), _images(m)
        rest = probes * (images - control @ probes)
        cut = probes.shape[1] // 2
        halves = [control.diagonal() + rest[:, part].mean(axis=1) for part in (slice(0, cut), slice(cut, None))]
    if is_centred:
        n = m.weights.n
        shift = (m.column_sums + m.row_sums) / n - m.column_sums.sum() / n**2
        halves = [h - shift for h in halves]
    return halves[0], halves[1]


def _control(m: Multiplier) -> sp.csr_matrix:
    w = m.weights.matrix
    if m.outer is not None:  # R (W + r W^2) (I + lam M): the first terms
        other, base = m.outer.weights.matrix, sp.csr_matrix(w + m.r * (w @ w))
        return sp.csr_matrix(base - m.outer.lam * (other @ base) + m.outer.lam * (base @ other))
    if m.weights.density > DENSE_FROM:
        return w
    square = sp.csr_matrix(w @ w)
    first = sp.csr_matrix(w + m.r * square)
    if float(square.nnz) * w.nnz / m.weights.n > CONTROL_CELLS:  # bound of the links of W^3
        return first
    return sp.csr_matrix(first + m.r**2 * (square @ w))


def _sums(matrix: sp.csr_matrix) -> FloatArray:
    return np.asarray(matrix.sum(axis=0)).ravel()


def _centred_products(a: FloatArray, b: FloatArray) -> FloatArray:
    """(J a)'(J b) column by column."""
    return np.asarray((a * b).sum(axis=0) - a.sum(axis=0) * b.sum(axis=0) / len(a))


def _images(m: Multiplier) -> FloatArray:
    assert m.images is not None  # made whenever the matrix is not
    return m.images


def _probes(m: Multiplier) -> FloatArray:
    assert m.probes is not None
    return m.probes
