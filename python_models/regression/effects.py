"""Direct, indirect and total effects of a spatial panel model (LeSage and Pace 2009): averages, by city, by order.

S_r = (I - rho W)^-1 (b_r I + th_r W).  direct = tr(S_r)/n, total = 1'S_r 1/n, indirect = total - direct. With
g1 = tr G, g2 = tr G^2, G = W (I - rho W)^-1:

    direct = b (n + rho g1)/n + th g1/n          d direct / d rho = [b (g1 + rho g2) + th g2]/n
    total  = (b + th)/(1 - rho) if W1 = 1, else from 1'(I - rho W)^-1 1 and its derivative
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.polynomial import chebyshev

from python_models._show import Shown
from python_models._types import FloatArray
from python_models.inference import normal, normal_draws, p_two_sided
from python_models.regression.core import CoreFit
from python_models.regression.errors import PanelInputError, require_known
from python_models.regression.logdet import Factor, log_determinant

EFFECT_NAMES = ("direct", "indirect", "total")
METHODS = ("simulation", "delta")
MANY_REJECTED, SE_DISAGREE = 0.05, 0.10
MAX_ROUNDS, NODES = 200, 16
EXACT_LIMIT = 5000  # cities up to which the diagonal of the inverse is solved column by column
BLOCK, PROBES, SEED = 256, 128, 20_102


@dataclass(frozen=True, eq=False)
class AverageEffects(Shown):
    """Effects of K regressors; every array is (K, 3) with the columns direct, indirect, total.

    se, lower, upper, p : by the method asked for (simulation: standard deviation and percentiles of the draws,
    `mean_draws` their mean; delta: normal).   p is NaN for an effect that is zero by construction.   share_rejected :
    draws with rho outside its feasible range, drawn again (NaN for `delta`).   standardised : point times sd(x) /
    sd(y), or NaN.
    """

    names: tuple[str, ...]
    method: str
    level: float
    point: FloatArray
    mean_draws: FloatArray
    se: FloatArray
    lower: FloatArray
    upper: FloatArray
    p: FloatArray
    se_delta: FloatArray
    share_rejected: float
    standardised: FloatArray

    @property
    def flags(self) -> tuple[tuple[str, ...], ...]:
        """For each regressor and effect: 'many_rejected' (share above 5 %), 'se_differ' (by more than 10 %), or ''."""
        differ = np.abs(self.se - self.se_delta) > SE_DISAGREE * self.se_delta
        many = self.share_rejected > MANY_REJECTED
        return tuple(tuple(" ".join(["many_rejected"] * many + ["se_differ"] * bool(d)) for d in row) for row in differ)

    def to_frame(self) -> pd.DataFrame:
        columns = ("point", "mean_draws", "se", "lower", "upper", "p", "se_delta", "standardised")
        names = np.repeat(np.array(self.names, dtype=object), 3)
        frame = pd.DataFrame({"variable": names, "effect": list(EFFECT_NAMES) * len(self.names)})
        frame = frame.assign(**{name: getattr(self, name).reshape(-1) for name in columns})
        flags = [flag for row in self.flags for flag in row]
        return frame.assign(share_rejected=self.share_rejected, method=self.method, flag=flags)


def average_effects(
    fit: CoreFit,
    *,
    method: str = "delta",
    draws: int = 2000,
    rng: np.random.Generator | None = None,
    level: float = 0.95,
    names: Sequence[str] | None = None,
    sd_ratio: FloatArray | None = None,
) -> AverageEffects:
    """Direct, indirect and total effects with standard errors, intervals and p-values.

    Parameters
    ----------
    fit : CoreFit
        Fitted model.
    method : str
        "delta": gradient in (b, th, rho) times the covariance. "simulation": draws from N(estimate, covariance); one
        with rho outside its range is drawn again and counted.
    draws : int
        Draws of a simulation, 100 or more.
    rng : numpy Generator, optional
        Needed for a simulation.
    level : float
        Coverage of the intervals.
    names : sequence of str, optional
        Names of the regressors.
    sd_ratio : (K,) array, optional
        sd(x) / sd(y), for standardised effects.

    Returns
    -------
    AverageEffects
        A row per regressor and effect.

    Raises
    ------
    PanelInputError
        An unknown method, a missing rng, fewer than 100 draws, a law almost wholly outside the feasible range.

    Notes
    -----
    S_r = (I - rho W)^-1 (b_r I + th_r W): direct tr S_r / n, total 1'S_r 1 / n, indirect their difference.

    References
    ----------
    LeSage and Pace (2009).

    Examples
    --------
    >>> from python_models.regression import average_effects, fit_panel
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> average_effects(fit_panel(y, x[..., None], W)).point.round(1).tolist()  # direct, indirect, total
    [[2.0, 1.0, 3.0]]
    """
    require_known(method, METHODS, "method")
    law = _Law.of(fit)
    point, gradient = law.effects(law.mean), law.gradient()
    se_delta = np.sqrt(np.maximum(np.einsum("kej,jl,kel->ke", gradient, law.cov, gradient), 0.0))
    share, mean = np.nan, np.full_like(point, np.nan)
    if method == "delta":
        limits = normal(point, se_delta, level)
        se, lower, upper, p = se_delta, limits.lower, limits.upper, limits.p
    else:
        sample, share = law.sample(draws, rng)
        simulated = law.effects(sample)
        mean, se = simulated.mean(axis=0), simulated.std(axis=0, ddof=1)
        lower, upper = np.quantile(simulated, [0.5 - level / 2.0, 0.5 + level / 2.0], axis=0)
        p = np.where(se > 0, p_two_sided(simulated), np.nan)
    standardised = np.full_like(point, np.nan) if sd_ratio is None else point * sd_ratio[:, None]
    labels = tuple(names) if names is not None else fit.names[: len(point)]
    return AverageEffects(labels, method, level, point, mean, se, lower, upper, p, se_delta, float(share), standardised)


def effect_gradient(fit: CoreFit) -> FloatArray:
    """d effects / d (slopes, rho) at the estimates, (K, 3, p)."""
    return _Law.of(fit).gradient()


@dataclass(frozen=True, eq=False)
class _Law:
    """Estimates of (b, th, rho) with their covariance, and the traces that turn them into effects."""

    fit: CoreFit
    mean: FloatArray
    cov: FloatArray
    n_x: int

    @classmethod
    def of(cls, fit: CoreFit) -> _Law:
        last = fit.n_slopes + int(fit.conv.has_rho)
        return cls(fit, fit.params[:last], fit.cov[:last, :last], fit.n_slopes - len(fit.lagged))

    def split(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """b (.., K), th (.., K, zero where not lagged) and rho (..)."""
        slopes = theta[..., : self.fit.n_slopes]
        th = np.zeros((*theta.shape[:-1], self.n_x))
        th[..., list(self.fit.lagged)] = slopes[..., self.n_x :]
        rho = theta[..., -1] if self.fit.conv.has_rho else np.zeros(theta.shape[:-1])
        return slopes[..., : self.n_x], th, rho

    def effects(self, theta: FloatArray) -> FloatArray:
        b, th, rho = self.split(theta)
        trace, own_w, every, every_w = (part[..., None] for part in self._multipliers(rho))
        direct, total = b * trace + th * own_w, b * every + th * every_w
        return np.stack([direct, total - direct, total], axis=-1)

    def _multipliers(self, rho: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """tr A / n, tr AW / n, 1'A1 / n, 1'AW1 / n with A = (I - rho W)^-1."""
        weights, n = self.fit.weights, self.fit.weights.n
        if not self.fit.conv.has_rho:
            one = np.ones_like(rho)
            return one, 0.0 * one, one, one * float(weights.matrix.sum()) / n
        g1 = -log_determinant(weights).derivatives(rho, near=self.fit.rho)[1]
        if weights.is_row_normalised:
            every = 1.0 / (1.0 - rho)
            return 1.0 + rho * g1 / n, g1 / n, every, every
        every_w = _interpolated(lambda r: _mass(self.fit, r)[0], rho)
        return 1.0 + rho * g1 / n, g1 / n, 1.0 + rho * every_w, every_w

    def gradient(self) -> FloatArray:
        b, th, rho = self.split(self.mean)
        trace, own_w, every, every_w = (float(part) for part in self._multipliers(rho))
        out = np.zeros((self.n_x, 3, len(self.mean)))
        rows = np.arange(self.n_x)
        out[rows, 0, rows], out[rows, 2, rows] = trace, every
        lagged = np.array(self.fit.lagged, dtype=int)
        at = self.n_x + np.arange(len(lagged))
        out[lagged, 0, at], out[lagged, 2, at] = own_w, every_w
        if self.fit.conv.has_rho:
            n, r = self.fit.weights.n, float(rho)
            _, f1, f2 = log_determinant(self.fit.weights).derivatives(r)
            g1, g2 = -float(f1), -float(f2)
            out[:, 0, -1] = (b * (g1 + r * g2) + th * g2) / n
            if self.fit.weights.is_row_normalised:
                out[:, 2, -1] = (b + th) / (1.0 - r) ** 2
            else:
                value, slope = _mass(self.fit, r)
                out[:, 2, -1] = b * (value + r * slope) + th * slope
        out[:, 1] = out[:, 2] - out[:, 0]
        return out

    def sample(self, draws: int, rng: np.random.Generator | None) -> tuple[FloatArray, float]:
        """`draws` parameter vectors inside the feasible range, and the share that fell outside."""
        if rng is None:
            raise PanelInputError("simulated effects need `rng`, for example numpy.random.default_rng(2026).")
        if draws < 100:
            raise PanelInputError(f"simulated effects need at least 100 draws, got {draws}.")
        batches: list[FloatArray] = []
        missing, n_drawn = draws, 0
        for _ in range(MAX_ROUNDS):
            batch = self.mean + normal_draws(self.cov, missing, rng)
            n_drawn += missing
            if self.fit.conv.has_rho:
                inside = (batch[:, -1] > self.fit.optimum.low) & (batch[:, -1] < self.fit.optimum.high)
                batch = batch[inside]
            batches.append(batch)
            missing -= len(batch)
            if missing == 0:
                return np.concatenate(batches), 1.0 - draws / n_drawn
        raise PanelInputError("almost every draw of rho lies outside its feasible range: use method='delta'.")


def _mass(fit: CoreFit, rho: float) -> tuple[float, float]:
    """1'A W 1 / n and its derivative 1'A W A W 1 / n, A = (I - rho W)^-1, for a W whose rows do not sum to one."""
    factor = log_determinant(fit.weights).system.factor(rho)
    right = factor.solve(fit.weights.lag(np.ones(fit.weights.n)))
    return float(right.mean()), float(factor.solve(fit.weights.lag(right)).mean())


def _interpolated(function: Callable[[float], float], rho: FloatArray) -> FloatArray:
    """`function` at rho; for many values by a Chebyshev interpolant over their range."""
    if rho.size <= NODES:
        return np.array([function(float(r)) for r in rho.ravel()]).reshape(rho.shape)
    low, high = float(rho.min()), float(rho.max())
    x = np.cos((np.arange(NODES) + 0.5) * np.pi / NODES)
    values = [function(float(r)) for r in (low + high) / 2.0 + (high - low) / 2.0 * x]
    coefficients = chebyshev.chebfit(x, values, NODES - 1)
    return np.asarray(chebyshev.chebval((2.0 * rho - low - high) / (high - low), coefficients))


def city_effects(fit: CoreFit, variable: int, cities: Sequence[object], *, name: str | None = None) -> pd.DataFrame:
    """Effects of one regressor by city.

    Parameters
    ----------
    fit : CoreFit
        Fitted model.
    variable : int
        Position of the regressor.
    cities : sequence
        Labels of the cities.
    name : str, optional
        Name of the regressor.

    Returns
    -------
    DataFrame
        A row per city: own (S_r)_ii, received sum_{j != i} (S_r)_ij (what the others' x do to i), emitted sum_{j != i}
        (S_r)_ji, each with delta standard error; own_se_probes: what probes leave (0: exact, n <= 5,000).

    Raises
    ------
    PanelInputError
        An unknown regressor, or another number of labels.

    Notes
    -----
    Received and emitted agree in the mean only.

    Examples
    --------
    >>> from python_models.regression import city_effects, fit_panel
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> city_effects(fit_panel(y, x[..., None], W), 0, list("abcdefghijkl")).shape
    (12, 9)
    """
    n_x = fit.n_slopes - len(fit.lagged)
    if not 0 <= variable < n_x:
        raise PanelInputError(f"the model has {n_x} regressors, number {variable} is not among them.")
    if len(cities) != fit.weights.n:
        raise PanelInputError(f"{len(cities)} city labels for {fit.weights.n} cities.")
    b, th, at_theta = _slopes(fit, variable)
    is_lagged = at_theta is not None
    inverse, lagged, slope, slope_lagged, probe_se = _parts(fit)
    value = b * inverse + th * lagged
    positions = [variable] + ([at_theta] if at_theta is not None else []) + [fit.n_slopes] * fit.conv.has_rho
    gradient = [inverse] + [lagged] * is_lagged + [b * slope + th * slope_lagged] * fit.conv.has_rho
    g = np.stack([np.stack([part[0], part[1] - part[0], part[2] - part[0]]) for part in gradient])
    se = np.sqrt(np.einsum("aej,ab,bej->ej", g, fit.cov[np.ix_(positions, positions)], g))
    out = {"city": list(cities), "variable": name or fit.names[variable]}
    sides = (value[0], value[1] - value[0], value[2] - value[0])
    for column, numbers, errors in zip(("own", "received", "emitted"), sides, se, strict=True):
        out[column], out[f"{column}_se"] = numbers, errors
    scale = abs(b + th / fit.rho) if fit.rho else 0.0
    return pd.DataFrame({**out, "own_se_probes": scale * probe_se})


def _slopes(fit: CoreFit, x: int) -> tuple[float, float, int | None]:
    """b and th of regressor x, and the place of th (None: not lagged, th = 0)."""
    b = float(fit.params[x])
    if x not in fit.lagged:
        return b, 0.0, None
    at = fit.n_slopes - len(fit.lagged) + fit.lagged.index(x)
    return b, float(fit.params[at]), at


def _parts(fit: CoreFit) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Own, row sums, column sums (3, n) of A, AW, A' = AWA, AWAW, A = (I - rho W)^-1; error of the probes (n,)."""
    weights, n = fit.weights, fit.weights.n
    ones, zero = np.ones(n), np.zeros(n)
    columns = np.asarray(weights.matrix.T @ ones)
    if not fit.conv.has_rho:
        empty = np.zeros((3, n))
        return np.stack([ones, ones, ones]), np.stack([zero, weights.lag(ones), columns]), empty, empty, zero
    factor = log_determinant(weights).system.factor(fit.rho)
    diagonal, own_slope, probe_se = _diagonals(fit, factor)

    def rows(v: FloatArray) -> FloatArray:
        return factor.solve(weights.lag(v))

    def back(v: FloatArray) -> FloatArray:
        return np.asarray(weights.matrix.T @ factor.solve(v, transposed=True))

    right, left = factor.solve(ones), factor.solve(ones, transposed=True)
    inverse = np.stack([diagonal, right, left])
    lagged = np.stack([(diagonal - 1.0) / fit.rho if fit.rho else zero, rows(ones), back(ones)])
    slope = np.stack([own_slope, rows(right), factor.solve(back(ones), transposed=True)])
    both = (own_slope - lagged[0]) / fit.rho if fit.rho else zero  # AWAW = (AWA - AW) / rho
    return inverse, lagged, slope, np.stack([both, rows(rows(ones)), back(back(ones))]), probe_se


def _diagonals(fit: CoreFit, factor: Factor) -> tuple[FloatArray, FloatArray, FloatArray]:
    weights, n = fit.weights, fit.weights.n
    if n > EXACT_LIMIT:
        v = np.random.default_rng(SEED).choice(np.array([-1.0, 1.0]), size=(n, PROBES))
        image = factor.solve(v)
        per_probe = v * image
        slope = (v * factor.solve(weights.lag(image))).mean(axis=1)
        return per_probe.mean(axis=1), slope, per_probe.std(axis=1, ddof=1) / np.sqrt(PROBES)
    diagonal, slope = np.empty(n), np.empty(n)
    for start in range(0, n, BLOCK):
        at = slice(start, min(n, start + BLOCK))
        image = factor.solve(np.eye(n, at.stop - start, -start))
        diagonal[at] = np.diagonal(image[at])
        slope[at] = np.diagonal(factor.solve(weights.lag(image))[at])
    return diagonal, slope, np.zeros(n)
