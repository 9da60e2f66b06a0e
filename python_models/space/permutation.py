"""Permutations behind the p-values: of the whole map, and of all cities but one.

Global: z'Wz, (r + c)'z^2 and (r + c)'z of a permuted map carry Moran's I, Geary's c and Getis-Ord's G at once.

Conditional: city i keeps its value and its k_i neighbours become a random ordered sample of the others. One ordered
sample s_1..s_m of all n cities serves every i: take its first k_i members and, if i is among them, put s_{k_i + 1} in
its place. The other labels are exchangeable in that rule, so the result is exactly a uniform ordered sample without
replacement of the n - 1 others. All lags of a chunk are then one matrix product, and the few places where i met
itself are corrected. Different cities share their draws, as in esda; each city's own p-value is exact.
"""

from typing import Any

import numpy as np

from python_models._types import FloatArray

CELLS = 300_000  # numbers in a block of lags: few enough for the cache, and a bound on memory
CACHED = 100_000  # numbers in a block of drawn maps, which are read several times
TIE = 1e-12  # a permuted value within this share of the scale counts as equal to the observed one


def permuted_moments(z: FloatArray, w: Any, n_perm: int, rng: np.random.Generator) -> FloatArray:
    """Columns z'Wz, (r + c)'z^2, (r + c)'z for n_perm permutations of z (N,); r, c row and column sums of w."""
    n = len(z)
    operator = w.toarray() if w.nnz > 0.1 * n * n and n <= 5_000 else w
    margin = np.asarray(w.sum(axis=1)).ravel() + np.asarray(w.sum(axis=0)).ravel()
    moments = np.empty((n_perm, 3), dtype=np.float64)
    size = max(16, CACHED // n)
    maps = np.tile(z, (min(size, n_perm), 1))
    for start in range(0, n_perm, size):
        stop = min(start + size, n_perm)
        block = maps[: stop - start]
        rng.permuted(block, axis=1, out=block)  # a permuted map permuted again is as random as the first
        columns = np.ascontiguousarray(block.T)
        moments[start:stop, 0] = np.einsum("ij,ij->j", columns, operator @ columns)
        moments[start:stop, 1] = block**2 @ margin
        moments[start:stop, 2] = block @ margin
    return moments


def two_sided(observed: float, permuted: FloatArray) -> float:
    """p = (#{|s_r - mean| >= |s - mean|} + 1)/(R + 1), mean over the permutations: never 0."""
    centre = permuted.mean()
    gap = np.abs(permuted - centre)
    limit = abs(observed - centre)
    tolerance = TIE * max(limit, float(gap.max(initial=0.0)))
    return float((np.count_nonzero(gap >= limit - tolerance) + 1) / (len(permuted) + 1))


def conditional_counts(z: FloatArray, w: Any, n_perm: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """How many of n_perm conditional permutations give city i a lag at least, and at most, as large as its own.

    z (N,), w CSR with an empty diagonal. Two counts (N,); a tie is in both. A city without neighbours has 0, 0.
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
        drawn = z[sample]
        for rows in _blocks(order, cards, len(sample)):
            lags = _lags(z, w, cards, rows, sample, drawn)
            at_least[rows] += np.count_nonzero(lags >= (lag - slack)[rows], axis=0)
            at_most[rows] += np.count_nonzero(lags <= (lag + slack)[rows], axis=0)
    return at_least, at_most


def ordered_samples(n: int, m: int, size: int, rng: np.random.Generator) -> Any:
    """`size` ordered samples of m out of n without replacement, shape (size, m), all equally likely."""
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
    """Cities by ascending number of neighbours, cut so that a block of lags and a block of weights stay small."""
    blocks, start = [], 0
    while start < len(order):
        stop = min(len(order), start + max(1, CELLS // depth))
        while stop - start > 1 and (stop - start) * int(cards[order[stop - 1]]) > 16 * CELLS:
            stop = start + (stop - start) // 2
        blocks.append(order[start:stop])
        start = stop
    return blocks


def _lags(z: FloatArray, w: Any, cards: Any, rows: Any, sample: Any, drawn: FloatArray) -> FloatArray:
    """Lags of the cities `rows` under each sample, shape (samples, rows)."""
    counts = cards[rows]
    k = int(counts.max())
    filled = np.arange(k) < counts[:, None]
    weights = np.zeros((len(rows), k))
    weights[filled] = np.concatenate([w.data[w.indptr[i] : w.indptr[i + 1]] for i in rows])
    lags = drawn[:, :k] @ weights.T
    place = np.full(len(z), -1)
    place[rows] = np.arange(len(rows))
    block = place[sample[:, :k]]  # which city of the block met itself, and where
    draw, position = np.nonzero(block >= 0)
    column = block[draw, position]
    hit = position < counts[column]
    draw, position, column = draw[hit], position[hit], column[hit]
    change = drawn[draw, counts[column]] - z[rows[column]]
    lags[draw, column] += weights[column, position] * change
    return np.asarray(lags, dtype=np.float64)
