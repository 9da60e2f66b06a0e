"""Spatial Markov chain (Rey 2001): one transition matrix per class of the neighbours at the start.

Lag L_it = sum_j w_ij y_jt, rounded to 12 significant digits, in classes of its own. The test that every class has the
pooled matrix: docs/formulas.md#spatial-markov. Cities contribute many dependent transitions, so the chi-squared p is
only a companion: the permutation p moves whole trajectories to other locations.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._types import FloatArray
from python_models.dynamics.homogeneity import HomogeneityResult, divergence, judged
from python_models.dynamics.markov import (
    THIN,
    bootstrap_counts,
    iid_error,
    interval,
    row_shares,
    share_columns,
    share_interval,
    tally_by,
    transition_codes,
)
from python_models.dynamics.states import (
    MISSING,
    StateArray,
    States,
    check_lag,
    check_states,
    classify,
    labelled_plane,
    quantile_cuts,
    round_significant,
)
from python_models.space.graph import in_order_of, to_sparse


@dataclass(frozen=True, eq=False)
class SpatialMarkovResult(HomogeneityResult):
    """counts, probabilities, se, lo, hi (L, K, K): lag class, origin, destination; NaN rows where no one starts.

    pooled_counts, pooled_probabilities (K, K) : over the lag classes, i.e. without cities that have no neighbour.
    q, lr, dof, p_value, p_value_lr, p_perm : test that all classes have one matrix; p_perm from permuted maps.
    n_empty : origins without transitions, over all classes.   n_no_lag : transitions left out for want of a neighbour.
    p_perm_within : the same from maps permuted inside the groups alone, NaN without groups: where levels differ between
    groups and neighbours share them, p_perm rejects classes that differ in nothing else.
    upward : contrast of the chance to rise between the highest and the lowest lag class, see `upward_help`.
    """

    counts: FloatArray
    probabilities: FloatArray
    se: FloatArray
    lo: FloatArray
    hi: FloatArray
    pooled_counts: FloatArray
    pooled_probabilities: FloatArray
    n_no_lag: int
    upward: pd.DataFrame
    lag: int
    n_boot: int
    p_perm_within: float = float("nan")

    @property
    def n_row(self) -> FloatArray:
        return np.asarray(self.counts.sum(axis=2), dtype=np.float64)

    @property
    def thin(self) -> Any:
        """Mask (L, K): fewer than 5 transitions start there."""
        return self.n_row < THIN

    def to_frame(self) -> pd.DataFrame:
        """One row per lag class, origin and destination."""
        lag_state, start, end = (axis.ravel() for axis in np.indices(self.counts.shape))
        states = {"lag_state": lag_state, "state_from": start, "state_to": end}
        pooled = np.tile(self.pooled_probabilities.ravel(), len(self.counts))
        return pd.DataFrame({**states, **share_columns(self), "p_unconditional": pooled})


@aligned
def spatial_markov(
    states: Any,
    lag_states: Any,
    n_states: int,
    n_lag_states: int,
    lag: int = 1,
    *,
    permutations: int = 0,
    groups: Any = None,
    n_boot: int = 0,
    seed: int | None = None,
    allow_missing: bool = False,
) -> SpatialMarkovResult:
    """Transitions of states by the class of the neighbours in the start year.

    Parameters
    ----------
    states : (N, T) array or frame
        Whole numbers 0..n_states-1.
    lag_states : (N, T) array or frame
        Class of the neighbours, whole numbers 0..n_lag_states-1. NaN is a city without neighbours: its transitions are
        left out and counted.
    n_states, n_lag_states : int
        Numbers of states and of classes.
    lag : int
        Years between start and end of a transition, 1..T-1.
    permutations : int
        Trajectories of states are put at other locations, while each location keeps its neighbourhood; needs `seed`.
    groups : (N,) labels, optional
        Areas, such as provinces: as many permutations again move trajectories inside their area alone.
    n_boot : int
        Resamples of whole cities; needs `seed`.
    seed : int, optional
        Seed of permutations and resamples.
    allow_missing : bool
        NaN in `states` is a missing state, and the transitions that touch it are left out.

    Returns
    -------
    SpatialMarkovResult
        One chain a class of the neighbours, and tests that they are equal.

    Raises
    ------
    ValueError
        As `markov`.

    Examples
    --------
    >>> from python_models.dynamics import spatial_markov
    >>> spatial_markov([[0, 0, 1], [1, 1, 1]], [[0, 1, 0], [0, 0, 1]], 2, 2).counts
    array([[[1., 0.],
            [0., 2.]],
    <BLANKLINE>
           [[0., 1.],
            [0., 0.]]])
    """
    panel = check_states(states, n_states, "states", allow_missing=allow_missing)
    near = check_states(lag_states, n_lag_states, "lag_states", allow_missing=True)
    if panel.shape != near.shape:
        raise ValueError(f"states have shape {panel.shape}, lag_states {near.shape}: the axes must match.")
    check_lag(lag, panel.shape[1])
    if permutations and seed is None:
        raise ValueError("permutations need a seed: the numbers must come out the same again.")
    size = n_states**2
    codes = transition_codes(panel, n_states, lag)
    near = near[:, : codes.shape[1]]
    counts = tally_by(codes, near, n_lag_states, size).reshape(n_lag_states, n_states, n_states)
    q_draws = np.empty(0)
    if permutations:
        q_draws = paired_permutations(codes, near, n_states, n_lag_states, permutations, seed)
    test = replace(judged(counts, q_draws, seed), n_perm=permutations, seed=seed)
    p_within = float("nan")
    if permutations and groups is not None:
        within = paired_permutations(codes, near, n_states, n_lag_states, permutations, seed, groups)
        p_within = judged(counts, within, seed).p_perm
    draws = bootstrap_counts(panel, n_states, lag, n_boot, seed, near, n_lag_states)
    lo, hi = share_interval(counts, draws)
    pooled = counts.sum(axis=0)
    return SpatialMarkovResult(
        **vars(test),
        counts=counts,
        probabilities=row_shares(counts),
        se=iid_error(counts),
        lo=lo,
        hi=hi,
        pooled_counts=pooled,
        pooled_probabilities=row_shares(pooled),
        n_no_lag=int(((codes >= 0) & (near < 0)).sum()),
        upward=upward_help(counts, draws),
        lag=lag,
        n_boot=n_boot,
        p_perm_within=p_within,
    )


def upward_help(counts: FloatArray, draws: FloatArray | None = None) -> pd.DataFrame:
    """Chance to rise with the highest minus with the lowest class of neighbours, by origin.

    help_i = p_up,i|L - p_up,i|1, where p_up,i is the chance to move to any higher state. counts (L, K, K); draws
    (B, L, K, K) of resampled cities give lo and hi and the two-sided p = 2 min(share <= 0, share >= 0) + 1/(B + 1).
    One row per origin but the highest; NaN where an end class has no such origin.
    """
    k = counts.shape[1]
    up, n = _rise(counts[None])
    sizes = {"state_from": np.arange(k), "n_low": n[0, 0], "n_high": n[0, -1]}
    rise = {"p_up_low": up[0, 0], "p_up_high": up[0, -1], "upward_help": up[0, -1] - up[0, 0]}
    frame = pd.DataFrame({**sizes, **rise, "lo": np.nan, "hi": np.nan, "p": np.nan})
    if draws is not None and len(draws):
        rise_draws = _rise(draws)[0]
        gap = rise_draws[:, -1] - rise_draws[:, 0]
        frame["lo"], frame["hi"] = interval(gap, (k,))
        n_there = np.maximum((~np.isnan(gap)).sum(axis=0), 1)
        tail = np.minimum((gap <= 0).sum(axis=0), (gap >= 0).sum(axis=0))
        p = np.minimum(1.0, 2 * (tail + 1) / (n_there + 1))
        frame["p"] = np.where(frame["upward_help"].isna(), np.nan, p)
    return frame.iloc[: k - 1]


def classify_lag(values: Any, w: Any, n_lag_states: int = 4, *, base: Any = None, cuts: Any = None) -> States:
    """Classes of the spatial lag of values (N, T); NaN becomes -1 for cities without neighbours.

    By the quantiles of the lag itself (over the years `base`), or by ready `cuts`, e.g. those of the values (variant
    `own_cuts`). Weights should be row-normalised, so that the lag is a mean.
    """
    _, _, years = labelled_plane(values, "values")
    plane, cities = in_order_of(values, w, "values")
    near = lag_values(plane, to_sparse(w))
    in_base = np.ones(plane.shape[1], dtype=bool) if base is None else np.asarray(base, dtype=bool)
    limits = quantile_cuts(near[:, in_base], n_lag_states) if cuts is None else np.asarray(cuts, dtype=np.float64)
    return States(classify(near, limits), limits, "lag", n_lag_states, cities, years)


def lag_values(plane: FloatArray, matrix: Any) -> FloatArray:
    """Spatial lags (N, T), rounded to 12 significant digits; NaN for a city without neighbours."""
    near = round_significant(np.asarray(matrix @ plane, dtype=np.float64))
    near[np.diff(matrix.indptr) == 0] = np.nan
    return near


def paired_permutations(
    codes: StateArray,
    near: StateArray,
    n_states: int,
    n_lag_states: int,
    permutations: int,
    seed: int | None,
    groups: Any = None,
) -> FloatArray:
    """Q of `permutations` maps where location i has the trajectory of another city (of its group) and its own
    neighbourhood."""
    n_cells = n_lag_states * n_states**2
    keys = np.where(near >= 0, near * n_states**2, MISSING)
    rng, order = np.random.default_rng(seed), np.arange(len(codes))
    area = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    by_area = order if area is None else np.argsort(area, kind="stable")
    is_whole = bool((codes >= 0).all() and (near >= 0).all())
    tables = np.empty((permutations, n_cells))
    for r in range(permutations):
        if area is None:
            new_codes = codes[rng.permutation(order)]
        else:
            new_codes = np.empty_like(codes)
            new_codes[by_area] = codes[np.lexsort((rng.random(len(codes)), area))]
        there = slice(None) if is_whole else (new_codes >= 0) & (near >= 0)
        tables[r] = np.bincount((keys[there] + new_codes[there]).ravel(), minlength=n_cells)
    return np.asarray(divergence(tables.reshape(permutations, n_lag_states, n_states, n_states))[0])


def _rise(counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Chance to rise (.., L, K) and origins (.., L, K)."""
    k = counts.shape[-1]
    total = counts.sum(axis=-1)
    higher = (counts * np.triu(np.ones((k, k)), 1)).sum(axis=-1)
    return higher / np.where(total > 0, total, np.nan), total
