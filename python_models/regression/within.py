"""Removal of fixed effects. The only place that knows what each kind of effect subtracts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from python_models._types import FloatArray
from python_models.regression.errors import require_known

DENSE = 600  # columns up to which a sparse system is solved densely
EFFECTS = ("none", "entity", "time", "twoways")


def has_entity(effects: str) -> bool:
    return effects in ("entity", "twoways")


def has_time(effects: str) -> bool:
    return effects in ("time", "twoways")


def within(values: FloatArray, effects: str) -> FloatArray:
    """`values` (N, T) or (N, T, k) without their fixed effects; a new array of the same shape.

    twoways : a_it - a_i. - a_.t + a_..      entity : a_it - a_i.
    time    : a_it - a_.t                    none   : a_it - a_.. (the model has one intercept)
    """
    require_known(effects, EFFECTS, "effects")
    if effects == "none":
        return values - values.mean(axis=(0, 1), keepdims=True)
    out = values - values.mean(axis=1, keepdims=True) if has_entity(effects) else values
    return out - out.mean(axis=0, keepdims=True) if has_time(effects) else out


def by_segment(values: FloatArray, segments: Sequence[int]) -> FloatArray:
    """Values in periods whose effects of cities are those of cities by segment of years.

    Parameters
    ----------
    values : array (N, T, ..)
    segments : sequence of int
        A label for each of the T years, equal ones side by side.

    Returns
    -------
    array (N, T - S + 1, ..)
        S segments. With one segment it is `values`.

    Notes
    -----
    Helmert contrasts inside each segment, turned so that they sum to zero in every city: with twoways effects, an
    estimator of balanced panels finds on the result what dummies of city by segment and of year leave of `values`.

    Examples
    --------
    >>> import numpy as np
    >>> from python_models.regression import by_segment
    >>> by_segment(np.ones((3, 5, 2)), [0, 0, 0, 1, 1]).shape
    (3, 4, 2)
    """
    labels, sizes = np.unique(np.asarray(segments), return_counts=True)
    if len(labels) == 1:
        return values
    contrasts = sl.block_diag(*(sl.helmert(int(size)).T for size in sizes))
    basis = contrasts @ sl.helmert(contrasts.shape[1] + 1)
    return np.ascontiguousarray(np.moveaxis(np.tensordot(values, basis, axes=(1, 0)), -1, 1))


@dataclass(frozen=True, eq=False)
class Absorb:
    """Projection Q = I - D (D'D)^+ D' of rows (R, ..) off any sets of dummies, for panels with holes.

    The largest set is swept out in closed form, S is what that leaves of the others' D'D: S^+ is dense, so all sets but
    the largest should have a few thousand groups at most. rank : of all dummies together.
    """

    first: sp.csr_matrix  # (G1, R), ones
    others: sp.csr_matrix  # (G2, R)
    counts: FloatArray
    inverse: FloatArray
    rank: int

    @classmethod
    def of(cls, sets: list[NDArray[np.int64]]) -> Absorb:
        """sets: one code a row (R,) for each set of dummies, codes 0, 1, .. without gaps."""
        dummies = [sp.csr_matrix((np.ones(len(c)), (c, np.arange(len(c))))) for c in sets]
        dummies.sort(key=lambda d: -d.shape[0])
        first, counts = dummies[0], np.asarray(dummies[0].sum(axis=1)).ravel()
        if len(dummies) == 1:
            return cls(first, sp.csr_matrix((0, first.shape[1])), counts, np.zeros((0, 0)), len(counts))
        others = sp.csr_matrix(sp.vstack(dummies[1:]))
        cross = others @ first.T
        left = (others @ others.T - cross @ sp.diags(1.0 / counts) @ cross.T).toarray()
        values, vectors = np.linalg.eigh(left)
        nonzero = values > 1e-9 * max(float(values[-1]), 1.0)
        inverse = (vectors[:, nonzero] / values[nonzero]) @ vectors[:, nonzero].T
        return cls(first, others, counts, np.asarray(inverse), len(counts) + int(nonzero.sum()))

    def __call__(self, values: FloatArray) -> FloatArray:
        flat = values.reshape(len(values), -1)
        first = (self.first @ flat) / self.counts[:, None]
        b = self.inverse @ (self.others @ (flat - self.first.T @ first))
        out = flat - self.others.T @ b
        out = out - self.first.T @ ((self.first @ out) / self.counts[:, None])
        return np.asarray(out, dtype=np.float64).reshape(values.shape)


@dataclass(frozen=True, eq=False)
class Projection:
    """I - A (A'A)^-1 A' for independent columns A (R, G); the place of `Absorb` in a convention."""

    columns: sp.csr_matrix
    solve: Callable[[FloatArray], FloatArray]

    @classmethod
    def of(cls, columns: sp.csr_matrix) -> Projection:
        return cls(columns, symmetric_solver(sp.csr_matrix(columns.T @ columns)))

    @property
    def rank(self) -> int:
        return int(self.columns.shape[1])

    def __call__(self, values: FloatArray) -> FloatArray:
        flat = values.reshape(len(values), -1)
        out = flat - self.columns @ self.solve(self.columns.T @ flat)
        out = out - self.columns @ self.solve(self.columns.T @ out)  # once more, for what rounding left
        return np.asarray(out, dtype=np.float64).reshape(values.shape)


def symmetric_solver(matrix: sp.csr_matrix | FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Solve with a symmetric positive definite matrix, scaled to a diagonal of one."""
    scale = 1.0 / np.sqrt(np.asarray(matrix.diagonal()))
    if matrix.shape[0] <= DENSE:
        full = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
        factor = sl.cho_factor(scale[:, None] * full * scale)
        return lambda b: np.asarray(scale[:, None] * sl.cho_solve(factor, scale[:, None] * b))
    scaled = sp.csc_matrix(sp.diags(scale) @ matrix @ sp.diags(scale))
    lu = splu(scaled, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return lambda b: np.asarray(scale[:, None] * lu.solve(np.asarray(scale[:, None] * b)))
