"""Several completions of a table with holes, so that a result can say what the holes cost: bootstrap EM.

Rows are normal, mean and covariance by EM on a bootstrap sample of the rows; holes are drawn from their law given the
row's other values (Honaker and King 2010).
"""

from dataclasses import dataclass

import numpy as np

from python_models._types import BoolArray, FloatArray

ITERATIONS, TOLERANCE = 500, 1e-5


@dataclass(frozen=True, eq=False)
class Completions:
    """values (M', n, m) of the completions that came out; n_failed did not, for `reasons`."""

    values: FloatArray
    n_failed: int
    reasons: tuple[str, ...]


def multiple_imputation(X: FloatArray, *, copies: int = 20, seed: int = 0) -> Completions:
    """`copies` completions of X (n, m), NaN for holes. Observed cells never change.

    A copy that fails (EM does not settle, a bootstrap sample leaves a column empty or constant) is counted, not
    replaced. ValueError: a column without 3 values, or no copy that came out.
    """
    hole = np.isnan(X)
    if ((~hole).sum(axis=0) < 3).any():
        raise ValueError("every column needs at least 3 values.")
    centre, scale = np.nanmean(X, axis=0), np.nanstd(X, axis=0)
    z = (X - centre) / np.where(scale > 0.0, scale, 1.0)
    completions, reasons = [], []
    for stream in np.random.SeedSequence(seed).spawn(copies):
        rng = np.random.default_rng(stream)
        try:
            full = _by_em(z, hole, rng)
            completions.append(np.where(hole, full * np.where(scale > 0.0, scale, 1.0) + centre, X))
        except (ArithmeticError, np.linalg.LinAlgError) as error:
            reasons.append(str(error))
    if not completions:
        raise ValueError(f"no completion came out: {reasons[0]}")
    return Completions(np.stack(completions), len(reasons), tuple(dict.fromkeys(reasons)))


def em_normal(X: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean (m,) and covariance (m, m) of maximum likelihood of rows X (n, m) with holes. ArithmeticError: no end."""
    hole = np.isnan(X)
    mean, cov = np.nanmean(X, axis=0), np.diag(np.nanvar(X, axis=0))
    if not (np.diag(cov) > 0.0).all():
        raise ArithmeticError("a column of the sample does not vary.")
    patterns, which = np.unique(hole, axis=0, return_inverse=True)
    for _ in range(ITERATIONS):
        full, extra = X.copy(), np.zeros_like(cov)
        for p, hole_mask in enumerate(patterns):
            rows = np.flatnonzero(which == p)
            if hole_mask.any():
                expected, spread = conditional(X[rows], hole_mask, mean, cov)
                full[np.ix_(rows, hole_mask)] = expected
                extra[np.ix_(hole_mask, hole_mask)] += len(rows) * spread
        new_mean = full.mean(axis=0)
        new_cov = ((full - new_mean).T @ (full - new_mean) + extra) / len(X)
        step = max(np.abs(new_mean - mean).max(), np.abs(new_cov - cov).max())
        mean, cov = new_mean, new_cov
        if step < TOLERANCE:
            return mean, cov
    raise ArithmeticError(f"EM did not settle within {ITERATIONS} iterations.")


def conditional(rows: FloatArray, hole: BoolArray, mean: FloatArray, cov: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean (n, h) and covariance (h, h) of the lost columns given the others of a normal law."""
    is_observed = ~hole
    slope = (
        np.linalg.solve(cov[np.ix_(is_observed, is_observed)], cov[np.ix_(is_observed, hole)])
        if is_observed.any()
        else np.zeros((0, 0))
    )
    if not is_observed.any():
        return np.tile(mean[hole], (len(rows), 1)), cov[np.ix_(hole, hole)]
    expected = mean[hole] + (rows[:, is_observed] - mean[is_observed]) @ slope
    return expected, cov[np.ix_(hole, hole)] - cov[np.ix_(hole, is_observed)] @ slope


def _by_em(z: FloatArray, hole: BoolArray, rng: np.random.Generator) -> FloatArray:
    sample = z[rng.integers(0, len(z), len(z))]
    if np.isnan(sample).all(axis=0).any():
        raise ArithmeticError("a column of the sample has no value.")
    mean, cov = em_normal(sample)
    full = z.copy()
    patterns, which = np.unique(hole, axis=0, return_inverse=True)
    for p, hole_mask in enumerate(patterns):
        rows = np.flatnonzero(which == p)
        if hole_mask.any():
            expected, spread = conditional(z[rows], hole_mask, mean, cov)
            root = np.linalg.cholesky(spread + 1e-12 * np.eye(int(hole_mask.sum())))
            full[np.ix_(rows, hole_mask)] = expected + rng.standard_normal(expected.shape) @ root.T
    return full
