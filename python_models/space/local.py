"""Local association: local Moran (LISA) with conditional permutations and false-discovery control, and Gi*.

I_i = (z_i/m2) sum_j w_ij z_j with m2 = z'z/n, so that sum_i I_i = S0 I (Anselin 1995); esda's I_i are (n - 1)/n of
these. Two-sided p: twice the smaller tail, as the folded tail alone rejects twice too often. Benjamini & Hochberg
(1995) or Benjamini & Yekutieli (2001) inside the map; Castro & Singer (2006).
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import norm

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import FloatArray
from python_models.inference import adjust
from python_models.space.graph import in_order_of, to_sparse
from python_models.space.moran import CACHED, DEFAULT_SEED, TIE

CELLS = 300_000  # numbers in a block of lags: few enough for the cache, and a bound on memory
QUADRANTS = ("HH", "LH", "LL", "HL")  # own value first, neighbours second; z > 0 is high


@dataclass(frozen=True, eq=False)
class LisaResult(Shown):
    """Local Moran of N cities; every array has the shape (N,), unit 1.

    z : standardised (population sd).   lag_z : weighted sum of the neighbours' z.   expected, variance, z_norm, p_norm
    : conditional randomisation (Sokal, Oden & Thomson 1998).   p_perm : two-sided, never 0.   q_bh : p adjusted by
    `method`. class_raw : quadrant if p_perm <= alpha, else ns.   class_fdr : quadrant if q_bh <= q, else ns (the
    default map). quadrant : HH, LH, LL or HL whatever its p.   A city without neighbours: NaN, class `island`.
    """

    cities: pd.Index
    z: FloatArray
    lag_z: FloatArray
    i_local: FloatArray
    expected: FloatArray
    variance: FloatArray
    z_norm: FloatArray
    p_norm: FloatArray
    p_perm: FloatArray
    q_bh: FloatArray
    quadrant: Any
    class_raw: Any
    class_fdr: Any
    n_perm: int
    seed: int | None
    method: str

    def to_frame(self) -> pd.DataFrame:
        columns = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "method"}
        return pd.DataFrame(columns).rename(columns={"cities": "city_id"})


@dataclass(frozen=True, eq=False)
class GetisOrdResult(Shown):
    """Gi* as z-values, two-sided normal and adjusted p, hot/cold/ns."""

    cities: pd.Index
    gi: FloatArray
    p_norm: FloatArray
    q_bh: FloatArray
    class_fdr: Any

    def to_frame(self) -> pd.DataFrame:
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        return pd.DataFrame(columns).rename(columns={"cities": "city_id"})


@aligned
def lisa(
    y: Any,
    w: Any,
    *,
    permutations: int = 9999,
    seed: int | None = DEFAULT_SEED,
    alpha: float = 0.05,
    q: float = 0.05,
    method: str = "bh",
) -> LisaResult:
    """Local Moran's I of each city, with p-values from conditional permutations.

    Parameters
    ----------
    y : (N,) array or Series
        Values of one year.
    w : graph, PySAL W or (N, N) matrix
        Weights.
    permutations : int
        Each keeps y_i and draws its neighbours without replacement; 0: no permutation p.
    seed : int, optional
        Seed of the permutations.
    alpha : float
        Level of `class_raw`, by the plain p.
    q : float
        Level of `class_fdr`, by the adjusted p.
    method : {"bh", "by"}
        Control of false discoveries inside the map, as in `adjust`.

    Returns
    -------
    LisaResult
        One entry a city.

    Raises
    ------
    ValueError
        NaN, a constant y, or other cities than the weights have.

    Notes
    -----
    I_i = (z_i/m2) sum_j w_ij z_j with m2 = z'z/n, so that sum_i I_i = S0 I. p = min(1, 2 (min(tails) + 1)/(R + 1)): the
    folded tail alone rejects twice too often.

    References
    ----------
    Anselin (1995); Benjamini and Hochberg (1995); Castro and Singer (2006).

    Examples
    --------
    >>> from python_models.space import lisa
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> lisa(np.r_[np.full(6, 2.0), np.ones(6)], W, permutations=99).to_frame().shape
    (12, 15)
    """
    values, labels = in_order_of(y, w)
    matrix = to_sparse(w)
    if values.ndim != 1:
        raise ValueError(f"y must have the shape (city,), got {values.shape}: give one year at a time.")
    if not values.std() > 1e-14 * np.abs(values).max():
        raise ValueError("y is constant: it has no spatial association.")
    z = (values - values.mean()) / values.std()
    is_island = np.diff(matrix.indptr) == 0
    lag = np.where(is_island, np.nan, matrix @ z)
    least, most = conditional_counts(z, matrix, permutations, np.random.default_rng(seed))
    p = np.minimum(1.0, 2.0 * (np.minimum(least, most) + 1) / (permutations + 1))
    p = np.where(is_island, np.nan, np.where(z == 0, 1.0, p))  # z_i = 0 makes every permuted I_i zero
    p = p if permutations else np.full(len(z), np.nan)
    adjusted = adjust(p, method)
    quadrant = quadrants(z, lag)
    expected, variance = _conditional_moments(z, matrix)
    z_norm = _ratio(z * lag - expected, np.sqrt(variance))
    moments = (z * lag, expected, variance, z_norm, 2 * norm.sf(np.abs(z_norm)))
    classes = (_classes(quadrant, p <= alpha), _classes(quadrant, adjusted <= q))
    return LisaResult(labels, z, lag, *moments, p, adjusted, quadrant, *classes, permutations, seed, method)


@aligned
def getis_ord(y: Any, w: Any, *, q: float = 0.05) -> GetisOrdResult:
    """Hot and cold spots: Gi* of each city, as z-values.

    Parameters
    ----------
    y : (N,) array or Series
        Values of one year.
    w : graph, PySAL W or (N, N) matrix
        Weights; normalising their rows changes nothing. City i is its own neighbour, with the largest weight of its
        row.
    q : float
        A hot or cold spot has an adjusted p (`q_bh`) of at most this.

    Returns
    -------
    GetisOrdResult
        z-values, p, adjusted p and class of each city.

    Raises
    ------
    ValueError
        NaN, or other cities than the weights have.

    Notes
    -----
    Gi* = (sum_j w_ij y_j - ybar W_i)/(s sqrt((n S_1i - W_i^2)/(n - 1))), W_i = sum_j w_ij, S_1i = sum_j w_ij^2.

    References
    ----------
    Ord and Getis (1995).

    Examples
    --------
    >>> from python_models.space import getis_ord
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> getis_ord(np.r_[np.full(6, 2.0), np.ones(6)], W).to_frame().shape
    (12, 5)
    """
    values, labels = in_order_of(y, w)
    matrix = to_sparse(w)
    gi = _gi(values, matrix)
    p = 2 * norm.sf(np.abs(gi))
    adjusted = adjust(p, "bh")
    spot = np.where(gi > 0, "hot", "cold").astype(object)
    spot[~(adjusted <= q)] = "ns"
    spot[np.isnan(gi)] = "island"
    return GetisOrdResult(labels, gi, p, adjusted, spot)


def quadrants(z: FloatArray, lag: FloatArray) -> Any:
    """HH, LH, LL, HL of (z > 0, lag > 0); None where the lag is NaN."""
    high, near = z > 0, lag > 0
    names = np.select([high & near, ~high & near, ~high & ~near], QUADRANTS[:3], QUADRANTS[3]).astype(object)
    names[np.isnan(lag)] = None
    return names


def _classes(quadrant: Any, passes: Any) -> Any:
    classes = np.where(passes, quadrant, "ns").astype(object)
    classes[quadrant == None] = "island"  # noqa: E711  # elementwise
    return classes


def _conditional_moments(z: FloatArray, w: Any) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of I_i when the other n - 1 values are put at random."""
    n = len(z)
    row = np.asarray(w.sum(axis=1)).ravel()
    row2 = np.asarray(w.power(2).sum(axis=1)).ravel()
    expected = -(z**2) * row / (n - 1)
    spread = (n / (n - 2)) * (row2 - row**2 / (n - 1)) * (1 - z**2 / (n - 1))
    return expected, z**2 * spread


