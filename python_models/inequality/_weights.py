"""Rows of case weights, and the few sums over them that every measure is made of.

`Drawn` holds its rows (B, n): what a bootstrap draws. `Nudged` stands for n rows that differ from one base row in the
weight of one city each: what the derivative by a city's weight needs, by closed forms over sorted prefix sums,
O(n log n) for all rows together. f (n,), F (n, q) belong to the cities.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from python_models._types import FloatArray, IntArray
from python_models.inequality._inputs import Groups

CELLS = 2_000_000  # numbers of one block of rows: bounds the memory
STEP = 1e-4  # of the derivative by a city's weight

type Weights = Drawn | Nudged


@dataclass(frozen=True, eq=False)
class Drawn:
    """Rows as they are, (B, n)."""

    rows: FloatArray
    _kept: list[tuple[FloatArray, tuple[IntArray, FloatArray, FloatArray, FloatArray]]] = field(default_factory=list)

    def total(self) -> FloatArray:
        """sum w, (B,)."""
        return np.asarray(self.rows.sum(axis=1))

    def sums(self, f: FloatArray) -> FloatArray:
        """sum w f, (B,) or (B, q)."""
        return np.asarray(self.rows @ f)

    def grouped(self, f: FloatArray, member: FloatArray) -> FloatArray:
        """sum w f over the members of each group, (B, K); member (n, K) of ones and zeros."""
        return np.asarray((self.rows * f) @ member)

    def pair_sum(self, y: FloatArray) -> FloatArray:
        """sum_i sum_r w_i w_r |y_i - y_r|, (B,)."""
        _, ys, ws, up_to = self._rising(y)
        return np.asarray(2.0 * (np.einsum("bi,bi,i->b", ws, 2.0 * up_to - ws, ys) - ws.sum(axis=1) * (ws @ ys)))

    def pair_matrix(self, y: FloatArray, split: Groups) -> FloatArray:
        """The same over the pairs of two groups, (B, K, K)."""
        order, ys, ws, _ = self._rising(y)
        member = members_of(split)[order]
        mass, lead = ws @ member, ws * (ys - ys[ys.size // 2])
        pairs = np.empty((ws.shape[0], split.size, split.size))
        for h in range(split.size):
            of_group = ws * member[:, h]
            pairs[:, :, h] = (lead * (2.0 * np.cumsum(of_group, axis=1) - of_group - mass[:, h, None])) @ member
        return np.asarray(pairs + pairs.transpose(0, 2, 1))

    def quantile(self, y: FloatArray, share: float) -> FloatArray:
        """Quantile of y at a share of the weight, (B,), see `_batch.quantile`."""
        _, ys, ws, up_to = self._rising(y)
        total = up_to[:, -1]
        if (np.floor(ws) != ws).any():
            place = (up_to < least(share, total)[:, None]).sum(axis=1)
            return ys[np.minimum(place, y.size - 1)]
        position = (total - 1.0) * share
        low = np.floor(position)
        below, above = ((up_to <= (low + step)[:, None]).sum(axis=1) for step in (0.0, 1.0))
        left, right = ys[np.minimum(below, y.size - 1)], ys[np.minimum(above, y.size - 1)]
        return np.asarray(left + (position - low) * (right - left))

    def _rising(self, y: FloatArray) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
        """Order of y, y and the rows in it, and the rows' running sums: kept for the next measure of the same y."""
        if not self._kept or self._kept[0][0] is not y:
            order = np.argsort(y, kind="stable")
            rows = self.rows[:, order]
            self._kept[:] = [(y, (order, y[order], rows, np.cumsum(rows, axis=1)))]
        return self._kept[0][1]

    def times(self, base: FloatArray) -> Drawn:
        """The rows times base (n,)."""
        return Drawn(self.rows * base)

    def take(self, cities: IntArray) -> Drawn:
        """The same rows over some of the cities."""
        return Drawn(self.rows[:, cities])


