"""SDM with two spatial regimes: the spatial lag of y has one coefficient for each kind of receiver.

    y_t = rho1 D W y_t + rho2 (I - D) W y_t + x_t beta + W x_t theta + C_t c + W C_t d + mu + lambda_t 1 + e_t

D = diag(is_first) by receiver. W x, c are common. Elhorst and Freret (2009, J. Regional Science 49);
docs/formulas.md#regimes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models.inference import normal
from python_models.influence._regime_logdet import REACH, RegimeLogDet
from python_models.influence.spillover import AnyWeights, refuse_holes
from python_models.regression import PanelInputError, SpatialWeights, spatial_weights
from python_models.regression.covariance import Rows, city_influences, score_rows
from python_models.regression.errors import estimable
from python_models.regression.multiplier import MatrixMultiplier
from python_models.regression.within import within
from python_models.tasks import parts, run_tasks

Quadratic = tuple[float, FloatArray, FloatArray]  # value, gradient, Hessian
Years = Literal["common", "by_regime"]
YEARS: tuple[Years, ...] = ("common", "by_regime")
GRID, STARTS = 105, 3  # points a side of the first look; local maxima that are refined
STEPS, LONGEST, TOLERANCE = 60, 0.3, 1e-11  # Newton: steps, longest step in s, gradient per row
EDGE = 2.55  # |s| from which an estimate stands at the bound of its range


@dataclass(frozen=True, eq=False)
class RegimeFit(Shown):
    """names, params, cov (p, p): slopes, rho_first, rho_second, sigma2.

    params : after the bias correction (draws > 0), else the maximum.   maximum : before it.   loglik : at the maximum.
    cov : clustered by city.   draws : estimates from the bootstrap panels (B, p).   n_modes : different local maxima
    met. n_refused : panels without an inner maximum.
    """

    names: tuple[str, ...]
    params: FloatArray
    maximum: FloatArray
    cov: FloatArray
    loglik: float
    weights: SpatialWeights
    is_first: BoolArray
    n_modes: int
    draws: FloatArray
    n_refused: int

    @property
    def rho(self) -> FloatArray:
        """rho of the first and the second regime, (2,)."""
        return self.params[-3:-1]

    @property
    def std_errors(self) -> FloatArray:
        return np.sqrt(np.diag(self.cov))

    @property
    def se_boot(self) -> FloatArray:
        """Standard deviation of the bootstrap estimates; NaN without draws."""
        if len(self.draws) < 2:
            return np.full(len(self.params), np.nan)
        return np.asarray(self.draws.std(axis=0, ddof=1))

    def equal_rho(self) -> tuple[float, float]:
        """(z, p) of rho_first = rho_second."""
        v = self.cov[-3:-1, -3:-1]
        found = normal(self.rho[0] - self.rho[1], np.sqrt(v[0, 0] + v[1, 1] - 2 * v[0, 1]))
        return float(found.z), float(found.p)

    def effects(self) -> pd.DataFrame:
        """Mean direct, indirect (received) and total effect of x by regime, delta-method errors.

        S = (I - rho1 D W - rho2 (I - D) W)^-1 (beta I + theta W): direct = mean own diagonal over the cities of the
        regime, total = mean row sum, indirect = their difference.
        """
        w = self.weights.matrix.toarray()
        d = self.is_first.astype(np.float64)[:, None]
        a = np.linalg.inv(np.eye(len(w)) - (self.rho[0] * d + self.rho[1] * (1 - d)) * w)
        at = [self.names.index(name) for name in ("x", "W:x")] + [len(self.names) - 3, len(self.names) - 2]
        beta, theta = self.params[at[0]], self.params[at[1]]
        aw = a @ w
        s = beta * a + theta * aw
        ws = w @ s
        slopes = [self._by_regime(m) for m in (a, aw, a @ (d * ws), a @ ((1 - d) * ws))]
        point, gradient = self._by_regime(s), np.stack(slopes, axis=1)
        cov = self.cov[np.ix_(at, at)]
        se = np.sqrt(np.einsum("ij,jk,ik->i", gradient, cov, gradient))
        found = normal(point, se)
        labels = [(regime, effect) for regime in ("first", "second") for effect in ("direct", "indirect", "total")]
        return pd.DataFrame(labels, columns=["regime", "effect"]).assign(
            point=point, se=se, lower=found.lower, upper=found.upper
        )

    def _by_regime(self, s: FloatArray) -> FloatArray:
        own, total = np.diag(s), s.sum(axis=1)
        means = [(own[m].mean(), total[m].mean()) for m in (self.is_first, ~self.is_first)]
        return np.array([value for direct, every in means for value in (direct, every - direct, every)])


@aligned
@estimable("the model of two regimes")
def two_regime(
    y: ArrayLike,
    x: ArrayLike,
    W: AnyWeights,
    is_first: ArrayLike,
    controls: ArrayLike | None = None,
    *,
    years: Years = "common",
    draws: int = 0,
    rng: np.random.Generator | None = None,
    logdet: RegimeLogDet | None = None,
) -> RegimeFit:
    """Direct maximum likelihood, rho by a two-dimensional search from several starts.

    y, x (N, T), W (N, N) row-normalised, is_first (N,), controls (N, T, k). docs/formulas.md#regimes.
    lnL = const - (NT/2) ln SSR(rho1, rho2) + T ln|I - rho1 D W - rho2 (I - D) W|. `draws` parametric bootstrap panels
    give params = 2 maximum - mean(draws), as D W does not commute with the removal of year effects. `years`: one year
    effect for all, or 'by_regime'. `logdet` shares the log-determinant of this W and split between fits.
    PanelInputError: shapes, missing values, a regime of fewer than three cities, a rho at its bound.

    >>> from python_models.influence import two_regime
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> type(two_regime(y, x, W, np.arange(12) < 6)).__name__
    'RegimeFit'
    """
    weights = spatial_weights(W)
    if draws and rng is None:
        raise PanelInputError("the bootstrap needs `rng`, for example numpy.random.default_rng(2026).")
    first = np.asarray(is_first, dtype=np.bool_)
    if first.shape != (weights.n,) or min(first.sum(), (~first).sum()) < 3:
        raise PanelInputError(f"is_first must mark at least three of {weights.n} cities, and leave three.")
    data = _Data.of(y, x, controls, weights, first, years)
    ld = logdet if logdet is not None else RegimeLogDet(weights, first)
    if not np.array_equal(ld.is_first, first) or ld.weights.key != weights.key:
        raise PanelInputError("`logdet` was made for another W or another split.")
    moments = data.moments(data.y)
    starts = _starts(moments, data, ld)
    found = [one for one in (_climb(moments, data, ld, s) for s in starts) if one is not None]
    if not found:
        raise PanelInputError("rho of a regime runs to the bound of (-1, 1): the data do not identify it with this W.")
    s, loglik = max(found, key=lambda pair: pair[1])
    at = data.params(data.y, np.tanh(s))
    none = np.empty((0, len(at)))
    fit = RegimeFit(data.names, at, at, _covariance(data, at), loglik, weights, first, _distinct(found), none, 0)
    return fit if not draws or rng is None else _corrected(fit, data, ld, s, draws, rng)


@dataclass(frozen=True, eq=False)
class _Data:
    """Raw y (N, T) and Z (N, T, k); an orthonormal basis of Z after the effects, and how to solve for slopes."""

    y: FloatArray
    z: FloatArray
    names: tuple[str, ...]
    weights: SpatialWeights
    is_first: BoolArray
    years: Years
    basis: FloatArray
    triangle: FloatArray

    @classmethod
    def of(
        cls, y: ArrayLike, x: ArrayLike, controls: Any, weights: SpatialWeights, first: BoolArray, years: Years
    ) -> _Data:
        yy, xx = np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64)
        c = np.empty((*xx.shape, 0)) if controls is None else np.asarray(controls, dtype=np.float64)
        if yy.ndim != 2 or xx.shape != yy.shape or c.ndim != 3 or c.shape[:2] != yy.shape or len(yy) != weights.n:
            raise PanelInputError(
                f"y, x must be (N, T), controls (N, T, k), N = {weights.n}: got {yy.shape}, {xx.shape}, {c.shape}."
            )
        raw = np.concatenate([xx[:, :, None], c], axis=2)
        refuse_holes(yy, "y")
        refuse_holes(raw, "x or controls")
        if years not in YEARS:
            raise PanelInputError(f"years must be one of {', '.join(YEARS)}, got {years!r}.")
        labels = ["x", *(f"control_{k + 1}" for k in range(c.shape[2]))]
        z = np.concatenate([raw, weights.lag(np.ascontiguousarray(raw))], axis=2)
        flat = _clean(z, first, years).reshape(-1, z.shape[2])
        basis, triangle = np.linalg.qr(flat)
        weak = np.abs(np.diag(triangle)) <= 1e-8 * np.sqrt((z.reshape(flat.shape) ** 2).sum(axis=0))
        names = (*labels, *(f"W:{name}" for name in labels))
        if weak.any():
            raise PanelInputError(f"'{names[int(np.argmax(weak))]}' is absorbed by the effects or the other columns.")
        return cls(yy, z, (*names, "rho_first", "rho_second", "sigma2"), weights, first, years, basis, triangle)

    @property
    def dof(self) -> int:
        """Rows after the effects."""
        n, t = self.y.shape
        groups = 1 if self.years == "common" else 2
        return int((n - groups) * (t - 1))

    def columns(self, y: FloatArray) -> FloatArray:
        """y, D W y, (I - D) W y after the effects, (NT, 3)."""
        lag = self.weights.lag(y)
        first = self.is_first[:, None]
        stack = np.stack([y, np.where(first, lag, 0.0), np.where(first, 0.0, lag)], axis=2)
        return _clean(stack, self.is_first, self.years).reshape(-1, 3)

    def moments(self, y: FloatArray) -> FloatArray:
        """Cross-products of `columns` after Z is partialled out, (3, 3): SSR(rho) = a'Ma, a = (1, -rho1, -rho2)."""
        raw = self.columns(y)
        rest = raw - self.basis @ (self.basis.T @ raw)
        return np.asarray(rest.T @ rest)

    def params(self, y: FloatArray, rho: FloatArray) -> FloatArray:
        """Slopes, rho, sigma2 = SSR / (NT) at given rho."""
        target = self.columns(y) @ np.array([1.0, -rho[0], -rho[1]])
        slopes = np.linalg.solve(self.triangle, self.basis.T @ target)
        ssr = float((target**2).sum() - ((self.basis.T @ target) ** 2).sum())
        return np.concatenate([slopes, rho, [ssr / self.y.size]])


