"""Rank mobility: how much places change, and whether groups move together (docs/formulas.md#rank-mobility).

Theta (Rey 2004): the share of all rank change that groups make as a whole. Errors by the jackknife over cities.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata

from python_models._align import aligned
from python_models._show import OneRow
from python_models._types import FloatArray
from python_models.dynamics.states import check_lag, labelled_plane


@dataclass(frozen=True)
class RankMobility(OneRow):
    """Means over the start years. kendall_tau with se, lo, hi (jackknife over cities, normal 95 %); spearman;
    mean_abs_rank_change in places; theta (0-1) with p_perm, the share of permuted group labels with a theta at least
    as large (NaN without groups); n_obs cities, n_pairs start years, lag in years."""

    kendall_tau: float
    tau_se: float
    tau_lo: float
    tau_hi: float
    spearman: float
    mean_abs_rank_change: float
    theta: float
    p_perm: float
    n_perm: int
    n_obs: int
    n_pairs: int
    lag: int
    seed: int | None


@aligned
def rank_mobility(
    values: Any, lag: int = 1, *, groups: Any = None, subset: Any = None, permutations: int = 0, seed: int | None = None
) -> RankMobility:
    """Rank mobility of scores (N, T) over `lag` years; rank 1 is the highest, ties share the mean place.

    groups (N,) : labels for theta.   subset : mask (N,) of cities; tau and rho are then among them, while rank
    changes stay places among all N. Raises ValueError for NaN, fewer than three cities, or a constant year.

    >>> from python_models.dynamics import rank_mobility
    >>> rank_mobility([[1.0, 2.0], [2.0, 3.0], [3.0, 1.0]]).to_frame().shape
    (1, 13)
    """
    plane, _, _ = labelled_plane(values, "values")
    check_lag(lag, plane.shape[1])
    keep = np.ones(len(plane), dtype=bool) if subset is None else np.asarray(subset, dtype=bool)
    if keep.sum() < 3:
        raise ValueError(f"rank mobility needs at least three cities, got {int(keep.sum())}.")
    ranks = rankdata(-plane, axis=0)
    change = ranks[:, lag:] - ranks[:, :-lag]
    tau, se = kendall(plane[keep], lag)
    inner = rankdata(plane[keep], axis=0)
    rho = [np.corrcoef(inner[:, t], inner[:, t + lag])[0, 1] for t in range(plane.shape[1] - lag)]
    theta, p, n_perm = np.nan, np.nan, 0
    if groups is not None:
        theta, p = _theta(change, groups, permutations, seed)
        n_perm = permutations
    z = float(norm.ppf(0.975))
    return RankMobility(
        kendall_tau=tau,
        tau_se=se,
        tau_lo=max(tau - z * se, -1.0),
        tau_hi=min(tau + z * se, 1.0),
        spearman=float(np.mean(rho)),
        mean_abs_rank_change=float(np.abs(change[keep]).mean()),
        theta=theta,
        p_perm=p,
        n_perm=n_perm,
        n_obs=int(keep.sum()),
        n_pairs=change.shape[1],
        lag=lag,
        seed=seed if n_perm else None,
    )


def kendall(plane: FloatArray, lag: int) -> tuple[float, float]:
    """Kendall's tau-b, mean over the start years of (n, T), and its jackknife standard error over cities."""
    n, t = plane.shape
    signs = [np.sign(column[:, None] - column[None, :]).astype(np.int8) for column in plane.T]
    untied = [np.abs(s).sum(axis=1, dtype=np.int64) for s in signs]
    if any(u.sum() == 0 for u in untied):
        raise ValueError("a year has the same score in all cities: there is no rank.")
    tau, left_out = np.zeros(t - lag), np.zeros((t - lag, n))
    for start in range(t - lag):
        agree = (signs[start] * signs[start + lag]).sum(axis=1, dtype=np.int64)
        a, b = untied[start], untied[start + lag]
        tau[start] = agree.sum() / np.sqrt(float(a.sum()) * float(b.sum()))
        base = (a.sum() - 2.0 * a) * (b.sum() - 2.0 * b)
        left_out[start] = (agree.sum() - 2.0 * agree) / np.sqrt(np.where(base > 0, base, np.nan))
    drop = left_out.mean(axis=0)
    return float(tau.mean()), float(np.sqrt((n - 1) / n * ((drop - drop.mean()) ** 2).sum()))


def _theta(change: FloatArray, groups: Any, permutations: int, seed: int | None) -> tuple[float, float]:
    code = pd.factorize(pd.Series(list(groups)))[0]
    if len(code) != len(change):
        raise ValueError(f"groups need one label per city ({len(change)}), got {len(code)}.")
    total = np.abs(change).sum(axis=0)
    if not (total > 0).all():
        return np.nan, np.nan
    labels = np.eye(int(code.max()) + 1)[code]
    theta = float((np.abs(labels.T @ change).sum(axis=0) / total).mean())
    if not permutations:
        return theta, np.nan
    if seed is None:
        raise ValueError("permutations need a seed: the numbers must come out the same again.")
    rng = np.random.default_rng(seed)
    drawn = [np.abs(labels[rng.permutation(len(code))].T @ change).sum(axis=0) for _ in range(permutations)]
    moved = (np.array(drawn) / total).mean(axis=1)
    return theta, float((np.count_nonzero(moved >= theta * (1 - 1e-12)) + 1) / (permutations + 1))
