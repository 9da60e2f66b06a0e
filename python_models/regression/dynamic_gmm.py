"""Dynamic spatial Durbin model by difference or system GMM with collapsed instruments, on linear GMM of stacked
equations.

    y_t = tau y_{t-1} + eta W y_{t-1} + rho W y_t + X_t beta + W X_t theta + mu + lambda_t + e_t
Needs no normal errors and lets chosen x be endogenous; less precise than likelihood. Arellano and Bond 1991, Blundell
and Bond 1998, Kukenova and Monteiro 2009 (system GMM with a spatial lag), Roodman 2009 (collapsing).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._types import FloatArray
from python_models.regression.data import Values, Weights, independent, panel_inputs
from python_models.regression.dynamic import DynamicEstimate, DynamicFit
from python_models.regression.errors import PanelInputError, estimable, require_known
from python_models.regression.multiplier import Spectrum, spectrum
from python_models.regression.spec_results import SpecTest

Kind = Literal["difference", "system"]
KINDS: tuple[Kind, ...] = ("system", "difference")
POWERS = ("", "W:", "W2:", "W3:")
LEAST_YEARS = 5  # y_0, one lag, two differenced years for AR(2)'s sake


class Stacked(NamedTuple):
    """Equations of N cities: y (N, R), x (N, R, k), z (N, R, m), first-step weight H (R, R).

    n_diff : the first n_diff rows are differences of years that follow each other; the rest are levels.
    """

    y: FloatArray
    x: FloatArray
    z: FloatArray
    h: FloatArray
    n_diff: int


@dataclass(frozen=True, eq=False)
class GmmFit:
    """Two-step estimate with Windmeijer's correction (cov_plain : without, too small in short samples); the one-step
    beside it.

    residuals : (N, R) of the two steps.   hansen : all instruments valid, chi2(m - k).   ar : no serial correlation of
    order 1 and 2 in the differenced errors (order 1 is there by construction).   kept : which instruments were used.
    """

    params: FloatArray
    cov: FloatArray
    cov_plain: FloatArray
    one_step: FloatArray
    residuals: FloatArray
    hansen: SpecTest
    ar: tuple[SpecTest, SpecTest]
    is_kept: tuple[bool, ...]

    @property
    def n_instruments(self) -> int:
        return sum(self.is_kept)


class _Step(NamedTuple):
    """Estimate with weight A: params, residuals (N, R), bread (X'Z A Z'X)^-1, map X'Z A."""

    params: FloatArray
    e: FloatArray
    bread: FloatArray
    half: FloatArray


def fit_gmm(data: Stacked) -> GmmFit:
    """Two-step GMM: sum_i Z_i'(y_i - X_i b) = 0, weight (sum_i Z_i'H Z_i)^-1, then S^-1, S = sum_i Z_i'e_i e_i'Z_i.

    V = (X'Z S^-1 Z'X)^-1, corrected D V + V D' + V + D V1 D' with D = d b2/d b1 (Windmeijer 2005). Hansen J =
    (Z'e)'S^-1 Z'e. AR(m): Arellano and Bond (1991), robust. PanelInputError: more instruments than cities (S has no
    inverse), fewer than regressors, or regressors that the instruments do not identify.
    """
    is_free = independent(data.z.reshape(-1, data.z.shape[2]))
    z = data.z[:, :, is_free]
    n, m, k = len(data.y), z.shape[2], data.x.shape[2]
    if m < k:
        raise PanelInputError(f"{m} usable instruments are too few for {k} coefficients.")
    if m >= n:
        raise PanelInputError(f"{m} instruments for {n} cities: two-step GMM needs fewer instruments than cities.")
    with estimable("the GMM estimate"):
        weight = np.linalg.inv(_cross(z, data.h @ z))
        first = _step(data, z, weight)
        g1 = np.einsum("nrm,nr->nm", z, first.e)
        s = g1.T @ g1
        second_weight = np.linalg.inv(s)
        second = _step(data, z, second_weight)
    one_cov = first.bread @ first.half @ s @ first.half.T @ first.bread
    moment = np.einsum("nrm,nr->m", z, second.e)
    d = _derivative(data.x, z, g1, second, second_weight, moment)
    plain = second.bread
    cov = plain + d @ plain + plain @ d.T + d @ one_cov @ d.T
    if m == k:
        hansen = SpecTest("hansen_j", 0.0, 0.0, np.nan, "exactly identified: nothing to test")
    else:
        hansen = SpecTest.chi2("hansen_j", float(moment @ second_weight @ moment), m - k, "H0: instruments are valid")
    ar = (_serial(data, z, second, cov, 1), _serial(data, z, second, cov, 2))
    return GmmFit(second.params, cov, plain, first.params, second.e, hansen, ar, tuple(map(bool, is_free)))


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """sum_i A_i'B_i of (N, R, p) and (N, R, q)."""
    return np.asarray(a.reshape(-1, a.shape[2]).T @ b.reshape(-1, b.shape[2]))


