"""Spatial lag models with random city effects beside fixed ones: what Hausman and Mundlak tests compare.

    (I - rho W) y_t = Z_t d + mu + lambda_t + e_t,   mu_i ~ (0, s2_mu),   v = s2/(s2 + T s2_mu)
Not here: the tests themselves (spec_hausman). Fixed effects are the headline of every report, in core.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from python_models._types import FloatArray
from python_models.regression.errors import PanelInputError
from python_models.regression.logdet import LogDet, log_determinant
from python_models.regression.multiplier import Multiplier, cross_trace, multiplier
from python_models.regression.spec_arrays import Values, Weights, panel_inputs, require_independent
from python_models.regression.weights import SpatialWeights
from python_models.regression.within import has_time, within

_GRID = 200
_LOG_V = (-14.0, 0.0)  # v from 1e-6 (city effects dominate) to 1 (none)


@dataclass(frozen=True, eq=False)
class PanelParts:
    """Within and between parts of y, Wy (rows,) and z (rows, k), after year effects are removed.

    cross_within, cross_between : cross-products of [y, Wy, z], the between one weighted by T.
    n_free : N' = N - 1 with year effects, N otherwise (one intercept).
    """

    names: tuple[str, ...]
    z_within: FloatArray
    z_between: FloatArray
    cross_within: FloatArray
    cross_between: FloatArray
    weights: SpatialWeights
    log_det: LogDet
    n_free: int
    t: int
    has_years: bool

    @property
    def n(self) -> int:
        return self.weights.n

    def jacobian(self, rho: FloatArray | float, near: float | None = None) -> tuple[FloatArray, FloatArray, FloatArray]:
        """ln|I - rho W| and two derivatives, less those of ln(1 - rho) where year effects are removed."""
        r = np.asarray(rho, dtype=np.float64)
        f, f1, f2 = self.log_det.derivatives(r, near=near)
        if not self.has_years:
            return f, f1, f2
        return f - np.log1p(-r), f1 + 1.0 / (1.0 - r), f2 + 1.0 / (1.0 - r) ** 2


@dataclass(frozen=True, eq=False)
class EffectsFit:
    """Maximum of one likelihood. params (k + 1,) = (slopes, rho); sigma2; v (0 for fixed effects); loglik."""

    params: FloatArray
    sigma2: float
    v: float
    loglik: float

    @property
    def rho(self) -> float:
        return float(self.params[-1])


def panel_parts(
    y: Values,
    x: Values,
    w: Weights,
    *,
    effects: str = "twoways",
    durbin: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    unit_means: bool = False,
) -> PanelParts:
    """Split y (N, T) and [x, W x] (N, T, k) into within and between parts.

    durbin : positions of the x that also enter as W x (all by default; () gives the spatial lag model).
    unit_means adds the city means of all regressors as regressors of the between part (Mundlak).
    effects is "twoways" or "entity"; with year effects W must be row-normalised.
    """
    given = panel_inputs(y, x, w, names)
    plane, cube, weights = given.y, given.x, given.weights
    n, t, k = cube.shape
    if effects not in ("twoways", "entity"):
        raise PanelInputError(f"random city effects need effects 'twoways' or 'entity', got {effects!r}.")
    if has_time(effects) and not weights.is_row_normalised:
        raise PanelInputError("year effects can only be removed with a row-normalised W.")
    if t < 2:
        raise PanelInputError("one year cannot distinguish random from fixed city effects.")
    lagged = list(durbin) if durbin is not None else list(range(k))
    labels = list(given.names)
    labels += [f"W:{labels[j]}" for j in lagged]
    z = np.concatenate([cube, weights.lag(cube[:, :, lagged])], axis=2)
    full = np.concatenate([plane[:, :, None], weights.lag(plane)[:, :, None], z], axis=2)
    full = within(full, "time" if has_time(effects) else "none")
    between = np.repeat(full.mean(axis=1, keepdims=True), t, axis=1)
    inside = full - between
    require_independent(inside[:, :, 2:].reshape(n * t, -1), labels)
    if unit_means:
        means = between[:, :, 2:]
        inside = np.concatenate([inside, np.zeros_like(means)], axis=2)
        between = np.concatenate([between, means], axis=2)
        labels += [f"mean:{label}" for label in labels]
    a, b = inside.reshape(n * t, -1), between.reshape(n * t, -1)
    return PanelParts(
        names=(*labels, "rho"),
        z_within=inside[:, :, 2:],
        z_between=between[:, :, 2:],
        cross_within=a.T @ a,
        cross_between=b.T @ b,
        weights=weights,
        log_det=log_determinant(weights),
        n_free=n - has_time(effects),
        t=t,
        has_years=has_time(effects),
    )


def fit_fixed(parts: PanelParts) -> EffectsFit:
    """Fixed effects by the transformation of Lee and Yu (2010): the within part with T - 1 in place of T."""
    return _maximise_rho(parts, parts.cross_within, parts.t - 1, 0.0)


def fit_random(parts: PanelParts) -> EffectsFit:
    """Random effects by maximum likelihood over (rho, v):

    lnL = -(N'T/2) ln(SSR_w + v SSR_b) + (N'/2) ln v + T ln|I - rho W| (+ constants).
    """

    def at(log_v: float) -> EffectsFit:
        v = float(np.exp(log_v))
        return _maximise_rho(parts, parts.cross_within + v * parts.cross_between, parts.t, v)

    grid = np.linspace(*_LOG_V, 8)
    peak = int(np.argmax([at(float(g)).loglik for g in grid]))
    low, high = grid[max(peak - 1, 0)], grid[min(peak + 1, len(grid) - 1)]
    found = optimize.minimize_scalar(
        lambda log_v: -at(float(log_v)).loglik, bounds=(low, high), method="bounded", options={"xatol": 1e-8}
    )
    return at(float(found.x))


def information(parts: PanelParts, fit: EffectsFit, *, random: bool) -> FloatArray:
    """Information of (slopes, rho) at `fit`, s2 (and v) concentrated out; `random=False` gives fixed effects.

    Fixed: Z and T' = T - 1 of the within part. Random: Z'Z + v Z_b'Z_b, T' = T, and the cross term of rho and v.
    """
    k = parts.z_within.shape[2]
    delta, rho, s2 = fit.params[:-1], fit.rho, fit.sigma2
    t_free = parts.t if random else parts.t - 1
    _, f1, f2 = parts.jacobian(rho)
    tr_g, tr_gg = -float(f1), -float(f2)
    g = multiplier(parts.weights, parts.log_det, rho)
    rows_w, rows_b = (_spread(parts, g, z @ delta) for z in (parts.z_within, parts.z_between))
    share = fit.v if random else 0.0
    zw, zb = parts.z_within.reshape(-1, k), parts.z_between.reshape(-1, k)
    size = k + 3 if random else k + 2
    info = np.zeros((size, size))
    info[:k, :k] = (zw.T @ zw + share * zb.T @ zb) / s2
    info[:k, k] = info[k, :k] = (zw.T @ rows_w + share * zb.T @ rows_b) / s2
    quadratic = (float(rows_w @ rows_w) + share * float(rows_b @ rows_b)) / s2
    info[k, k] = t_free * (tr_gg + _gram(parts, g)) + quadratic
    info[k, k + 1] = info[k + 1, k] = t_free * tr_g / s2
    info[k + 1, k + 1] = parts.n_free * t_free / (2.0 * s2**2)
    if random:
        v = fit.v
        info[k, k + 2] = info[k + 2, k] = -tr_g / v
        info[k + 1, k + 2] = info[k + 2, k + 1] = -parts.n_free / (2.0 * v * s2)
        info[k + 2, k + 2] = parts.n_free / (2.0 * v**2)
    rest = info[k + 1 :, k + 1 :]
    cross = info[: k + 1, k + 1 :]
    return np.asarray(info[: k + 1, : k + 1] - cross @ np.linalg.solve(rest, cross.T))


def _maximise_rho(parts: PanelParts, cross: FloatArray, t_free: int, v: float) -> EffectsFit:
    b = np.linalg.lstsq(cross[2:, 2:], cross[2:, :2], rcond=None)[0]
    e = cross[:2, :2] - cross[:2, 2:] @ b
    rows = parts.n_free * t_free

    def lnl(rho: FloatArray | float, jacobian: FloatArray) -> FloatArray:
        ssr = e[0, 0] - 2.0 * np.asarray(rho) * e[0, 1] + np.asarray(rho) ** 2 * e[1, 1]
        return np.asarray(-rows / 2.0 * (np.log(2.0 * np.pi * ssr / rows) + 1.0) + t_free * jacobian)

    low, high = parts.log_det.low, parts.log_det.high
    grid = low + (high - low) * (np.arange(_GRID) + 0.5) / _GRID
    first = parts.log_det.coarse(grid) - (np.log1p(-grid) if parts.has_years else 0.0)
    peak = int(np.argmax(lnl(grid, first)))
    near = float(grid[peak])

    def slope(rho: float) -> float:
        ssr = e[0, 0] - 2.0 * rho * e[0, 1] + rho**2 * e[1, 1]
        return float(-rows * (rho * e[1, 1] - e[0, 1]) / ssr + t_free * parts.jacobian(rho, near)[1])

    # the root of the derivative is sharper than the maximum of a function that is flat there
    left, right = grid[max(peak - 3, 0)], grid[min(peak + 3, _GRID - 1)]
    if not slope(left) > 0 > slope(right):
        raise PanelInputError(f"the likelihood has no maximum inside the range of rho near {near:.3f}.")
    rho = float(optimize.brentq(slope, left, right, xtol=1e-14))
    ssr = float(e[0, 0] - 2.0 * rho * e[0, 1] + rho**2 * e[1, 1])
    extra = parts.n_free / 2.0 * np.log(v) if v > 0 else 0.0
    return EffectsFit(
        np.append(b[:, 0] - rho * b[:, 1], rho), ssr / rows, v, float(lnl(rho, parts.jacobian(rho, near)[0]) + extra)
    )


def _spread(parts: PanelParts, g: Multiplier, fitted: FloatArray) -> FloatArray:
    """G fitted (N, T), without its year means where year effects are removed; flat."""
    out = g.apply(fitted)
    return np.asarray(out - out.mean(axis=0) if parts.has_years else out).reshape(-1)


def _gram(parts: PanelParts, g: Multiplier) -> float:
    """tr(Gs'Gs): |G|^2, less |G'1|^2/n with year effects (exact for a row-normalised W)."""
    return cross_trace(g, g).value - (float(g.column_sums @ g.column_sums) / parts.n if parts.has_years else 0.0)