def _clean(values: FloatArray, first: BoolArray, years: Years) -> FloatArray:
    """City and year effects removed; the years of each regime on its own cities if they have their own effects."""
    if years == "common":
        return within(values, "twoways")
    out = np.empty_like(values)
    for part in (first, ~first):
        out[part] = within(values[part], "twoways")
    return out


def _objective(m: FloatArray, data: _Data, s: FloatArray, f: Quadratic) -> Quadratic:
    """lnL, gradient and Hessian in s = atanh(rho); f: the log-determinant with its own."""
    rho = np.tanh(s)
    n, t = data.y.shape
    a = np.array([1.0, -rho[0], -rho[1]])
    slope = 1.0 - rho**2
    ma = m @ a
    q = float(a @ ma)
    by_rho = -2.0 * ma[1:]
    q1 = by_rho * slope
    q2 = 2.0 * m[1:, 1:] * np.outer(slope, slope) + np.diag(by_rho * -2.0 * rho * slope)
    half = n * t / 2.0
    constant = -half * (np.log(2 * np.pi) + 1 - np.log(n * t))
    value = constant - half * np.log(q) + t * f[0]
    return value, -half * q1 / q + t * f[1], -half * (q2 / q - np.outer(q1, q1) / q**2) + t * f[2]


def _starts(m: FloatArray, data: _Data, ld: RegimeLogDet) -> list[FloatArray]:
    """The highest local maxima of a first look at the whole plane."""
    s = np.linspace(-REACH, REACH, GRID)
    rho = np.tanh(s)
    r1, r2 = rho[:, None], rho[None, :]
    q = m[0, 0] - 2 * (r1 * m[0, 1] + r2 * m[0, 2]) + r1**2 * m[1, 1] + 2 * r1 * r2 * m[1, 2] + r2**2 * m[2, 2]
    value = -data.y.size / 2.0 * np.log(q) + data.y.shape[1] * ld.coarse(s)
    inner = value[1:-1, 1:-1]
    is_top = np.ones(inner.shape, dtype=bool)
    for i, j in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)):
        is_top &= inner >= value[1 + i : GRID - 1 + i, 1 + j : GRID - 1 + j]
    places = np.argwhere(is_top) + 1
    order = np.argsort([-value[i, j] for i, j in places])[:STARTS]
    return [np.array([s[places[k][0]], s[places[k][1]]]) for k in order]


