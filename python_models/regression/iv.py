"""Spatial two-stage least squares and two-step GMM for the spatial lag and Durbin models with fixed effects.

    y = rho W y + X beta + W X theta + D gamma + effects + e,  W y and D endogenous
Instruments of W y: W^2 X, W^3 X (W X too in a model without it); of D: what the caller gives, and its lag.
Not here: strength of instruments and weak-instrument sets (iv_diagnostics), maximum likelihood (core).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import FloatArray
from python_models.inference import terms
from python_models.regression.covariance import Robust, Rows, Scores, meat
from python_models.regression.errors import PanelInputError, estimable
from python_models.regression.iv_diagnostics import (
    AndersonRubinSet,
    FirstStage,
    anderson_rubin_set,
    first_stages,
    partial_out,
    subset_anderson_rubin,
)
from python_models.regression.spec_arrays import (
    Values,
    Weights,
    as_panel_x,
    degrees,
    is_labelled,
    panel_inputs,
    require_independent,
)
from python_models.regression.spec_results import SpecTest
from python_models.regression.within import within

COVARIANCES = ("cluster", "homoskedastic")
WEAK_F = 23.1  # effective F: bias of 2SLS above a tenth of the worst one is rejected at 5 %
_RHO = (-0.999, 0.999)  # search for rho
_REACH = 20.0  # search for other parameters, in standard errors on both sides


@dataclass(frozen=True, eq=False)
class IVFit(Shown):
    """Estimates of 2SLS (or GMM) with the strength of the instruments.

    names, params, cov : slopes (x, W:x), endogenous, rho last.   residuals : (N, T), effects removed.
    first_stages : one per endogenous regressor.   hansen : overidentification, df 0 where exactly identified.
    anderson_rubin : confidence sets that weak instruments do not spoil, one per endogenous regressor.
    """

    method: str
    names: tuple[str, ...]
    params: FloatArray
    cov: FloatArray
    residuals: FloatArray
    sigma2: float
    n_rows: int
    instruments: tuple[str, ...]
    first_stages: tuple[FirstStage, ...]
    hansen: SpecTest
    anderson_rubin: tuple[AndersonRubinSet, ...]
    system: LinearSystem

    @property
    def rho(self) -> float:
        return float(self.params[-1])

    @property
    def cities(self) -> int:
        return len(self.residuals)

    @property
    def influence(self) -> FloatArray:
        """(N, p): what each city adds to the estimates; the cross-product is the covariance clustered by city."""
        own = (self.system.q * self.residuals.reshape(-1, 1)).reshape(self.cities, -1, self.system.q.shape[1])
        return np.asarray(np.sqrt(self.cities / (self.cities - 1.0)) * own.sum(axis=1) @ self.system.project.T)

    @property
    def std_errors(self) -> FloatArray:
        return np.asarray(np.sqrt(np.diag(self.cov)))

    @property
    def is_weak(self) -> bool:
        """True where the effective F of any endogenous regressor is below 23.1."""
        return any(stage.effective_f < WEAK_F for stage in self.first_stages)

    def to_frame(self) -> pd.DataFrame:
        """One row per term: term, coef, se, z, p, lo, hi."""
        return terms(self.names, self.params, self.cov, "lo", "hi")

    def diagnostics(self) -> pd.DataFrame:
        """One row per endogenous: first_stage_f, kp_f, effective_f, hansen_j, hansen_p, ar_lo, ar_hi, n_instruments."""
        rows = [
            {
                "endogenous": stage.endogenous,
                "first_stage_f": stage.f,
                "kp_f": stage.kp_f,
                "effective_f": stage.effective_f,
                "hansen_j": self.hansen.statistic,
                "hansen_p": self.hansen.p,
                "ar_lo": ar.lo,
                "ar_hi": ar.hi,
                "n_instruments": len(self.instruments),
                "is_weak": stage.effective_f < WEAK_F,
                "note": ar.note,
            }
            for stage, ar in zip(self.first_stages, self.anderson_rubin, strict=True)
        ]
        return pd.DataFrame(rows)


@dataclass(frozen=True, eq=False)
class LinearSystem:
    """Moments of a 2SLS estimate: q (rows, m) with the included columns first, project (p, m) params = project q'y.

    shift (p, excluded): how the estimate moves with a direct effect of each excluded instrument, db/dgamma = -shift.
    """

    y: FloatArray
    z: FloatArray
    q: FloatArray
    project: FloatArray
    n: int
    cov: str | Robust
    rows: int
    n_excluded: int

    @property
    def shift(self) -> FloatArray:
        return np.asarray(self.project @ (self.q.T @ self.q[:, -self.n_excluded :]))

    def violated(self, gamma: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Estimate and covariance if the excluded instruments have direct effects gamma (excluded,) on y."""
        y = self.y - self.q[:, -self.n_excluded :] @ gamma
        params = self.project @ (self.q.T @ y)
        meat = _moment_cov(self.q, y - self.z @ params, self.n, self.cov, self.rows)
        return params, self.project @ meat @ self.project.T


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
    """S2SLS (or two-step GMM) of y (N, T) on W y, x (N, T, k), W x and endogenous regressors `endog` (N, T, m).

    w_lags : highest power of W in the instruments W^p x (p from 2 for x that enter as W x, from 1 otherwise).
    durbin : positions of the x that enter as W x; all by default, () for the spatial lag model.
    instruments (N, T, q) : outside instruments of `endog` (give W endog and W instruments as further columns).
    cov : "cluster" by city (heteroskedasticity and serial correlation inside a city), "homoskedastic", or `Cluster`,
    `Conley`, `DriscollKraay` with settings, groups and points in the order of W (no jackknife here: G/(G - 1) instead).
    Weights of GMM, Hansen J, strength of the instruments and Anderson-Rubin sets stay clustered by city then.
    Everything is within-transformed, so for a row-normalised W the year effects leave no trace.
    First-stage F, Kleibergen-Paap F, effective F, Hansen J and Anderson-Rubin sets come along;
    instruments W^p x are close to collinear for a dense W: then F is small and is_weak is true.
    Raises PanelInputError for fewer instruments than endogenous regressors, collinear regressors, missing cells, and
    for no more cities than moments: sums over so few clusters leave their covariance singular.
    Source: Kelejian & Prucha 1998; Kleibergen & Paap 2006; Hansen 1982; Anderson & Rubin 1949;
    Stock & Wright 2000.

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
    _require_clusters(data.n, data.excluded.shape[1] if cov == "homoskedastic" else q.shape[1])
    weight = np.linalg.inv(q.T @ q)
    params, bread = _estimate(q, z, data.y, weight)
    rows = data.n_free * data.t_free
    plain = cov if isinstance(cov, str) else "cluster"  # of full rank, where few years or groups are not
    if gmm:
        weight = np.linalg.inv(_moment_cov(q, data.y - z @ params, data.n, plain, rows))
        params, bread = _estimate(q, z, data.y, weight)
    e = data.y - z @ params
    s2 = float(e @ e) / (rows - z.shape[1])
    meat = _moment_cov(q, e, data.n, cov, rows - z.shape[1])
    project = bread @ z.T @ q @ weight
    hansen_weight = np.linalg.inv(_moment_cov(q, e, data.n, plain, rows))
    covariance = project @ meat @ project.T
    system = LinearSystem(data.y, z, q, project, data.n, cov, rows - z.shape[1], data.excluded.shape[1])
    return IVFit(
        method="gmm" if gmm else "2sls",
        names=data.names,
        params=params,
        cov=covariance,
        residuals=e.reshape(data.n, data.t),
        sigma2=s2,
        n_rows=rows,
        instruments=data.instrument_names,
        first_stages=first_stages(data.exog, data.endog, data.excluded, data.endog_names, n=data.n, rows=rows),
        hansen=_hansen(q, z, data.y, hansen_weight),
        anderson_rubin=_weak_robust(data, params, np.sqrt(np.diag(covariance))),
        system=system,
    )


def _require_clusters(cities: int, moments: int) -> None:
    """Hansen J, Kleibergen-Paap and Anderson-Rubin invert a covariance summed over cities: its rank is below theirs."""
    if cities <= moments:
        raise PanelInputError(
            f"{moments} instruments and regressors with {cities} cities: a covariance clustered by city needs more "
            "cities than these. Lower w_lags or take fewer regressors."
        )


def _weak_robust(data: _Data, params: FloatArray, se: FloatArray) -> tuple[AndersonRubinSet, ...]:
    """One Anderson-Rubin set per endogenous regressor; clustered by city."""
    m = data.endog.shape[1]
    if m == 1:
        return (anderson_rubin_set(data.y, data.exog, data.endog[:, 0], data.excluded, n=data.n, bounds=_RHO),)
    first = len(params) - m
    sets = []
    for j in range(m):
        at, reach = float(params[first + j]), _REACH * float(se[first + j])
        bounds = _RHO if j == m - 1 else (at - reach, at + reach)
        sets.append(
            subset_anderson_rubin(
                data.y,
                data.exog,
                data.endog,
                data.excluded,
                position=j,
                n=data.n,
                start=params[first:],
                scale=se[first:],
                bounds=bounds,
            )
        )
    return tuple(sets)


@dataclass(frozen=True, eq=False)
class _Data:
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
    n_free: int
    t_free: int


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
    given = panel_inputs(y, x, w, names)
    plane, cube, weights, labels = given.y, given.x, given.weights, list(given.names)
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
    excluded, kept = _usable(exog, flat(np.concatenate([powers, outer], axis=2)))
    outside = [f"instrument {j}" for j in range(outer.shape[2])]
    inner_names = tuple(endog_names) if endog_names is not None else tuple(f"endog{j}" for j in range(inner.shape[2]))
    if excluded.shape[1] < inner.shape[2] + 1:
        raise PanelInputError(
            f"{excluded.shape[1]} usable instruments are too few for {inner.shape[2] + 1} endogenous regressors: "
            "raise w_lags or give instruments."
        )
    columns = np.concatenate([inner, weights.lag(plane)[:, :, None]], axis=2)
    return _Data(
        y=flat(plane[:, :, None])[:, 0],
        exog=exog,
        endog=flat(columns),
        excluded=excluded,
        names=(*slopes, *inner_names, "rho"),
        endog_names=(*inner_names, "W:y"),
        instrument_names=tuple(name for name, keep in zip([*power_names, *outside], kept, strict=True) if keep),
        n=n,
        t=t,
        n_free=degrees(n, t, effects)[0],
        t_free=degrees(n, t, effects)[1],
    )


def _extra(y: Values, values: Values | None, w: Weights, shape: tuple[int, ...], what: str) -> FloatArray:
    """Endogenous regressors or instruments (N, T, .) in the order of y; none gives no column."""
    if values is None:
        return np.empty((*shape, 0))
    return panel_inputs(y, values, w).x if is_labelled(values) else as_panel_x(values, shape, what)


def _powers(
    lag: Callable[[FloatArray], FloatArray], cube: FloatArray, lagged: list[int], w_lags: int, labels: list[str]
) -> tuple[FloatArray, list[str]]:
    """W^p x for p up to w_lags, without those that are regressors themselves."""
    parts: list[FloatArray] = [np.empty((*cube.shape[:2], 0))]
    names: list[str] = []
    power = cube
    for p in range(1, w_lags + 1):
        power = lag(power)
        chosen = [j for j in range(cube.shape[2]) if p > 1 or j not in lagged]
        parts.append(power[:, :, chosen])
        names += [f"W{p}:{labels[j]}" for j in chosen]
    return np.concatenate(parts, axis=2), names


def _usable(exog: FloatArray, excluded: FloatArray) -> tuple[FloatArray, list[bool]]:
    """Instruments that add something to the regressors and to the instruments before them."""
    rest = partial_out(exog, excluded)
    scale = np.sqrt((excluded**2).sum(axis=0))
    basis = np.empty((len(exog), 0))
    kept = []
    for j in range(excluded.shape[1]):
        column = rest[:, j] - basis @ (basis.T @ rest[:, j])
        length = float(np.sqrt(column @ column))
        kept.append(length > 1e-6 * max(float(scale[j]), 1e-300))
        if kept[-1]:
            basis = np.column_stack([basis, column / length])
    return excluded[:, kept], kept


def _estimate(q: FloatArray, z: FloatArray, y: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(Z'Q A Q'Z)^-1 Z'Q A Q'y and the inverse."""
    cross = q.T @ z
    bread = np.linalg.inv(cross.T @ weight @ cross)
    return bread @ cross.T @ weight @ (q.T @ y), bread


