"""Markov chain of a panel: counts, transition probabilities and their uncertainty (docs/formulas.md#markov).

p_ij = n_ij / n_i; a state that is never left has no row: NaN. The iid error is too small, since a city contributes many
dependent transitions: `bootstrap_counts` draws whole cities.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import FloatArray
from python_models.dynamics.states import StateArray, check_lag, check_states, state_labels

THIN = 5  # a row with fewer transitions is flagged


@dataclass(frozen=True, eq=False)
class MarkovResult(Shown):
    """counts, probabilities, se (K, K); n_row, thin, empty (K,). Rows are origins, columns are destinations.

    probabilities, se : NaN in the row of an empty state.   thin : fewer than 5 transitions start there.
    lo, hi : 95 % percentile interval over resampled cities, NaN without bootstrap or where one city alone starts; the
    open end of a share of 0 or 1 is the exact binomial bound (Clopper & Pearson 1934).
    """

    counts: FloatArray
    probabilities: FloatArray
    se: FloatArray
    lo: FloatArray
    hi: FloatArray
    lag: int
    n_cities: int
    n_boot: int
    seed: int | None

    @property
    def n_row(self) -> FloatArray:
        return np.asarray(self.counts.sum(axis=1), dtype=np.float64)

    @property
    def n_obs(self) -> int:
        return int(self.counts.sum())

    @property
    def empty(self) -> Any:
        """Mask (K,) of the states that no transition starts from."""
        return self.n_row == 0

    @property
    def thin(self) -> Any:
        return self.n_row < THIN

    def to_frame(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """One row per origin and destination: state_from, state_to, n, n_row, p, se, lo, hi, thin."""
        start, end = (axis.ravel() for axis in np.indices(self.counts.shape))
        labels = np.array(state_labels(len(self.counts), names), dtype=object)
        return pd.DataFrame({"state_from": labels[start], "state_to": labels[end], **share_columns(self)})


def share_columns(result: Any) -> dict[str, Any]:
    """n, n_row, p, se, lo, hi, thin of counts (.., K, K) in array order: columns of a table of transitions."""
    k = result.counts.shape[-1]
    sizes = {"n": result.counts.ravel().astype(np.int64), "n_row": result.n_row.repeat(k).astype(np.int64)}
    shares = {"p": result.probabilities, "se": result.se, "lo": result.lo, "hi": result.hi}
    return {**sizes, **{name: plane.ravel() for name, plane in shares.items()}, "thin": result.thin.repeat(k)}


@aligned
def markov(
    states: Any, n_states: int, lag: int = 1, *, n_boot: int = 0, seed: int | None = None, allow_missing: bool = False
) -> MarkovResult:
    """Transition counts and probabilities of states.

    Parameters
    ----------
    states : (N, T) array or frame
        Whole numbers 0..n_states-1.
    n_states : int
        Number of states K.
    lag : int
        Years between start and end of a transition, 1..T-1.
    n_boot : int
        Resamples of whole cities for `lo` and `hi`; needs `seed`.
    seed : int, optional
        Seed of the resamples.
    allow_missing : bool
        NaN is a missing state, and the transitions that touch it are left out.

    Returns
    -------
    MarkovResult
        Counts and probabilities (K, K).

    Raises
    ------
    ValueError
        NaN unless it is allowed, other values, a lag outside 1..T-1.

    Examples
    --------
    >>> from python_models.dynamics import markov
    >>> markov([[0, 0, 1], [1, 1, 1], [1, 0, 0]], 2).probabilities.round(3)
    array([[0.667, 0.333],
           [0.333, 0.667]])
    """
    panel = check_states(states, n_states, "states", allow_missing=allow_missing)
    check_lag(lag, panel.shape[1])
    codes = transition_codes(panel, n_states, lag)
    counts = tally(codes, n_states**2).reshape(n_states, n_states)
    p = row_shares(counts)
    lo, hi = share_interval(counts, bootstrap_counts(panel, n_states, lag, n_boot, seed))
    return MarkovResult(counts, p, iid_error(counts), lo, hi, lag, len(panel), n_boot, seed if n_boot else None)


def transition_codes(states: StateArray, n_states: int, lag: int) -> StateArray:
    """from * K + to of each city and start year, shape (.., N, T - lag); -1 where either is missing."""
    start, end = states[..., :-lag], states[..., lag:]
    return np.where((start >= 0) & (end >= 0), start * n_states + end, -1)


def tally(codes: StateArray, size: int) -> FloatArray:
    """How often each code 0..size-1 occurs; -1 is skipped."""
    return np.bincount(codes.ravel() + 1, minlength=size + 1)[1:].astype(np.float64)


def tally_by(codes: StateArray, rows: Any, n_rows: int, size: int) -> FloatArray:
    """Counts by row label (broadcast to codes; -1 is skipped), shape (n_rows, size)."""
    labels = np.broadcast_to(rows, codes.shape)
    is_whole = codes.min(initial=0) >= 0 and labels.min(initial=0) >= 0
    there = (slice(None),) if is_whole else (codes >= 0) & (labels >= 0)
    cells = (labels * size + codes)[there].ravel()
    return np.bincount(cells, minlength=n_rows * size).reshape(n_rows, size).astype(np.float64)


def row_shares(counts: FloatArray) -> FloatArray:
    """Counts (.., K, K) over their row sums; NaN where a row is empty."""
    total = counts.sum(axis=-1, keepdims=True)
    return np.asarray(counts / np.where(total > 0, total, np.nan), dtype=np.float64)


def iid_error(counts: FloatArray) -> FloatArray:
    """sqrt(p (1 - p)/n_i), (.., K, K)."""
    p, total = row_shares(counts), counts.sum(axis=-1, keepdims=True)
    return np.asarray(np.sqrt(p * (1 - p) / np.where(total > 0, total, np.nan)), dtype=np.float64)


def cluster_error(states: StateArray, n_states: int, lag: int = 1) -> FloatArray:
    """Standard error (K, K) of the transition probabilities that keeps the years of a city together; NaN rows as p.

    n_cij moves of city c: sqrt(N/(N - 1) sum_c (n_cij - p_ij n_ci)^2)/n_i, the first-order form of `bootstrap_counts`.
    States (N, T), whole numbers 0..n_states-1, -1 where missing. Source: Liang and Zeger (1986), for a ratio.
    """
    n = len(states)
    codes = transition_codes(states, n_states, lag)
    by_city = tally_by(codes, np.arange(n)[:, None], n, n_states**2).reshape(n, n_states, n_states)
    counts = by_city.sum(axis=0)
    total = counts.sum(axis=1, keepdims=True)
    apart = by_city - row_shares(counts) * by_city.sum(axis=2, keepdims=True)
    return np.asarray(np.sqrt(n / (n - 1.0) * (apart**2).sum(axis=0)) / np.where(total > 0, total, np.nan))


def bootstrap_counts(
    states: StateArray,
    n_states: int,
    lag: int,
    n_boot: int,
    seed: int | None,
    lag_states: StateArray | None = None,
    n_lag_states: int = 1,
) -> FloatArray:
    """Counts of n_boot samples of N cities drawn with replacement, whole trajectories: (B, K, K), or (B, L, K, K)
    with the states of the spatial lag. A city's counts are tallied once; a resample is a product with its weights."""
    n, size = len(states), n_states**2
    shape = (n_states, n_states) if lag_states is None else (n_lag_states, n_states, n_states)
    if not n_boot:
        return np.empty((0, *shape))
    if seed is None:
        raise ValueError("a bootstrap needs a seed: the numbers must come out the same again.")
    codes = transition_codes(states, n_states, lag)
    if lag_states is not None:
        near = lag_states[:, : codes.shape[1]]
        codes = np.where((codes >= 0) & (near >= 0), near * size + codes, -1)
    by_city = tally_by(codes, np.arange(n)[:, None], n, size * n_lag_states)
    return np.asarray(_resamples(n, n_boot, seed) @ by_city, dtype=np.float64).reshape(n_boot, *shape)


