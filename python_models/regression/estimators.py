"""From a design to a point: maximum of the profile likelihood, bias correction of Lee and Yu (2010), and refits on new
panels.

The maximum is sought on a grid over the feasible range, then as the root of the score.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq, minimize, root

from python_models._types import FloatArray
from python_models.regression.convention import Convention
from python_models.regression.design import Design, y_columns
from python_models.regression.errors import PanelInputError
from python_models.regression.filtered import FilteredLikelihood
from python_models.regression.information import Point, ScoreParts, information, inverse, score_parts
from python_models.regression.likelihood import Likelihood, Moments, Profile, SlopeMoments, fit_term
from python_models.regression.logdet import Factor, log_determinant
from python_models.regression.weights import SpatialWeights
from python_models.regression.within import has_entity, has_time

GRID = 200
FILTERED_GRID = 11  # of lambda where the dummies are filtered: each point solves a system of all dummies
WINDOW, WINDOW_POINTS = 0.14, 29  # in atanh(rho): neighbourhood of the grid's maximum, within one tile of ln|S|
MOVES = 200  # of the window along the range
NEWTON, STEP = 2, 1e-5  # SAC: last refinement of the root
SAME_MODE, POLISHED = 0.02, 3  # SAC: distance of different modes; modes that are refined
MAX_FAILED = 0.05  # share of bootstrap panels without a maximum inside the feasible range
AT_BOUND, NEAR_BOUND = 1e-6, 0.01  # shares of the range


@dataclass(frozen=True)
class Optimum:
    """rho, lam, their feasible range, the maximum of the grid, the number of different modes met (SAC, nine starts)."""

    rho: float
    lam: float
    loglik: float
    low: float
    high: float
    start: tuple[float, float]
    modes: int


def maximise(likelihood: Likelihood) -> Optimum:
    """Maximise over rho, lambda or both; raises PanelInputError if the maximum lies on a bound of the range."""
    conv = likelihood.conv
    if conv.has_rho and conv.has_lam:
        return _two(likelihood)
    return _one(likelihood)


def _one(likelihood: Likelihood) -> Optimum:
    is_rho = likelihood.conv.has_rho
    ld = likelihood.of_parameter(not is_rho)

    def pair(r: FloatArray | float) -> tuple[FloatArray, FloatArray]:
        point = np.asarray(r, dtype=np.float64)
        zero = np.zeros_like(point)
        return (point, zero) if is_rho else (zero, point)

    def fit(r: FloatArray) -> FloatArray:
        return fit_term(likelihood.conv.n_rows, likelihood.moments.profile(*pair(r)).ssr)

    def values(r: FloatArray, near: float) -> FloatArray:
        return fit(r) + likelihood.jacobian(r, not is_rho, near=near)[0]

    def score(r: float, near: float) -> float:
        p = likelihood.moments.profile(*pair(r))
        slope = p.ssr_by_rho if is_rho else p.ssr_by_lam
        jacobian = float(likelihood.jacobian(r, not is_rho, near=near)[1])
        return jacobian - likelihood.conv.n_rows / 2.0 * float(slope / p.ssr)

    grid = ld.low + (ld.high - ld.low) * (np.arange(GRID) + 0.5) / GRID
    start = int(np.argmax(fit(grid) + likelihood.coarse_jacobian(grid, not is_rho)))
    if start == 0 and ld.wide.low < ld.low:
        return _one(replace(likelihood, logdet=ld.wide) if is_rho else replace(likelihood, error_logdet=ld.wide))
    first = centre = float(grid[start])
    for _ in range(MOVES):
        window = _window(centre, ld.low, ld.high)
        best = int(np.argmax(values(window, centre)))
        near, centre = centre, float(window[best])
        if 0 < best < len(window) - 1:
            break
    _refuse_bound(centre, ld.low, ld.high, "rho" if is_rho else "lambda")
    r = float(brentq(score, window[best - 1], window[best + 1], args=(near,), xtol=1e-14, rtol=1e-14))
    rho, lam = (r, 0.0) if is_rho else (0.0, r)
    return Optimum(rho, lam, float(values(np.array([r]), near)[0]), ld.low, ld.high, (first, first), 1)


def _window(centre: float, low: float, high: float) -> FloatArray:
    """Points around `centre`, even in atanh of the place in the range: they never leave it."""
    mid, half = (low + high) / 2.0, (high - low) / 2.0
    s = np.arctanh(np.clip((centre - mid) / half, -1.0 + 1e-12, 1.0 - 1e-12))
    return np.asarray(mid + half * np.tanh(s + np.linspace(-WINDOW / 2.0, WINDOW / 2.0, WINDOW_POINTS)))


def _refuse_bound(value: float, low: float, high: float, name: str) -> None:
    if min(value - low, high - value) <= AT_BOUND * (high - low):
        raise PanelInputError(
            f"{name} runs to the bound of its feasible range ({low:.6g}, {high:.6g}): the data do not identify the "
            "model with this W; look at the trend of y and at W, or use another model."
        )


def _two(likelihood: Likelihood) -> Optimum:
    """SAC: nine starts on a spline of the coarse Jacobian, then the root of the exact score at the best modes met."""
    logdets = [likelihood.of_parameter(is_lam) for is_lam in (False, True)]
    low, high = (np.array([getattr(ld, end) for ld in logdets]) for end in ("low", "high"))
    pad = 1e-4 * (high - low)
    grids = [np.linspace(a, b, 2 * GRID) for a, b in zip(low + pad, high - pad, strict=True)]
    splines = [CubicSpline(g, likelihood.coarse_jacobian(g, bool(j))) for j, g in enumerate(grids)]
    slopes = [spline.derivative() for spline in splines]
    half = likelihood.conv.n_rows / 2.0

    def objective(theta: FloatArray) -> tuple[float, FloatArray]:
        rho, lam = float(theta[0]), float(theta[1])
        p = likelihood.moments.profile(rho, lam)
        value = -float(fit_term(likelihood.conv.n_rows, p.ssr)) - float(splines[0](rho)) - float(splines[1](lam))
        by = np.array([p.ssr_by_rho, p.ssr_by_lam], dtype=np.float64) / float(p.ssr)
        return value, half * by - np.array([slope(t) for slope, t in zip(slopes, theta, strict=True)])

    modes: list[tuple[float, FloatArray]] = []
    shares = (0.25, 0.5, 0.8)
    bounds = [(float(g[0]), float(g[-1])) for g in grids]
    for place in (low + (high - low) * np.array([a, b]) for a in shares for b in shares):
        end = minimize(objective, place, jac=True, method="L-BFGS-B", bounds=bounds)
        if all(np.abs(end.x - other).max() > SAME_MODE for _, other in modes):
            modes.append((float(end.fun), np.asarray(end.x)))
    candidates = [x for _, x in sorted(modes, key=lambda pair: pair[0])[:POLISHED]]
    optima = [_polish(likelihood, c, low, high) for c in candidates]
    best = max(optima, key=lambda o: o[2])
    near = np.array(best[:2]) - low < NEAR_BOUND * (high - low)
    if near.any() and any(ld.wide.low < a for ld, a in zip(logdets, low, strict=True)):
        return _two(replace(likelihood, logdet=logdets[0].wide, error_logdet=logdets[1].wide))
    start = candidates[optima.index(best)]
    _refuse_bound(best[0], low[0], high[0], "rho")
    _refuse_bound(best[1], low[1], high[1], "lambda")
    ends = float(low[0]), float(high[0])
    return Optimum(best[0], best[1], best[2], *ends, (float(start[0]), float(start[1])), len(modes))


def maximise_filtered(likelihood: FilteredLikelihood) -> Optimum:
    """The maximum over lambda, or rho and lambda, of a stack whose dummies are filtered: a coarse grid over lambda with
    the best rho at each point, then the root of the score from its modes."""
    conv, ld, errors = likelihood.conv, likelihood.logdet, likelihood.error_logdet
    low, high = np.array([ld.low, errors.low]), np.array([ld.high, errors.high])
    grid = errors.low + (errors.high - errors.low) * (np.arange(FILTERED_GRID) + 0.5) / FILTERED_GRID
    rhos = ld.low + (ld.high - ld.low) * (np.arange(GRID) + 0.5) / GRID if conv.has_rho else np.zeros(1)
    lag_term = ld.coarse(rhos) if conv.has_rho else np.zeros(1)
    half, term = conv.n_rows / 2.0, errors.coarse(grid)
    values = np.array([lag_term - half * np.log(likelihood.profile(likelihood.gram(g), rhos)[0]) for g in grid])
    best = values.argmax(axis=1)
    top = values.max(axis=1) + term
    modes = [j for j in range(len(grid)) if top[j] == top[max(0, j - 1) : j + 2].max()]
    modes.sort(key=lambda j: -top[j])
    starts = [np.array([rhos[best[j]], grid[j]]) for j in modes[:POLISHED]]
    if conv.has_rho:
        optima = [_polish(likelihood, start, low, high) for start in starts]
    else:
        places = [errors.low + 1e-9, *grid.tolist(), errors.high - 1e-9]
        optima = [_root_in_lambda(likelihood, *places[j : j + 3]) for j in modes[:POLISHED]]
    rho, lam, loglik = max(optima, key=lambda point: point[2])
    if conv.has_rho:
        _refuse_bound(rho, ld.low, ld.high, "rho")
    _refuse_bound(lam, errors.low, errors.high, "lambda")
    first = starts[0]
    return Optimum(rho, lam, loglik, float(low[0]), float(high[0]), (float(first[0]), float(first[1])), len(modes))


def _root_in_lambda(
    likelihood: FilteredLikelihood, low: float, start: float, high: float
) -> tuple[float, float, float]:
    """Root of the score between the neighbours of a grid point; at an end of the range, the end."""
    low, high = (start, high) if likelihood.gradient(0.0, start)[1] > 0.0 else (low, start)
    slopes = [likelihood.gradient(0.0, end)[1] for end in (low, high)]
    if slopes[0] <= 0.0 or slopes[1] >= 0.0:
        lam = low if slopes[0] <= 0.0 else high
    else:
        lam = float(brentq(lambda r: likelihood.gradient(0.0, r)[1], low, high, xtol=1e-13, rtol=1e-13))
    return 0.0, lam, likelihood.value(0.0, lam)


def _polish(
    likelihood: Likelihood | FilteredLikelihood, start: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[float, float, float]:
    """Root of the exact score from `start`; the start itself when the root lies lower."""
    mid, half = (low + high) / 2.0, (high - low) / 2.0

    def score(s: FloatArray) -> FloatArray:
        t = np.tanh(s)
        slope = np.array(likelihood.gradient(*(mid + half * t)), dtype=np.float64)
        return np.asarray(slope * half * (1.0 - t * t) / likelihood.conv.n_rows)

    solution = root(score, np.arctanh((start - mid) / half), method="hybr", options={"xtol": 1e-13})
    s = np.asarray(solution.x)
    for _ in range(NEWTON):
        slopes = [(score(s + step) - score(s - step)) / (2.0 * STEP) for step in STEP * np.eye(2)]
        s = s - np.linalg.solve(np.array(slopes).T, score(s))
    start_value = likelihood.value(float(start[0]), float(start[1]))
    if np.isfinite(s).all():
        rho, lam = (float(v) for v in mid + half * np.tanh(s))
        value = likelihood.value(rho, lam)
        if value >= start_value - 1e-8 * abs(start_value):  # near the maximum the two values differ by rounding only
            return rho, lam, value
    return float(start[0]), float(start[1]), start_value


@dataclass(frozen=True, eq=False)
class Estimator:
    """The parts that do not depend on y, so that many y of the same design can be fitted."""

    design: Design
    conv: Convention
    weights: SpatialWeights
    error_weights: SpatialWeights
    slopes: SlopeMoments

    @classmethod
    def of(
        cls, design: Design, conv: Convention, weights: SpatialWeights, error_weights: SpatialWeights | None = None
    ) -> Estimator:
        return cls(design, conv, weights, error_weights or weights, SlopeMoments.of(design))

    def parts(self, design: Design, at: Point) -> ScoreParts:
        return score_parts(design, self.conv, self.weights, at, self.error_weights)

    def maximum(self, ys: FloatArray) -> tuple[Point, Optimum]:
        """Maximum-likelihood point for ys (N, T, 1 + a), the demeaned y and its lags; no bias correction."""
        moments = Moments.of(ys, self.slopes)
        start = _profile(moments, 0.0, 0.0)
        if not self.conv.spatial_names:  # least squares: nobody asks for a log-determinant
            value = float(fit_term(self.conv.n_rows, start.ssr))
            return self._point(start, 0.0, 0.0), Optimum(0.0, 0.0, value, 0.0, 0.0, (0.0, 0.0), 1)
        both = log_determinant(self.weights), log_determinant(self.error_weights)
        optimum = maximise(Likelihood(moments, self.conv, *both))
        return self._point(_profile(moments, optimum.rho, optimum.lam), optimum.rho, optimum.lam), optimum

    def at(self, ys: FloatArray, optimum: Optimum) -> Point:
        """The point of a maximum that is known: slopes and variance at its rho and lambda."""
        return self._point(_profile(Moments.of(ys, self.slopes), optimum.rho, optimum.lam), optimum.rho, optimum.lam)

    def _point(self, p: Profile, rho: float, lam: float) -> Point:
        return Point(p.slopes, rho, lam, float(p.ssr) / self.conv.n_rows)

    def corrected(self, ys: FloatArray, at: Point) -> Point:
        """The point after the correction of the estimators `_bc`; `at` itself for others.

        th_bc = (1, .., 1, T/(T-1)) o {th + (1/N) Sig^-1 [0; 1/(1-r); 1/(2 s2)]}, Sig = information / (NT), r the
        spatial parameters. The added term comes from the year effects, T/(T-1) from the city effects.
        """
        if not self.conv.is_corrected:
            return at
        theta = at.pack(self.conv)
        if has_time(self.conv.effects):
            parts = self.parts(replace(self.design, ys=ys), at)
            shift = np.zeros(len(theta))
            spatial = len(self.conv.spatial_names)
            shift[-1 - spatial : -1] = 1.0 / (1.0 - theta[-1 - spatial : -1])
            shift[-1] = 1.0 / (2.0 * at.sigma2)
            # (1/N) (I / NT)^-1 = T I^-1
            theta = theta + self.conv.t * inverse(information(parts, self.conv, at.sigma2)) @ shift
        if has_entity(self.conv.effects):
            theta[-1] *= self.conv.t / (self.conv.t - 1.0)
        return Point.unpack(theta, self.conv)


def _profile(moments: Moments, rho: float, lam: float) -> Profile:
    """Least squares at rho and lam, refused where it is exact."""
    p = moments.profile(rho, lam)
    if not float(p.ssr) > 1e-13 * float(moments.yy[0, 0]):
        raise PanelInputError("the regressors explain y exactly (no residual is left): check for y among them.")
    return p


class Draws(NamedTuple):
    """Parameters (B, p) of the refitted panels, and how many draws could not be fitted."""

    params: FloatArray
    failed: int

    @property
    def cov(self) -> FloatArray:
        return np.asarray(np.cov(self.params, rowvar=False))


@dataclass(frozen=True, eq=False)
class Resampler:
    """Refits on panels with other errors e*: as S(rho) y = Z d + effects + R(lam)^-1 e, y + S^-1 R^-1 (e* - e)."""

    estimator: Estimator
    y: FloatArray
    e: FloatArray
    factors: tuple[Factor, ...]

    @classmethod
    def of(cls, estimator: Estimator, y: FloatArray, e: FloatArray, at: Point) -> Resampler:
        pairs = ((at.lam, estimator.error_weights), (at.rho, estimator.weights))
        factors = tuple(log_determinant(w).system.factor(r) for r, w in pairs if r != 0.0)
        return cls(estimator, y, e, factors)

    def refit(self, errors: FloatArray) -> FloatArray:
        change = errors - self.e
        for factor in self.factors:
            change = factor.solve(change)
        est = self.estimator
        ys = y_columns(self.y + change, est.weights, est.conv, est.error_weights)
        point, _ = est.maximum(ys)
        return est.corrected(ys, point).pack(est.conv)

    def block(self, draws: int, rng: np.random.Generator) -> Draws:
        """Block bootstrap: whole cities' residual vectors (T,) drawn with replacement, times sqrt(N/(N-1)) where year
        effects were removed. Not robust to variances tied to x (the blocks change places) nor to spatial correlation
        beyond the model."""
        if draws < 2:
            raise PanelInputError(f"a bootstrap needs at least 2 draws, got {draws}.")
        n = len(self.e)
        scale = float(np.sqrt(n / (n - 1.0))) if has_time(self.estimator.conv.effects) else 1.0
        estimates: list[FloatArray] = []
        for _ in range(draws):
            try:
                estimates.append(self.refit(scale * self.e[rng.integers(0, n, n)]))
            except PanelInputError:
                continue
        n_failed = draws - len(estimates)
        if n_failed > MAX_FAILED * draws:
            raise PanelInputError(f"{n_failed} of {draws} bootstrap panels could not be fitted: the model is too weak.")
        return Draws(np.array(estimates), n_failed)
