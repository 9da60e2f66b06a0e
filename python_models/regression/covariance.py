"""Covariance of the estimates without an assumption on the errors: the sandwich I^-1 S I^-1 of the likelihood's scores.

With e, L, a_j as in `information` and B_j = (G_j + G_j')/2 (centred where the likelihood is), row (city i, year t) adds

    slopes     L_it e_it / s2
    spatial j  a_jit e_it / s2 + B_j,ii (e_it^2 - s2 T'/T) / s2   and   q_it = e_it sum_{l != i} B_j,il e_lt / s2
    s2         (e_it^2 - mean) / (2 s2^2)

q stands in the score of both cities of a pair: summed by city, sum_i q_i q_i' finds one half of the variance of the
pairs, and `_fill` adds the other half. Arellano (1987), Kelejian and Prucha (2001, 2007), Conley (1999), Cameron,
Gelbach and Miller (2011), Driscoll and Kraay (1998), Bell and McCaffrey (2002).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray, IntArray
from python_models.regression.errors import PanelInputError, require_known
from python_models.regression.multiplier import MatrixMultiplier, Multiplier
from python_models.space.distance import pair_distances, tree, tree_radius

type Correction = Literal["jackknife", "groups", "none"]

MOST_LEVERAGE = 0.95  # of a year of a city: beyond it its residual tells nothing
CORRECTIONS = ("jackknife", "groups", "none")
KERNELS = ("bartlett", "uniform")
LEVERAGE_CITIES = 20_000  # whose own blocks are held at once
FILL_CELLS = 5_000_000  # pairs times years held at once


@dataclass(frozen=True, eq=False)
class Cluster(Shown):
    """Errors related inside clusters. groups: a label a city, None: each city for itself. by_time: years as second way.

    correction: `jackknife` (CR3: residuals freed of their own city; coarser clusters and years also times G/(G - 1)),
    `groups` (G/(G - 1) only) or `none`. Two ways: V(first) + V(years) - V(both), negative eigenvalues set to zero.
    """

    groups: ArrayLike | None = None
    by_time: bool = False
    correction: Correction = "jackknife"


@dataclass(frozen=True, eq=False)
class Conley(Shown):
    """Errors related up to `cutoff` in space within a year (kernel 1 - d/cutoff, or uniform) and over `lags` years
    within a city (Bartlett). points: (N, 2) longitude and latitude (metric haversine, km) or plane coordinates."""

    points: ArrayLike
    cutoff: float
    lags: int = 0
    kernel: Literal["bartlett", "uniform"] = "bartlett"
    metric: Literal["haversine", "euclidean"] = "haversine"
    correction: Correction = "jackknife"


@dataclass(frozen=True, eq=False)
class DriscollKraay:
    """Errors related over all cities of a year and over `lags` years (None: by `bandwidth`); rough for ten years."""

    lags: int | None = None
    is_scaled: bool = True
    correction: Correction = "none"


type Robust = Cluster | Conley | DriscollKraay


@dataclass(frozen=True, eq=False)
class Rows:
    """City and year of each row: codes (R,), years as they are counted by lags; n cities."""

    unit: IntArray
    time: IntArray
    n: int

    @classmethod
    def balanced(cls, n: int, t: int) -> Rows:
        return cls(np.repeat(np.arange(n), t), np.tile(np.arange(t), n), n)


@dataclass(frozen=True, eq=False)
class Scores:
    """What rows add to the score: singles (R, p) and q of their pairs (R, spatial parameters); what q is made of."""

    singles: FloatArray
    pairs: FloatArray
    multipliers: tuple[Multiplier | MatrixMultiplier, ...]
    first: int  # place of the first spatial parameter
    e: FloatArray  # (n, t)
    sigma2: float
    rows: Rows

    def by(self, codes: IntArray) -> tuple[FloatArray, FloatArray]:
        """singles and pairs summed over rows of equal code, (codes, p) each."""
        singles = sums_by(self.singles, codes)
        pairs = np.zeros_like(singles)
        pairs[:, self.spatial] = sums_by(self.pairs, codes)
        return singles, pairs

    @property
    def spatial(self) -> slice:
        return slice(self.first, self.first + self.pairs.shape[1])

    @property
    def both(self) -> FloatArray:
        """singles + q, (R, p)."""
        out = self.singles.copy()
        out[:, self.spatial] += self.pairs
        return out


def score_rows(
    regressors: FloatArray,
    linear: Sequence[FloatArray],
    multipliers: Sequence[Multiplier | MatrixMultiplier],
    e: FloatArray,
    sigma2: float,
    rows: Rows,
    *,
    is_centred: bool,
    share: float,
    correction: Correction,
    by: IntArray | None = None,
) -> Scores:
    """Scores of all rows in the order slopes, rho, lambda, sigma2.

    regressors (n, t, k), linear a_j (n, t), e (n, t): without the fixed effects. share: T'/T, the part of s2 that the
    city effects leave in the mean of e^2. by: codes of the rows (R,), whose sums stand in their place.
    """
    require_known(correction, CORRECTIONS, "correction")
    k, size = regressors.shape[2], len(multipliers)
    flat, x = e.reshape(-1), regressors.reshape(-1, k)
    z = [x, *(a.reshape(-1, 1) for a in linear if a.any())]
    f = freed(z, flat, rows) if correction == "jackknife" else flat
    count = len(flat) if by is None else int(by.max()) + 1
    singles, pairs, scaled = np.empty((count, k + size + 1)), np.empty((count, size)), f / sigma2

    def summed(values: FloatArray) -> FloatArray:
        return values if by is None else np.bincount(by, values, count)

    for j in range(k):
        singles[:, j] = summed(x[:, j] * scaled)
    singles[:, -1] = summed((flat**2 - (flat**2).mean()) / (2.0 * sigma2**2))
    for j, (a, g) in enumerate(zip(linear, multipliers, strict=True)):
        diagonal = g.diagonal(is_centred=is_centred)[:, None]
        both = (g.apply(e) + g.apply_transposed(e)) / 2.0
        if is_centred:
            both = both - both.mean(axis=0)
        singles[:, k + j] = summed((a.reshape(-1) * f + (diagonal * (e**2 - sigma2 * share)).reshape(-1)) / sigma2)
        pairs[:, j] = summed((e * (both - diagonal * e)).reshape(-1) / sigma2)
    if by is not None:
        rows = Rows(np.arange(count), np.zeros(count, dtype=np.int64), count)
    return Scores(singles, pairs, tuple(multipliers), k, e, sigma2, rows)


def city_influences(scores: Scores, bread: FloatArray) -> FloatArray:
    """(2N, p): what each city adds by itself, then by its pairs (times sqrt 2): V is the cross-product."""
    singles, pairs = scores.by(scores.rows.unit)
    parts = [singles - singles.mean(axis=0)]
    if scores.multipliers:
        parts.append(np.sqrt(2.0) * (pairs - pairs.mean(axis=0)))
    return np.asarray(np.concatenate(parts) @ bread)


def meat(scores: Scores, kind: Robust, *, dof: int) -> FloatArray:
    """S (p, p) of a kind of relation. dof: rows less effects and slopes."""
    rows = scores.rows
    if isinstance(kind, DriscollKraay):
        codes, count = _codes(rows.time)
        h = sums_by(scores.both, codes)
        scale = len(rows.unit) / dof if kind.is_scaled else 1.0
        return scale * _over_time(h, np.unique(rows.time), bandwidth(count) if kind.lags is None else kind.lags)
    if isinstance(kind, Conley):
        return _conley(scores, kind)
    if kind.groups is None:
        first, count, group = rows.unit, rows.n, None
    else:
        group, count = group_codes(kind.groups, rows.n)
        first = group[rows.unit]

    def factor(number: int, is_city: bool = False) -> float:
        plain = kind.correction == "none" or (is_city and kind.correction == "jackknife")
        return 1.0 if plain else number / (number - 1.0)

    S = factor(count, group is None) * _clustered(scores, first, group)
    if not kind.by_time:
        return S
    years, n_years = _codes(rows.time)
    both, n_both = _codes(first * n_years + years)
    yearly = sums_by(scores.both, years)  # a year holds all of its pairs
    cells = factor(n_both, group is None) * _clustered(scores, both, group, is_yearly=True)
    return _definite(S + factor(n_years) * yearly.T @ yearly - cells)


def _clustered(scores: Scores, codes: IntArray, group: IntArray | None, *, is_yearly: bool = False) -> FloatArray:
    """Scores summed by cluster; pairs across clusters count twice, as the sums find one half of them."""
    singles, pairs = scores.by(codes)
    if group is None:  # without the products of singles and pairs, which are noise here
        return np.asarray(singles.T @ singles + 2.0 * pairs.T @ pairs)
    both = singles + pairs
    return np.asarray(both.T @ both + _fill(scores, lambda i, j: group[i] == group[j], is_yearly=is_yearly))


def _conley(scores: Scores, kind: Conley) -> FloatArray:
    points = np.asarray(kind.points, dtype=np.float64)
    rows = scores.rows
    require_known(kind.kernel, KERNELS, "kernel")
    if points.shape != (rows.n, 2) or not np.isfinite(points).all():
        raise PanelInputError(f"Conley errors need two known coordinates a city ({rows.n}), got shape {points.shape}.")
    if not (kind.cutoff > 0.0 and kind.lags >= 0):
        raise PanelInputError("Conley errors need a cutoff above 0 and lags of 0 or more.")

    def weight(i: IntArray, j: IntArray) -> FloatArray:
        d = pair_distances(points, i, j, kind.metric)
        inside = d <= kind.cutoff
        return np.where(inside, 1.0 - d / kind.cutoff if kind.kernel == "bartlett" else 1.0, 0.0)

    finder, _ = tree(points, kind.metric)
    neighbours = finder.query_pairs(tree_radius(kind.cutoff, kind.metric), output_type="ndarray")
    i, j = neighbours[:, 0], neighbours[:, 1]
    shape = (rows.n, rows.n)
    upper = sp.csr_matrix((weight(i, j), (i, j)), shape=shape)
    kernel = sp.csr_matrix(upper + upper.T + sp.identity(rows.n, format="csr"))
    S = np.zeros((scores.singles.shape[1],) * 2)
    both = scores.both
    for year in np.unique(rows.time):
        at = np.flatnonzero(rows.time == year)
        here = np.zeros((rows.n, both.shape[1]))
        here[rows.unit[at]] = both[at]
        S += here.T @ (kernel @ here)
    for lag in range(1, kind.lags + 1):
        S += (1.0 - lag / (kind.lags + 1.0)) * _lagged(both, rows, lag)
    return _definite(S + _fill(scores, weight))


def _lagged(values: FloatArray, rows: Rows, lag: int) -> FloatArray:
    span = int(rows.time.max() - rows.time.min()) + lag + 2
    key = rows.unit.astype(np.int64) * span + (rows.time - rows.time.min())
    order = np.argsort(key)
    at = np.searchsorted(key[order], key - lag)
    at = np.minimum(at, len(key) - 1)
    there = (key[order[at]] == key - lag) & (rows.time - rows.time.min() >= lag)
    cross = values[there].T @ values[order[at[there]]]
    return np.asarray(cross + cross.T)


def _fill(scores: Scores, near: Callable[[IntArray, IntArray], NDArray[Any]], *, is_yearly: bool = False) -> FloatArray:
    """sum_{i != l} (1 - k_il) A_j,il A_m,il of the pairs a kernel does not hold, A_il = sum_t q_il,t (or by year)."""
    p, first = scores.singles.shape[1], scores.first
    out = np.zeros((p, p))
    if not scores.multipliers:
        return out
    rows, e, stacked = scores.rows, scores.e, scores.e.shape[1] == 1
    links = [g.links() / scores.sigma2 for g in scores.multipliers]
    pattern = abs(links[0])
    for other in links[1:]:
        pattern = pattern + abs(other)
    unit = rows.unit if stacked else np.arange(len(e))
    step = max(1, int(FILL_CELLS * rows.n / max(pattern.nnz * e.shape[1], 1)))
    at = slice(first, first + len(links))
    for start in range(0, rows.n, step):  # a block of cities at a time: the memory does not grow with n
        mine = np.flatnonzero((unit >= start) & (unit < start + step))
        block = pattern[mine].tocoo()
        i, j = mine[block.row], block.col.astype(np.int64)
        u, v = (rows.unit[i], rows.unit[j]) if stacked else (i, j)
        products = e[i] * e[j] if is_yearly or stacked else (e[i] * e[j]).sum(axis=1, keepdims=True)
        a = np.stack([np.asarray(b[i, j]).ravel()[:, None] * products for b in links])
        if stacked and not is_yearly:  # rows of one city in several years
            _, where, codes = np.unique(u * rows.n + v, return_index=True, return_inverse=True)
            a, u, v = np.stack([sums_by(one, codes) for one in a]), u[where], v[where]
        apart = 1.0 - near(u, v)  # a city is near itself: nothing
        out[at, at] += np.einsum("jrt,mrt,r->jm", a, a, apart)
    return out


def _over_time(h: FloatArray, times: IntArray, lags: int) -> FloatArray:
    """Newey-West sum of h (T, p): Bartlett weights up to `lags` years."""
    gap = np.abs(times[:, None] - times[None, :])
    return np.asarray(h.T @ np.where(gap <= lags, 1.0 - gap / (lags + 1.0), 0.0) @ h)


def bandwidth(t: int) -> int:
    """floor(4 (T/100)^(2/9)), below T."""
    return min(int(np.floor(4.0 * (t / 100.0) ** (2.0 / 9.0))), t - 1)


def freed(columns: Sequence[FloatArray], e: FloatArray, rows: Rows) -> FloatArray:
    """(I - H_i)^-1 e_i, free of the pull of the city, H_i = Z_i (Z'Z)^-1 Z_i', Z the columns (R, .) side by side."""
    root = np.linalg.pinv(np.block([[a.T @ b for b in columns] for a in columns]), hermitian=True)
    order = np.argsort(rows.unit, kind="stable")
    sizes = np.bincount(rows.unit, minlength=rows.n)
    slot = np.arange(len(e)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    unit, longest = rows.unit[order], int(sizes.max())
    ends = np.concatenate([[0], np.cumsum(sizes)])
    out = np.empty_like(e)
    for start in range(0, rows.n, LEVERAGE_CITIES):  # a block of cities at a time
        stop = min(start + LEVERAGE_CITIES, rows.n)
        part = slice(ends[start], ends[stop])
        here, year, mine = unit[part] - start, slot[part], order[part]
        block, residual = np.zeros((stop - start, longest, len(root))), np.zeros((stop - start, longest))
        block[here, year] = np.column_stack([column[mine] for column in columns])
        residual[here, year] = e[mine]
        across = block.transpose(0, 2, 1)
        is_narrow = len(root) < longest
        pull = root @ (across @ block) if is_narrow else block @ root @ across  # of equal eigenvalues, but for zeros
        if np.trace(pull, axis1=1, axis2=2).max() <= MOST_LEVERAGE:  # so is every eigenvalue
            right = root @ (across @ residual[..., None]) if is_narrow else residual[..., None]
            solved = np.linalg.solve(np.eye(pull.shape[1]) - pull, right)
            f = residual + (block @ solved)[..., 0] if is_narrow else solved[..., 0]  # narrow: Woodbury
        else:
            values, vectors = np.linalg.eigh(block @ root @ across)
            inside = np.einsum("its,it->is", vectors, residual) / (1.0 - np.minimum(values, MOST_LEVERAGE))
            f = np.einsum("its,is->it", vectors, inside)
        out[mine] = f[here, year]
    return out


def group_codes(groups: ArrayLike, n: int) -> tuple[IntArray, int]:
    labels = np.asarray(groups)
    if labels.shape != (n,):
        raise PanelInputError(f"clusters need one label a city ({n}), got shape {labels.shape}.")
    if any(label is None or label != label for label in labels.tolist()):
        raise PanelInputError("a city has no cluster label: every city belongs to one cluster.")
    codes, count = _codes(labels)
    if count < 2:
        raise PanelInputError("errors clustered by group need two groups or more.")
    return codes, count


def _codes(labels: NDArray[Any]) -> tuple[IntArray, int]:
    unique, codes = np.unique(labels, return_inverse=True)
    return codes.astype(np.int64), len(unique)


def sums_by(values: FloatArray, codes: IntArray) -> FloatArray:
    """Rows of equal code added up, (codes, p)."""
    count = int(codes.max()) + 1
    if count == len(codes) and (codes == np.arange(count)).all():
        return values
    member = sp.csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(count, len(codes)))
    return np.asarray(member @ values)


def _definite(matrix: FloatArray) -> FloatArray:
    """Negative eigenvalues set to zero (Cameron, Gelbach and Miller 2011)."""
    even = (matrix + matrix.T) / 2.0
    root = np.sqrt(np.maximum(np.abs(np.diagonal(even)), 1e-300))
    scale = np.outer(root, root)
    values, vectors = np.linalg.eigh(even / scale)
    return np.asarray(even if values.min() >= 0.0 else (vectors * np.maximum(values, 0.0)) @ vectors.T * scale)
