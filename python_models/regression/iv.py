"""Spatial two-stage least squares and two-step GMM for the spatial lag and Durbin models, and the strength of
instruments.

    y = rho W y + X beta + W X theta + D gamma + effects + e,  W y and D endogenous
Instruments of W y: W^2 X, W^3 X (W X too in a model without it); of D: what the caller gives, and its lag.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize, stats

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import FloatArray
from python_models.inference import terms
from python_models.regression.covariance import Robust, Rows, Scores, meat
from python_models.regression.data import (
    Values,
    Weights,
    as_panel_x,
    degrees,
    independent,
    is_labelled,
    panel_inputs,
    require_independent,
)
from python_models.regression.errors import PanelInputError, estimable
from python_models.regression.spec_results import SpecTest
from python_models.regression.within import within

COVARIANCES = ("cluster", "homoskedastic")
LEVEL = 0.95  # of the Anderson-Rubin sets
WEAK_F = 23.1  # effective F: bias of 2SLS above a tenth of the worst one is rejected at 5 %
_RHO = (-0.999, 0.999)  # search for rho
_REACH = 20.0  # search for other parameters, in standard errors on both sides
_GRID, _FEW = 1201, 81  # points of the search; few where each point is a search of its own


@dataclass(frozen=True)
class FirstStage:
    """One endogenous regressor: f = partial F of the excluded instruments, partial_r2; kp_f = Kleibergen-Paap F, the
    joint rank statistic of all endogenous regressors, clustered. effective_f : pi'Q'Q pi / tr(V Q'Q), V clustered
    (Montiel Olea and Pflueger 2013): the one to read where errors are related; of several endogenous regressors after
    the fitted values of the others are taken out."""

    endogenous: str
    f: float
    kp_f: float
    effective_f: float
    partial_r2: float


@dataclass(frozen=True)
class AndersonRubinSet:
    """Values of the endogenous parameter that the instruments do not reject; robust to weak instruments.

    lo, hi : ends of the smallest interval that holds the set (NaN where it is empty, -inf or inf where it reaches the
    edge of the search).   is_connected : False where the set has gaps.
    """

    lo: float
    hi: float
    is_connected: bool
    note: str


def partial_out(x: FloatArray, values: FloatArray) -> FloatArray:
    """Residuals of each column of `values` (rows, m) after least squares on x (rows, k)."""
    if x.shape[1] == 0:
        return values
    return np.asarray(values - x @ np.linalg.lstsq(x, values, rcond=None)[0])


def _by_city(rows: FloatArray, n: int) -> FloatArray:
    """Rows (NT, q) added up over the years, (N, q)."""
    return np.asarray(rows.reshape(n, -1, rows.shape[1]).sum(axis=1))


def _clustered(rows: FloatArray, n: int) -> FloatArray:
    """Covariance of the sum of the rows, by city: S'S N/(N - 1)."""
    scores = _by_city(rows, n)
    return np.asarray(scores.T @ scores * n / (n - 1))


def first_stages(
    exog: FloatArray, endog: FloatArray, excluded: FloatArray, names: Sequence[str], *, n: int, rows: int
) -> tuple[FirstStage, ...]:
    """First stages of endog (NT, m) on excluded (NT, q) given exog (NT, k); `rows` = N'T' free rows, n clusters.

    F = [(SSR_0 - SSR_1)/q]/[SSR_1/(rows - k - q)]; kp_f = Kleibergen & Paap (2006) rk statistic, clustered, over q.
    """
    d, q = partial_out(exog, endog), partial_out(exog, excluded)
    pi = np.linalg.lstsq(q, d, rcond=None)[0]
    v = d - q @ pi
    df = rows - exog.shape[1] - q.shape[1]
    ssr, total = (v**2).sum(axis=0), (d**2).sum(axis=0)
    f = (total - ssr) / q.shape[1] / (ssr / df)
    kp = _rank_statistic(q, d, pi, v, n) / q.shape[1] * df / rows
    return tuple(
        FirstStage(name, float(f[j]), kp, _effective(q, d, q @ pi, j, n), float(1.0 - ssr[j] / total[j]))
        for j, name in enumerate(names)
    )


def _effective(q: FloatArray, d: FloatArray, fitted: FloatArray, j: int, n: int) -> float:
    others = np.delete(fitted, j, axis=1)
    target, z = partial_out(others, d[:, j]), partial_out(others, q)
    gram = z.T @ z
    bread = np.linalg.pinv(gram, hermitian=True)
    pi = bread @ (z.T @ target)
    spread = bread @ _clustered(z * (target - z @ pi)[:, None], n) @ bread
    return float(pi @ gram @ pi / np.trace(spread @ gram))


def _rank_statistic(q: FloatArray, d: FloatArray, pi: FloatArray, v: FloatArray, n: int) -> float:
    """Wald statistic of rank(Pi) = m - 1 against m, from the smallest singular direction of the scaled Pi."""
    k, m = pi.shape
    bread = np.linalg.inv(q.T @ q)
    wide = np.kron(np.eye(m), bread)
    cov = wide @ _clustered(np.einsum("rk,rm->rmk", q, v).reshape(-1, m * k), n) @ wide  # of vec(Pi), by columns
    left = np.linalg.cholesky(q.T @ q).T
    right = np.linalg.inv(np.linalg.cholesky(v.T @ v / len(v))).T
    u, _, vt = np.linalg.svd(left @ pi @ right, full_matrices=True)
    select = np.kron((right @ vt[m - 1]), u[:, m - 1 :].T @ left)
    value = select @ pi.T.reshape(-1)
    return float(value @ np.linalg.solve(select @ cov @ select.T, value))


def anderson_rubin_set(
    y: FloatArray, exog: FloatArray, endog: FloatArray, excluded: FloatArray, *, n: int
) -> AndersonRubinSet:
    """{r in (-1, 1): the excluded instruments explain nothing of y - r endog}, Wald clustered by city, chi2(q).

    y, endog (NT,), exog (NT, k), excluded (NT, q), all within-transformed.
    """
    d, q = partial_out(exog, np.column_stack([y, endog])), partial_out(exog, excluded)
    bread = np.linalg.inv(q.T @ q)
    coef = bread @ (q.T @ d)
    residual = d - q @ coef
    # clustered scores are linear in r, so the covariance is a quadratic of three fixed matrices
    scores = [_by_city(q * residual[:, [j]], n) for j in (0, 1)]
    m00, m01, m11 = (scores[a].T @ scores[b] * n / (n - 1) for a, b in ((0, 0), (0, 1), (1, 1)))
    limit = float(stats.chi2.ppf(LEVEL, q.shape[1]))

    def excess(r: float) -> float:
        value = coef[:, 0] - r * coef[:, 1]
        cov = bread @ (m00 - r * (m01 + m01.T) + r**2 * m11) @ bread
        return float(value @ np.linalg.solve(cov, value)) - limit

    return _collect(excess, _RHO)


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
) -> AndersonRubinSet:
    """Set of one of several endogenous parameters, the others minimised out, clustered by city.

    S(r) = min_b g'Omega^-1 g, g = sum_i Q_i'v_i, Omega = sum_i Q_i'v_i v_i'Q_i, v = y - r d_j - D_-j b, against chi2(q
    - m + 1) (Stock & Wright 2000): valid where the other parameters are identified, whatever this one is. start, scale
    (m,) : an estimate of all parameters and its standard errors, where the search for b begins.
    """
    d, q = partial_out(exog, np.column_stack([y, endog])), partial_out(exog, excluded)
    scores = np.stack([_by_city(q * d[:, [j]], n) for j in range(d.shape[1])])  # (1 + m, n, q)
    total = scores.sum(axis=1)
    outer = np.einsum("anq,bnp->abqp", scores, scores)
    limit = float(stats.chi2.ppf(LEVEL, q.shape[1] - endog.shape[1] + 1))
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

    return _collect(excess, bounds, "one of several endogenous: the others minimised out", points=_FEW)


