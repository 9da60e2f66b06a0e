"""Bounds of an effect if the treated had gone another way than the others (docs/formulas.md#honest-bounds)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from python_models._show import Shown
from python_models._types import ArrayLike
from python_models.inference import LEVEL

MOST = 100.0  # relative magnitude beyond which the breakdown value is not sought


@dataclass(frozen=True, eq=False)
class HonestBounds(Shown):
    """estimate, unit of y; lower, upper at relative magnitude m (0: the usual interval); breakdown: the largest m whose
    bounds have zero outside, 0 where the usual interval holds it."""

    estimate: float
    lower: float
    upper: float
    breakdown: float


def honest_bounds(
    steps: ArrayLike, cov: ArrayLike, n_before: int, *, m: float = 1.0, dof: float = np.inf, level: float = LEVEL
) -> HonestBounds:
    """Bounds of the mean effect of the years since a start under bounds on relative magnitudes.

    Parameters
    ----------
    steps : (p,) array
        What the treated changed more than the others from one year to the next, the first `n_before` before the start.
    cov : (p, p) array
        Their covariance.
    n_before : int
        Steps before the start, at least 1 and fewer than p.
    m : float
        How many times the largest step before may a step after stray from that of the others without any effect.
    dof : float
        Degrees of freedom of t.
    level : float
        Level of the bounds.

    Returns
    -------
    HonestBounds
        They hold the effect with at least that probability, wherever it lies in the set that m leaves.

    Raises
    ------
    ValueError
        No step before or after, or a negative m.

    Notes
    -----
    Effect of year h after: the sum of steps 0..h; its mean over h = 0..H is sum_k L_k x_k, L_k = (H + 1 - k)/(H + 1).
    Steps without effect u_k with |u_k| <= m max_s |x_s| leave sum_k L_k x_k +- m sum_k L_k max_s |x_s|: the maximum of
    linear functions a_j'x, so that max_j (a_j'x + t se_j) is an upper limit, and min_j (a_j'x - t se_j) a lower one.

    References
    ----------
    Rambachan and Roth (2023, Rev. Economic Studies 90), Delta^RM; the union of intervals in place of their test.

    Examples
    --------
    >>> from python_models.influence import honest_bounds
    >>> bounds = honest_bounds([0.1, 1.0], np.diag([1e-8, 1e-8]), 1)
    >>> round(bounds.lower, 2), round(bounds.upper, 2), round(bounds.breakdown)
    (0.9, 1.1, 10)
    """
    x, v = np.asarray(steps, dtype=np.float64), np.asarray(cov, dtype=np.float64)
    after = x.size - n_before
    if not (0 < n_before < x.size and m >= 0.0):
        raise ValueError(f"honest bounds need a step before and one after, and m >= 0; got {n_before}, {after}, m {m}.")
    share = np.concatenate([np.zeros(n_before), np.arange(after, 0, -1) / after])
    t = float(stats.t.ppf(0.5 + level / 2.0, dof))

    def limits(size: float) -> tuple[float, float]:
        rows = np.repeat(share[None], 2 * n_before, axis=0)
        for s in range(n_before):
            rows[2 * s : 2 * s + 2, s] = np.array([1.0, -1.0]) * size * share.sum()
        middle, reach = rows @ x, t * np.sqrt(np.einsum("jp,pq,jq->j", rows, v, rows))
        return float((middle - reach).min()), float((middle + reach).max())

    estimate = float(share @ x)

    def margin(size: float) -> float:
        low, high = limits(size)
        return low if estimate > 0.0 else -high

    if not margin(0.0) > 0.0:
        breakdown = 0.0
    else:
        breakdown = float(optimize.brentq(margin, 0.0, MOST)) if margin(MOST) < 0.0 else MOST
    return HonestBounds(estimate, *limits(m), breakdown)
