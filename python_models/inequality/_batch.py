"""The measures for many weightings of the same cities at once: what a bootstrap needs.

Every function takes y (n,) and W: rows (B, n) of case weights, one per replicate (how often a city was drawn, times its
population where that counts), or `Weights`. It returns (B,) or (B, q). Equal weights give the plain measures.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from python_models._types import FloatArray
from python_models.inequality._inputs import Groups
from python_models.inequality._weights import Weights, as_weights, members_of

type Rows = FloatArray | Weights


def mean(y: FloatArray, W: Rows) -> FloatArray:
    """sum w y / sum w."""
    w = as_weights(W)
    return _ratio(w.sums(y), w.total())


def sd(y: FloatArray, W: Rows) -> FloatArray:
    """Standard deviation with n - 1 (n = number of cities with a weight, scaled by n / (n - 1) under weights)."""
    w, mu = as_weights(W), mean(y, W)
    square = _ratio(w.sums((y - y.mean()) ** 2), w.total()) - (mu - y.mean()) ** 2
    n = float(y.size)
    return np.sqrt(np.maximum(square, 0.0) * (n / (n - 1.0) if n > 1 else np.nan))


def cv(y: FloatArray, W: Rows) -> FloatArray:
    """sd / mean."""
    return _ratio(sd(y, W), mean(y, W))


def gini(y: FloatArray, W: Rows) -> FloatArray:
    """Gini index, see `python_models.inequality.gini`."""
    w = as_weights(W)
    return np.maximum(_ratio(w.pair_sum(y), 2.0 * w.total() * w.sums(y)), 0.0)


def theil_t(y: FloatArray, W: Rows) -> FloatArray:
    """T = sum w y ln y / sum w y - ln mu."""
    w = as_weights(W)
    return np.maximum(_ratio(w.sums(_y_log_y(y)), w.sums(y)) - _log(mean(y, W)), 0.0)


def theil_l(y: FloatArray, W: Rows) -> FloatArray:
    """L = ln mu - mean ln y; nan with a zero that has a weight."""
    has_zero = as_weights(W).sums((y == 0.0).astype(np.float64)) > 0.0
    log = np.log(np.where(y > 0.0, y, 1.0))
    return np.where(has_zero, np.nan, np.maximum(_log(mean(y, W)) - mean(log, W), 0.0))


def quantile(y: FloatArray, W: Rows, share: float) -> FloatArray:
    """Type-7 quantile for whole-number weights (draws of cities); else the smallest y with that share of the weight."""
    return as_weights(W).quantile(y, share)


def group_means(y: FloatArray, W: Rows, split: Groups) -> FloatArray:
    """Mean of each group, (B, K); nan without members."""
    w, member = as_weights(W), members_of(split)
    return _ratio(w.grouped(y, member), w.sums(member))


@dataclass(frozen=True, eq=False)
class DagumBatch:
    """Parts of Dagum's decomposition by replicate: (B,), matrices (B, K, K)."""

    total: FloatArray
    within: FloatArray
    between: FloatArray
    transvariation: FloatArray
    gini_matrix: FloatArray
    affluence_matrix: FloatArray  # signed: positive where the first group has the higher mean


def dagum(y: FloatArray, W: Rows, split: Groups) -> DagumBatch:
    """Dagum's parts, see `python_models.inequality.dagum`; here D_jh keeps the sign of mu_j - mu_h."""
    w, member = as_weights(W), members_of(split)
    mass, sums = w.sums(member), w.grouped(y, member)
    pairs = np.maximum(w.pair_matrix(y, split), 0.0)
    spread = _ratio(pairs, mass[:, :, None] * mass[:, None, :])
    means = _ratio(sums, mass)
    g = np.nan_to_num(_ratio(spread, means[:, :, None] + means[:, None, :]))
    gap = means[:, :, None] - means[:, None, :]
    tiny = spread <= 1e-13 * np.abs(y).max()
    d = np.clip(np.where(tiny, 0.0, _ratio(gap, spread)), -1.0, 1.0)
    p, s = mass / mass.sum(axis=1, keepdims=True), _ratio(sums, sums.sum(axis=1, keepdims=True))
    part = g * p[:, :, None] * s[:, None, :]
    within = np.einsum("bjj->b", part)
    between = np.einsum("bjh,bjh->b", part, np.abs(np.nan_to_num(d)))
    total = part.sum(axis=(1, 2))
    return DagumBatch(total, within, between, np.maximum(total - within - between, 0.0), g, d)


