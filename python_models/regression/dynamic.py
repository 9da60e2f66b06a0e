"""Dynamic spatial Durbin model with city and year effects, corrected for the bias of a short panel, and its effects.

y_t = tau y_{t-1} + eta W y_{t-1} + rho W y_t + X_t beta + W X_t theta + mu + lambda_t + e_t
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import FloatArray
from python_models.inference import normal, terms
from python_models.regression.covariance import Cluster, Rows, meat, score_rows
from python_models.regression.data import Values, Weights, panel_inputs, require_independent
from python_models.regression.effects import EFFECT_NAMES
from python_models.regression.errors import PanelInputError, estimable
from python_models.regression.logdet import log_determinant
from python_models.regression.multiplier import Spectrum, multiplier, spectrum
from python_models.regression.within import within
from python_models.space.spectrum import ComplexArray

HORIZONS = ("short", "long")
_GRID, _STEP = 200, 1e-6
_RESIDUAL = 1e-8  # largest score per observation at a root


@dataclass(frozen=True, eq=False)
class DynamicEstimate:
    """params, cov: tau, eta, slopes (x, then W x), rho, sigma2, by city; cov_info: of independent errors of one
    variance."""

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

    estimates : by kind (none, bias_corrected, adjusted_score).   headline : kind that is reported; note : why.
    residuals : (N, T) of the headline.   n_x : regressors x; lagged : positions that also enter as W x.   loglik : of
    the uncorrected maximum, all constants.
    """

    names: tuple[str, ...]
    estimates: dict[str, DynamicEstimate]
    headline: str
    cov_type: str
    note: str
    residuals: FloatArray
    n_x: int
    lagged: tuple[int, ...]
    loglik: float
    spectrum: Spectrum

    @property
    def best(self) -> DynamicEstimate:
        return self.estimates[self.headline]

    def to_frame(self) -> pd.DataFrame:
        """One row per kind and parameter: kind, is_headline, term, coef, se, z, p, lo, hi."""
        parts = {k: terms(self.names, e.params, e.cov, "lo", "hi") for k, e in self.estimates.items()}
        frame = pd.concat(parts, names=["kind"]).reset_index(level=0).reset_index(drop=True)
        frame.insert(1, "is_headline", frame["kind"] == self.headline)
        return frame


@aligned
@estimable("the dynamic model")
def fit_dynamic(
    y: Values, x: Values, w: Weights, *, names: Sequence[str] | None = None, durbin: Sequence[int] | None = None
) -> DynamicFit:
    """Dynamic spatial Durbin model.

    Parameters
    ----------
    y : (N, T + 1) array or frame
        Outcome; the first year serves as y_0 only.
    x : (N, T + 1, k) array, or frame(s)
        Regressors.
    w : (N, N) matrix, graph or SpatialWeights
        Row-normalised weights.
    names, durbin : as in `fit_panel`

    Returns
    -------
    DynamicFit
        Estimates of each kind, covariance, residuals. The headline is the root of the score less its expectation, where
        there is one, else the bias-corrected maximum.

    Raises
    ------
    PanelInputError
        Missing cells, fewer than 4 years, W not row-normalised, collinear or invariant regressors, a maximum at the
        bound of rho.

    Notes
    -----
    Likelihood as `lee_yu`; docs/formulas.md#dynamic. What the bias correction leaves costs its intervals a tenth of
    their coverage at T = 8.

    References
    ----------
    Yu, de Jong and Lee (2008); Lee and Yu (2010).

    Examples
    --------
    >>> from python_models.regression import fit_dynamic
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> fit_dynamic(y, x[..., None], W, names=["x"]).names
    ('y_lag', 'W:y_lag', 'x', 'W:x', 'rho', 'sigma2')
    """
    data = _prepare(y, x, w, names, durbin)
    raw = _maximise(data)
    corrected = _bias_correct(data, raw)
    estimates = {"none": raw, "bias_corrected": corrected}
    headline, note, root = "adjusted_score", "", _adjust(data, corrected)
    if root is None:
        headline = "bias_corrected"
        note = "adjusted score has no stable root near the corrected estimate: the corrected one is reported"
    else:
        estimates["adjusted_score"] = root
    best = estimates[headline]
    if not best.is_stable:
        note = "; ".join(filter(None, [note, f"unstable: spectral radius {best.radius:.3f}, no long run exists"]))
    e = data.residuals(best.params).reshape(data.n, data.t)
    log_det = float(data.spectrum.log_det(raw.rho)[0])
    loglik = float(-data.m / 2.0 * (np.log(2.0 * np.pi * raw.sigma2) + 1.0) + data.t * log_det)
    return DynamicFit(data.names, estimates, headline, "cluster", note, e, data.n_x, data.lagged, loglik, data.spectrum)


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

    @property
    def m(self) -> int:
        return (self.n - 1) * self.t

    def residuals(self, params: FloatArray) -> FloatArray:
        return np.asarray(self.y - self.z @ params[:-2] - params[-2] * self.wy)

    def gz(self, params: FloatArray) -> FloatArray:
        """J G Z delta (NT,)."""
        fitted = (self.z @ params[:-2]).reshape(self.n, self.t)
        spread = self.spectrum.spread(fitted, float(params[-2]))
        return (spread - spread.mean(axis=0)).reshape(-1)


