"""Strength of instruments: first-stage F, Kleibergen-Paap, effective F, Anderson-Rubin confidence set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from python_models._types import BoolArray, FloatArray

_GRID, _FEW = 1201, 81  # points of the search; few where each point is a search of its own


@dataclass(frozen=True)
class FirstStage:
    """One endogenous regressor: f = partial F of the excluded instruments, kp_f = Kleibergen-Paap F, clustered.

    kp_f is the joint rank statistic of all endogenous regressors, so it is the same for each of them. effective_f :
    pi'Q'Q pi / tr(V Q'Q), V clustered (Montiel Olea and Pflueger 2013): the one to read where errors are related; with
    several endogenous regressors after the fitted values of the others are taken out of this one.
    """

    endogenous: str
    f: float
    kp_f: float
    effective_f: float
    partial_r2: float
    n_excluded: int


@dataclass(frozen=True)
class AndersonRubinSet:
    """Values of the endogenous parameter that the instruments do not reject; robust to weak instruments.

    lo, hi : ends of the smallest interval that holds the set (NaN where it is empty, -inf or inf where it reaches the
    edge of the search).   is_connected : False where the set has gaps.
    """

    lo: float
    hi: float
    level: float
    is_connected: bool
    note: str


def partial_out(x: FloatArray, values: FloatArray) -> FloatArray:
    """Residuals of each column of `values` (rows, m) after least squares on x (rows, k)."""
    if x.shape[1] == 0:
        return values
    return np.asarray(values - x @ np.linalg.lstsq(x, values, rcond=None)[0])


def first_stages(
    exog: FloatArray, endog: FloatArray, excluded: FloatArray, names: Sequence[str], *, n: int, rows: int
) -> tuple[FirstStage, ...]:
    """First stages of endog (NT, m) on excluded (NT, q) given exog (NT, k); `rows` = N'T' free rows, n clusters.

    F = [(SSR_0 - SSR_1)/q]/[SSR_1/(rows - k - q)]; kp_f = Kleibergen & Paap (2006) rk statistic with a covariance
    clustered by city, over q. With one endogenous regressor it is the cluster-robust F.
    """
    d, q = partial_out(exog, endog), partial_out(exog, excluded)
    pi = np.linalg.lstsq(q, d, rcond=None)[0]
    v = d - q @ pi
    df = rows - exog.shape[1] - q.shape[1]
    ssr, total = (v**2).sum(axis=0), (d**2).sum(axis=0)
    f = (total - ssr) / q.shape[1] / (ssr / df)
    kp = _rank_statistic(q, d, pi, v, n) / q.shape[1] * df / rows
    return tuple(
        FirstStage(name, float(f[j]), kp, _effective(q, d, q @ pi, j, n), float(1.0 - ssr[j] / total[j]), q.shape[1])
        for j, name in enumerate(names)
    )


def _effective(q: FloatArray, d: FloatArray, fitted: FloatArray, j: int, n: int) -> float:
    others = np.delete(fitted, j, axis=1)
    own, z = partial_out(others, d[:, j]), partial_out(others, q)
    gram = z.T @ z
    bread = np.linalg.pinv(gram, hermitian=True)
    pi = bread @ (z.T @ own)
    scores = (z * (own - z @ pi)[:, None]).reshape(n, -1, q.shape[1]).sum(axis=1)
    spread = bread @ (scores.T @ scores * n / (n - 1)) @ bread
    return float(pi @ gram @ pi / np.trace(spread @ gram))


def _rank_statistic(q: FloatArray, d: FloatArray, pi: FloatArray, v: FloatArray, n: int) -> float:
    """Wald statistic of rank(Pi) = m - 1 against m, from the smallest singular direction of the scaled Pi."""
    k, m = pi.shape
    bread = np.linalg.inv(q.T @ q)
    scores = np.einsum("rk,rm->rmk", q, v).reshape(n, -1, m * k).sum(axis=1)
    meat = scores.T @ scores * n / (n - 1)
    wide = np.kron(np.eye(m), bread)
    cov = wide @ meat @ wide  # of vec(Pi), column by column
    left = np.linalg.cholesky(q.T @ q).T
    right = np.linalg.inv(np.linalg.cholesky(v.T @ v / len(v))).T
    u, _, vt = np.linalg.svd(left @ pi @ right, full_matrices=True)
    select = np.kron((right @ vt[m - 1]), u[:, m - 1 :].T @ left)
    value = select @ pi.T.reshape(-1)
    return float(value @ np.linalg.solve(select @ cov @ select.T, value))


def anderson_rubin_set(
    y: FloatArray,
    exog: FloatArray,
    endog: FloatArray,
    excluded: FloatArray,
    *,
    n: int,
    level: float = 0.95,
    bounds: tuple[float, float] = (-0.999, 0.999),
) -> AndersonRubinSet:
    """{r in bounds: the excluded instruments explain nothing of y - r endog}, Wald clustered by city, chi2(q).

    y, endog (NT,), exog (NT, k), excluded (NT, q), all within-transformed. Grid of 1,201 points, ends by root search.
    """
    d, q = partial_out(exog, np.column_stack([y, endog])), partial_out(exog, excluded)
    bread = np.linalg.inv(q.T @ q)
    coef = bread @ (q.T @ d)
    residual = d - q @ coef
    # clustered scores are linear in r, so the covariance is a quadratic of three fixed matrices
    scores = [(q * residual[:, [j]]).reshape(n, -1, q.shape[1]).sum(axis=1) for j in (0, 1)]
    m00, m01, m11 = (scores[a].T @ scores[b] * n / (n - 1) for a, b in ((0, 0), (0, 1), (1, 1)))
    limit = float(stats.chi2.ppf(level, q.shape[1]))

    def excess(r: float) -> float:
        value = coef[:, 0] - r * coef[:, 1]
        cov = bread @ (m00 - r * (m01 + m01.T) + r**2 * m11) @ bread
        return float(value @ np.linalg.solve(cov, value)) - limit

    return _collect(excess, bounds, level, "")


def subset_anderson_rubin(
    y: FloatArray,
    exog: FloatArray,
    endog: FloatArray,
    excluded: FloatArray,
    *,
    position: int,
    n: int,
    start: FloatArray,
    scale: FloatArray,
    bounds: tuple[float, float],
    level: float = 0.95,
) -> AndersonRubinSet:
    """Set of one of several endogenous parameters, the others minimised out, clustered by city.

    S(r) = min_b g'Omega^-1 g, g = sum_i Q_i'v_i, Omega = sum_i Q_i'v_i v_i'Q_i, v = y - r d_j - D_-j b, against
    chi2(q - m + 1) (Stock & Wright 2000): valid where the other parameters are identified, whatever this one is.
    start, scale (m,) : an estimate of all parameters and its standard errors, where the search for b begins.
    """
    d, q = partial_out(exog, np.column_stack([y, endog])), partial_out(exog, excluded)
    scores = np.stack(
        [(q * d[:, [j]]).reshape(n, -1, q.shape[1]).sum(axis=1) for j in range(d.shape[1])]
    )  # (1 + m, n, q)
    total = scores.sum(axis=1)
    outer = np.einsum("anq,bnp->abqp", scores, scores)
    limit = float(stats.chi2.ppf(level, q.shape[1] - endog.shape[1] + 1))
    others = [j for j in range(endog.shape[1]) if j != position]
    columns = [1 + j for j in others]
    last = np.zeros(len(others))

    def statistic(shift: FloatArray, r: float) -> tuple[float, FloatArray]:
        c = np.ones(d.shape[1])
        c[1 + position] = -r
        c[columns] = -(start[others] + scale[others] * shift)
        g, mixed = c @ total, np.einsum("b,abqp->aqp", c, outer)
        s = np.linalg.solve(np.einsum("a,aqp->qp", c, mixed), g)
        slope = 2.0 * (total @ s - np.einsum("q,aqp,p->a", s, mixed, s))
        return float(g @ s), -slope[columns] * scale[others]

    def excess(r: float) -> float:
        nonlocal last
        if not others:
            return statistic(last, r)[0] - limit
        best = optimize.minimize(statistic, last, args=(r,), jac=True, method="BFGS")
        if best.fun > limit:  # rejected from the neighbour's start: look again from the estimate
            again = optimize.minimize(statistic, np.zeros(len(others)), args=(r,), jac=True, method="BFGS")
            best = again if again.fun < best.fun else best
        last = np.asarray(best.x)
        return float(best.fun) - limit

    return _collect(excess, bounds, level, "one of several endogenous: the others minimised out", points=_FEW)


def _collect(
    excess: Callable[[float], float], bounds: tuple[float, float], level: float, remark: str, points: int = _GRID
) -> AndersonRubinSet:
    """The set where `excess` is not positive: grid, then root search at both ends."""
    grid = np.linspace(*bounds, points)
    inside = np.array([excess(float(r)) <= 0 for r in grid])
    if not inside.any():
        note = "empty set: the model or the instruments are rejected"
        return AndersonRubinSet(np.nan, np.nan, level, True, "; ".join(filter(None, [remark, note])))
    first, last = int(np.argmax(inside)), points - 1 - int(np.argmax(inside[::-1]))
    lo = -np.inf if first == 0 else _root(excess, grid[first - 1], grid[first])
    hi = np.inf if last == points - 1 else _root(excess, grid[last], grid[last + 1])
    connected = _is_connected(inside)
    notes = [
        remark,
        "" if np.isfinite(lo) and np.isfinite(hi) else "reaches the edge of the search: weakly identified",
        "" if connected else "set with gaps",
    ]
    return AndersonRubinSet(lo, hi, level, connected, "; ".join(filter(None, notes)))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where `function` changes its sign; the middle where an inner search has blurred the change away."""
    ends = function(low), function(high)
    if not (np.isfinite(ends).all() and ends[0] * ends[1] <= 0):
        return (low + high) / 2.0
    try:
        return float(optimize.brentq(function, low, high, xtol=1e-10))
    except ValueError:  # the inner search ended elsewhere when asked a second time
        return (low + high) / 2.0


def _is_connected(inside: BoolArray) -> bool:
    return int(np.abs(np.diff(inside.astype(int))).sum() + int(inside[0]) + int(inside[-1])) == 2