def _climb(m: FloatArray, data: _Data, ld: RegimeLogDet, start: FloatArray) -> tuple[FloatArray, float] | None:
    """Newton with a bounded step, halved until lnL rises; None if it runs to the bound."""
    s, tile = start, ld.tile_of(start)
    value, gradient, hessian = _objective(m, data, s, ld.derivatives(s, tile))
    for _ in range(STEPS):
        if np.abs(gradient).max() <= TOLERANCE * data.y.size:
            return s, float(value)
        roots, vectors = np.linalg.eigh(hessian)
        step = vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(roots), 1e-8))
        step *= min(1.0, LONGEST / float(np.abs(step).max()))
        for _ in range(30):
            new = s + step
            if np.abs(new).max() > EDGE:
                return None
            at = tile if ld.reaches(new, tile) else ld.tile_of(new)
            reached = _objective(m, data, new, ld.derivatives(new, at))
            if reached[0] > value:
                break
            step /= 2.0
        else:
            return s, float(value)  # no higher point within rounding
        s, tile, (value, gradient, hessian) = new, at, reached
    return s, float(value)


def _distinct(found: list[tuple[FloatArray, float]]) -> int:
    modes: list[FloatArray] = []
    for s, _ in found:
        if all(np.abs(s - other).max() > 0.02 for other in modes):
            modes.append(s)
    return len(modes)


