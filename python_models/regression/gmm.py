"""Linear GMM on stacked equations of cities: one-step, two-step with Windmeijer's correction, and its tests.

    moments  sum_i Z_i'(y_i - X_i b) = 0,  weight A = (sum_i Z_i'H Z_i)^-1, then S^-1, S = sum_i Z_i'e_i e_i'Z_i
Not here: which equations and instruments a model has (dynamic_gmm).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from python_models._types import FloatArray
from python_models.regression.errors import PanelInputError, estimable
from python_models.regression.spec_results import SpecTest

_INDEPENDENT = 1e-6  # share of an instrument that those before it must leave unexplained


@dataclass(frozen=True, eq=False)
class Stacked:
    """Equations of N cities: y (N, R), x (N, R, k), z (N, R, m), first-step weight H (R, R).

    n_diff : the first n_diff rows are differences of years that follow each other; the rest are levels.
    """

    y: FloatArray
    x: FloatArray
    z: FloatArray
    h: FloatArray
    n_diff: int


@dataclass(frozen=True, eq=False)
class GmmFit:
    """params, cov (k, k) of the two-step estimate, cov with Windmeijer's correction; the one-step beside it.

    cov_plain : two-step without the correction (too small in short samples).   residuals : (N, R) of the two steps.
    hansen : all instruments valid, chi2(m - k).   ar : no serial correlation of order 1 and 2 in the differenced
    errors (order 1 is there by construction).   kept : which instruments were used.
    """

    params: FloatArray
    cov: FloatArray
    cov_plain: FloatArray
    one_step: FloatArray
    one_step_cov: FloatArray
    residuals: FloatArray
    hansen: SpecTest
    ar: tuple[SpecTest, SpecTest]
    kept: tuple[bool, ...]

    @property
    def n_instruments(self) -> int:
        return sum(self.kept)


@dataclass(frozen=True, eq=False)
class _Step:
    """Estimate with weight A: params, residuals (N, R), bread (X'Z A Z'X)^-1, map X'Z A."""

    params: FloatArray
    e: FloatArray
    bread: FloatArray
    half: FloatArray


def fit_gmm(data: Stacked) -> GmmFit:
    """Two-step GMM of stacked equations.

    Two-step errors: V = (X'Z S^-1 Z'X)^-1, corrected D V + V D' + V + D V1 D' with D = d b2/d b1 (Windmeijer 2005).
    Hansen J = (Z'e)'S^-1 Z'e. AR(m): Arellano and Bond (1991), robust. PanelInputError: more instruments than cities
    (S has no inverse), fewer than regressors, or regressors that the instruments do not identify.
    """
    kept = independent(data.z.reshape(-1, data.z.shape[2]))
    z = data.z[:, :, kept]
    n, m, k = len(data.y), z.shape[2], data.x.shape[2]
    if m < k:
        raise PanelInputError(f"{m} usable instruments are too few for {k} coefficients.")
    if m >= n:
        raise PanelInputError(f"{m} instruments for {n} cities: two-step GMM needs fewer instruments than cities.")
    with estimable("the GMM estimate"):
        weight = np.linalg.inv(_cross(z, data.h @ z))
        first = _step(data, z, weight)
        g1 = np.einsum("nrm,nr->nm", z, first.e)
        s = g1.T @ g1
        second_weight = np.linalg.inv(s)
        second = _step(data, z, second_weight)
    one_cov = first.bread @ first.half @ s @ first.half.T @ first.bread
    moment = np.einsum("nrm,nr->m", z, second.e)
    d = _derivative(data.x, z, g1, second, second_weight, moment)
    plain = second.bread
    cov = plain + d @ plain + plain @ d.T + d @ one_cov @ d.T
    if m == k:
        hansen = SpecTest("hansen_j", 0.0, 0.0, np.nan, "exactly identified: nothing to test")
    else:
        hansen = SpecTest.chi2("hansen_j", float(moment @ second_weight @ moment), m - k, "H0: instruments are valid")
    ar = (_serial(data, z, second, cov, 1), _serial(data, z, second, cov, 2))
    return GmmFit(second.params, cov, plain, first.params, one_cov, second.e, hansen, ar, tuple(map(bool, kept)))


def independent(columns: FloatArray) -> np.ndarray:
    """(m,) mask of the columns (rows, m) that add something to those before them."""
    basis = np.empty((len(columns), 0))
    kept = np.zeros(columns.shape[1], dtype=np.bool_)
    for j, column in enumerate(columns.T):
        rest = column - basis @ (basis.T @ column)
        rest = rest - basis @ (basis.T @ rest)
        length, whole = float(np.linalg.norm(rest)), float(np.linalg.norm(column))
        kept[j] = length > _INDEPENDENT * whole and whole > 0
        if kept[j]:
            basis = np.column_stack([basis, rest / length])
    return kept


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """sum_i A_i'B_i of (N, R, p) and (N, R, q)."""
    return np.asarray(a.reshape(-1, a.shape[2]).T @ b.reshape(-1, b.shape[2]))


def _step(data: Stacked, z: FloatArray, weight: FloatArray) -> _Step:
    zx, zy = _cross(z, data.x), np.einsum("nrm,nr->m", z, data.y)
    half = zx.T @ weight
    bread = np.linalg.inv(half @ zx)
    params = bread @ (half @ zy)
    return _Step(params, data.y - data.x @ params, bread, half)


def _derivative(
    x: FloatArray, z: FloatArray, g1: FloatArray, second: _Step, weight: FloatArray, moment: FloatArray
) -> FloatArray:
    """d b2/d b1 (k, k): the second weight was made from one-step residuals. dS/db_j = -(Q_j'G + G'Q_j)."""
    q = z.transpose(0, 2, 1) @ x
    columns = []
    for j in range(x.shape[2]):
        change = q[:, :, j].T @ g1
        columns.append(second.bread @ second.half @ (change + change.T) @ weight @ moment)
    return np.stack(columns, axis=1)


def _serial(data: Stacked, z: FloatArray, step: _Step, cov: FloatArray, order: int) -> SpecTest:
    """z of sum_i w_i'e_i, w = residuals of `order` years before, in the differenced equations."""
    code, e = f"ar{order}", step.e[:, : data.n_diff]
    if data.n_diff <= order:
        return SpecTest(code, np.nan, np.nan, np.nan, f"{data.n_diff} differenced years are too few")
    w = np.zeros_like(e)
    w[:, order:] = e[:, :-order]
    each = (w * e).sum(axis=1)
    wx = np.einsum("nr,nrk->k", w, data.x[:, : data.n_diff])
    cross = np.einsum("nrm,nr,n->m", z, step.e, each)
    variance = each @ each - 2.0 * wx @ step.bread @ step.half @ cross + wx @ cov @ wx
    if variance <= 0:
        return SpecTest(code, np.nan, np.nan, np.nan, "its variance is not positive: too few cities")
    statistic = float(each.sum() / np.sqrt(variance))
    return SpecTest.normal(code, statistic, "H0: no serial correlation of this order in differenced errors")


def names_of(names: Sequence[str], kept: Sequence[bool]) -> tuple[str, ...]:
    """Names of the instruments that were used."""
    return tuple(name for name, keep in zip(names, kept, strict=True) if keep)
