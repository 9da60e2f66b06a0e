"""LISA Markov: the quadrants HH, LH, LL, HL of own value and neighbours as states of a chain (Rey 2001).

The co-movement test, against the product of the two side chains: docs/formulas.md#lisa-markov. Cities are dependent, so
the p-value to read is that of permuted pairings of own and neighbours' trajectories.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import FloatArray
from python_models.dynamics.markov import MarkovResult, markov, row_shares, tally, transition_codes
from python_models.dynamics.states import StateArray, check_states, labelled_plane
from python_models.space.graph import in_order_of, to_sparse
from python_models.space.local import QUADRANTS

_SIDES = np.array([[1, 1], [0, 1], [0, 0], [1, 0]])  # own is high, neighbours are high, by quadrant


@dataclass(frozen=True, eq=False)
class LisaMarkovResult(Shown):
    """chain: counts and probabilities over the states `names`; p_independent (K, K): product of the two side chains
    (NaN in the five-state variant); q, dof, p_value, p_perm of the co-movement test; states (N, T), -1 for islands."""

    chain: MarkovResult
    names: tuple[str, ...]
    p_independent: FloatArray
    q: float
    dof: int
    p_value: float
    p_perm: float
    n_perm: int
    states: StateArray
    seed: int | None

    def to_frame(self) -> pd.DataFrame:
        """One row per origin and destination."""
        frame = self.chain.to_frame(self.names).assign(p_independent=self.p_independent.ravel())
        return frame.assign(chi2=self.q, df=self.dof, p_value=self.p_value, p_perm=self.p_perm)


@aligned
def lisa_markov(
    values: Any,
    w: Any,
    lag: int = 1,
    *,
    significant: Any = None,
    permutations: int = 0,
    n_boot: int = 0,
    seed: int | None = None,
) -> LisaMarkovResult:
    """Chain of the Moran quadrants of values (N, T) on weights w, in the order HH, LH, LL, HL.

    significant : mask (N, T) of places that pass (e.g. `class_fdr` of `lisa` is not ns); all others are the fifth
    state NS, and there is no co-movement test.   permutations, n_boot : need `seed`; see `spatial_markov`, `markov`.
    A city without neighbours is left out. Raises ValueError for NaN and for other cities than the weights have.

    >>> from python_models.dynamics import lisa_markov
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> values = np.random.default_rng(1).uniform(1, 2, (12, 4))
    >>> lisa_markov(values, W).chain.counts.sum()
    np.float64(36.0)
    """
    labelled_plane(values, "values")
    plane, _ = in_order_of(values, w, "values")
    states = quadrant_states(plane, to_sparse(w))
    names: tuple[str, ...] = QUADRANTS
    if significant is not None:
        passes = np.asarray(significant, dtype=bool)
        if passes.shape != states.shape:
            raise ValueError(f"significant has shape {passes.shape}, values have {states.shape}.")
        states = np.where((states >= 0) & ~passes, 4, states)
        names = (*QUADRANTS, "NS")
    chain = markov(np.where(states < 0, np.nan, states), len(names), lag, n_boot=n_boot, seed=seed, allow_missing=True)
    if significant is not None:
        nothing = np.full(chain.counts.shape, np.nan)
        return LisaMarkovResult(chain, names, nothing, np.nan, 0, np.nan, np.nan, 0, states, seed)
    side = np.where(states[..., None] < 0, -1, _SIDES[states])
    own, near = (transition_codes(side[..., axis], 2, lag) for axis in (0, 1))
    q, dof, product = _co_movement(own, near)
    p_perm = np.nan
    if permutations and dof:
        p_perm = _permuted(own, near, q, permutations, seed)
    p_value = float(chi2.sf(q, dof)) if dof else np.nan
    return LisaMarkovResult(chain, names, product, q, dof, p_value, p_perm, permutations, states, seed)


def quadrant_states(plane: FloatArray, matrix: Any) -> StateArray:
    """0 HH, 1 LH, 2 LL, 3 HL of each year's (z > 0, lag of z > 0), shape (N, T); -1 for a city without neighbours."""
    z = plane - plane.mean(axis=0)
    if not (np.abs(z).max(axis=0) > 1e-14 * np.abs(plane).max()).all():
        raise ValueError("a year has the same value in all cities: it has no quadrants.")
    high, near = z > 0, np.asarray(matrix @ z) > 0
    found = np.select([high & near, ~high & near, ~high & ~near], [0, 1, 2], 3).astype(np.int64)
    found[np.diff(matrix.indptr) == 0] = -1
    return check_states(np.where(found < 0, np.nan, found), 4, "quadrants", allow_missing=True)


def _co_movement(own: StateArray, near: StateArray) -> tuple[float, int, FloatArray]:
    """Statistic, degrees of freedom, and the product chain (4, 4) in quadrant order, from side codes 0..3."""
    counts = _quadrant_counts(own, near)
    own_p, near_p = (row_shares(tally(code, 4).reshape(2, 2)) for code in (own, near))
    product = np.array(
        [[own_p[_SIDES[i, 0], _SIDES[j, 0]] * near_p[_SIDES[i, 1], _SIDES[j, 1]] for j in range(4)] for i in range(4)]
    )
    total = counts.sum(axis=1, keepdims=True)
    expected = np.where(total > 0, total * product, 0.0)
    used = expected > 0
    q = float((np.where(used, (counts - expected) ** 2, 0.0) / np.where(used, expected, 1.0)).sum())
    free = int(np.maximum(used.sum(axis=1) - 1, 0).sum())
    spent = sum(int(np.maximum((table > 0).sum(axis=1) - 1, 0).sum()) for table in (own_p, near_p))
    return q, max(free - spent, 0), product


def _quadrant_counts(own: StateArray, near: StateArray) -> FloatArray:
    """Counts (4, 4) in quadrant order from the moves of both sides (each from * 2 + to)."""
    both = np.where((own >= 0) & (near >= 0), own * 4 + near, -1)
    by_side = tally(both, 16).reshape(2, 2, 2, 2)  # own from, own to, near from, near to
    start, end = _SIDES[:, None, :], _SIDES[None, :, :]
    return np.asarray(by_side[start[..., 0], end[..., 0], start[..., 1], end[..., 1]], dtype=np.float64)


def _permuted(own: StateArray, near: StateArray, q: float, permutations: int, seed: int | None) -> float:
    if seed is None:
        raise ValueError("permutations need a seed: the numbers must come out the same again.")
    rng = np.random.default_rng(seed)
    there = np.flatnonzero((own >= 0).all(axis=1) & (near >= 0).all(axis=1))  # islands keep out of the exchange
    kept = near[there]
    drawn = [_co_movement(own[there][rng.permutation(len(there))], kept)[0] for _ in range(permutations)]
    return float((np.count_nonzero(np.array(drawn) >= q * (1 - 1e-12)) + 1) / (permutations + 1))
