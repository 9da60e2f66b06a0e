"""The measures for many weightings of the same cities at once: what a bootstrap needs.

Every function takes y (n,) and W (B, n), a row of case weights per replicate (how often a city was drawn, times its
population where that counts), and returns (B,) or (B, q). Equal weights give the plain measures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from python_models._types import FloatArray
from python_models.inequality._inputs import Groups


def mean(y: FloatArray, W: FloatArray) -> FloatArray:
    """sum w y / sum w."""
    return _ratio(W @ y, W.sum(axis=1))


def sd(y: FloatArray, W: FloatArray) -> FloatArray:
    """Standard deviation with n - 1 (n = number of cities with a weight, scaled by n / (n - 1) under weights)."""
    mu = mean(y, W)
    square = _ratio(W @ (y - y.mean()) ** 2, W.sum(axis=1)) - (mu - y.mean()) ** 2
    n = float(y.size)
    return np.sqrt(np.maximum(square, 0.0) * (n / (n - 1.0) if n > 1 else np.nan))


def cv(y: FloatArray, W: FloatArray) -> FloatArray:
    """sd / mean."""
    return _ratio(sd(y, W), mean(y, W))


def gini(y: FloatArray, W: FloatArray) -> FloatArray:
    """Gini index, see `python_models.inequality.gini`."""
    order = np.argsort(y, kind="stable")
    ys, ws = y[order], W[:, order]
    total = ws.sum(axis=1)
    rank = 2.0 * np.cumsum(ws, axis=1) - ws
    spread = np.einsum("bi,bi,i->b", ws, rank, ys) - total * (ws @ ys)
    return np.maximum(_ratio(spread, total * (ws @ ys)), 0.0)


def theil_t(y: FloatArray, W: FloatArray) -> FloatArray:
    """T = sum w y ln y / sum w y - ln mu."""
    return np.maximum(_ratio(W @ xlogy(y, y), W @ y) - _log(mean(y, W)), 0.0)


def theil_l(y: FloatArray, W: FloatArray) -> FloatArray:
    """L = ln mu - mean ln y; nan with a zero that has a weight."""
    has_zero = W @ (y == 0.0).astype(np.float64) > 0.0
    log = np.log(np.where(y > 0.0, y, 1.0))
    return np.where(has_zero, np.nan, np.maximum(_log(mean(y, W)) - mean(log, W), 0.0))


def quantile(y: FloatArray, W: FloatArray, share: float) -> FloatArray:
    """Type-7 quantile for whole-number weights (draws of cities); else the smallest y with that share of the weight."""
    order = np.argsort(y, kind="stable")
    ys, cumulated = y[order], np.cumsum(W[:, order], axis=1)
    total = cumulated[:, -1]
    if (np.floor(W) != W).any():
        place = (cumulated < (share * total)[:, None] * (1.0 - 1e-12)).sum(axis=1)
        return ys[np.minimum(place, y.size - 1)]
    position = (total - 1.0) * share
    low = np.floor(position)
    below, above = ((cumulated <= (low + step)[:, None]).sum(axis=1) for step in (0.0, 1.0))
    left, right = ys[np.minimum(below, y.size - 1)], ys[np.minimum(above, y.size - 1)]
    return left + (position - low) * (right - left)


@dataclass(frozen=True, eq=False)
class DagumBatch:
    """Parts of Dagum's decomposition by replicate: (B,), matrices (B, K, K)."""

    total: FloatArray
    within: FloatArray
    between: FloatArray
    transvariation: FloatArray
    gini_matrix: FloatArray
    affluence_matrix: FloatArray  # signed: positive where the first group has the higher mean


