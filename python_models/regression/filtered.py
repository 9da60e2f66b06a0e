"""Dummies of the unfiltered equation in a model with a spatial error: they are filtered with it, at each lambda.

The stated model is (I - lam M)(y - rho W y - Z d - D c) = e: its dummies enter as F D, F = I - lam M. In a balanced
panel with one M whose rows sum to one, F D spans what D spans, and projecting D off once is enough. With holes, an M
of each year, effects of groups by year or rows that do not sum to one it does not. Only cross-products are kept: as F
is linear in lambda, those of F [y, W y, Z] off F D are known for every lambda from three sets of matrices.

Not here: models without a spatial error, whose dummies are projected off once (`within`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp
from numpy.typing import NDArray

from python_models._types import FloatArray
from python_models.regression.convention import Convention
from python_models.regression.likelihood import fit_term
from python_models.regression.logdet import LogDet
from python_models.regression.within import DENSE, Projection, symmetric_solver

SAME_SPAN = 1e-8  # relative length of M D u off D that is rounding


class Gram(NamedTuple):
    """Cross-products of F [y, W y, Z] off F D, and their derivative by lambda: (2 + k, 2 + k) each."""

    value: FloatArray
    by_lam: FloatArray


@dataclass(frozen=True, eq=False)
class FilteredDummies:
    """Independent dummies D (R, G) and the matrix M (R, R) of the error."""

    dummies: sp.csr_matrix
    error: sp.csr_matrix

    @classmethod
    def of(cls, sets: list[NDArray[np.int64]], error: sp.csr_matrix) -> FilteredDummies:
        """sets : one code a row for each set of dummies; of dummies that others span, one is left out."""
        blocks = [sp.csr_matrix((np.ones(len(c)), (np.arange(len(c)), c))) for c in sets]
        blocks.sort(key=lambda d: -d.shape[1])
        first, rest = blocks[0], sp.hstack([sp.csr_matrix((blocks[0].shape[0], 0)), *blocks[1:]], format="csr")
        counts = np.asarray(first.sum(axis=0)).ravel()
        cross = first.T @ rest
        left = (rest.T @ rest - cross.T @ sp.diags(1.0 / counts) @ cross).toarray()
        basis: NDArray[np.int64] = _independent(left)
        return cls(sp.hstack([first, rest[:, basis]], format="csr"), error.tocsr())

    def is_needed(self) -> bool:
        """Whether M D leaves the span of D, tried on three combinations of the dummies."""
        rng = np.random.default_rng(0)
        columns = self.error @ (self.dummies @ rng.standard_normal((self.dummies.shape[1], 3)))
        left = Projection.of(self.dummies)(columns)
        return bool((np.linalg.norm(left, axis=0) > SAME_SPAN * np.linalg.norm(columns, axis=0)).any())

    def at(self, lam: float) -> Projection:
        """The projection off F D."""
        return Projection.of(sp.csr_matrix(self.dummies - lam * (self.error @ self.dummies)))


@dataclass(frozen=True, eq=False)
class FilteredLikelihood:
    """lnL(rho, lam) of a stack with a spatial error, slopes and dummies concentrated out. The interface of
    `Likelihood`.

    y, z : raw columns (R,), (R, k); lag : W y, or None without rho.
    """

    conv: Convention
    logdet: LogDet
    error_logdet: LogDet
    dummies: FilteredDummies
    y: FloatArray
    lag: FloatArray | None
    z: FloatArray

    @cached_property
    def _square(self) -> list[FloatArray]:
        """Of the columns [y, W y, Z] with themselves."""
        columns, filtered = self._columns
        return [columns.T @ columns, columns.T @ filtered + filtered.T @ columns, filtered.T @ filtered]

    @cached_property
    def _cross(self) -> list[FloatArray]:
        """Of the dummies with the columns."""
        (columns, filtered), (d, shifted) = self._columns, self._dummies
        return [np.asarray(m) for m in (d.T @ columns, d.T @ filtered + shifted.T @ columns, shifted.T @ filtered)]

    @cached_property
    def _system(self) -> list[sp.csr_matrix] | list[FloatArray]:
        """Of the dummies with themselves; small ones full, as adding up sparse ones would take longer than solving."""
        d, shifted = self._dummies
        parts = [sp.csr_matrix(m) for m in (d.T @ d, d.T @ shifted + shifted.T @ d, shifted.T @ shifted)]
        return [m.toarray() for m in parts] if d.shape[1] <= DENSE else parts

    @cached_property
    def _grams(self) -> dict[float, Gram]:
        return {}

    @cached_property
    def _columns(self) -> tuple[FloatArray, FloatArray]:
        columns = np.column_stack([self.y, *([] if self.lag is None else [self.lag]), self.z])
        return columns, np.asarray(self.dummies.error @ columns)

    @cached_property
    def _dummies(self) -> tuple[sp.csr_matrix, sp.csr_matrix]:
        return self.dummies.dummies, sp.csr_matrix(self.dummies.error @ self.dummies.dummies)

    def gram(self, lam: float) -> Gram:
        """Cross-products at one lambda: C - B'K^-1 B, and their derivative."""
        if lam not in self._grams:
            square, by_own = _quadratic(self._square, lam)
            cross, by_cross = _quadratic(self._cross, lam)
            k0, k1, k2 = self._system
            share = symmetric_solver(k0 - lam * k1 + lam**2 * k2)(cross)
            mixed = by_cross.T @ share
            bent = share.T @ np.asarray(2.0 * lam * (k2 @ share) - k1 @ share)
            self._grams[lam] = Gram(square - cross.T @ share, by_own - mixed - mixed.T + bent)
        return self._grams[lam]

    def profile(self, gram: Gram, rho: FloatArray | float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """SSR over the slopes, and its derivatives by rho and lambda, at each rho."""
        width = 1 if self.lag is None else 2
        value, slopes = gram.value, np.linalg.solve(gram.value[width:, width:], gram.value[width:, :width])
        r = np.atleast_1d(np.asarray(rho, dtype=np.float64))
        a = np.column_stack([np.ones_like(r), -r])[:, :width]
        full = np.column_stack([a, -a @ slopes.T])
        reduced = value[:width, :width] - value[:width, width:] @ slopes
        ssr = ((a @ reduced) * a).sum(axis=1)
        by_rho = -2.0 * (a @ reduced)[:, 1] if width == 2 else np.zeros_like(r)
        return ssr, by_rho, ((full @ gram.by_lam) * full).sum(axis=1)

    def value(self, rho: float, lam: float) -> float:
        total = float(fit_term(self.conv.n_rows, self.profile(self.gram(lam), rho)[0][0]))
        total += float(self.error_logdet.derivatives(lam)[0])
        return total + (float(self.logdet.derivatives(rho)[0]) if self.conv.has_rho else 0.0)

    def gradient(self, rho: float, lam: float) -> tuple[float, float]:
        ssr, by_rho, by_lam = (float(part[0]) for part in self.profile(self.gram(lam), rho))
        half = self.conv.n_rows / 2.0
        first = float(self.logdet.derivatives(rho)[1]) - half * by_rho / ssr if self.conv.has_rho else 0.0
        return first, float(self.error_logdet.derivatives(lam)[1]) - half * by_lam / ssr


def _quadratic(parts: list[FloatArray], lam: float) -> tuple[FloatArray, FloatArray]:
    """p0 - lam p1 + lam^2 p2 and its derivative."""
    return parts[0] - lam * parts[1] + lam**2 * parts[2], 2.0 * lam * parts[2] - parts[1]


def _independent(gram: FloatArray) -> NDArray[np.int64]:
    """Positions of a largest set of independent columns, from their cross-products."""
    if not len(gram):
        return np.zeros(0, dtype=np.int64)
    _, r, order = sl.qr(gram, pivoting=True)
    pivots = np.abs(np.diagonal(r))
    return np.sort(order[pivots > 1e-9 * max(float(pivots[0]), 1.0)])
