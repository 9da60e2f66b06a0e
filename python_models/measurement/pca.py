"""Principal-component index of z, with the two tests that say whether components make sense.

With R the correlations (m, m) of the pooled complete rows, lambda_q its eigenvalues, a_q its eigenvectors:

    keep q with lambda_q > 1,   f_q = sum_k a_qk (z_k - mean_k) / sd_k,   F = sum_q (lambda_q / sum lambda) f_q
    score = (F - min F) / (max F - min F), minimum and maximum over the rows that were estimated

The loadings of a component sum to more than 0. Weights are the coefficients of z in F over the sum of their absolute
values; a negative one is flagged. References: Jolliffe (2002); Kaiser (1974); Bartlett (1951).
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.entropy import CONSTANT, EMPTY_COLUMN, complete_rows
from python_models.measurement.critic import correlation

NEGATIVE = "negative_weight"
_SINGULAR = 1e-10


@dataclass(frozen=True, eq=False)
class PcaIndex(Shown):
    """weights (m,); eigenvalues (p,) and loadings (p, p) of the p varying indicators, columns are components.

    low, high: smallest and largest sum_k weights_k z_k of the estimated rows. kmo and bartlett are nan if R is
    singular; kmo needs at least two indicators.
    """

    weights: FloatArray
    flags: tuple[str, ...]
    eigenvalues: FloatArray
    loadings: FloatArray
    n_kept: int
    share_kept: float
    low: float
    high: float
    kmo: float
    bartlett_chi2: float
    bartlett_df: int
    bartlett_p: float
    n_rows: int

    def score(self, Z: ArrayLike) -> FloatArray:
        """Scores (N, T) of Z (N, T, m): 0 and 1 are the ends of the estimated rows."""
        return affine_score(Z, self.weights, self.low, self.high)

    def to_frame(self) -> pd.DataFrame:
        """One row: what a table of the method prints."""
        values = self._pick("n_kept", "share_kept", "kmo", "bartlett_chi2", "bartlett_df", "bartlett_p")
        values |= {"largest_eigenvalue": float(self.eigenvalues[0]), "n_obs": self.n_rows}
        values["n_negative"] = sum(flag == NEGATIVE for flag in self.flags)
        order = ["n_kept", "share_kept", "largest_eigenvalue", "kmo", "bartlett_chi2", "bartlett_df", "bartlett_p"]
        return pd.DataFrame([values])[[*order, "n_negative", "n_obs"]]


def pca_index(Z: ArrayLike) -> PcaIndex:
    """Principal-component index of Z (N, T, m), complete rows pooled.

    A column that does not vary has weight 0 and a flag; so has a negative weight. ValueError: fewer than 2 complete
    rows, no varying column, or F is the same for every row.
    """
    rows, is_empty = complete_rows(Z)
    has_spread = np.array([not e and c.min() < c.max() for e, c in zip(is_empty, rows.T, strict=True)])
    if not has_spread.any():
        raise ValueError("no indicator varies over the complete rows: there are no components.")
    R = correlation(rows[:, has_spread])
    eigenvalues, loadings = _components(R)
    n_kept = max(1, int((eigenvalues > 1.0 + _SINGULAR).sum()))
    share = eigenvalues[:n_kept] / eigenvalues.sum()
    weights = np.zeros(len(has_spread))
    weights[has_spread] = (loadings[:, :n_kept] @ share) / rows[:, has_spread].std(axis=0)
    weights /= np.abs(weights).sum()
    sums = rows[:, has_spread] @ weights[has_spread]
    if not sums.max() > sums.min():
        raise ValueError("the components cancel out: every row has the same principal-component score.")
    flags = tuple(_flag(*parts) for parts in zip(is_empty, has_spread, weights, strict=True))
    low, high = float(sums.min()), float(sums.max())
    chi2, df, p = bartlett(R, len(rows))
    retention = n_kept, float(share.sum())
    return PcaIndex(weights, flags, eigenvalues, loadings, *retention, low, high, kmo(R), chi2, df, p, len(rows))


def affine_score(Z: ArrayLike, w: FloatArray, low: float, high: float) -> FloatArray:
    """(sum_k w_k z_k - low) / (high - low), shape (N, T); w may be negative, weight 0 takes no part."""
    cube = np.asarray(Z, dtype=np.float64)
    total = np.zeros(cube.shape[:2])
    for k in np.flatnonzero(w):
        total = total + w[k] * cube[..., k]
    return (total - low) / (high - low)


def kmo(R: FloatArray) -> float:
    """Kaiser-Meyer-Olkin measure of a correlation matrix (p, p), in [0, 1].

    sum r_kl^2 / (sum r_kl^2 + sum q_kl^2) over k != l, with q_kl = -s_kl / sqrt(s_kk s_ll) the partial correlation
    and s the inverse of R. nan if R is singular, or if nothing is correlated.
    """
    if np.linalg.eigvalsh(R)[0] < _SINGULAR or len(R) < 2:
        return math.nan
    inverse = np.linalg.inv(R)
    scale = np.sqrt(np.diag(inverse))
    partial = -inverse / np.outer(scale, scale)
    off = ~np.eye(len(R), dtype=bool)
    r2, q2 = float((R[off] ** 2).sum()), float((partial[off] ** 2).sum())
    return r2 / (r2 + q2) if r2 + q2 > 0.0 else math.nan


def bartlett(R: FloatArray, n_rows: int) -> tuple[float, int, float]:
    """Bartlett's test that R (p, p) is the identity: chi2 = -(n - 1 - (2p + 5) / 6) ln|R|, df = p (p - 1) / 2, p.

    nan if R is singular or p is 1. Rows of a panel are not independent: a description.
    """
    p = len(R)
    df = p * (p - 1) // 2
    if p < 2 or np.linalg.eigvalsh(R)[0] < _SINGULAR:
        return math.nan, df, math.nan
    chi2 = -(n_rows - 1.0 - (2.0 * p + 5.0) / 6.0) * float(np.linalg.slogdet(R)[1])
    return chi2, df, float(stats.chi2.sf(chi2, df))


def _components(R: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Eigenvalues, largest first, and eigenvectors as columns, each with a positive sum."""
    values, vectors = np.linalg.eigh(R)
    order = np.argsort(values)[::-1]
    values, vectors = values[order], vectors[:, order]
    signs = np.where(vectors.sum(axis=0) < 0.0, -1.0, 1.0)
    return values, vectors * signs


def _flag(is_empty: bool, varies: bool, weight: float) -> str:
    if is_empty:
        return EMPTY_COLUMN
    if not varies:
        return CONSTANT
    return NEGATIVE if weight < 0.0 else ""