def _step(data: Stacked, z: FloatArray, weight: FloatArray) -> _Step:
    zx, zy = _cross(z, data.x), np.einsum("nrm,nr->m", z, data.y)
    half = zx.T @ weight
    bread = np.linalg.inv(half @ zx)
    params = bread @ (half @ zy)
    return _Step(params, data.y - data.x @ params, bread, half)


def _derivative(
    x: FloatArray, z: FloatArray, g1: FloatArray, second: _Step, weight: FloatArray, moment: FloatArray
) -> FloatArray:
    """d b2/d b1 (k, k): the second weight was made from one-step residuals. dS/db_j = -(Q_j'G + G'Q_j)."""
    q = z.transpose(0, 2, 1) @ x
    columns = []
    for j in range(x.shape[2]):
        change = q[:, :, j].T @ g1
        columns.append(second.bread @ second.half @ (change + change.T) @ weight @ moment)
    return np.stack(columns, axis=1)


def _serial(data: Stacked, z: FloatArray, step: _Step, cov: FloatArray, order: int) -> SpecTest:
    """z of sum_i w_i'e_i, w = residuals of `order` years before, in the differenced equations."""
    code, e = f"ar{order}", step.e[:, : data.n_diff]
    if data.n_diff <= order:
        return SpecTest(code, np.nan, np.nan, np.nan, f"{data.n_diff} differenced years are too few")
    w = np.zeros_like(e)
    w[:, order:] = e[:, :-order]
    each = (w * e).sum(axis=1)
    wx = np.einsum("nr,nrk->k", w, data.x[:, : data.n_diff])
    cross = np.einsum("nrm,nr,n->m", z, step.e, each)
    variance = each @ each - 2.0 * wx @ step.bread @ step.half @ cross + wx @ cov @ wx
    if variance <= 0:
        return SpecTest(code, np.nan, np.nan, np.nan, "its variance is not positive: too few cities")
    statistic = float(each.sum() / np.sqrt(variance))
    return SpecTest.normal(code, statistic, "H0: no serial correlation of this order in differenced errors")