def _gi(y: FloatArray, w: Any) -> FloatArray:
    n, mean, sd = len(y), y.mean(), y.std()
    largest = np.asarray(w.max(axis=1).todense()).ravel()
    w = sparse.csr_array(w + sparse.diags_array(np.where(largest > 0, largest, 0.0)))
    row = np.asarray(w.sum(axis=1)).ravel()
    row2 = np.asarray(w.power(2).sum(axis=1)).ravel()
    scale = sd * np.sqrt(np.maximum(n * row2 - row**2, 0.0) / (n - 1))
    return np.where(row > 0, _ratio(w @ y - mean * row, scale), np.nan)


def _ratio(top: FloatArray, bottom: FloatArray) -> FloatArray:
    out = np.full(len(top), np.nan)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out


def conditional_counts(z: FloatArray, w: Any, n_perm: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """How many of n_perm conditional permutations give city i a lag at least, and at most, as large as its own.

    z (N,), w CSR with an empty diagonal. Two counts (N,); a tie is in both; 0, 0 without neighbours. One ordered sample
    s_1..s_m of all cities serves every i: its first k_i members are the neighbours and, if i is among them, s_{k_i + 1}
    takes its place, which leaves a uniform ordered sample of the others. Cities share their draws, as in esda.
    """
    n = len(z)
    cards = np.diff(w.indptr)
    order = np.argsort(cards, kind="stable")
    order = order[cards[order] > 0]
    at_least, at_most = np.zeros(n), np.zeros(n)
    if not len(order):
        return at_least, at_most
    lag = w @ z
    slack = TIE * (abs(w) @ np.abs(z) + np.abs(lag))
    m = min(int(cards.max()) + 1, n)
    size = max(1, min(n_perm, CACHED // m))
    for start in range(0, n_perm, size):
        sample = ordered_samples(n, m, min(size, n_perm - start), rng)
        sample_z = z[sample]
        for rows in _blocks(order, cards, len(sample)):
            lags = _lags(z, w, cards, rows, sample, sample_z)
            at_least[rows] += np.count_nonzero(lags >= (lag - slack)[rows], axis=0)
            at_most[rows] += np.count_nonzero(lags <= (lag + slack)[rows], axis=0)
    return at_least, at_most


def ordered_samples(n: int, m: int, size: int, rng: np.random.Generator) -> Any:
    """`size` ordered samples of m out of n without replacement, (size, m), all equally likely."""
    if m * m > n:
        return rng.permuted(np.tile(np.arange(n, dtype=np.int32), (size, 1)), axis=1)[:, :m]
    sample = rng.integers(0, n, size=(size, m), dtype=np.int32)
    redo = np.arange(size)
    while len(redo):  # a row with a repeated member is drawn again as a whole
        ordered = np.sort(sample[redo], axis=1)
        redo = redo[(ordered[:, 1:] == ordered[:, :-1]).any(axis=1)]
        sample[redo] = rng.integers(0, n, size=(len(redo), m), dtype=np.int32)
    return sample


def _blocks(order: Any, cards: Any, depth: int) -> list[Any]:
    """Cities by rising number of neighbours, cut so that a block of lags and one of weights stay small."""
    blocks, start = [], 0
    while start < len(order):
        stop = min(len(order), start + max(1, CELLS // depth))
        while stop - start > 1 and (stop - start) * int(cards[order[stop - 1]]) > 16 * CELLS:
            stop = start + (stop - start) // 2
        blocks.append(order[start:stop])
        start = stop
    return blocks


def _lags(z: FloatArray, w: Any, cards: Any, rows: Any, sample: Any, sample_z: FloatArray) -> FloatArray:
    """Lags of the cities `rows` under each sample, (samples, rows)."""
    counts = cards[rows]
    k = int(counts.max())
    is_link = np.arange(k) < counts[:, None]
    weights = np.zeros((len(rows), k))
    weights[is_link] = np.concatenate([w.data[w.indptr[i] : w.indptr[i + 1]] for i in rows])
    lags = sample_z[:, :k] @ weights.T
    place = np.full(len(z), -1)
    place[rows] = np.arange(len(rows))
    block = place[sample[:, :k]]  # which city of the block met itself, and where
    draw, position = np.nonzero(block >= 0)
    column = block[draw, position]
    hit = position < counts[column]
    draw, position, column = draw[hit], position[hit], column[hit]
    change = sample_z[draw, counts[column]] - z[rows[column]]
    lags[draw, column] += weights[column, position] * change
    return np.asarray(lags, dtype=np.float64)