def dagum_components(y: FloatArray, W: Rows, split: Groups) -> tuple[FloatArray, FloatArray]:
    """total, within, between, transvariation (B, 4) and G_jj (B, K), without the pairs: for many groups.

    G_nb is the Gini index of the data with every value replaced by the mean of its group.
    """
    w, parts = as_weights(W), []
    for j in range(split.size):
        rows = np.flatnonzero(split.codes == j)
        inner = w.take(rows)
        index = np.nan_to_num(gini(y[rows], inner)) if rows.size > 1 else np.zeros_like(inner.total())
        parts.append((inner.total(), inner.sums(y[rows]), index))
    mass, sums, inside = (np.column_stack(columns) for columns in zip(*parts, strict=True))
    p, s = mass / mass.sum(axis=1, keepdims=True), _ratio(sums, sums.sum(axis=1, keepdims=True))
    means = np.nan_to_num(_ratio(sums, mass))
    order = np.argsort(means, axis=1, kind="stable")
    p_up, s_up = np.take_along_axis(p, order, axis=1), np.take_along_axis(s, order, axis=1)
    between = (s_up * (2.0 * np.cumsum(p_up, axis=1) - p_up - 1.0)).sum(axis=1)
    total, within = gini(y, W), (inside * p * s).sum(axis=1)
    return np.column_stack([total, within, between, np.maximum(total - within - between, 0.0)]), inside


@dataclass(frozen=True, eq=False)
class TheilBatch:
    """Parts of the nested Theil index by replicate: (B,); index inside each region and its share, (B, R)."""

    total: FloatArray
    between_region: FloatArray
    between_province: FloatArray
    within_province: FloatArray
    region_index: FloatArray
    region_share: FloatArray


def theil_nested(y: FloatArray, W: Rows, region: Groups, province: Groups, kind: str) -> TheilBatch:
    """Nested Theil index, see `python_models.inequality.theil_nested`; L with a zero is nan."""
    w, outer, inner = as_weights(W), members_of(region), members_of(province)
    share_r, log_r = _shares(y, w, outer, kind)
    share_p, log_p = _shares(y, w, inner, kind)
    if kind == "T":
        total = theil_t(y, w)
        in_region = _ratio(w.grouped(_y_log_y(y), outer), w.grouped(y, outer)) - log_r
    else:
        total = theil_l(y, w)
        in_region = log_r - _ratio(w.grouped(np.log(np.where(y > 0.0, y, np.nan)), outer), w.sums(outer))
    mean_log = _log(mean(y, w))
    sign = 1.0 if kind == "T" else -1.0
    at_region = sign * (_weighted(share_r, log_r) - mean_log)
    at_province = sign * (_weighted(share_p, log_p) - _weighted(share_r, log_r))
    return TheilBatch(total, at_region, at_province, total - at_region - at_province, in_region, share_r)


def _shares(y: FloatArray, w: Weights, member: FloatArray, kind: str) -> tuple[FloatArray, FloatArray]:
    """Shares of the total (T) or of the cases (L), and ln of the means, (B, K)."""
    mass, sums = w.sums(member), w.grouped(y, member)
    base = sums if kind == "T" else mass
    return base / base.sum(axis=1, keepdims=True), _log(_ratio(sums, mass))


def _weighted(share: FloatArray, value: FloatArray) -> FloatArray:
    return np.asarray(np.where(share == 0.0, 0.0, share * value).sum(axis=1))


def _y_log_y(y: FloatArray) -> FloatArray:
    """y ln y, 0 where y = 0."""
    return np.asarray(xlogy(y, y), dtype=np.float64)


def _ratio(a: FloatArray, b: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(b == 0.0, np.nan, a / b)


def _log(a: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.log(a)
