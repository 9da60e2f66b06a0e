"""Mean absolute differences between the members of groups, for every pair of groups at once."""

from dataclasses import dataclass

import numpy as np

from python_models._types import FloatArray
from python_models.inequality._inputs import Groups, IntArray

FEW_GROUPS = 32  # up to here sorting every pair of groups is the faster way


@dataclass(frozen=True, eq=False)
class Differences:
    """mass (K,) weight of the groups, sums (K,) of weight x value, spread (K, K) mean |y_ji - y_hr| (nan if empty)."""

    mass: FloatArray
    sums: FloatArray
    spread: FloatArray


def differences(values: FloatArray, split: Groups, w: FloatArray | None) -> Differences:
    """Delta_jh of all pairs of groups, from sorted values.

    Two identities: (few groups, no weights) the sum of |y - y'| over the pairs of an ascending vector is
    sum_r (2 r - n - 1) y_(r), and the pairs across two groups are those of the union less those inside; (otherwise)
    sums across = R_jh + R_hj, R_jh = sum_{i in j} w_i y_i (2 C_h(i) - W_h), C_h(i) = weight of group h up to i.
    Where all of one group lies above the other, Delta_jh is the gap of the means: taken as such, so that D_jh is 1 and
    the overlap 0 to the last digit. Values are centred first, which changes no difference and keeps digits.
    """
    centre = values[values.size // 2]
    if w is None and split.size <= FEW_GROUPS:
        sums, pairs, mass, low, high = _by_union(values, split, centre)
    else:
        sums, pairs, mass, low, high = _by_rank(values, split, centre, np.ones(values.size) if w is None else w)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums / mass
        spread = np.maximum(pairs, 0.0) / np.outer(mass, mass)
    apart = (low[:, None] >= high[None, :]) & ~np.eye(split.size, dtype=bool)
    spread = np.where(apart | apart.T, np.abs(means[:, None] - means[None, :]), spread)
    same = (low[:, None] == high[None, :]) & (high[:, None] == low[None, :])
    return Differences(mass, sums, np.where(same, 0.0, spread))


type Found = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]  # sums, pairs, mass, low, high


def _by_union(values: FloatArray, split: Groups, centre: float) -> Found:
    k, n = split.size, values.size
    members = []
    for j in range(k):
        # by position: picking by a mask of random pattern is five times slower
        own = values[np.flatnonzero(split.codes == j)]
        own.sort()
        members.append(own)
    sums = np.array([m.sum() for m in members])
    low = np.array([m[0] if m.size else np.nan for m in members])
    high = np.array([m[-1] if m.size else np.nan for m in members])
    for m in members:
        m -= centre
    ranks, buffer = _Ranks(n), np.empty(n)
    inside = [ranks.pair_sum(m) for m in members]
    pairs = np.diag([2.0 * s for s in inside])
    for j in range(k):
        for h in range(j):
            first, size = members[j].size, members[j].size + members[h].size
            union = buffer[:size]
            union[:first], union[first:] = members[j], members[h]
            union.sort()
            pairs[j, h] = pairs[h, j] = ranks.pair_sum(union) - inside[j] - inside[h]
    return sums, pairs, np.array([float(m.size) for m in members]), low, high


class _Ranks:
    """Centred ranks 1 - n, 3 - n, .., n - 1 of every n up to a largest: slices of two vectors, made once."""

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.same_parity = np.arange(1.0 - largest, largest, 2.0)
        self.other_parity = np.arange(-float(largest), largest + 1.0, 2.0)

    def pair_sum(self, ascending: FloatArray) -> float:
        """Sum of |y - y'| over the unordered pairs of an ascending vector."""
        n = ascending.size
        gap = self.largest - n
        ranks = self.other_parity if gap % 2 else self.same_parity
        start = (gap + 1) // 2
        return float(ascending @ ranks[start : start + n])


def _by_rank(values: FloatArray, split: Groups, centre: float, w: FloatArray) -> Found:
    k = split.size
    order = np.argsort(values)
    ys, codes, ws = values[order], split.codes[order], w[order]
    mass = np.bincount(codes, weights=ws, minlength=k)
    rank = np.empty((k, k))
    for h in range(k):
        own = np.where(codes == h, ws, 0.0)
        # half of the own weight: a case is neither above nor below itself
        lead = ws * (ys - centre) * (2.0 * np.cumsum(own) - own - mass[h])
        rank[:, h] = np.bincount(codes, weights=lead, minlength=k)
    low, high = _extremes(ys, codes, k)
    return np.bincount(codes, weights=ws * ys, minlength=k), rank + rank.T, mass, low, high


def _extremes(ys: FloatArray, codes: IntArray, k: int) -> tuple[FloatArray, FloatArray]:
    """Smallest and largest value of each group (nan if empty) from ascending values."""
    low, high = np.full(k, np.nan), np.full(k, np.nan)
    low[codes[::-1]] = ys[::-1]  # the last assignment wins: the first place
    high[codes] = ys
    return low, high