def _collect(
    excess: Callable[[float], float], bounds: tuple[float, float], remark: str = "", points: int = _GRID
) -> AndersonRubinSet:
    """The set where `excess` is not positive: grid, then root search at both ends."""
    grid = np.linspace(*bounds, points)
    inside = np.array([excess(float(r)) <= 0 for r in grid])
    if not inside.any():
        note = "empty set: the model or the instruments are rejected"
        return AndersonRubinSet(np.nan, np.nan, True, "; ".join(filter(None, [remark, note])))
    first, last = (int(i) for i in np.flatnonzero(inside)[[0, -1]])
    lo = -np.inf if first == 0 else _root(excess, grid[first - 1], grid[first])
    hi = np.inf if last == points - 1 else _root(excess, grid[last], grid[last + 1])
    connected = bool(inside[first : last + 1].all())
    edge = "" if np.isfinite([lo, hi]).all() else "reaches the edge of the search: weakly identified"
    notes = [remark, edge, "" if connected else "set with gaps"]
    return AndersonRubinSet(lo, hi, connected, "; ".join(filter(None, notes)))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where `function` changes its sign; the middle where an inner search has blurred the change away."""
    ends = function(low), function(high)
    if not (np.isfinite(ends).all() and ends[0] * ends[1] <= 0):
        return (low + high) / 2.0
    try:
        return float(optimize.brentq(function, low, high, xtol=1e-10))
    except ValueError:  # the inner search ended elsewhere when asked a second time
        return (low + high) / 2.0


@dataclass(frozen=True, eq=False)
class IVFit(Shown):
    """Estimates of 2SLS (or GMM) with the strength of the instruments.

    names, params, cov : slopes (x, W:x), endogenous, rho last.   residuals : (N, T), effects removed.   first_stages,
    anderson_rubin : one per endogenous regressor.   hansen : overidentification, df 0 where exactly identified.
    """

    method: str
    names: tuple[str, ...]
    params: FloatArray
    cov: FloatArray
    residuals: FloatArray
    sigma2: float
    instruments: tuple[str, ...]
    first_stages: tuple[FirstStage, ...]
    hansen: SpecTest
    anderson_rubin: tuple[AndersonRubinSet, ...]
    system: LinearSystem

    @property
    def rho(self) -> float:
        return float(self.params[-1])

    @property
    def std_errors(self) -> FloatArray:
        return np.asarray(np.sqrt(np.diag(self.cov)))

    @property
    def is_weak(self) -> bool:
        """True where the effective F of any endogenous regressor is below 23.1."""
        return any(stage.effective_f < WEAK_F for stage in self.first_stages)

    def to_frame(self) -> pd.DataFrame:
        return terms(self.names, self.params, self.cov, "lo", "hi")

    def diagnostics(self) -> pd.DataFrame:
        """One row per endogenous: first_stage_f, kp_f, effective_f, hansen_j, hansen_p, ar_lo, ar_hi, n_instruments."""
        stages = [(s.endogenous, s.f, s.kp_f, s.effective_f, s.effective_f < WEAK_F) for s in self.first_stages]
        frame = pd.DataFrame(stages, columns=["endogenous", "first_stage_f", "kp_f", "effective_f", "is_weak"])
        frame.insert(4, "hansen_j", self.hansen.statistic)
        frame.insert(5, "hansen_p", self.hansen.p)
        frame.insert(6, "ar_lo", [s.lo for s in self.anderson_rubin])
        frame.insert(7, "ar_hi", [s.hi for s in self.anderson_rubin])
        frame.insert(8, "n_instruments", len(self.instruments))
        return frame.assign(note=[s.note for s in self.anderson_rubin])


@dataclass(frozen=True, eq=False)
class LinearSystem:
    """q (rows, m): regressors and instruments, included columns first; params = project q'y."""

    q: FloatArray
    project: FloatArray


