"""Dynamic spatial Durbin model by difference or system GMM with collapsed instruments.

    y_t = tau y_{t-1} + eta W y_{t-1} + rho W y_t + X_t beta + W X_t theta + mu + lambda_t + e_t
Needs no normal errors and lets chosen x be endogenous; less precise than likelihood (dynamic). Arellano and Bond 1991,
Blundell and Bond 1998, Kukenova and Monteiro 2009 (system GMM with a spatial lag), Roodman 2009 (collapsing).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._types import FloatArray
from python_models.regression.dynamic import DynamicEstimate, DynamicFit
from python_models.regression.dynamic_traces import Spectrum, spectrum
from python_models.regression.errors import PanelInputError
from python_models.regression.gmm import GmmFit, Stacked, fit_gmm, names_of
from python_models.regression.spec_arrays import Values, Weights, panel_inputs

Kind = Literal["difference", "system"]
KINDS: tuple[Kind, ...] = ("system", "difference")
POWERS = ("", "W:", "W2:", "W3:")
LEAST_YEARS = 5  # y_0, one lag, two differenced years for AR(2)'s sake


@dataclass(frozen=True, eq=False)
class DynamicGmm:
    """names, params, cov : tau, eta, slopes (x, then W:x), rho; cov is Windmeijer's.

    gmm : both steps, Hansen J, AR(1), AR(2).   instruments : names of those used.   sigma2 : |diff e|^2 / (2 rows).
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
        """The same estimate as `dynamic_effects` reads it; sigma2 joins the parameters as known."""
        size = len(self.params)
        cov = np.zeros((size + 1, size + 1))
        cov[:size, :size] = self.gmm.cov
        params = np.append(self.params, self.sigma2)
        radius = self.spectrum.radius(float(params[0]), float(params[1]), float(params[-2]))
        kind = f"gmm_{self.kind}"
        n, t = self.residuals.shape
        return DynamicFit(
            (*self.names, "sigma2"),
            {kind: DynamicEstimate(kind, params, cov, radius, cov)},
            kind,
            "windmeijer",
            "",
            self.residuals,
            self.n_x,
            self.lagged,
            n,
            t,
            float("nan"),
            self.spectrum,
        )

    def diagnostics(self) -> pd.DataFrame:
        """One row: n_instruments, n_city, Hansen J, AR(1), AR(2), tau, eta, rho with errors, what is endogenous."""
        first, second = self.gmm.ar
        best = self.as_dynamic().best
        row: dict[str, object] = {
            "kind": self.kind,
            "n_instruments": self.gmm.n_instruments,
            "n_city": len(self.residuals),
            "hansen_j": self.gmm.hansen.statistic,
            "hansen_df": self.gmm.hansen.df,
            "hansen_p": self.gmm.hansen.p,
            "ar1_z": first.statistic,
            "ar1_p": first.p,
            "ar2_z": second.statistic,
            "ar2_p": second.p,
            "spectral_radius": best.radius,
            "endogenous": ", ".join(self.endogenous),
            "instruments": ", ".join(self.instruments),
        }
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
    """Fit the model of this module to y (N, T + 1), x (N, T + 1, k) by two-step GMM, errors as in `gmm`.

    Year effects leave by demeaning over cities, city effects by first differences. Instruments, one column each for
    all years (collapsed). Differenced equations: lags 2 to `max_lag` of y, W y and of the x at the positions
    `endogenous` with their W x; differences of the other x, W x and W^2 x. kind 'system' adds the equations in levels,
    with last year's difference of y, W y and of the endogenous x and W x: valid when changes are unrelated to mu.
    First-step weight: the covariance of differenced (and level) white noise.
    PanelInputError: fewer than five years, missing cells, more instruments than cities, terms not identified.
    """
    if kind not in KINDS:
        raise PanelInputError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}.")
    given = panel_inputs(y, x, w, names)
    years, k = given.y.shape[1], given.x.shape[2]
    if years < LEAST_YEARS:
        raise PanelInputError(f"GMM of a dynamic model needs {LEAST_YEARS} years, the panel has {years}.")
    if not max_lag >= 2:
        raise PanelInputError(f"max_lag must be 2 or more: nearer lags are related to the error, got {max_lag}.")
    lagged = tuple(range(k)) if durbin is None else tuple(durbin)
    inner = tuple(int(j) for j in endogenous)
    if not set(inner) <= set(range(k)):
        raise PanelInputError(f"endogenous must name regressors among 0..{k - 1}, got {inner}.")
    made = _Series.of(given.y, given.x, given.weights.lag)
    data, instruments = _stack(made, kind, inner, lagged, max_lag, given.names)
    fit = fit_gmm(data)
    terms = ("y_lag", "W:y_lag", *given.names, *(f"W:{given.names[j]}" for j in lagged), "rho")
    inside = [given.names[j] for j in inner]
    diff = fit.residuals[:, : data.n_diff]
    return DynamicGmm(
        kind=kind,
        names=terms,
        gmm=fit,
        instruments=names_of(instruments, fit.kept),
        endogenous=("y_lag", "W:y_lag", *inside, *(f"W:{given.names[j]}" for j in inner if j in lagged), "W:y"),
        sigma2=float((diff**2).mean() / 2.0),
        residuals=diff,
        n_x=k,
        lagged=lagged,
        spectrum=spectrum(given.weights),
    )