def _moment_cov(q: FloatArray, e: FloatArray, n: int, cov: str | Robust, rows: int) -> FloatArray:
    """Covariance of Q'e: sum over cities of (Q_i'e_i)(Q_i'e_i)' N/(N-1), or s2 Q'Q with s2 = e'e/rows, or of a kind."""
    own = q * e[:, None]
    if isinstance(cov, str):
        if cov == "homoskedastic":
            return np.asarray(float(e @ e) / rows * (q.T @ q))
        scores = own.reshape(n, -1, q.shape[1]).sum(axis=1)
        return np.asarray(scores.T @ scores * n / (n - 1))
    t = len(e) // n
    kind = replace(cov, correction="groups") if cov.correction == "jackknife" else cov
    made = Scores(own, np.zeros((len(e), 0)), (), q.shape[1], e.reshape(n, t), 1.0, Rows.balanced(n, t))
    return meat(made, kind, dof=rows)


def _hansen(q: FloatArray, z: FloatArray, y: FloatArray, weight: FloatArray) -> SpecTest:
    """J = g'S^-1 g at the efficient GMM estimate, chi2(instruments - regressors)."""
    df = q.shape[1] - z.shape[1]
    if df == 0:
        return SpecTest("hansen_j", 0.0, 0.0, np.nan, "exactly identified: nothing to test")
    params, _ = _estimate(q, z, y, weight)
    g = q.T @ (y - z @ params)
    return SpecTest.chi2("hansen_j", float(g @ weight @ g), df, "H0: all instruments are valid")