@aligned
@estimable("two-stage least squares")
def spatial_2sls(
    y: Values,
    x: Values,
    w: Weights,
    *,
    effects: str = "twoways",
    durbin: Sequence[int] | None = None,
    w_lags: int = 3,
    endog: Values | None = None,
    instruments: Values | None = None,
    gmm: bool = False,
    cov: str | Robust = "cluster",
    names: Sequence[str] | None = None,
    endog_names: Sequence[str] | None = None,
) -> IVFit:
    """Spatial two-stage least squares (or two-step GMM) with endogenous regressors.

    Parameters
    ----------
    y, x, w, effects : as in `specification_search`
    durbin : sequence of int, optional
        Positions of the regressors that enter as W x; default: all, () for the spatial lag model.
    w_lags : int
        Highest power of W in the instruments W^p x (p from 2 for x that enter as W x, from 1 otherwise).
    endog : (N, T, m) array, optional
        Endogenous regressors.
    instruments : (N, T, q) array, optional
        Outside instruments of `endog`; give W endog and W instruments as further columns.
    gmm : bool
        Two-step GMM.
    cov : str, Cluster, Conley or DriscollKraay
        "cluster" by city, "homoskedastic", or a kind with settings (no jackknife here: G/(G - 1) instead); weights of
        GMM, Hansen J, strength of the instruments and Anderson-Rubin sets stay clustered by city then.
    names : sequence of str, optional
        Names of the regressors.
    endog_names : sequence of str, optional
        Names of the endogenous regressors.

    Returns
    -------
    IVFit
        Estimates, covariance, first stages, tests of the instruments.

    Raises
    ------
    PanelInputError
        Fewer instruments than endogenous regressors, collinear regressors, missing cells, no more cities than moments
        (sums over so few clusters leave their covariance singular).

    Notes
    -----
    docs/formulas.md#iv. For a dense W the instruments W^p x are close to collinear: then F is small and is_weak is
    true.

    References
    ----------
    Kelejian and Prucha (1998); Kleibergen and Paap (2006); Hansen (1982); Anderson and Rubin (1949); Stock and Wright
    (2000).

    Examples
    --------
    >>> from python_models.regression import spatial_2sls
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> spatial_2sls(y, x[..., None], W, names=["x"]).names
    ('x', 'W:x', 'rho')
    """
    if isinstance(cov, str) and cov not in COVARIANCES:
        raise PanelInputError(f"cov must be one of {', '.join(COVARIANCES)}, or Cluster, Conley, got {cov!r}.")
    data = _prepare(y, x, w, effects, durbin, w_lags, endog, instruments, names, endog_names)
    z = np.column_stack([data.exog, data.endog])
    q = np.column_stack([data.exog, data.excluded])
    moments = data.excluded.shape[1] if cov == "homoskedastic" else q.shape[1]
    require_more_cities(data.n, moments)
    weight = np.linalg.inv(q.T @ q)
    params, bread = two_stage(q, z, data.y, weight)
    rows = data.rows
    plain = cov if isinstance(cov, str) else "cluster"  # of full rank, where few years or groups are not
    if gmm:
        weight = np.linalg.inv(moment_cov(q, data.y - z @ params, data.n, plain, rows))
        params, bread = two_stage(q, z, data.y, weight)
    e, free = data.y - z @ params, rows - z.shape[1]
    project = bread @ z.T @ q @ weight
    hansen_weight = np.linalg.inv(moment_cov(q, e, data.n, plain, rows))
    covariance = project @ moment_cov(q, e, data.n, cov, free) @ project.T
    return IVFit(
        method="gmm" if gmm else "2sls",
        names=data.names,
        params=params,
        cov=covariance,
        residuals=e.reshape(data.n, data.t),
        sigma2=float(e @ e) / free,
        instruments=data.instrument_names,
        first_stages=first_stages(data.exog, data.endog, data.excluded, data.endog_names, n=data.n, rows=rows),
        hansen=hansen_test(q, z, data.y, hansen_weight),
        anderson_rubin=_weak_robust(data, params, np.sqrt(np.diag(covariance))),
        system=LinearSystem(q, project),
    )


