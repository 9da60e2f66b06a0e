"""Dagum's decomposition of the Gini index by groups that may overlap."""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import FloatArray, IntArray
from python_models.inequality._inputs import Groups, Labels, Vector, as_case_weights, as_groups, as_values


@dataclass(frozen=True, eq=False)
class DagumResult(Shown):
    """Gini index and its three parts: total = within + between + transvariation.

    between is the net between-group part G_nb, transvariation the part G_t that comes from overlap. Arrays of size K
    and K x K follow `labels`; properties carry the labels.
    """

    total: float
    within: float
    between: float
    transvariation: float
    labels: tuple[Hashable, ...]
    counts: IntArray  # n_j
    means: FloatArray  # mu_j, nan for an empty group
    population_share: FloatArray  # p_j
    value_share: FloatArray  # s_j
    mean_difference: FloatArray  # Delta_jh (K, K)
    gini_matrix: FloatArray  # G_jh (K, K), on the diagonal G_jj
    affluence_matrix: FloatArray  # D_jh (K, K), 0 on the diagonal

    @property
    def gini_within(self) -> pd.Series:
        """G_jj by group; nan for an empty group and for several members that are all zero."""
        return pd.Series(np.diagonal(self.gini_matrix).copy(), index=list(self.labels), name="gini_within")

    @property
    def gini_between(self) -> pd.DataFrame:
        """G_jh by pair of groups, symmetric, with G_jj on the diagonal."""
        return self._square(self.gini_matrix)

    @property
    def relative_affluence(self) -> pd.DataFrame:
        """D_jh = (d_jh - q_jh) / (d_jh + q_jh) by pair of groups, in [0, 1]; 0 on the diagonal."""
        return self._square(self.affluence_matrix)

    @property
    def shares(self) -> pd.Series:
        """The three parts in percent of the total; nan if the total is 0."""
        parts = np.array([self.within, self.between, self.transvariation])
        percent = 100.0 * parts / self.total if self.total > 0.0 else np.full(3, np.nan)
        return pd.Series(percent, index=["within", "between", "transvariation"], name="share")

    def to_frame(self) -> pd.DataFrame:
        """One row per component (total, within, between, transvariation) with value and share in percent."""
        values = [self.total, self.within, self.between, self.transvariation]
        share = np.concatenate([[100.0 if self.total > 0.0 else np.nan], self.shares.to_numpy()])
        names = ["total", "within", "between", "transvariation"]
        return pd.DataFrame({"component": names, "value": values, "share": share})

    def pairs_frame(self) -> pd.DataFrame:
        """One row per pair of groups with members, the one with the higher mean first (the earlier label if equal).

        Columns group_high, group_low, gini_between, gross_affluence d, transvariation q, mean_difference d + q,
        relative_affluence D.
        """
        rows = []
        for j, h in self.pairs():
            spread, gap = float(self.mean_difference[j, h]), float(self.means[j] - self.means[h])
            gini, affluence = float(self.gini_matrix[j, h]), float(self.affluence_matrix[j, h])
            q = 0.0 if affluence == 1.0 else max(spread - gap, 0.0) / 2.0
            rows.append((self.labels[j], self.labels[h], gini, spread - q, q, spread, affluence))
        columns = ["group_high", "group_low", "gini_between", "gross_affluence", "transvariation", "mean_difference"]
        return pd.DataFrame(rows, columns=[*columns, "relative_affluence"])

    def pairs(self) -> list[tuple[int, int]]:
        """Positions (high, low) of every pair of groups with members."""
        groups = [int(j) for j in np.flatnonzero(self.counts > 0)]
        pairs = [(j, h) for at, j in enumerate(groups) for h in groups[at + 1 :]]
        return [(j, h) if self.means[j] >= self.means[h] else (h, j) for j, h in pairs]

    def _square(self, matrix: FloatArray) -> pd.DataFrame:
        return pd.DataFrame(matrix.copy(), index=list(self.labels), columns=list(self.labels))


