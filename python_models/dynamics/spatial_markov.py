"""Spatial Markov chain (Rey 2001): one transition matrix per class of the neighbours at the start.

Lag L_it = sum_j w_ij y_jt at the start year, rounded to 12 significant digits, in classes of its own. H0: every class
has the pooled matrix. With n_i|l origins in class l and p_ij pooled,
    Q  = sum_l sum_i sum_{j: p_ij > 0} n_i|l (p_ij|l - p_ij)^2 / p_ij,    LR = 2 sum n_ij|l ln(p_ij|l / p_ij),
    df = sum_i (c_i - 1)(b_i - 1), c_i classes with n_i|l > 0, b_i columns with p_ij > 0.
Cities contribute many dependent transitions, so the chi-squared p is only a companion: the permutation p moves whole
trajectories to other locations.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from python_models import _plot
from python_models._align import aligned
from python_models._show import Shown
from python_models._types import FloatArray
from python_models.dynamics.homogeneity import divergence
from python_models.dynamics.markov import (
    THIN,
    bootstrap_counts,
    iid_error,
    interval,
    row_shares,
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
    discretise,
    labelled_plane,
    quantile_cuts,
    relative,
    round_significant,
)
from python_models.space.graph import in_order_of, to_sparse


@dataclass(frozen=True, eq=False)
class SpatialMarkovResult(Shown):
    """counts, probabilities, se, lo, hi (L, K, K): lag class, origin, destination; NaN rows where no one starts.

    pooled_counts, pooled_probabilities (K, K) : over the lag classes, i.e. without cities that have no neighbour.
    q, lr, dof : test that all classes have one matrix.   p_value, p_value_lr : chi-squared, iid transitions.
    p_perm : share of permuted maps with a Q at least as large, (count + 1)/(R + 1); NaN without permutations.
    n_empty : origins without transitions, over all classes.   n_no_lag : transitions left out for want of a neighbour.
    upward : contrast of the chance to rise between the highest and the lowest lag class, see `upward_help`.
    """

    counts: FloatArray
    probabilities: FloatArray
    se: FloatArray
    lo: FloatArray
    hi: FloatArray
    pooled_counts: FloatArray
    pooled_probabilities: FloatArray
    q: float
    lr: float
    dof: int
    p_value: float
    p_value_lr: float
    p_perm: float
    n_perm: int
    n_empty: int
    n_no_lag: int
    upward: pd.DataFrame
    lag: int
    n_boot: int
    seed: int | None

    @property
    def n_row(self) -> FloatArray:
        return np.asarray(self.counts.sum(axis=2), dtype=np.float64)

    @property
    def thin(self) -> Any:
        """Mask (L, K): fewer than 5 transitions start there."""
        return self.n_row < THIN

    def to_frame(self) -> pd.DataFrame:
        """One row per lag class, origin and destination."""
        n_lag, k, _ = self.counts.shape
        lag_state, start, end = (axis.ravel() for axis in np.indices(self.counts.shape))
        return pd.DataFrame(
            {
                "lag_state": lag_state,
                "state_from": start,
                "state_to": end,
                "n": self.counts.ravel().astype(np.int64),
                "n_row": self.n_row.repeat(k).astype(np.int64),
                "p": self.probabilities.ravel(),
                "se": self.se.ravel(),
                "lo": self.lo.ravel(),
                "hi": self.hi.ravel(),
                "thin": self.thin.repeat(k),
                "p_unconditional": np.tile(self.pooled_probabilities.ravel(), n_lag),
            }
        )

    def plot(self) -> _plot.Picture:
        """Altair chart: one transition matrix for each class of the neighbours, shares of the origins (0-1).

        ImportError: Altair is not installed.
        """
        titles = ("state", f"state {self.lag} year{'s' * (self.lag > 1)} later", "share (0-1)")
        frame = self.to_frame()
        return _plot.matrix(frame, rows="state_from", columns="state_to", value="p", titles=titles, facet="lag_state")


@aligned
def spatial_markov(
    states: Any,
    lag_states: Any,
    n_states: int,
    n_lag_states: int,
    lag: int = 1,
    *,
    permutations: int = 0,
    n_boot: int = 0,
    seed: int | None = None,
    allow_missing: bool = False,
) -> SpatialMarkovResult:
    """Transitions of states (N, T) by the class of the neighbours lag_states (N, T) in the start year.

    Both hold whole numbers from 0. NaN in `lag_states` is a city without neighbours: its transitions are left out and
    counted. permutations : the trajectories of states are put at other locations, while each location keeps its
    neighbourhood; the lag classes keep their margins and only one count is made per permutation.
    n_boot : resamples of whole cities (with their neighbourhood). Both need `seed`. Raises ValueError as `markov`.

    >>> from python_models.dynamics import spatial_markov
    >>> spatial_markov([[0, 0, 1], [1, 1, 1]], [[0, 1, 0], [0, 0, 1]], 2, 2).counts
    array([[[1., 0.],
            [0., 2.]],
    <BLANKLINE>
           [[0., 1.],
            [0., 0.]]])
    """
    own = check_states(states, n_states, "states", allow_missing=allow_missing)
    near = check_states(lag_states, n_lag_states, "lag_states", allow_missing=True)
    if own.shape != near.shape:
        raise ValueError(f"states have shape {own.shape}, lag_states {near.shape}: the axes must match.")
    check_lag(lag, own.shape[1])
    if permutations and seed is None:
        raise ValueError("permutations need a seed: the numbers must come out the same again.")
    size = n_states**2
    codes = transition_codes(own, n_states, lag)
    near = near[:, : codes.shape[1]]
    counts = tally_by(codes, near, n_lag_states, size).reshape(n_lag_states, n_states, n_states)
    q, lr, dof = divergence(counts)
    p_perm = np.nan
    if permutations and dof:
        drawn = paired_permutations(codes, near, n_states, n_lag_states, permutations, seed)
        p_perm = (np.count_nonzero(drawn >= q * (1 - 1e-12)) + 1) / (permutations + 1)
    draws = bootstrap_counts(own, n_states, lag, n_boot, seed, near, n_lag_states)
    lo, hi = share_interval(counts, draws)
    pooled = counts.sum(axis=0)
    return SpatialMarkovResult(
        counts=counts,
        probabilities=row_shares(counts),
        se=iid_error(counts),
        lo=lo,
        hi=hi,
        pooled_counts=pooled,
        pooled_probabilities=row_shares(pooled),
        q=q,
        lr=lr,
        dof=dof,
        p_value=float(chi2.sf(q, dof)) if dof else np.nan,
        p_value_lr=float(chi2.sf(lr, dof)) if dof else np.nan,
        p_perm=float(p_perm),
        n_perm=permutations,
        n_empty=int((counts.sum(axis=2) == 0).sum()),
        n_no_lag=int(((codes >= 0) & (near < 0)).sum()),
        upward=upward_help(counts, draws),
        lag=lag,
        n_boot=n_boot,
        seed=seed,
    )


@aligned
def spatial_markov_from_scores(
    scores: Any,
    w: Any,
    k: int = 4,
    *,
    kind: str = "relative",
    n_lag_states: int | None = None,
    lag: int = 1,
    permutations: int = 0,
    n_boot: int = 0,
    seed: int | None = None,
) -> SpatialMarkovResult:
    """`spatial_markov` straight from scores (N, T) and weights: `k` quantile classes of the scores and of their lag.

    kind : of `states.discretise`: `relative` (score over the mean of its year, default), `pooled`, `yearly`. The lag is
    that of the same relative or pooled score; its classes (`n_lag_states`, default k) have cuts of their own. A frame
    is matched with the weights by its labels. Raises ValueError as `discretise`, `classify_lag`, `spatial_markov`.

    >>> from python_models.dynamics import spatial_markov_from_scores
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> scores = np.random.default_rng(1).uniform(1, 2, (12, 5))
    >>> spatial_markov_from_scores(scores, W, k=2).counts.sum(axis=2)
    array([[11., 14.],
           [12., 11.]])
    """
    plane, _ = in_order_of(scores, w, "scores")
    own = discretise(plane, kind, n_states=k)
    near = classify_lag(relative(plane) if kind == "relative" else plane, to_sparse(w), n_lag_states or k)
    places = np.where(near.states == MISSING, np.nan, near.states)
    sizes = (k, n_lag_states or k)
    return spatial_markov(own.states, places, *sizes, lag, permutations=permutations, n_boot=n_boot, seed=seed)


def upward_help(counts: FloatArray, draws: FloatArray | None = None) -> pd.DataFrame:
    """Chance to rise with the highest minus with the lowest class of neighbours, by origin.

    help_i = p_up,i|L - p_up,i|1, where p_up,i is the chance to move to any higher state. counts (L, K, K); draws
    (B, L, K, K) of resampled cities give lo and hi and the two-sided p = 2 min(share <= 0, share >= 0) + 1/(B + 1).
    One row per origin but the highest; NaN where an end class has no such origin.
    """
    k = counts.shape[1]
    up, n = _rise(counts[None])
    frame = pd.DataFrame(
        {
            "state_from": np.arange(k),
            "n_low": n[0, 0],
            "n_high": n[0, -1],
            "p_up_low": up[0, 0],
            "p_up_high": up[0, -1],
            "upward_help": up[0, -1] - up[0, 0],
        }
    )
    frame["lo"], frame["hi"], frame["p"] = np.nan, np.nan, np.nan
    if draws is not None and len(draws):
        drawn = _rise(draws)[0]
        gap = drawn[:, -1] - drawn[:, 0]
        frame["lo"], frame["hi"] = interval(gap, (k,))
        n_there = np.maximum((~np.isnan(gap)).sum(axis=0), 1)
        tail = np.minimum((gap <= 0).sum(axis=0), (gap >= 0).sum(axis=0))
        p = np.minimum(1.0, 2 * (tail + 1) / (n_there + 1))
        frame["p"] = np.where(frame["upward_help"].isna(), np.nan, p)
    return frame.iloc[: k - 1]


def classify_lag(
    values: Any, w: Any, n_lag_states: int = 4, *, base: Any = None, cuts: Any = None, lag: int = 0
) -> States:
    """Classes of the spatial lag of values (N, T); NaN becomes -1 for cities without neighbours.

    By the quantiles of the lag itself (over the years `base`, and, with `lag`, over start years only), or by ready
    `cuts`, e.g. those of the values (variant `own_cuts`). Weights should be row-normalised, so that the lag is a mean.
    """
    _, _, years = labelled_plane(values, "values")
    plane, cities = in_order_of(values, w, "values")
    near = lag_values(plane, to_sparse(w))
    used = np.ones(plane.shape[1], dtype=bool) if base is None else np.array(base, dtype=bool)
    if lag:
        used[plane.shape[1] - lag :] = False
    limits = quantile_cuts(near[:, used], n_lag_states) if cuts is None else np.asarray(cuts, dtype=np.float64)
    return States(classify(near, limits), limits, "lag", n_lag_states, cities, years)


def lag_values(plane: FloatArray, matrix: Any) -> FloatArray:
    """Spatial lags (N, T), rounded to 12 significant digits; NaN for a city without neighbours."""
    near = round_significant(np.asarray(matrix @ plane, dtype=np.float64))
    near[np.diff(matrix.indptr) == 0] = np.nan
    return near


def paired_permutations(
    codes: StateArray, near: StateArray, n_states: int, n_lag_states: int, permutations: int, seed: int | None
) -> FloatArray:
    """Q of `permutations` maps where location i has the trajectory of another city and its own neighbourhood."""
    size = n_states**2
    keys = np.where(near >= 0, near * size, MISSING)
    n_cells = n_lag_states * size
    rng = np.random.default_rng(seed)
    order = np.arange(len(codes))
    is_whole = bool((codes >= 0).all() and (near >= 0).all())
    tables = np.empty((permutations, n_cells))
    for r in range(permutations):
        moved = codes[rng.permutation(order)]
        if is_whole:
            tables[r] = np.bincount((keys + moved).ravel(), minlength=n_cells)
        else:
            there = (moved >= 0) & (near >= 0)
            tables[r] = np.bincount(keys[there] + moved[there], minlength=n_cells)
    return np.asarray(divergence(tables.reshape(permutations, n_lag_states, n_states, n_states))[0])


def _rise(counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Chance to rise (.., L, K) and origins (.., L, K)."""
    k = counts.shape[-1]
    total = counts.sum(axis=-1)
    higher = (counts * np.triu(np.ones((k, k)), 1)).sum(axis=-1)
    return higher / np.where(total > 0, total, np.nan), total