def _weak_robust(data: _Data, params: FloatArray, se: FloatArray) -> tuple[AndersonRubinSet, ...]:
    """One Anderson-Rubin set per endogenous regressor; clustered by city."""
    m, outcome = data.endog.shape[1], (data.y, data.exog)
    if m == 1:
        return (anderson_rubin_set(*outcome, data.endog[:, 0], data.excluded, n=data.n),)
    start, scale = params[-m:], se[-m:]
    sets = []
    for j in range(m):
        at, reach = float(start[j]), _REACH * float(scale[j])
        where: dict[str, Any] = {"position": j, "bounds": _RHO if j == m - 1 else (at - reach, at + reach)}
        options = {"n": data.n, "start": start, "scale": scale, **where}
        sets.append(subset_anderson_rubin(*outcome, data.endog, data.excluded, **options))
    return tuple(sets)


class _Data(NamedTuple):
    """Within-transformed columns (rows,) and (rows, .); endog ends with W y."""

    y: FloatArray
    exog: FloatArray
    endog: FloatArray
    excluded: FloatArray
    names: tuple[str, ...]
    endog_names: tuple[str, ...]
    instrument_names: tuple[str, ...]
    n: int
    t: int
    rows: int  # free of effects


def _prepare(
    y: Values,
    x: Values,
    w: Weights,
    effects: str,
    durbin: Sequence[int] | None,
    w_lags: int,
    endog: Values | None,
    instruments: Values | None,
    names: Sequence[str] | None,
    endog_names: Sequence[str] | None,
) -> _Data:
    plane, cube, weights, labels = panel_inputs(y, x, w, names)
    n, t, k = cube.shape
    inner, outer = (
        _extra(y, values, w, plane.shape, what) for values, what in ((endog, "endog"), (instruments, "instruments"))
    )
    if outer.shape[2] < inner.shape[2]:
        raise PanelInputError(f"{inner.shape[2]} endogenous regressors need as many instruments, got {outer.shape[2]}.")
    lagged = list(durbin) if durbin is not None else list(range(k))
    powers, power_names = _powers(weights.lag, cube, lagged, w_lags, labels)

    def flat(values: FloatArray) -> FloatArray:
        return within(values, effects).reshape(n * t, -1)

    exog = flat(np.concatenate([cube, weights.lag(cube[:, :, lagged])], axis=2))
    slopes = (*labels, *(f"W:{labels[j]}" for j in lagged))
    require_independent(exog, slopes)
    candidates = flat(np.concatenate([powers, outer], axis=2))
    is_independent = independent(partial_out(exog, candidates), scale=np.sqrt((candidates**2).sum(axis=0)))
    excluded = candidates[:, is_independent]
    outside, m = [f"instrument {j}" for j in range(outer.shape[2])], inner.shape[2]
    inner_names = tuple(endog_names) if endog_names is not None else tuple(f"endog{j}" for j in range(m))
    if excluded.shape[1] < m + 1:
        few = f"{excluded.shape[1]} usable instruments are too few for {m + 1} endogenous regressors"
        raise PanelInputError(f"{few}: raise w_lags or give instruments.")
    columns = np.concatenate([inner, weights.lag(plane)[:, :, None]], axis=2)
    iv_names = tuple(compress([*power_names, *outside], is_independent))
    endogenous, rows = (*inner_names, "W:y"), int(np.prod(degrees(n, t, effects)))
    left = flat(plane[:, :, None])[:, 0]
    return _Data(left, exog, flat(columns), excluded, (*slopes, *inner_names, "rho"), endogenous, iv_names, n, t, rows)