@aligned
def dagum(y: Vector, groups: Labels, weights: Vector | None = None) -> DagumResult:
    """Dagum's decomposition G = G_w + G_nb + G_t in O(n log n + n K) (docs/formulas.md#dagum).

    Parameters
    ----------
    y : (n,) array or Series
        Values, finite and not negative.
    groups : (n,) labels
        K groups; a category without members has n = 0 and nan.
    weights : (n,) array or Series, optional
        Case weights, e.g. population; default: all equal.

    Returns
    -------
    DagumResult
        Total, the parts within, net between and of transvariation, and the K x K matrices behind them.

    Raises
    ------
    ValueError
        A bad value, a missing label, or a wrong length.

    Notes
    -----
    p_j, s_j are the shares of group j in the cases and in the total, mu_j its mean, Delta_jh the mean of |y_ji - y_hr|.
    G_jj = Delta_jj / (2 mu_j), G_jh = Delta_jh / (mu_j + mu_h), D_jh = (mu_j - mu_h) / Delta_jh for mu_j >= mu_h,
    G_w = sum_j G_jj p_j s_j, G_nb = sum_{h<j} G_jh (p_j s_h + p_h s_j) D_jh, G_t the same with 1 - D_jh.

    One member: G_jj = 0. Delta_jh = 0: G_jh = D_jh = 0. mu_j + mu_h = 0: G_jh is nan and adds 0. mu = 0: every part is
    nan.

    References
    ----------
    Dagum (1997).

    Examples
    --------
    >>> from python_models.inequality import dagum
    >>> parts = dagum([1.0, 2.0, 3.0, 4.0], ["w", "w", "e", "e"])
    >>> round(parts.within, 4), round(parts.between, 4), round(parts.total, 4)
    (0.05, 0.2, 0.25)
    """
    values = as_values(y)
    split = as_groups(groups, values.size)
    w = np.ones(values.size) if weights is None else as_case_weights(weights, values.size)
    counts = np.bincount(split.codes, minlength=split.size).astype(np.int64)
    gaps = _differences(values, split, w)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = gaps.sums / gaps.mass
        gini = gaps.spread / (means[:, None] + means[None, :])
        affluence = np.abs(means[:, None] - means[None, :]) / gaps.spread
    lone = np.flatnonzero(counts == 1)
    gini[lone, lone] = 0.0
    affluence[gaps.spread == 0.0] = 0.0
    affluence = np.minimum(affluence, 1.0)
    total = gaps.sums.sum()
    p = gaps.mass / gaps.mass.sum()
    s = gaps.sums / total if total > 0.0 else np.full(split.size, np.nan)
    parts = _parts(gini, affluence, p, s)
    return DagumResult(*parts, split.labels, counts, means, p, s, gaps.spread, gini, affluence)


class _Differences(NamedTuple):
    """mass (K,) weight of the groups, sums (K,) of weight x value, spread (K, K) mean |y_ji - y_hr| (nan if empty)."""

    mass: FloatArray
    sums: FloatArray
    spread: FloatArray


def _differences(values: FloatArray, split: Groups, w: FloatArray) -> _Differences:
    """Delta_jh of all pairs of groups, from sorted values.

    Sums across two groups are R_jh + R_hj, R_jh = sum_{i in j} w_i y_i (2 C_h(i) - W_h), C_h(i) = weight of group h up
    to i. Where all of one group lies above the other, Delta_jh is the gap of the means: taken as such, so that D_jh is
    1 and the overlap 0 to the last digit. Values are centred first, which changes no difference and keeps digits.
    """
    k, order, centre = split.size, np.argsort(values), values[values.size // 2]
    ys, codes, ws = values[order], split.codes[order], w[order]
    mass, sums = (np.bincount(codes, weights=of, minlength=k) for of in (ws, ws * ys))
    rank = np.empty((k, k))
    for h in range(k):
        of_group = np.where(codes == h, ws, 0.0)
        # half of the own weight: a case is neither above nor below itself
        lead = ws * (ys - centre) * (2.0 * np.cumsum(of_group) - of_group - mass[h])
        rank[:, h] = np.bincount(codes, weights=lead, minlength=k)
    low, high = np.full((2, k), np.nan)
    low[codes[::-1]] = ys[::-1]  # the last assignment wins: the first place
    high[codes] = ys
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums / mass
        spread = np.maximum(rank + rank.T, 0.0) / np.outer(mass, mass)
    apart = (low[:, None] >= high[None, :]) & ~np.eye(k, dtype=bool)
    spread = np.where(apart | apart.T, np.abs(means[:, None] - means[None, :]), spread)
    same = (low[:, None] == high[None, :]) & (high[:, None] == low[None, :])
    return _Differences(mass, sums, np.where(same, 0.0, spread))


def _parts(gini: FloatArray, affluence: FloatArray, p: FloatArray, s: FloatArray) -> tuple[float, float, float, float]:
    """total, within, between, transvariation. A pair without a Gini index has no share in the total."""
    if np.isnan(s).any():
        return math.nan, math.nan, math.nan, math.nan
    finite_gini = np.where(np.isnan(gini), 0.0, gini)
    weight = finite_gini * np.outer(p, s)  # (j, h) and (h, j) together: G_jh (p_j s_h + p_h s_j)
    within = float(np.trace(weight))
    np.fill_diagonal(weight, 0.0)
    share = np.where(np.isnan(affluence), 0.0, affluence)
    between, overlap = float((weight * share).sum()), float((weight * (1.0 - share)).sum())
    return within + between + overlap, within, between, overlap