def _prepare(
    y: Values, x: Values, w: Weights, names: Sequence[str] | None, durbin: Sequence[int] | None
) -> Transformed:
    plane, cube, weights, labels = panel_inputs(y, x, w, names)
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
    after, wy = (within(v, "twoways").reshape(-1) for v in (plane[:, 1:], weights.lag(plane[:, 1:])))
    labels = (*terms, "rho", "sigma2")
    return Transformed(after, wy, flat, n, years - 1, labels, k, lagged, spectrum(weights))


def _maximise(data: Transformed) -> DynamicEstimate:
    """Maximum of the concentrated likelihood: a grid rules out local optima, a bounded search refines."""
    both = np.stack([data.y, data.wy], axis=1)
    b = np.linalg.lstsq(data.z, both, rcond=None)[0]
    e = both - data.z @ b
    cross = e.T @ e

    def ssr(rho: FloatArray | float) -> FloatArray:
        return np.asarray(cross[0, 0] - 2.0 * rho * cross[0, 1] + rho**2 * cross[1, 1])

    def derivative(rho: float) -> float:
        trace = (data.n - 1) * data.spectrum.star(lambda w: w / (1.0 - rho * w))
        return float(-data.m * (rho * cross[1, 1] - cross[0, 1]) / ssr(rho) - data.t * trace)

    low, high = data.spectrum.bounds()
    span = high - low
    grid = np.linspace(low + 1e-4 * span, high - 1e-4 * span, _GRID)
    peak = int(np.argmax(-data.m / 2.0 * np.log(ssr(grid)) + data.t * data.spectrum.log_det(grid)))
    if peak in (0, _GRID - 1):
        raise PanelInputError(f"the likelihood rises towards the bound of rho ({grid[peak]:.4f}): the model is wrong.")
    # the root of the derivative is sharper than the maximum of a function that is flat there
    if not derivative(grid[peak - 1]) > 0 > derivative(grid[peak + 1]):
        raise PanelInputError(f"the likelihood has no regular maximum in rho near {grid[peak]:.3f}.")
    rho = float(optimize.brentq(derivative, grid[peak - 1], grid[peak + 1], xtol=1e-14))
    params = np.concatenate([b[:, 0] - rho * b[:, 1], [rho, float(ssr(rho)) / data.m]])
    inverse = np.linalg.inv(information(data, params))
    return _estimate(data, "none", params, inverse, inverse)


def information(data: Transformed, params: FloatArray) -> FloatArray:
    """Information of (tau, eta, beta, theta, rho, s2), as of a static model with traces of Gs = J G J."""
    k = data.z.shape[1]
    rho, s2, sp = float(params[-2]), float(params[-1]), data.spectrum
    gz = data.gz(params)
    tr_g = sp.star(lambda w: w / (1.0 - rho * w))
    tr_gg = sp.star(lambda w: (w / (1.0 - rho * w)) ** 2)
    info = np.zeros((k + 2, k + 2))
    info[:k, :k] = data.z.T @ data.z / s2
    info[:k, k] = info[k, :k] = data.z.T @ gz / s2
    info[k, k] = data.m * (tr_gg + sp.gram_star(rho)) + float(gz @ gz) / s2
    info[k, -1] = info[-1, k] = data.m * tr_g / s2
    info[-1, -1] = data.m / (2.0 * s2**2)
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
    params = adjusted_score(data, start.params)
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
    bread[:-1, :-1] = slope(data, params[:-1])
    bread[-1, -1] = meat[-1, -1]
    return np.linalg.inv(bread)


def _estimate(
    data: Transformed, kind: str, params: FloatArray, bread: FloatArray, by_information: FloatArray
) -> DynamicEstimate:
    radius = data.spectrum.radius(float(params[0]), float(params[1]), float(params[-2]))
    cov = _clustered(data, params, bread, is_uncorrected=kind == "none")
    return DynamicEstimate(params, cov, radius, by_information)


