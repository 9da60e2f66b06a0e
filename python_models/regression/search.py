"""Maximum of the profile likelihood: a grid over the feasible range, then the root of the score."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq, minimize, root

from python_models._types import FloatArray
from python_models.regression.errors import PanelInputError
from python_models.regression.likelihood import Likelihood

GRID = 200
WINDOW, WINDOW_POINTS = 0.14, 29  # in atanh(rho): neighbourhood of the grid's maximum, within one tile of ln|S|
MOVES = 200  # of the window along the range
NEWTON, STEP = 2, 1e-5  # SAC: last refinement of the root
SAME_MODE, POLISHED = 0.02, 3  # SAC: distance of different modes; modes that are refined
AT_BOUND, NEAR_BOUND = 1e-6, 0.01  # shares of the range


@dataclass(frozen=True)
class Optimum:
    """rho, lam at the maximum; `low`, `high` the feasible range; `start` the maximum of the grid;
    `modes` the number of different local maxima met (SAC, nine starts)."""

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
    if conv.has_rho or conv.has_lam:
        return _one(likelihood)
    return Optimum(0.0, 0.0, likelihood.value(0.0, 0.0), 0.0, 0.0, (0.0, 0.0), 1)


def _one(likelihood: Likelihood) -> Optimum:
    is_rho = likelihood.conv.has_rho
    ld = likelihood.of_parameter(not is_rho)
    grid, start = _grid_maximum(likelihood)
    if start == 0 and ld.wide.low < ld.low:
        return _one(replace(likelihood, logdet=ld.wide) if is_rho else replace(likelihood, error_logdet=ld.wide))
    first = float(grid[start])

    def pair(r: FloatArray | float) -> tuple[FloatArray, FloatArray]:
        point = np.asarray(r, dtype=np.float64)
        zero = np.zeros_like(point)
        return (point, zero) if is_rho else (zero, point)

    def values(r: FloatArray, near: float) -> FloatArray:
        fit = likelihood.fit_term(likelihood.moments.profile(*pair(r)).ssr)
        return fit + likelihood.jacobian(r, not is_rho, near=near)[0]

    def score(r: float, near: float) -> float:
        p = likelihood.moments.profile(*pair(r))
        slope = p.ssr_by_rho if is_rho else p.ssr_by_lam
        jacobian = float(likelihood.jacobian(r, not is_rho, near=near)[1])
        return jacobian - likelihood.conv.n_rows / 2.0 * float(slope / p.ssr)

    centre = first
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


def _grid_maximum(likelihood: Likelihood) -> tuple[FloatArray, int]:
    is_rho = likelihood.conv.has_rho
    ld = likelihood.of_parameter(not is_rho)
    grid = ld.low + (ld.high - ld.low) * (np.arange(GRID) + 0.5) / GRID
    zero = np.zeros(GRID)
    rho, lam = (grid, zero) if is_rho else (zero, grid)
    values = likelihood.fit_term(likelihood.moments.profile(rho, lam).ssr)
    values = values + likelihood.coarse_jacobian(grid, not is_rho)
    return grid, int(np.argmax(values))


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
        value = -float(likelihood.fit_term(p.ssr)) - float(splines[0](rho)) - float(splines[1](lam))
        by = np.array([p.ssr_by_rho, p.ssr_by_lam], dtype=np.float64) / float(p.ssr)
        return value, half * by - np.array([slope(t) for slope, t in zip(slopes, theta, strict=True)])

    found: list[tuple[float, FloatArray]] = []
    shares = (0.25, 0.5, 0.8)
    bounds = [(float(g[0]), float(g[-1])) for g in grids]
    for place in (low + (high - low) * np.array([a, b]) for a in shares for b in shares):
        end = minimize(objective, place, jac=True, method="L-BFGS-B", bounds=bounds)
        if all(np.abs(end.x - other).max() > SAME_MODE for _, other in found):
            found.append((float(end.fun), np.asarray(end.x)))
    candidates = [x for _, x in sorted(found, key=lambda pair: pair[0])[:POLISHED]]
    optima = [_polish(likelihood, c) for c in candidates]
    best = max(optima, key=lambda o: o[2])
    near = np.array(best[:2]) - low < NEAR_BOUND * (high - low)
    if near.any() and any(ld.wide.low < a for ld, a in zip(logdets, low, strict=True)):
        return _two(replace(likelihood, logdet=logdets[0].wide, error_logdet=logdets[1].wide))
    start = candidates[optima.index(best)]
    _refuse_bound(best[0], low[0], high[0], "rho")
    _refuse_bound(best[1], low[1], high[1], "lambda")
    ends = float(low[0]), float(high[0])
    return Optimum(best[0], best[1], best[2], *ends, (float(start[0]), float(start[1])), len(found))


def _polish(likelihood: Likelihood, start: FloatArray) -> tuple[float, float, float]:
    """Root of the exact score from `start`; the start itself when the root lies lower."""
    logdets = [likelihood.of_parameter(is_lam) for is_lam in (False, True)]
    low, high = (np.array([getattr(ld, end) for ld in logdets]) for end in ("low", "high"))
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
    begun = likelihood.value(float(start[0]), float(start[1]))
    if np.isfinite(s).all():
        rho, lam = (float(v) for v in mid + half * np.tanh(s))
        reached = likelihood.value(rho, lam)
        if reached >= begun - 1e-8 * abs(begun):  # near the maximum the two values differ by rounding only
            return rho, lam, reached
    return float(start[0]), float(start[1]), begun