@dataclass(frozen=True, eq=False)
class Nudged:
    """Row i gives a share e = STEP of the weight of its stratum s to city i: w = b (1 - e 1_s) + e n_s b_i 1_i.

    b (m,) base weights of the cities `at` (m,), which are all N of them or some; strata (N,) codes; n_s cities of a
    stratum. There are N rows, whatever `at` holds. With B_s the sum over a stratum of b f,
    sum w f = B - e B_s(i) + e n_s(i) b_i f_i; sums over pairs are the same twice.
    """

    strata: Groups
    at: IntArray
    base: FloatArray

    @classmethod
    def of(cls, strata: Groups) -> Nudged:
        n = strata.codes.size
        return cls(strata, np.arange(n), np.ones(n))

    def total(self) -> FloatArray:
        return self.sums(np.ones(self.at.size))

    def sums(self, f: FloatArray) -> FloatArray:
        values = self.base * f if f.ndim == 1 else self.base[:, None] * f
        return self._rows_of(values.sum(axis=0), self._by_stratum(values), values)

    def grouped(self, f: FloatArray, member: FloatArray) -> FloatArray:
        return self.sums(f[:, None] * member)

    def pair_sum(self, y: FloatArray) -> FloatArray:
        return np.asarray(self.pair_matrix(y, Groups(np.zeros(y.size, dtype=np.int64), ("all",)))[:, 0, 0])

    def pair_matrix(self, y: FloatArray, split: Groups) -> FloatArray:
        """With v_h = b on group h: w_j'A w_h, A = |y - y'|, written out in v, its part in the stratum, and 1_i."""
        weight = self.base[:, None] * members_of(split)  # (m, K)
        far = distance_sums(y, weight)  # A v_h at every city
        near = np.empty_like(far)  # A (v_h in the city's own stratum)
        codes = self.strata.codes[self.at]
        for s in np.unique(codes):
            at = np.flatnonzero(codes == s)
            near[at] = distance_sums(y[at], weight[at])
        first = weight.T @ far
        second = self._by_stratum(weight[:, :, None] * far[:, None, :])
        second = second + second.transpose(0, 2, 1)
        third = self._by_stratum(weight[:, :, None] * near[:, None, :])
        lone = weight[:, :, None] * (far - STEP * near)[:, None, :]
        return self._rows_of(first, second - STEP * third, lone + lone.transpose(0, 2, 1))

    def quantile(self, y: FloatArray, share: float) -> FloatArray:
        """Bisection in all rows at once: the weight up to a place is linear in the row's own two numbers."""
        order = np.argsort(y, kind="stable")
        ys, base, codes = y[order], self.base[order], self.strata.codes[self.at[order]]
        member = np.zeros((self.strata.size, y.size))
        member[codes, np.arange(y.size)] = base
        up_to, of_stratum = np.cumsum(base), np.cumsum(member, axis=1)
        place = np.full(self.strata.codes.size, y.size)
        place[self.at[order]] = np.arange(y.size)
        extra = self._at_rows(base[np.argsort(order, kind="stable")]) * self._size()
        target, stratum = least(share, self.total()), self.strata.codes
        low, high = np.zeros(stratum.size, dtype=np.int64), np.full(stratum.size, y.size - 1)
        while (low < high).any():
            middle = (low + high) // 2
            weight = up_to[middle] - STEP * of_stratum[stratum, middle] + STEP * extra * (place <= middle)
            enough = weight >= target
            low, high = np.where(enough, low, np.minimum(middle + 1, high)), np.where(enough, middle, high)
        return ys[low]

    def times(self, base: FloatArray) -> Nudged:
        return replace(self, base=self.base * base)

    def take(self, cities: IntArray) -> Nudged:
        return replace(self, at=self.at[cities], base=self.base[cities])

    def _size(self) -> FloatArray:
        """n_s of the stratum of each row, (N,)."""
        return np.bincount(self.strata.codes, minlength=self.strata.size)[self.strata.codes].astype(np.float64)

    def _at_rows(self, values: FloatArray) -> FloatArray:
        """Values (m, ..) of the cities at the rows that nudge them, 0 at the others, (N, ..)."""
        values_at = np.zeros((self.strata.codes.size, *values.shape[1:]))
        values_at[self.at] = values
        return values_at

    def _by_stratum(self, values: FloatArray) -> FloatArray:
        """Sums (S, ..) of values (m, ..) over the strata."""
        sums = np.zeros((self.strata.size, *values.shape[1:]))
        np.add.at(sums, self.strata.codes[self.at], values)
        return sums

    def _rows_of(self, whole: FloatArray, stratum: FloatArray, lone: FloatArray) -> FloatArray:
        """whole - e stratum + e n_s lone, one row a city: whole (..), stratum (S, ..), lone (m, ..)."""
        size = self._size().reshape(-1, *[1] * (lone.ndim - 1))
        return np.asarray(whole - STEP * stratum[self.strata.codes] + STEP * size * self._at_rows(lone))


def as_weights(rows: FloatArray | Weights) -> Weights:
    """Rows (B, n) as `Drawn`; others as they are."""
    return Drawn(rows) if isinstance(rows, np.ndarray) else rows


def members_of(split: Groups) -> FloatArray:
    """(n, K) of ones and zeros."""
    member = np.zeros((split.codes.size, split.size))
    member[np.arange(split.codes.size), split.codes] = 1.0
    return member


def distance_sums(y: FloatArray, weight: FloatArray) -> FloatArray:
    """sum_r v_rh |y_i - y_r| for every i and h, (m, K), from v (m, K): y_i (2 C_i - C) - (2 D_i - D), sorted.

    C, D: sums of v and of v y up to i. Values are centred first, which changes no difference and keeps digits.
    """
    order = np.argsort(y, kind="stable")
    ys = (y[order] - y[order[y.size // 2]])[:, None]
    mass, moment = np.cumsum(weight[order], axis=0), np.cumsum(weight[order] * ys, axis=0)
    sums = np.empty_like(weight)
    sums[order] = ys * (2.0 * mass - mass[-1]) - (2.0 * moment - moment[-1])
    return sums


def least(share: float, total: FloatArray) -> FloatArray:
    """The weight that a quantile has to reach; what rounding takes from a sum does not count."""
    return np.asarray(share * total * (1.0 - 1e-12))