@dataclass(frozen=True, eq=False)
class _Series:
    """W^p y (N, T, 1) for p = 0..2 and W^p x (N, T, k) for p = 0..3, means over cities removed in each year."""

    y: tuple[FloatArray, ...]
    x: tuple[FloatArray, ...]

    @classmethod
    def of(cls, y: FloatArray, x: FloatArray, lag: Callable[[FloatArray], FloatArray]) -> _Series:
        def powers(values: FloatArray, highest: int) -> tuple[FloatArray, ...]:
            found = [values]
            for _ in range(highest):
                found.append(lag(np.ascontiguousarray(found[-1])))
            return tuple(part - part.mean(axis=0) for part in found)

        return cls(powers(y[:, :, None], 2), powers(x, 3))


def _stack(
    s: _Series, kind: Kind, inner: tuple[int, ...], lagged: tuple[int, ...], max_lag: int, labels: tuple[str, ...]
) -> tuple[Stacked, list[str]]:
    years = s.y[0].shape[1]
    terms = np.concatenate([_lag(s.y[0], 1), _lag(s.y[1], 1), s.x[0], s.x[1][:, :, list(lagged)], s.y[1]], axis=2)
    rows = np.arange(2, years)  # the first differenced year that has a lag
    y_diff = (s.y[0][:, 1:] - s.y[0][:, :-1])[:, rows - 1, 0]
    x_diff = (terms[:, 1:] - terms[:, :-1])[:, rows - 1]
    outer = [j for j in range(s.x[0].shape[2]) if j not in inner]
    deep = np.concatenate([*s.y, *(part[:, :, list(inner)] for part in s.x[:3])], axis=2)
    deep_names = [f"{power}y" for power in POWERS[:3]] + [f"{p}{labels[j]}" for p in POWERS[:3] for j in inner]
    fixed = np.concatenate([part[:, :, outer] for part in s.x], axis=2)
    columns, names = [], []
    for lag in range(2, max_lag + 1):
        columns.append(_lag(deep, lag)[:, rows])
        names += [f"diff: {name}, lag {lag}" for name in deep_names]
    columns.append((fixed[:, 1:] - fixed[:, :-1])[:, rows - 1])
    names += [f"diff: change of {power}{labels[j]}" for power in POWERS for j in outer]
    z_diff = np.concatenate(columns, axis=2)
    d = _differencing(years, rows)
    if kind == "difference":
        return Stacked(y_diff, x_diff, z_diff, d @ d.T, len(rows)), names
    change = np.zeros_like(deep)
    change[:, 1:] = deep[:, 1:] - deep[:, :-1]
    z_level = _lag(change, 1)[:, rows]
    names += [f"level: change of {name}, lag 1" for name in deep_names]
    z = _block(z_diff, z_level)
    e = np.eye(years)[rows]
    h = np.block([[d @ d.T, d @ e.T], [e @ d.T, e @ e.T]])
    y_all = np.concatenate([y_diff, s.y[0][:, rows, 0]], axis=1)
    return Stacked(y_all, np.concatenate([x_diff, terms[:, rows]], axis=1), z, h, len(rows)), names


def _lag(values: FloatArray, lag: int) -> FloatArray:
    """Values `lag` years before along axis 1, 0 where there are none: so a collapsed instrument is written."""
    out = np.zeros_like(values)
    out[:, lag:] = values[:, : values.shape[1] - lag]
    return out


def _differencing(years: int, rows: np.ndarray) -> FloatArray:
    """(R, T): row r takes year t - 1 from year t."""
    d = np.zeros((len(rows), years))
    d[np.arange(len(rows)), rows], d[np.arange(len(rows)), rows - 1] = 1.0, -1.0
    return d


def _block(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """(N, R1 + R2, m1 + m2) with zeros off the blocks."""
    n, r1, m1 = top.shape
    _, r2, m2 = bottom.shape
    out = np.zeros((n, r1 + r2, m1 + m2))
    out[:, :r1, :m1], out[:, r1:, m1:] = top, bottom
    return out