def dagum(y: FloatArray, W: FloatArray, split: Groups) -> DagumBatch:
    """Dagum's parts, see `python_models.inequality.dagum`; here D_jh keeps the sign of mu_j - mu_h."""
    k, order = split.size, np.argsort(y, kind="stable")
    ys, ws, codes = y[order], W[:, order], split.codes[order]
    member = np.zeros((y.size, k))
    member[np.arange(y.size), codes] = 1.0
    mass, sums = ws @ member, (ws * ys) @ member
    lead = ws * (ys - ys[ys.size // 2])
    pairs = np.empty((W.shape[0], k, k))
    for h in range(k):
        own = ws * member[:, h]
        pairs[:, :, h] = (lead * (2.0 * np.cumsum(own, axis=1) - own - mass[:, h, None])) @ member
    pairs = np.maximum(pairs + pairs.transpose(0, 2, 1), 0.0)
    spread = _ratio(pairs, mass[:, :, None] * mass[:, None, :])
    means = _ratio(sums, mass)
    g = np.nan_to_num(_ratio(spread, means[:, :, None] + means[:, None, :]))
    gap = means[:, :, None] - means[:, None, :]
    tiny = spread <= 1e-13 * np.abs(ys).max()
    d = np.clip(np.where(tiny, 0.0, _ratio(gap, spread)), -1.0, 1.0)
    p, s = mass / mass.sum(axis=1, keepdims=True), _ratio(sums, sums.sum(axis=1, keepdims=True))
    part = g * p[:, :, None] * s[:, None, :]
    within = np.einsum("bjj->b", part)
    between = np.einsum("bjh,bjh->b", part, np.abs(np.nan_to_num(d)))
    total = part.sum(axis=(1, 2))
    return DagumBatch(total, within, between, np.maximum(total - within - between, 0.0), g, d)


def dagum_components(y: FloatArray, W: FloatArray, split: Groups) -> tuple[FloatArray, FloatArray]:
    """total, within, between, transvariation (B, 4) and G_jj (B, K), without the pairs: for many groups.

    G_nb is the Gini index of the data with every value replaced by the mean of its group.
    """
    mass, sums = np.empty((W.shape[0], split.size)), np.empty((W.shape[0], split.size))
    inside = np.zeros_like(mass)
    for j in range(split.size):
        rows = np.flatnonzero(split.codes == j)
        mass[:, j], sums[:, j] = W[:, rows].sum(axis=1), W[:, rows] @ y[rows]
        inside[:, j] = np.nan_to_num(gini(y[rows], W[:, rows])) if rows.size > 1 else 0.0
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


def theil_nested(y: FloatArray, W: FloatArray, region: Groups, province: Groups, kind: str) -> TheilBatch:
    """Nested Theil index, see `python_models.inequality.theil_nested`; L with a zero is nan."""
    outer, inner = np.eye(region.size)[region.codes], np.eye(province.size)[province.codes]
    share_r, log_r = _shares(y, W, outer, kind)
    share_p, log_p = _shares(y, W, inner, kind)
    if kind == "T":
        own_log, total = (W * xlogy(y, y)), theil_t(y, W)
        in_region = _ratio(own_log @ outer, (W * y) @ outer) - log_r
    else:
        own_log, total = W * np.log(np.where(y > 0.0, y, np.nan)), theil_l(y, W)
        in_region = log_r - _ratio(own_log @ outer, W @ outer)
    mean_log = _log(mean(y, W))
    sign = 1.0 if kind == "T" else -1.0
    at_region = sign * (_weighted(share_r, log_r) - mean_log)
    at_province = sign * (_weighted(share_p, log_p) - _weighted(share_r, log_r))
    return TheilBatch(total, at_region, at_province, total - at_region - at_province, in_region, share_r)


def _shares(y: FloatArray, W: FloatArray, member: FloatArray, kind: str) -> tuple[FloatArray, FloatArray]:
    """Shares of the total (T) or of the cases (L), and ln of the means, (B, K)."""
    mass, sums = W @ member, (W * y) @ member
    base = sums if kind == "T" else mass
    return base / base.sum(axis=1, keepdims=True), _log(_ratio(sums, mass))


def _weighted(share: FloatArray, value: FloatArray) -> FloatArray:
    return np.asarray(np.where(share == 0.0, 0.0, share * value).sum(axis=1))


def _ratio(a: FloatArray, b: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(b == 0.0, np.nan, a / b)


def _log(a: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.log(a)