@dataclass(frozen=True, eq=False)
class DynamicGmm:
    """names, params, cov : tau, eta, slopes (x, then W:x), rho; cov is Windmeijer's.   sigma2 : |diff e|^2 / (2 rows).

    residuals : (N, T') of the differenced equations.   endogenous : names treated as such, beside the lags of y.
    """

    kind: Kind
    names: tuple[str, ...]
    gmm: GmmFit
    instruments: tuple[str, ...]
    endogenous: tuple[str, ...]
    sigma2: float
    residuals: FloatArray
    n_x: int
    lagged: tuple[int, ...]
    spectrum: Spectrum

    @property
    def params(self) -> FloatArray:
        return self.gmm.params

    @property
    def std_errors(self) -> FloatArray:
        return np.asarray(np.sqrt(np.diag(self.gmm.cov)))

    def as_dynamic(self) -> DynamicFit:
        """As `dynamic_effects` reads it; sigma2 joins the parameters as known."""
        size = len(self.params)
        cov = np.zeros((size + 1, size + 1))
        cov[:size, :size] = self.gmm.cov
        params = np.append(self.params, self.sigma2)
        radius = self.spectrum.radius(float(params[0]), float(params[1]), float(params[-2]))
        kind = f"gmm_{self.kind}"
        names, estimates = (*self.names, "sigma2"), {kind: DynamicEstimate(params, cov, radius, cov)}
        rest = (self.residuals, self.n_x, self.lagged, np.nan, self.spectrum)
        return DynamicFit(names, estimates, kind, "windmeijer", "", *rest)

    def diagnostics(self) -> pd.DataFrame:
        """One row: n_instruments, n_city, Hansen J, AR(1), AR(2), tau, eta, rho with errors, what is endogenous."""
        j = self.gmm.hansen
        sizes = {"n_instruments": self.gmm.n_instruments, "n_city": len(self.residuals)}
        row: dict[str, object] = {
            "kind": self.kind,
            **sizes,
            "hansen_j": j.statistic,
            "hansen_df": j.df,
            "hansen_p": j.p,
        }
        for order, test in enumerate(self.gmm.ar, 1):
            row |= {f"ar{order}_z": test.statistic, f"ar{order}_p": test.p}
        row["spectral_radius"] = self.as_dynamic().best.radius
        row |= {"endogenous": ", ".join(self.endogenous), "instruments": ", ".join(self.instruments)}
        for name, at in (("tau", 0), ("eta", 1), ("rho", -1)):
            row |= {name: float(self.params[at]), f"{name}_se": float(self.std_errors[at])}
        return pd.DataFrame([row])


@aligned
def dynamic_gmm(
    y: Values,
    x: Values,
    w: Weights,
    *,
    kind: Kind = "system",
    endogenous: Sequence[int] = (),
    max_lag: int = 4,
    durbin: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
) -> DynamicGmm:
    """Fit the model of this module to y (N, T + 1), x (N, T + 1, k) by two-step GMM.

    Year effects leave by demeaning over cities, city effects by first differences. Instruments, one column each for all
    years (collapsed). Differenced equations: lags 2 to `max_lag` of y, W y and of the x at the positions `endogenous`
    with their W x; differences of the other x, W x and W^2 x. kind 'system' adds the equations in levels, with last
    year's difference of y, W y and of the endogenous x and W x: valid when changes are unrelated to mu. First-step
    weight: the covariance of differenced (and level) white noise. PanelInputError: fewer than five years, missing
    cells, more instruments than cities, terms not identified.
    """
    require_known(kind, KINDS, "kind")
    inputs = panel_inputs(y, x, w, names)
    years, k = inputs.y.shape[1], inputs.x.shape[2]
    if years < LEAST_YEARS:
        raise PanelInputError(f"GMM of a dynamic model needs {LEAST_YEARS} years, the panel has {years}.")
    if not max_lag >= 2:
        raise PanelInputError(f"max_lag must be 2 or more: nearer lags are related to the error, got {max_lag}.")
    lagged = tuple(range(k)) if durbin is None else tuple(durbin)
    inner = tuple(int(j) for j in endogenous)
    if not set(inner) <= set(range(k)):
        raise PanelInputError(f"endogenous must name regressors among 0..{k - 1}, got {inner}.")
    series = _Series.of(inputs.y, inputs.x, inputs.weights.lag)
    data, instruments = _stack(series, kind, inner, lagged, max_lag, inputs.names)
    fit = fit_gmm(data)
    terms = ("y_lag", "W:y_lag", *inputs.names, *(f"W:{inputs.names[j]}" for j in lagged), "rho")
    inside = [inputs.names[j] for j in inner]
    diff = fit.residuals[:, : data.n_diff]
    iv_names = tuple(compress(instruments, fit.is_kept))
    endogenous_terms = ("y_lag", "W:y_lag", *inside, *(f"W:{inputs.names[j]}" for j in inner if j in lagged), "W:y")
    sigma2 = float((diff**2).mean() / 2.0)
    return DynamicGmm(kind, terms, fit, iv_names, endogenous_terms, sigma2, diff, k, lagged, spectrum(inputs.weights))


