"""S(rho) = I - rho W without factors: for a W so large that its factors would not fit.

Solves by BiCGSTAB, column by column (van der Vorst 1992); S(rho) has a unit diagonal, and a solve takes some 10
steps at rho = .4, 25 at .8, 120 at .99. The log-determinant by quadrature: d steps of Arnoldi from a probe v give a
small matrix H with v'f(W)v ~ |v|^2 (f(H))_11, that is nodes w_k and masses m_k that serve every rho:

    tr f(W) ~ mean over probes of sum_k m_k f(w_k),   f = ln(1 - rho w) and its derivatives by rho

The traces of W^0, .., W^6 are exact, and the masses of each probe are moved to match them: probes only settle what a
polynomial of degree six leaves of f. The root 1 of a row-normalised W is added exactly. Hutchinson (1990), Golub and
Meurant (2010), Ubaru, Chen and Saad (2017); exact traces of low powers as in Barry and Pace (1999).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from scipy.linalg.blas import daxpy

from python_models._types import FloatArray
from python_models.regression.errors import PanelInputError
from python_models.regression.weights import SpatialWeights
from python_models.space.spectrum import ComplexArray

TOLERANCE, MAX_STEPS = 1e-12, 2000  # of a solve, relative to the right-hand side
BLOCK_CELLS = 2_000_000  # of one block of powers of W
DEPTH = 3  # powers of W that are multiplied out: exact traces up to twice as many
STEPS, FEWER = 40, 8  # of Arnoldi; how many the check of the remainder leaves out
LEFT = 0.1  # of a vector after it is made orthogonal: with less it is done again
PROBE_CELLS, MIN_PROBES, MAX_PROBES = 2_000_000, 6, 32
EVERY = 128  # cities up to which every unit vector is a probe: no noise
SEED = 20_103


@dataclass(frozen=True, eq=False)
class KrylovFactor:
    """S(rho), to be solved by iteration."""

    owner: KrylovSystem
    rho: float

    @property
    def logdet(self) -> float:
        return self.owner.logdet(self.rho)

    def solve(self, b: FloatArray, *, transposed: bool = False) -> FloatArray:
        """S^-1 b to 1e-12 of |b|; PanelInputError if 2,000 steps are too few."""
        order, matrix = self.owner.weights.near
        if transposed:
            matrix = self.owner.transposed
        out = np.empty(b.shape)
        flat, solved = b.reshape(len(b), -1), out.reshape(len(b), -1)
        for column in range(flat.shape[1]):
            solved[order, column] = bicgstab(matrix, self.rho, flat[order, column])[0]
        return out


class KrylovSystem:
    """S(rho) for any rho; nothing is made before a solve."""

    def __init__(self, weights: SpatialWeights, logdet: Callable[[float], float]) -> None:
        self.weights, self.logdet = weights, logdet

    @cached_property
    def transposed(self) -> sp.csr_matrix:
        return sp.csr_matrix(self.weights.near[1].T)

    def factor(self, rho: float) -> KrylovFactor:
        return KrylovFactor(self, rho)


def bicgstab(matrix: sp.csr_matrix, rho: float, b: FloatArray) -> tuple[FloatArray, int]:
    """x (n,) with (I - rho W) x = b, and the number of steps."""
    scaled = sp.csr_matrix((-rho * matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape)

    def apply(values: FloatArray) -> FloatArray:
        image = np.asarray(scaled @ values)
        image += values
        return image

    def over(top: float, bottom: float) -> float:
        return top / bottom if bottom else 0.0

    goal = TOLERANCE**2 * float(b @ b)
    x = b.copy()
    rest = b - apply(x)
    shadow, p = rest.copy(), rest.copy()
    size = float(shadow @ rest)
    for step in range(MAX_STEPS):
        if rest @ rest <= goal:
            return x, step
        v = apply(p)
        alpha = over(size, float(shadow @ v))
        daxpy(v, rest, a=-alpha)  # in place: rest -= alpha v
        t = apply(rest)
        omega = over(float(t @ rest), float(t @ t))
        daxpy(p, x, a=alpha)
        daxpy(rest, x, a=omega)
        daxpy(t, rest, a=-omega)
        following = float(shadow @ rest)
        beta = over(following, size) * over(alpha, omega)
        size = following
        daxpy(v, p, a=-omega)
        p *= beta
        p += rest
    raise PanelInputError(
        f"I - rho W at rho = {rho:.6g} could not be solved in {MAX_STEPS} steps: take solver='sparse' for this W."
    )


def exact_traces(matrix: sp.csr_matrix) -> FloatArray:
    """tr W^j, j = 1..2 DEPTH, from blocks of rows of W^a and of (W')^b."""
    n = matrix.shape[0]
    back = sp.csr_matrix(matrix.T)
    out = np.zeros(2 * DEPTH)
    out[0] = matrix.diagonal().sum()
    fill = max(1.0, (matrix.nnz / n) ** DEPTH)
    rows = int(np.clip(8 * BLOCK_CELLS / fill, 1, n))
    for start in range(0, n, rows):
        a, b = matrix[start : start + rows], back[start : start + rows]
        out[1] += float(a.multiply(b).sum())
        for j in range(2, DEPTH + 1):
            a = a @ matrix
            out[2 * j - 2] += float(a.multiply(b).sum())
            b = b @ back
            out[2 * j - 1] += float(a.multiply(b).sum())
    return out


@dataclass(frozen=True, eq=False)
class Measure:
    """nodes, mass (probes, d): sum_k mass f(node) estimates the trace of f(W), less the root 1 if `one` is 1.0."""

    nodes: ComplexArray
    mass: ComplexArray
    one: float
    is_exact: bool

    def derivatives(self, rho: FloatArray) -> FloatArray:
        """f, f', f'' by probe, (3, probes, len(rho)), without the root 1."""
        out = np.empty((3, len(self.nodes), len(rho)))
        for i, r in enumerate(rho):
            rest = 1.0 - r * self.nodes
            ratio = self.nodes / rest
            for j, values in enumerate((np.log(rest), -ratio, -ratio * ratio)):
                out[j, :, i] = (self.mass * values).sum(axis=1).real
        return out


def measure(weights: SpatialWeights) -> tuple[Measure, Measure]:
    """Nodes and masses of W from seeded probes, and the same from fewer steps, for the remainder."""
    n, matrix = weights.n, weights.near[1]
    one = float(weights.is_row_normalised)
    is_exact = n <= EVERY
    count = n if is_exact else int(np.clip(PROBE_CELLS // n, MIN_PROBES, MAX_PROBES))
    steps = min(STEPS, n)
    rng = np.random.default_rng(SEED)
    traces = np.concatenate([[n], exact_traces(matrix)]) - one
    nodes, mass = np.empty((2, 2, count, steps), dtype=np.complex128)  # of all steps, and of fewer
    for i in range(count):
        v = np.eye(n)[i] if is_exact else rng.choice(np.array([-1.0, 1.0]), size=n)
        if one:
            v = v - v.mean()
        share = float(v @ v) * count if is_exact else n - one
        h = arnoldi(matrix, v, steps, is_centred=bool(one))
        less = max(1, len(h) - FEWER)
        for j, part in enumerate((h, h[:less, :less])):
            nodes[j, i], plain = _quadrature(part, share, steps)
            mass[j, i] = plain if is_exact else _with_traces(nodes[j, i], plain, traces)
    return Measure(nodes[0], mass[0], one, is_exact), Measure(nodes[1], mass[1], one, is_exact)


def _with_traces(nodes: ComplexArray, mass: ComplexArray, traces: FloatArray) -> ComplexArray:
    """Masses moved as little as possible (relative to their size) so that sum_k m_k w_k^j = tr W^j, j = 0..q."""
    powers = nodes[None, :] ** np.arange(len(traces))[:, None]
    weighted = np.abs(mass) * powers.conj()
    gap = traces - powers @ mass
    return np.asarray(mass + np.linalg.lstsq(powers @ weighted.T, gap, rcond=1e-13)[0] @ weighted)


def arnoldi(matrix: sp.csr_matrix, v: FloatArray, steps: int, *, is_centred: bool) -> FloatArray:
    """H (d, d), d <= steps, of the Krylov space of W (or J W) and v; orthogonalised again where little is left (Daniel,
    Gragg, Kaufman and Stewart 1976)."""
    basis = np.empty((steps, len(v)))
    h = np.zeros((steps + 1, steps))
    basis[0] = v / np.sqrt(v @ v)
    for j in range(steps):
        w = np.asarray(matrix @ basis[j])
        if is_centred:
            w -= w.mean()
        for _ in range(2):
            before = np.sqrt(w @ w)
            share = basis[: j + 1] @ w
            w -= share @ basis[: j + 1]
            h[: j + 1, j] += share
            h[j + 1, j] = np.sqrt(w @ w)
            if h[j + 1, j] > LEFT * before:
                break
        if h[j + 1, j] < 1e-10 or j == steps - 1:  # the space is closed
            return h[: j + 1, : j + 1]
        basis[j + 1] = w / h[j + 1, j]
    return h[:steps]


def _quadrature(h: FloatArray, share: float, steps: int) -> tuple[ComplexArray, ComplexArray]:
    """Nodes and masses of (f(H))_11 times share, filled up with empty ones."""
    nodes, mass = np.zeros((2, steps), dtype=np.complex128)
    values, vectors = np.linalg.eig(h)
    nodes[: len(h)] = values
    mass[: len(h)] = share * vectors[0] * np.linalg.solve(vectors, np.eye(1, len(h), dtype=vectors.dtype)[0])
    return nodes, mass