@lru_cache(maxsize=32)  # all chains of one set of cities are drawn alike
def _resamples(n: int, n_boot: int, seed: int) -> NDArray[np.uint16]:
    """How often each of N cities is in each of B samples with replacement, (B, N)."""
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_boot).astype(np.uint16)
    draws.flags.writeable = False
    return draws


def share_interval(counts: FloatArray, draws: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Interval of the row shares of counts (.., K, K) from resampled counts (B, .., K, K); see `MarkovResult`."""
    lo, hi = interval(row_shares(draws), counts.shape)
    if len(draws):
        total = np.broadcast_to(counts.sum(axis=-1, keepdims=True), counts.shape)
        bound = 0.025 ** (1 / np.maximum(total, 1))
        is_none, is_all = (total > 0) & (counts == 0), (total > 0) & (counts == total)
        lo, hi = np.where(is_none, 0.0, lo), np.where(is_all, 1.0, hi)
        hi, lo = np.where(is_none, np.fmax(hi, 1 - bound), hi), np.where(is_all, np.fmin(lo, bound), lo)
    return lo, hi


def interval(draws: FloatArray, shape: tuple[int, ...], level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Percentile interval over axis 0, ignoring draws without the row; NaN where there is no draw, and where they all
    agree: the figure of one city says nothing of its error."""
    lo, hi = np.full(shape, np.nan), np.full(shape, np.nan)
    if len(draws):
        there = ~np.isnan(draws).all(axis=0)
        ends = [(1 - level) / 2, (1 + level) / 2]
        if there.any():
            lo[there], hi[there] = np.nanquantile(draws[:, there], ends, axis=0)
        lo, hi = (np.where(hi - lo > 1e-12, end, np.nan) for end in (lo, hi))
    return lo, hi