class _Series(NamedTuple):
    """W^p y (N, T, 1) for p = 0..2 and W^p x (N, T, k) for p = 0..3, means over cities removed in each year."""

    y: tuple[FloatArray, ...]
    x: tuple[FloatArray, ...]

    @classmethod
    def of(cls, y: FloatArray, x: FloatArray, lag: Callable[[FloatArray], FloatArray]) -> _Series:
        def powers(values: FloatArray, highest: int) -> tuple[FloatArray, ...]:
            lags = [values]
            for _ in range(highest):
                lags.append(lag(np.ascontiguousarray(lags[-1])))
            return tuple(part - part.mean(axis=0) for part in lags)

        return cls(powers(y[:, :, None], 2), powers(x, 3))


def _stack(
    s: _Series, kind: Kind, inner: tuple[int, ...], lagged: tuple[int, ...], max_lag: int, labels: tuple[str, ...]
) -> tuple[Stacked, list[str]]:
    years = s.y[0].shape[1]
    terms = np.concatenate([_lag(s.y[0], 1), _lag(s.y[1], 1), s.x[0], s.x[1][:, :, list(lagged)], s.y[1]], axis=2)
    rows = np.arange(2, years)  # the first differenced year that has a lag
    y_diff, x_diff = np.diff(s.y[0], axis=1)[:, rows - 1, 0], np.diff(terms, axis=1)[:, rows - 1]
    outer = [j for j in range(s.x[0].shape[2]) if j not in inner]
    deep = np.concatenate([*s.y, *(part[:, :, list(inner)] for part in s.x[:3])], axis=2)
    deep_names = [f"{power}y" for power in POWERS[:3]] + [f"{p}{labels[j]}" for p in POWERS[:3] for j in inner]
    exogenous = np.concatenate([part[:, :, outer] for part in s.x], axis=2)
    columns, names = [], []
    for lag in range(2, max_lag + 1):
        columns.append(_lag(deep, lag)[:, rows])
        names += [f"diff: {name}, lag {lag}" for name in deep_names]
    columns.append(np.diff(exogenous, axis=1)[:, rows - 1])
    names += [f"diff: change of {power}{labels[j]}" for power in POWERS for j in outer]
    z_diff = np.concatenate(columns, axis=2)
    d = np.diff(np.eye(years), axis=0)[rows - 1]  # (R, T): row r takes year t - 1 from year t
    if kind == "difference":
        return Stacked(y_diff, x_diff, z_diff, d @ d.T, len(rows)), names
    change = np.diff(deep, axis=1, prepend=deep[:, :1])
    z_level = _lag(change, 1)[:, rows]
    names += [f"level: change of {name}, lag 1" for name in deep_names]
    z = _block(z_diff, z_level)
    e = np.eye(years)[rows]
    h = np.block([[d @ d.T, d @ e.T], [e @ d.T, e @ e.T]])
    y_all = np.concatenate([y_diff, s.y[0][:, rows, 0]], axis=1)
    return Stacked(y_all, np.concatenate([x_diff, terms[:, rows]], axis=1), z, h, len(rows)), names


def _lag(values: FloatArray, lag: int) -> FloatArray:
    """Values `lag` years before along axis 1, 0 where there are none, as in a collapsed instrument."""
    out = np.zeros_like(values)
    out[:, lag:] = values[:, : values.shape[1] - lag]
    return out


def _block(top: FloatArray, bottom: FloatArray) -> FloatArray:
    n, r1, m1 = top.shape
    _, r2, m2 = bottom.shape
    out = np.zeros((n, r1 + r2, m1 + m2))
    out[:, :r1, :m1], out[:, r1:, m1:] = top, bottom
    return out