def adjusted_score(data: Transformed, start: FloatArray) -> FloatArray | None:
    """Root of the adjusted score near `start` that is stable, or None; three unknowns, as x is partialled out."""
    z, x, spectrum = data.z, data.z[:, 2:], data.spectrum
    four = np.column_stack([data.y, z[:, :2], data.wy])
    left = four - x @ np.linalg.lstsq(x, four, rcond=None)[0] if x.shape[1] else four
    cross = left.T @ left
    free = (data.n - 1) * (data.t - 1)

    def equations(theta: FloatArray) -> FloatArray:
        c = np.concatenate([[1.0], -theta])
        s2 = float(c @ cross @ c) / free
        return np.asarray(((cross @ c)[1:] / s2 + _expectations(data, *theta)) / data.m)

    solution = optimize.root(equations, start[[0, 1, -2]], method="hybr", options={"xtol": 1e-12})
    theta = np.asarray(solution.x, dtype=np.float64)
    low, high = spectrum.bounds()
    if np.abs(equations(theta)).max() > _RESIDUAL or not low < theta[2] < high or spectrum.radius(*theta) >= 1.0:
        return None
    beta = np.linalg.lstsq(x, data.y - z[:, :2] @ theta[:2] - theta[2] * data.wy, rcond=None)[0]
    params = np.concatenate([theta[:2], beta, [theta[2], 0.0]])
    e = data.residuals(params)
    params[-1] = float(e @ e) / free
    return params


def mean_scores(data: Transformed, tau: float, eta: float, rho: float) -> FloatArray:
    """(tr JM, tr JWM, tau tr JGM + eta tr JGWM): what demeaning takes from the mean scores of tau, eta and rho."""
    share = (data.t - 1 - np.arange(data.t - 1)) / data.t

    def m(w: ComplexArray) -> ComplexArray:
        s_inverse = 1.0 / (1.0 - rho * w)
        a = (tau + eta * w) * s_inverse
        total = np.zeros_like(w)
        for weight in share[::-1]:  # Horner: sum of share_h a^h
            total = total * a + weight
        return np.asarray(total * s_inverse, dtype=np.complex128)

    def of_rho(w: ComplexArray) -> ComplexArray:
        return np.asarray((tau + eta * w) * w / (1.0 - rho * w) * m(w), dtype=np.complex128)

    star = data.spectrum.star
    return (data.n - 1) * np.array([star(m), star(lambda w: w * m(w)), star(of_rho)])


def _expectations(data: Transformed, tau: float, eta: float, rho: float) -> FloatArray:
    """(tr JM, tr JWM, tau tr JGM + eta tr JGWM - (T-1) tr JG)."""
    trace = data.spectrum.star(lambda w: w / (1.0 - rho * w))
    return mean_scores(data, tau, eta, rho) - [0.0, 0.0, (data.n - 1) * (data.t - 1) * trace]


def slope(data: Transformed, theta: FloatArray) -> FloatArray:
    """Minus the derivative (p - 1, p - 1) of the full set of equations by theta = (delta, rho), central differences."""
    regressors = np.column_stack([data.z, data.wy])

    def equations(point: FloatArray) -> FloatArray:
        e = data.y - regressors @ point
        s2 = float(e @ e) / ((data.n - 1) * (data.t - 1))
        value = regressors.T @ e / s2
        value[[0, 1, -1]] += _expectations(data, float(point[0]), float(point[1]), float(point[-1]))
        return np.asarray(value)

    slopes = np.empty((len(theta), len(theta)))
    for j in range(len(theta)):
        step = np.zeros(len(theta))
        step[j] = _STEP * max(1.0, abs(float(theta[j])))
        slopes[:, j] = (equations(theta - step) - equations(theta + step)) / (2.0 * step[j])
    return slopes


def _clustered(data: Transformed, params: FloatArray, bread: FloatArray, *, is_uncorrected: bool) -> FloatArray:
    """Sandwich B S B' (p, p) in the order delta, rho, s2; S sums the scores of a city over its years.

    bread (p, p): inverse of what minus the equations lose per unit of the parameters. The score of rho is (Wy - G e)'e
    / s2 plus a form in e, with pairs of cities as in `covariance`. The equations that a correction solves add what the
    scores lose on the mean to the short panel (`mean_scores`): as s2 is the mean of e'e, a city bears it by its share
    of e'e, which differs where variances do. Arellano (1987); Kelejian and Prucha (2001); Yang (2018, J. Econometrics
    205).
    """
    n, t, weights, rho = data.n, data.t, data.spectrum.weights, float(params[-2])
    e, z = data.residuals(params).reshape(n, t), data.z.reshape(n, t, -1)
    g = multiplier(weights, log_determinant(weights), rho)
    spread = g.apply(e)
    linear = data.wy.reshape(n, t) - (spread - spread.mean(axis=0))
    kind, rows, s2 = Cluster(), Rows.balanced(n, t), float(params[-1])
    left = 1.0 if is_uncorrected else 1.0 - 1.0 / t
    scores = score_rows(z, [linear], [g], e, s2, rows, is_centred=True, share=left, correction=kind.correction)
    if not is_uncorrected:
        means = mean_scores(data, float(params[0]), float(params[1]), rho)
        share = (e**2 / (e**2).sum()).reshape(-1)
        for position, mean in zip((0, 1, z.shape[2]), means, strict=True):
            scores.singles[:, position] += share * mean
    return np.asarray(bread @ meat(scores, kind, dof=e.size) @ bread.T)


