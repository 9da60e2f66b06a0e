"""From estimates and their errors to statements: intervals, p-values, families of tests, bands."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from python_models._types import ArrayLike, BoolArray, FloatArray

LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Normal:
    """z = estimate / se, two-sided p and the limits of the interval; arrays of the estimates' shape.

    NaN where se is 0 or missing: an effect that is zero by construction has no test.
    """

    z: FloatArray
    p: FloatArray
    lower: FloatArray
    upper: FloatArray

    def columns(self, lower: str = "lower", upper: str = "upper") -> dict[str, FloatArray]:
        """z, p and the limits by name, for a frame."""
        return {"z": self.z, "p": self.p, lower: self.lower, upper: self.upper}


def normal(estimate: ArrayLike, se: ArrayLike, level: float = LEVEL, dof: float = np.inf) -> Normal:
    """Normal inference: estimate +- z_(1 + level)/2 se and p = 2 (1 - Phi(|z|)); with `dof` that of Student's t."""
    point, error = np.asarray(estimate, dtype=np.float64), np.asarray(se, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(error > 0.0, point / error, np.nan)
    half = float(special.stdtrit(dof, 0.5 + level / 2.0)) * error
    return Normal(z, np.asarray(2.0 * special.stdtr(dof, -np.abs(z))), point - half, point + half)


def terms(names: Sequence[str], params: ArrayLike, cov: FloatArray, *limits: str) -> pd.DataFrame:
    """One row per parameter with normal inference: term, coef, se, z, p and the limits (default: lower, upper)."""
    se = np.sqrt(np.diagonal(cov))
    return pd.DataFrame({"term": names, "coef": params, "se": se, **normal(params, se).columns(*limits)})


def half_width(level: float = LEVEL) -> float:
    """Half an interval in standard errors: 1.96 at 95 %."""
    return float(special.ndtri(0.5 + level / 2.0))


@dataclass(frozen=True)
class Wald:
    """(R theta)'(R V R')^-1 (R theta), chi2 with df degrees of freedom."""

    statistic: float
    df: int

    @property
    def p(self) -> float:
        return float(stats.chi2.sf(self.statistic, self.df))


def wald(estimate: ArrayLike, cov: ArrayLike, restriction: ArrayLike | None = None) -> Wald:
    """Wald test of R theta = 0; theta (p,), V (p, p), R (q, p) (default: all theta). LinAlgError: singular R V R'."""
    theta, v = np.asarray(estimate, dtype=np.float64), np.asarray(cov, dtype=np.float64)
    r = np.eye(len(theta)) if restriction is None else np.atleast_2d(np.asarray(restriction, dtype=np.float64))
    gap = r @ theta
    return Wald(float(gap @ np.linalg.solve(r @ v @ r.T, gap)), len(gap))


def p_from_draws(draws: ArrayLike, observed: float) -> float:
    """(k + 1) / (B + 1), k of the B draws at or above the observed statistic; draws that are NaN are not counted."""
    values = np.asarray(draws, dtype=np.float64).ravel()
    values = values[~np.isnan(values)]
    return float(((values >= observed).sum() + 1) / (values.size + 1))


def p_two_sided(draws: ArrayLike) -> FloatArray:
    """Two-sided p (m,) of "zero" from draws (B, m): twice the smaller share on one side of zero, (k + 1)/(B + 1), at
    most 1.
    """
    values = np.asarray(draws, dtype=np.float64)
    n_draws = (~np.isnan(values)).sum(axis=0)
    side = np.minimum((values <= 0).sum(axis=0), (values >= 0).sum(axis=0))
    return np.asarray(np.where(n_draws > 0, np.minimum(2.0 * (side + 1.0) / (n_draws + 1.0), 1.0), np.nan))


def ratio_interval(a: float, b: float, cov: FloatArray, level: float = LEVEL) -> tuple[float, float]:
    """Fieller's interval of a / b for normal estimates with covariance `cov` (2, 2) of (a, b); infinite if b may be 0.

    Source: Fieller (1954, J. Royal Statistical Society B 16).
    """
    g = half_width(level) ** 2
    qa, qb, qc = b**2 - g * cov[1, 1], a * b - g * cov[0, 1], a**2 - g * cov[0, 0]
    under = qb**2 - qa * qc
    if qa <= 0 or under < 0:
        return float("-inf"), float("inf")
    root = float(np.sqrt(under))
    return float((qb - root) / qa), float((qb + root) / qa)


def holm(p: ArrayLike) -> FloatArray:
    """Holm (1979) adjusted p-values (m,): family-wise error; NaN stays NaN and is not counted."""
    values = np.asarray(p, dtype=np.float64)
    out = np.full(values.shape, np.nan)
    finite = np.flatnonzero(np.isfinite(values))
    order = finite[np.argsort(values[finite], kind="stable")]
    steps = values[order] * np.arange(len(order), 0, -1)
    out[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return out


def romano_wolf(estimate: ArrayLike, influence: ArrayLike, *, draws: int = 999, rng: np.random.Generator) -> FloatArray:
    """Adjusted p-values (m,) of H0_j: theta_j = 0 for estimates from overlapping data, family-wise error.

    influence (M, m): what each block (city) adds to each estimate. A draw is xi'influence with xi = +-1, the same for
    all estimates, which keeps their correlation. Step-down: the largest |t| is compared with the largest |t*| of all,
    the next with that of the rest, ..; p is (k + 1)/(B + 1). Source: Romano and Wolf (2005, Econometrica 73; 2016).
    """
    theta, psi = np.asarray(estimate, dtype=np.float64), np.asarray(influence, dtype=np.float64)
    if psi.ndim != 2 or psi.shape[1] != len(theta):
        raise ValueError(f"influence must be (blocks, {len(theta)}), got shape {psi.shape}.")
    se = np.sqrt((psi**2).sum(axis=0))
    if not (se > 0).all():
        raise ValueError(f"estimate number {int(np.argmin(se))} has no influence: it cannot be tested.")
    t = np.abs(theta) / se
    largest_t = np.abs(rng.choice(np.array([-1.0, 1.0]), size=(draws, len(psi))) @ (psi / se))
    order = np.argsort(-t, kind="stable")
    # the maximum over an estimate and all smaller ones
    largest = np.maximum.accumulate(largest_t[:, order[::-1]], axis=1)[:, ::-1]
    p = ((largest >= t[order]).sum(axis=0) + 1.0) / (draws + 1.0)
    out = np.empty_like(p)
    out[order] = np.maximum.accumulate(p)
    return out


@dataclass(frozen=True, eq=False)
class Band:
    """Simultaneous limits of m estimates: all inside with probability `level`; critical: the factor of the errors."""

    lower: FloatArray
    upper: FloatArray
    critical: float

    def run(self) -> int:
        """Length of the unbroken run, from the first estimate on, whose limits lie above zero."""
        above = self.lower > 0.0
        return len(above) if above.all() else int(np.argmin(above))


def normal_draws(cov: ArrayLike, draws: int, rng: np.random.Generator) -> FloatArray:
    """`draws` (B, m) from N(0, cov), cov (m, m) positive semidefinite.

    z R^(1/2) diag(se), z (B, m) standard normal, R = the correlation, R^(1/2) its one symmetric root: so
    the draws follow the units of the estimates and do not hang on the signs that a factorisation gives its vectors.
    """
    v = np.asarray(cov, dtype=np.float64)
    se = np.sqrt(np.diagonal(v))
    scale = np.where(se > 0.0, se, 1.0)
    values, vectors = np.linalg.eigh(v / np.outer(scale, scale))
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return np.asarray(rng.standard_normal((draws, len(v))) @ root * scale)


def sup_t_band(
    estimate: ArrayLike, cov: ArrayLike, *, level: float = LEVEL, draws: int = 20_000, rng: np.random.Generator
) -> Band:
    """estimate +- c se with c the `level` quantile of max_j |Z_j|, Z normal with the correlation of the estimates.

    Source: Montiel Olea and Plagborg-Moller (2019, J. Applied Econometrics 34).
    """
    point, v = np.asarray(estimate, dtype=np.float64), np.asarray(cov, dtype=np.float64)
    se = np.sqrt(np.diagonal(v))
    z = normal_draws(v, draws, rng) / se
    critical = max(float(np.quantile(np.abs(z).max(axis=1), level)), half_width(level))
    return Band(point - critical * se, point + critical * se, critical)


def rank_sets(
    estimate: ArrayLike, cov: ArrayLike, *, level: float = LEVEL, draws: int = 20_000, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Lowest and highest rank (m, 2) that each of m estimates may have, 1 for the largest: a confidence set for each.

    theta_k is above theta_j, or below, where the studentised difference exceeds the `level` quantile of the largest of
    them in normal draws; what is rejected is left out and the quantile taken again. The set of j covers the rank of j;
    quantiles of drawn ranks do not. Source: Mogstad, Romano, Shaikh and Wilhelm (2024, Rev. Economic Studies 91).
    """
    theta, v = np.asarray(estimate, dtype=np.float64), np.asarray(cov, dtype=np.float64)
    z = normal_draws(v, draws, rng)
    sets = np.empty((len(theta), 2), dtype=np.int64)
    for j in range(len(theta)):
        gap = np.delete(np.eye(len(theta)), j, axis=0)
        gap[:, j] = -1.0
        gap /= np.sqrt(((gap @ v) * gap).sum(axis=1))[:, None]
        t, t_draws = np.concatenate([gap, -gap]) @ theta, z @ np.concatenate([gap, -gap]).T
        rest = np.ones(len(t), dtype=np.bool_)
        while rest.any() and (out := rest & (t > np.quantile(t_draws[:, rest].max(axis=1), level))).any():
            rest &= ~out
        above, below = (~rest).reshape(2, -1).sum(axis=1)
        sets[j] = 1 + above, len(theta) - below
    return sets


@dataclass(frozen=True, eq=False)
class Combined:
    """One estimate from m data sets: mean, total variance T = W + (1 + 1/m) B, degrees of freedom; arrays (q,).

    within : W, mean of the variances.   between : B, variance of the estimates.   share : (1 + 1/m) B / T.   missing :
    fraction of missing information, (r + 2/(df + 3))/(r + 1), r = (1 + 1/m) B / W.
    """

    estimate: FloatArray
    se: FloatArray
    df: FloatArray
    within: FloatArray
    between: FloatArray
    share: FloatArray

    @property
    def missing(self) -> FloatArray:
        return np.asarray(self.share + (1.0 - self.share) * 2.0 / (self.df + 3.0))

    def to_frame(self, names: Sequence[str], level: float = LEVEL) -> pd.DataFrame:
        """One row per estimate: name, estimate, se, se_within, se_between, t, df, p, lower, upper (Student's t),
        share_between, missing."""
        with np.errstate(divide="ignore", invalid="ignore"):
            t = self.estimate / self.se
        half = stats.t.ppf(0.5 + level / 2.0, self.df) * self.se
        return pd.DataFrame(
            {
                "name": list(names),
                "estimate": self.estimate,
                "se": self.se,
                "se_within": np.sqrt(self.within),
                "se_between": np.sqrt(self.between),
                "t": t,
                "df": self.df,
                "p": 2.0 * stats.t.sf(np.abs(t), self.df),
                "lower": self.estimate - half,
                "upper": self.estimate + half,
                "share_between": self.share,
                "missing": self.missing,
            }
        )


def rubin(estimates: ArrayLike, variances: ArrayLike) -> Combined:
    """Rubin's rules: m estimates (m, q), or (m,), of the same quantities on m draws of uncertain data, and their
    squared standard errors. df = (m - 1) (1 + W / ((1 + 1/m) B))^2; infinite without variation between.

    Source: Rubin (1987). ValueError: fewer than two draws, shapes that differ, a negative variance.
    """
    values, v = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    values, v = (a[:, None] if a.ndim == 1 else a for a in (values, v))
    m = len(values)
    if values.shape != v.shape or values.ndim != 2 or m < 2:
        raise ValueError(f"Rubin's rules need two draws or more of one shape, got {values.shape} and {v.shape}.")
    if not (np.isfinite(values).all() and np.isfinite(v).all() and (v >= 0).all()):
        raise ValueError("an estimate or its variance is missing, infinite or negative in one of the draws.")
    within, between = v.mean(axis=0), values.var(axis=0, ddof=1)
    extra = (1.0 + 1.0 / m) * between
    total = within + extra
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.where(extra > 0.0, (m - 1.0) * (1.0 + within / extra) ** 2, np.inf)
        share = np.where(total > 0.0, extra / total, 0.0)
    return Combined(values.mean(axis=0), np.sqrt(total), df, within, between, share)


def adjust(p: ArrayLike, method: str = "bh") -> FloatArray:
    """Adjusted p-values for many tests at once.

    Parameters
    ----------
    p : (m,) array
        p-values; NaN stays NaN and does not count as a test.
    method : {"bh", "by", "holm"}
        Rate of false discoveries (`bh`; `by` under any dependence), or probability of one false rejection (`holm`).

    Returns
    -------
    (m,) array
        A city passes at level q if its adjusted p is <= q.

    Raises
    ------
    ValueError
        Another method.

    References
    ----------
    Benjamini and Hochberg (1995), Benjamini and Yekutieli (2001), Holm (1979).

    Examples
    --------
    >>> from python_models.space import adjust
    >>> adjust(np.array([0.01, 0.02, 0.5])).round(3)
    array([0.03, 0.03, 0.5 ])
    """
    values = np.asarray(p, dtype=np.float64)
    if method == "holm":
        return holm(values)
    if method not in ("bh", "by"):
        raise ValueError(f"unknown correction {method!r}: choose bh, by or holm.")
    out = np.full(values.shape, np.nan)
    is_finite: BoolArray = np.isfinite(values)
    if is_finite.any():
        out[is_finite] = stats.false_discovery_control(values[is_finite], method="bh" if method == "bh" else "by")
    return out
