"""Specification curve: do the runs of a robustness suite agree in sign and significance with the headline?

Simonsohn, Simmons and Nelson (2020, Nature Human Behaviour 4). docs/formulas.md#robustness.
"""

from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._types import ArrayLike, FloatArray

LEVEL = 0.05
Z_LEVEL = 1.959964


@aligned
def specification_curve(
    estimate: pd.Series, p: pd.Series, *, headline: float, comparable: pd.Series | None = None
) -> pd.DataFrame:
    """Place of each run on the curve of all specifications.

    Parameters
    ----------
    estimate, p : Series
        One value a run, NaN where it has none. An estimate of exactly zero is zero by construction (a model without
        that effect) and counts as missing.
    headline : float
        Estimate of the headline run.
    comparable : Series, optional
        Estimates on one scale for the place; default: `estimate`.

    Returns
    -------
    DataFrame
        One row a run, same index: sign_agrees with `headline`, significant_5, place on the curve (1 = lowest); all
        missing for a run without an estimate.

    Examples
    --------
    >>> from python_models.influence import specification_curve
    >>> specification_curve(pd.Series([0.1, -0.2]), pd.Series([0.01, 0.2]), headline=0.1)["sign_agrees"].tolist()
    [True, False]
    """
    has = estimate.notna() & (estimate != 0) & np.isfinite(headline)
    sign = pd.Series(np.sign(estimate) == np.sign(headline), index=estimate.index).astype("boolean").where(has)
    has_p = has & p.notna()
    significant = (p < LEVEL).astype("boolean").where(has_p)
    place = (estimate if comparable is None else comparable).where(has)
    rank = place.rank(method="first").astype("Int64")
    return pd.DataFrame({"sign_agrees": sign, "significant_5": significant, "curve_rank": rank})


@aligned
def curve_summary(curve: pd.DataFrame, comparable: pd.Series) -> dict[str, float | int]:
    """Summary of a specification curve.

    Parameters
    ----------
    curve : DataFrame
        Rows of `specification_curve`.
    comparable : Series
        Which runs count, by the same index.

    Returns
    -------
    dict
        n_runs with an estimate, shares that agree in sign, that are significant, that are both; min, median, max.

    Examples
    --------
    >>> from python_models.influence import curve_summary, specification_curve
    >>> curve = specification_curve(pd.Series([0.1, 0.2, -0.1]), pd.Series([0.01, 0.04, 0.6]), headline=0.1)
    >>> curve_summary(curve, pd.Series([True, True, True]))["n_runs"]
    3
    """
    has = curve["sign_agrees"].notna()
    with_estimate, with_p = curve[has], curve[has & curve["significant_5"].notna()]
    values = comparable[has].dropna()

    def share(flags: pd.Series) -> float:
        return float(flags.astype(float).mean()) if len(flags) else float("nan")

    return {
        "n_runs": len(with_estimate),
        "share_sign_agrees": share(with_estimate["sign_agrees"]),
        "share_significant_5": share(with_p["significant_5"]),
        "share_both": share(with_p["sign_agrees"] & with_p["significant_5"]),
        "lowest": float(values.min()) if len(values) else float("nan"),
        "median": float(values.median()) if len(values) else float("nan"),
        "highest": float(values.max()) if len(values) else float("nan"),
    }


def joint_test(
    estimate: ArrayLike, influence: ArrayLike, *, draws: int = 999, rng: np.random.Generator
) -> dict[str, float]:
    """Joint tests that no specification has an effect.

    Parameters
    ----------
    estimate : (m,) array
        One estimate a specification, on one scale.
    influence : (n, m) array
        What each city adds to each estimate, on the same scale; 0 where it is not in the sample.
    draws : int
        Draws B.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    dict
        p_median (median estimate), p_share (share that differs from zero at 5 % with the sign of the median), p_average
        (mean z, Stouffer), each (1 + #{draws at least as far out}) / (B + 1).

    Notes
    -----
    A draw is xi'influence with one sign xi = +-1 a city, the same in all specifications: no effect anywhere, the errors
    of the specifications correlated as they are.

    References
    ----------
    Simonsohn, Simmons and Nelson (2020, Nature Human Behaviour 4).

    Examples
    --------
    >>> from python_models.influence.specification_curve import joint_test
    >>> rng = np.random.default_rng(1)
    >>> psi = rng.normal(size=(50, 3)) / 50
    >>> joint_test([2.0, 2.0, 2.0], psi, draws=99, rng=rng)
    {'p_median': 0.01, 'p_share': 0.01, 'p_average': 0.01}
    """
    theta, psi = np.asarray(estimate, dtype=np.float64), np.asarray(influence, dtype=np.float64)
    if psi.ndim != 2 or psi.shape[1] != len(theta):
        raise ValueError(f"influence must be (cities, {len(theta)}), got shape {psi.shape}.")
    se = np.sqrt((psi**2).sum(axis=0))
    if not (se > 0).all():
        raise ValueError(f"estimate number {int(np.argmin(se))} has no influence: it cannot be tested.")

    def statistics(values: FloatArray) -> FloatArray:
        z, median = values / se, np.median(values, axis=1)
        share = (z * np.sign(median)[:, None] > Z_LEVEL).mean(axis=1)
        return np.stack([np.abs(median), share, np.abs(z.mean(axis=1))])

    statistic_draws = statistics(rng.choice(np.array([-1.0, 1.0]), size=(draws, len(psi))) @ psi)
    p = (1 + (statistic_draws >= statistics(theta[None])).sum(axis=1)) / (draws + 1)
    return dict(zip(("p_median", "p_share", "p_average"), p.tolist(), strict=True))


def shares_of_spread(values: ArrayLike) -> list[tuple[float, float]]:
    """How much of the variance over all combinations each decision explains.

    Parameters
    ----------
    values : array with one axis a decision
        Result of each combination of choices.

    Returns
    -------
    list of (main, total)
        main: variance of the means by choice over the variance of all. total: Shapley's share, which splits what
        decisions explain only together; the totals add up to 1. Zeros where nothing varies.

    References
    ----------
    Shapley (1953), on the variance components of a full factorial design.

    Examples
    --------
    >>> from python_models.influence.specification_curve import shares_of_spread
    >>> [round(total, 3) for _, total in shares_of_spread([[0.0, 1.0], [2.0, 3.0]])]
    [0.8, 0.2]
    """
    cube = np.asarray(values, dtype=np.float64)
    axes, spread = range(cube.ndim), float(cube.var())
    if spread == 0.0:
        return [(0.0, 0.0)] * cube.ndim

    def explained(part: frozenset[int]) -> float:
        rest = tuple(axis for axis in axes if axis not in part)
        return float(cube.mean(axis=rest).var()) / spread

    spreads = {
        frozenset(part): explained(frozenset(part)) for r in range(cube.ndim + 1) for part in combinations(axes, r)
    }
    shares = []
    for axis in axes:
        gains = ((part, spreads[part | {axis}] - spreads[part]) for part in spreads if axis not in part)
        total = sum(gain / comb(cube.ndim - 1, len(part)) for part, gain in gains) / cube.ndim
        shares.append((spreads[frozenset({axis})], float(total)))
    return shares