@dataclass(frozen=True, eq=False)
class DynamicEffects(Shown):
    """point, se, lo, hi, p : (variables, horizons, effects) in the order of HORIZONS and EFFECT_NAMES."""

    variables: tuple[str, ...]
    point: FloatArray
    se: FloatArray
    lo: FloatArray
    hi: FloatArray
    p: FloatArray

    def to_frame(self) -> pd.DataFrame:
        """One row per variable, horizon and effect: variable, horizon, effect, point, se, lo, hi, p."""
        index = pd.MultiIndex.from_product(
            [self.variables, HORIZONS, EFFECT_NAMES], names=["variable", "horizon", "effect"]
        )
        columns = {name: getattr(self, name).reshape(-1) for name in ("point", "se", "lo", "hi", "p")}
        return pd.DataFrame(columns, index=index).reset_index()


def dynamic_effects(fit: DynamicFit, *, kind: str | None = None, level: float = 0.95) -> DynamicEffects:
    """Average effects of each regressor of a dynamic model, short and long run.

    Parameters
    ----------
    fit : DynamicFit
        Fitted model.
    kind : str, optional
        Which estimate; default: the headline.
    level : float
        Coverage of the intervals.

    Returns
    -------
    DynamicEffects
        Direct, indirect and total effects, with errors.

    Notes
    -----
    docs/formulas.md#dynamic. Delta method, gradient by central differences. Long-run effects of an unstable estimate
    are NaN.

    Examples
    --------
    >>> from python_models.regression import dynamic_effects, fit_dynamic
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> dynamic_effects(fit_dynamic(y, x[..., None], W)).to_frame().shape
    (6, 8)
    """
    estimate = fit.estimates.get(kind or fit.headline)
    if estimate is None:
        raise PanelInputError(f"the fit has no estimate '{kind}': it has {', '.join(fit.estimates)}.")
    point = _effects(fit, estimate.params[None, :])[0]
    gradient = _gradient(fit, estimate.params)
    se = np.sqrt(np.einsum("...i,ij,...j->...", gradient, estimate.cov, gradient))
    if not estimate.is_stable:
        for part in (point, se):
            part[:, HORIZONS.index("long")] = np.nan
    interval = normal(point, se, level)
    return DynamicEffects(fit.names[2 : 2 + fit.n_x], point, se, interval.lower, interval.upper, interval.p)


def _effects(fit: DynamicFit, params: FloatArray) -> FloatArray:
    """(draws, p) -> (draws, variables, horizons, effects)."""
    tau, eta, rho = params[:, 0, None], params[:, 1, None], params[:, -2, None]
    beta = params[:, 2 : 2 + fit.n_x]
    theta = np.zeros_like(beta)
    theta[:, list(fit.lagged)] = params[:, 2 + fit.n_x : -2]
    omega = fit.spectrum.omega[None, :]
    out = np.empty((len(params), fit.n_x, 2, 3))
    for h, (inertia, spatial) in enumerate(((np.ones_like(tau), rho), (1.0 - tau, rho + eta))):
        inverse = 1.0 / (inertia - spatial * omega)
        level, slope = fit.spectrum.mean(inverse), fit.spectrum.mean(omega * inverse)
        direct = beta * level[:, None] + theta * slope[:, None]
        total = (beta + theta) / (inertia - spatial)
        out[:, :, h, :] = np.stack([direct, total - direct, total], axis=2)
    return out


def _gradient(fit: DynamicFit, params: FloatArray) -> FloatArray:
    steps = _STEP * np.maximum(1.0, np.abs(params))
    up, down = params + np.diag(steps), params - np.diag(steps)
    change = _effects(fit, up) - _effects(fit, down)
    return np.moveaxis(change / (2.0 * steps[:, None, None, None]), 0, -1)
