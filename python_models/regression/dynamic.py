"""Dynamic spatial Durbin model with city and year effects, corrected for the bias of a short panel.

    y_t = tau y_{t-1} + eta W y_{t-1} + rho W y_t + X_t beta + W X_t theta + mu + lambda_t + e_t
Not here: effects of the fitted model (dynamic_effects), static models (core).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import FloatArray
from python_models.inference import terms
from python_models.regression.dynamic_errors import clustered_covariance
from python_models.regression.dynamic_score import adjusted_score, slope
from python_models.regression.dynamic_traces import Spectrum, spectrum
from python_models.regression.errors import PanelInputError, estimable
from python_models.regression.spec_arrays import Values, Weights, panel_inputs, require_independent
from python_models.regression.within import within

CORRECTIONS = ("auto", "adjusted_score", "bias_corrected", "none")
ERRORS = ("cluster", "info")
_GRID = 200


@dataclass(frozen=True, eq=False)
class DynamicEstimate:
    """One set of estimates. params, cov in the order tau, eta, slopes (x, then W x), rho, sigma2.

    cov : of the errors asked for.   cov_info : of independent errors of one variance, to compare.
    """

    kind: str
    params: FloatArray
    cov: FloatArray
    radius: float
    cov_info: FloatArray

    @property
    def tau(self) -> float:
        return float(self.params[0])

    @property
    def eta(self) -> float:
        return float(self.params[1])

    @property
    def rho(self) -> float:
        return float(self.params[-2])

    @property
    def sigma2(self) -> float:
        return float(self.params[-1])

    @property
    def is_stable(self) -> bool:
        return self.radius < 1.0


@dataclass(frozen=True, eq=False)
class DynamicFit(Shown):
    """Uncorrected, bias-corrected and (where a root exists) adjusted-score estimates side by side.

    names : p parameters.   estimates : by kind (none, bias_corrected, adjusted_score).
    headline : kind that is reported.   cov_type : kind of its errors.
    note : why, and whether the adjusted score had no root.
    residuals : (N, T) of the headline.   n_x : regressors x; lagged : positions that also enter as W x.
    loglik : of the uncorrected maximum, all constants.   spectrum : eigenvalues of W.
    """

    names: tuple[str, ...]
    estimates: dict[str, DynamicEstimate]
    headline: str
    cov_type: str
    note: str
    residuals: FloatArray
    n_x: int
    lagged: tuple[int, ...]
    n: int
    t: int
    loglik: float
    spectrum: Spectrum

    @property
    def best(self) -> DynamicEstimate:
        """The headline estimate."""
        return self.estimates[self.headline]

    def to_frame(self) -> pd.DataFrame:
        """One row per kind and parameter: kind, is_headline, term, coef, se, z, p, lo, hi."""
        parts = []
        for kind, estimate in self.estimates.items():
            own = terms(self.names, estimate.params, estimate.cov, "lo", "hi")
            own.insert(0, "kind", kind)
            own.insert(1, "is_headline", kind == self.headline)
            parts.append(own)
        return pd.concat(parts, ignore_index=True)


@aligned
@estimable("the dynamic model")
def fit_dynamic(
    y: Values,
    x: Values,
    w: Weights,
    *,
    correction: str = "auto",
    cov: str = "cluster",
    names: Sequence[str] | None = None,
    durbin: Sequence[int] | None = None,
) -> DynamicFit:
    """Fit the dynamic SDM to y (N, T + 1), x (N, T + 1, k); the first year serves as y_0 only.

    lnL(rho) = const - ((N-1)T/2) ln SSR + T [ln|I - rho W| - ln(1 - rho)]; year effects leave by J_n, city effects
    by the within transformation over the T usable years.
    bias_corrected: th + (1/T) Sig^-1 phi, Sig = information/((N-1)T), then s2 T/(T-1) (Yu, de Jong & Lee 2008;
    Lee & Yu 2010). adjusted_score: root of the score less its expectation (see dynamic_score).
    correction="auto" reports adjusted_score where a root exists, else bias_corrected, whose leftover bias costs its
    intervals a tenth of their coverage at T = 8. durbin: positions of the x that also enter as W x; all by default.
    cov: `cluster`, the sandwich summed by city (see dynamic_errors); `info`, of independent errors of one variance.
    Raises PanelInputError for missing cells, fewer than 4 years, W not row-normalised, collinear or invariant
    regressors, or a maximum at the bound of rho.

    >>> from python_models.regression import fit_dynamic
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> fit_dynamic(y, x[..., None], W, names=["x"]).names
    ('y_lag', 'W:y_lag', 'x', 'W:x', 'rho', 'sigma2')
    """
    if correction not in CORRECTIONS:
        raise PanelInputError(f"correction must be one of {', '.join(CORRECTIONS)}, got {correction!r}.")
    if cov not in ERRORS:
        raise PanelInputError(f"cov must be one of {', '.join(ERRORS)}, got {cov!r}.")
    data = _prepare(y, x, w, names, durbin, is_clustered=cov == "cluster")
    raw = _maximise(data)
    corrected = _bias_correct(data, raw)
    estimates = {"none": raw, "bias_corrected": corrected}
    note = ""
    if correction in ("adjusted_score", "auto"):
        root = _adjust(data, corrected)
        if root is None:
            note = "adjusted score has no stable root near the corrected estimate: the corrected one is reported"
        else:
            estimates["adjusted_score"] = root
    wanted = "adjusted_score" if correction == "auto" else correction
    headline = wanted if wanted in estimates else "bias_corrected"
    best = estimates[headline]
    if not best.is_stable:
        note = "; ".join(filter(None, [note, f"unstable: spectral radius {best.radius:.3f}, no long run exists"]))
    residuals = data.residuals(best.params)
    return DynamicFit(
        names=data.names,
        estimates=estimates,
        headline=headline,
        cov_type=cov,
        note=note,
        residuals=residuals.reshape(data.n, data.t),
        n_x=data.n_x,
        lagged=data.lagged,
        n=data.n,
        t=data.t,
        loglik=_log_likelihood(data, raw),
        spectrum=data.spectrum,
    )


@dataclass(frozen=True, eq=False)
class Transformed:
    """Demeaned y, Wy (NT,), z (NT, p - 2) = [y_-1, W y_-1, x, W x], and what the traces need."""

    y: FloatArray
    wy: FloatArray
    z: FloatArray
    n: int
    t: int
    names: tuple[str, ...]
    n_x: int
    lagged: tuple[int, ...]
    spectrum: Spectrum
    is_clustered: bool

    @property
    def m(self) -> int:
        return (self.n - 1) * self.t

    def residuals(self, params: FloatArray) -> FloatArray:
        """y - z delta - rho Wy (NT,)."""
        return np.asarray(self.y - self.z @ params[:-2] - params[-2] * self.wy)

    def gz(self, params: FloatArray) -> FloatArray:
        """J G Z delta, year by year (NT,)."""
        fitted = (self.z @ params[:-2]).reshape(self.n, self.t)
        spread = self.spectrum.spread(fitted, float(params[-2]))
        return (spread - spread.mean(axis=0)).reshape(-1)


def _prepare(
    y: Values, x: Values, w: Weights, names: Sequence[str] | None, durbin: Sequence[int] | None, *, is_clustered: bool
) -> Transformed:
    given = panel_inputs(y, x, w, names)
    plane, cube, weights, labels = given.y, given.x, given.weights, given.names
    n, years, k = cube.shape
    if years < 4:
        raise PanelInputError(f"the dynamic model needs four years (one is the start value), the panel has {years}.")
    lagged = tuple(durbin) if durbin is not None else tuple(range(k))
    before, now = plane[:, :-1], cube[:, 1:]
    spatial = weights.lag(now[:, :, list(lagged)])
    z = np.concatenate([np.stack([before, weights.lag(before)], axis=2), now, spatial], axis=2)
    terms = ["y_lag", "W:y_lag", *labels, *(f"W:{labels[j]}" for j in lagged)]
    flat = within(z, "twoways").reshape(n * (years - 1), -1)
    if (n - 1) * (years - 2) <= flat.shape[1] + 2:
        raise PanelInputError(f"{n} cities in {years} years are too few for {flat.shape[1]} regressors.")
    require_independent(flat, terms)
    wy = weights.lag(plane[:, 1:])
    return Transformed(
        y=within(plane[:, 1:], "twoways").reshape(-1),
        wy=within(wy, "twoways").reshape(-1),
        z=flat,
        n=n,
        t=years - 1,
        names=(*terms, "rho", "sigma2"),
        n_x=k,
        lagged=lagged,
        spectrum=spectrum(weights),
        is_clustered=is_clustered,
    )


def _maximise(data: Transformed) -> DynamicEstimate:
    """Maximum of the concentrated likelihood: a grid rules out local optima, a bounded search refines."""
    both = np.stack([data.y, data.wy], axis=1)
    b = np.linalg.lstsq(data.z, both, rcond=None)[0]
    e = both - data.z @ b
    cross = e.T @ e

    def lnl(rho: FloatArray | float) -> FloatArray:
        r = np.atleast_1d(np.asarray(rho, dtype=np.float64))
        ssr = cross[0, 0] - 2.0 * r * cross[0, 1] + r**2 * cross[1, 1]
        return np.asarray(-data.m / 2.0 * np.log(ssr) + data.t * data.spectrum.log_det(r))

    low, high = data.spectrum.bounds()
    span = high - low
    grid = np.linspace(low + 1e-4 * span, high - 1e-4 * span, _GRID)
    peak = int(np.argmax(lnl(grid)))
    if peak in (0, _GRID - 1):
        raise PanelInputError(f"the likelihood rises towards the bound of rho ({grid[peak]:.4f}): the model is wrong.")

    def slope(rho: float) -> float:
        ssr = cross[0, 0] - 2.0 * rho * cross[0, 1] + rho**2 * cross[1, 1]
        trace = (data.n - 1) * data.spectrum.star(lambda w: w / (1.0 - rho * w))
        return float(-data.m * (rho * cross[1, 1] - cross[0, 1]) / ssr - data.t * trace)

    # the root of the derivative is sharper than the maximum of a function that is flat there
    if not slope(grid[peak - 1]) > 0 > slope(grid[peak + 1]):
        raise PanelInputError(f"the likelihood has no regular maximum in rho near {grid[peak]:.3f}.")
    rho = float(optimize.brentq(slope, grid[peak - 1], grid[peak + 1], xtol=1e-14))
    ssr = float(cross[0, 0] - 2.0 * rho * cross[0, 1] + rho**2 * cross[1, 1])
    params = np.concatenate([b[:, 0] - rho * b[:, 1], [rho, ssr / data.m]])
    inverse = np.linalg.inv(information(data, params))
    return _estimate(data, "none", params, inverse, inverse)


def information(data: Transformed, params: FloatArray) -> FloatArray:
    """Information of (tau, eta, beta, theta, rho, s2), Gs = J G J:

    I_dd = Z'Z/s2; I_dr = Z'(GZd)/s2; I_rr = T[tr GsGs + tr Gs'Gs] + |GZd|^2/s2; I_rs = T tr Gs/s2;
    I_ss = (N-1)T/(2 s2^2).
    """
    k = data.z.shape[1]
    rho, s2 = float(params[-2]), float(params[-1])
    gz = data.gz(params)
    sp = data.spectrum
    tr_g = sp.star(lambda w: w / (1.0 - rho * w))
    tr_gg = sp.star(lambda w: (w / (1.0 - rho * w)) ** 2)
    info = np.zeros((k + 2, k + 2))
    info[:k, :k] = data.z.T @ data.z / s2
    info[:k, k] = info[k, :k] = data.z.T @ gz / s2
    info[k, k] = data.m * (tr_gg + sp.gram_star(rho)) + float(gz @ gz) / s2
    info[k, k + 1] = info[k + 1, k] = data.m * tr_g / s2
    info[k + 1, k + 1] = data.m / (2.0 * s2**2)
    return info


def _bias_correct(data: Transformed, raw: DynamicEstimate) -> DynamicEstimate:
    """th + (1/T) Sig^-1 phi with the traces at the uncorrected estimate; then s2 = s2_ml T/(T-1)."""
    tau, eta, rho, s2 = raw.tau, raw.eta, raw.rho, raw.sigma2
    star = data.spectrum.star
    phi = np.zeros(len(raw.params))
    # Mh = (I - Ah)^-1 S^-1 = [(1 - tau) I - (rho + eta) W]^-1
    phi[0] = star(lambda w: 1.0 / (1.0 - tau - (rho + eta) * w))
    phi[1] = star(lambda w: w / (1.0 - tau - (rho + eta) * w))
    phi[-2] = star(lambda w: w / (1.0 - rho * w) * (1.0 + (tau + eta * w) / (1.0 - tau - (rho + eta) * w)))
    phi[-1] = 1.0 / (2.0 * s2)
    sig = information(data, raw.params) / data.m
    params = raw.params + np.linalg.solve(sig, phi) / data.t
    params[-1] = s2 * data.t / (data.t - 1)
    low, high = data.spectrum.bounds()
    if not low < params[-2] < high:
        raise PanelInputError(f"the bias correction moves rho to {params[-2]:.3f}, outside its range: T is too small.")
    meat = information(data, params)
    # the correction moves with the estimate: by information as published, clustered with the derivative of both
    return _estimate(data, "bias_corrected", params, _bread(data, params, meat), np.linalg.inv(meat))


def _adjust(data: Transformed, start: DynamicEstimate) -> DynamicEstimate | None:
    """The adjusted-score estimate with bread H^-1, or None where there is no usable root."""
    params = adjusted_score(data.y, data.wy, data.z, data.spectrum, t=data.t, start=start.params)
    if params is None:
        return None
    meat = information(data, params)
    # s2 is concentrated out of the equations: its own information, without cross terms
    meat[-1, :-1] = meat[:-1, -1] = 0.0
    bread = _bread(data, params, meat)
    return _estimate(data, "adjusted_score", params, bread, bread @ meat @ bread.T)


def _bread(data: Transformed, params: FloatArray, meat: FloatArray) -> FloatArray:
    """Inverse derivative of the adjusted equations of (delta, rho), and of the information of s2."""
    bread = np.zeros_like(meat)
    bread[:-1, :-1] = slope(data.y, data.wy, data.z, data.spectrum, data.t, params[:-1])
    bread[-1, -1] = meat[-1, -1]
    return np.linalg.inv(bread)


def _estimate(
    data: Transformed, kind: str, params: FloatArray, bread: FloatArray, by_information: FloatArray
) -> DynamicEstimate:
    """bread: inverse derivative of the equations."""
    radius = data.spectrum.radius(float(params[0]), float(params[1]), float(params[-2]))
    if not data.is_clustered:
        return DynamicEstimate(kind, params, by_information, radius, by_information)
    shape = (data.n, data.t)
    clustered = clustered_covariance(
        data.wy.reshape(shape),
        data.z.reshape(*shape, -1),
        data.residuals(params).reshape(shape),
        data.spectrum,
        params=params,
        bread=bread,
        is_uncorrected=kind == "none",
    )
    return DynamicEstimate(kind, params, clustered, radius, by_information)


def _log_likelihood(data: Transformed, raw: DynamicEstimate) -> float:
    log_det = float(data.spectrum.log_det(raw.rho)[0])
    return float(-data.m / 2.0 * (np.log(2.0 * np.pi * raw.sigma2) + 1.0) + data.t * log_det)