def _covariance(data: _Data, at: FloatArray) -> FloatArray:
    """Sandwich of the scores clustered by city around the inverse of the observed information.

    lnL_rs = -L_r'L_s / s2 - T' tr(G_r G_s); s2 = SSR / dof and T' = T dof / (NT): what the effects leave of both.
    """
    k, (n, t) = data.z.shape[2], data.y.shape
    rho, share = at[k : k + 2], data.dof / data.y.size
    s2 = float(at[-1]) / share
    raw = data.columns(data.y)
    z = _clean(data.z, data.is_first, data.years)
    h = np.column_stack([z.reshape(-1, k), raw[:, 1:]])
    e = raw[:, 0] - h @ at[:-1]
    w = data.weights.matrix.toarray()
    d = data.is_first.astype(np.float64)[:, None]
    inverse = np.linalg.inv(np.eye(n) - (rho[0] * d + rho[1] * (1 - d)) * w)
    g = [(d * w) @ inverse, ((1 - d) * w) @ inverse]
    size = k + 3
    info = np.zeros((size, size))
    info[:-1, :-1] = h.T @ h / s2
    info[k : k + 2, k : k + 2] += t * share * np.array([[(a * b.T).sum() for b in g] for a in g])
    info[:-1, -1] = info[-1, :-1] = h.T @ e / s2**2
    info[-1, -1] = data.dof / (2 * s2**2)
    residual = e.reshape(n, t)
    linear = [
        lag.reshape(n, t) - _clean(one @ residual, data.is_first, data.years)
        for lag, one in zip(raw[:, 1:].T, g, strict=True)
    ]
    options: dict[str, Any] = {"is_centred": data.years == "common", "share": share, "correction": "jackknife"}
    scores = score_rows(z, linear, [MatrixMultiplier(one) for one in g], residual, s2, Rows.balanced(n, t), **options)
    influence = city_influences(scores, np.linalg.inv(info))
    return influence.T @ influence


def _corrected(
    fit: RegimeFit, data: _Data, ld: RegimeLogDet, s: FloatArray, draws: int, rng: np.random.Generator
) -> RegimeFit:
    """Parametric bootstrap: panels from the fit with its city and year effects, normal errors of SSR / dof."""
    k = data.z.shape[2]
    slopes, rho = fit.maximum[:k], fit.maximum[k : k + 2]
    d = data.is_first[:, None]
    inner = np.eye(len(data.y)) - np.where(d, rho[0], rho[1]) * data.weights.matrix.toarray()
    solve = np.linalg.inv(inner)
    full = inner @ data.y - data.z @ slopes
    mean = data.z @ slopes + full - _clean(full, data.is_first, data.years)  # slopes and effects
    spread = np.sqrt(fit.maximum[-1] * data.y.size / data.dof)
    panels = (mean + spread * rng.standard_normal((len(part), *data.y.shape)) for part in parts(range(draws)))
    tasks = (partial(_refits, solve, drawn, data, ld, s) for drawn in panels)
    kept = [found for part in run_tasks(tasks) for found in part]
    refused = draws - len(kept)
    if len(kept) < max(2, draws // 2):
        raise PanelInputError("most bootstrap panels run to the bound of rho: the two regimes are not identified.")
    values = np.array(kept)
    corrected = 2 * fit.maximum - values.mean(axis=0)
    # the panels' errors have the unbiased variance, so their mean SSR / NT tells nothing new about sigma2
    corrected[-1] = spread**2
    return replace(fit, params=corrected, draws=values, n_refused=refused)


def _refits(solve: FloatArray, drawn: FloatArray, data: _Data, ld: RegimeLogDet, s: FloatArray) -> list[FloatArray]:
    """Parameters of each panel with the right-hand sides `drawn` (B, N, T) that lets the model be estimated."""
    found = []
    for right in drawn:
        y = solve @ right
        top = _climb(data.moments(y), data, ld, s)
        if top is not None:
            found.append(data.params(y, np.tanh(top[0])))
    return found