def _extra(y: Values, values: Values | None, w: Weights, shape: tuple[int, ...], what: str) -> FloatArray:
    """Endogenous regressors or instruments (N, T, .) in the order of y; none gives no column."""
    if values is None:
        return np.empty((*shape, 0))
    return panel_inputs(y, values, w).x if is_labelled(values) else as_panel_x(values, shape, what)


def _powers(
    lag: Callable[[FloatArray], FloatArray], cube: FloatArray, lagged: list[int], w_lags: int, labels: Sequence[str]
) -> tuple[FloatArray, list[str]]:
    """W^p x for p up to w_lags, without those that are regressors themselves."""
    parts: list[FloatArray] = [np.empty((*cube.shape[:2], 0))]
    names: list[str] = []
    power = cube
    for p in range(1, w_lags + 1):
        power = lag(power)
        columns = [j for j in range(cube.shape[2]) if p > 1 or j not in lagged]
        parts.append(power[:, :, columns])
        names += [f"W{p}:{labels[j]}" for j in columns]
    return np.concatenate(parts, axis=2), names


def require_more_cities(n: int, moments: int) -> None:
    """Hansen J and the like invert a covariance summed over cities: with no more cities its rank is below theirs."""
    if n <= moments:
        raise PanelInputError(
            f"{moments} instruments and regressors with {n} cities: a covariance clustered by city needs more "
            "cities than these. Lower w_lags or take fewer regressors."
        )


def two_stage(q: FloatArray, z: FloatArray, y: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(Z'Q A Q'Z)^-1 Z'Q A Q'y and the inverse."""
    cross = q.T @ z
    bread = np.linalg.inv(cross.T @ weight @ cross)
    return bread @ cross.T @ weight @ (q.T @ y), bread


def moment_cov(q: FloatArray, e: FloatArray, n: int, cov: str | Robust, rows: int) -> FloatArray:
    """Covariance of Q'e: sum over cities of (Q_i'e_i)(Q_i'e_i)' N/(N-1), or s2 Q'Q with s2 = e'e/rows, or of a kind."""
    singles = q * e[:, None]
    if isinstance(cov, str):
        return _clustered(singles, n) if cov == "cluster" else np.asarray(float(e @ e) / rows * (q.T @ q))
    t = len(e) // n
    kind = replace(cov, correction="groups") if cov.correction == "jackknife" else cov
    scores = Scores(singles, np.zeros((len(e), 0)), (), q.shape[1], e.reshape(n, t), 1.0, Rows.balanced(n, t))
    return meat(scores, kind, dof=rows)


def hansen_test(q: FloatArray, z: FloatArray, y: FloatArray, weight: FloatArray) -> SpecTest:
    """J = g'S^-1 g at the efficient GMM estimate, chi2(instruments - regressors)."""
    df = q.shape[1] - z.shape[1]
    if df == 0:
        return SpecTest("hansen_j", 0.0, 0.0, np.nan, "exactly identified: nothing to test")
    g = q.T @ (y - z @ two_stage(q, z, y, weight)[0])
    return SpecTest.chi2("hansen_j", float(g @ weight @ g), df, "H0: all instruments are valid")
