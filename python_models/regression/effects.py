"""Average direct, indirect and total effects of a spatial panel model (LeSage and Pace 2009).

S_r = (I - rho W)^-1 (b_r I + th_r W).  direct = tr(S_r)/n, total = 1'S_r 1/n, indirect = total - direct.
With g1 = tr G, g2 = tr G^2, G = W (I - rho W)^-1:

    direct = b (n + rho g1)/n + th g1/n          d direct / d rho = [b (g1 + rho g2) + th g2]/n
    total  = (b + th)/(1 - rho) if W1 = 1, else from 1'(I - rho W)^-1 1 and its derivative

so neither needs an inverse. Models without W y have rho = 0, models without W X have th = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.polynomial import chebyshev

from python_models import _plot
from python_models._show import Shown
from python_models._types import FloatArray
from python_models.inference import normal, p_two_sided
from python_models.regression.core import CoreFit
from python_models.regression.errors import PanelInputError
from python_models.regression.logdet import log_determinant

EFFECT_NAMES = ("direct", "indirect", "total")
METHODS = ("simulation", "delta")
MANY_REJECTED, SE_DISAGREE = 0.05, 0.10
MAX_ROUNDS, NODES = 200, 16


@dataclass(frozen=True, eq=False)
class AverageEffects(Shown):
    """Effects of K regressors; every array is (K, 3) with the columns direct, indirect, total.

    point : at the estimates.   mean_draws : mean of the draws (NaN for `delta`).   se, lower, upper : by the method
    asked for (simulation: standard deviation and percentiles of the draws; delta: normal interval).   se_delta : by the
    delta method.   p : two-sided, by the method of the interval
    (NaN for an effect that is zero by construction).   share_rejected : share of draws with rho outside its
    feasible range, which were drawn again (NaN for `delta`).   standardised : point times sd(x) / sd(y), or NaN.
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
        """One row per regressor and effect."""
        k = len(self.names)
        columns = ("point", "mean_draws", "se", "lower", "upper", "p", "se_delta", "standardised")
        return pd.DataFrame(
            {
                "variable": np.repeat(np.array(self.names, dtype=object), 3),
                "effect": list(EFFECT_NAMES) * k,
                **{name: getattr(self, name).reshape(-1) for name in columns},
                "share_rejected": self.share_rejected,
                "method": self.method,
                "flag": [flag for row in self.flags for flag in row],
            }
        )

    def plot(self) -> _plot.Picture:
        """Altair chart: direct, indirect and total effect of each regressor with their intervals.

        ImportError: Altair is not installed.
        """
        title = f"change of y for one unit of x, {self.level:.0%} interval ({self.method})"
        limits = ("lower", "upper")
        return _plot.ranges(self.to_frame(), of="variable", x="point", limits=limits, title=title, color="effect")


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

    `delta`: gradient in (b, th, rho) times the covariance. `simulation`: `draws` from N(estimate, covariance) with
    `rng`; a draw with rho outside its feasible range is drawn again and counted. `sd_ratio` (K,): sd(x) / sd(y).
    Raises PanelInputError for an unknown method, a missing rng, fewer than 100 draws, or a law that lies almost wholly
    outside the feasible range.

    >>> from python_models.regression import average_effects, fit_panel
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> fit = fit_panel(y, x[..., None], W)
    >>> average_effects(fit).to_frame()[["effect", "point"]].round(1)
         effect  point
    0    direct    2.0
    1  indirect    1.0
    2     total    3.0
    """
    if method not in METHODS:
        raise PanelInputError(f"method must be one of {', '.join(METHODS)}, got {method!r}.")
    law = _Law.of(fit)
    point, gradient = law.effects(law.mean), law.gradient()
    se_delta = np.sqrt(np.maximum(np.einsum("kej,jl,kel->ke", gradient, law.cov, gradient), 0.0))
    share, mean = np.nan, np.full_like(point, np.nan)
    if method == "delta":
        found = normal(point, se_delta, level)
        se, lower, upper, p = se_delta, found.lower, found.upper, found.p
    else:
        sample, share = law.sample(draws, rng)
        simulated = law.effects(sample)
        mean, se = simulated.mean(axis=0), simulated.std(axis=0, ddof=1)
        lower, upper = np.quantile(simulated, [0.5 - level / 2.0, 0.5 + level / 2.0], axis=0)
        p = np.where(se > 0, p_two_sided(simulated), np.nan)
    scale = np.full(len(point), np.nan) if sd_ratio is None else sd_ratio
    return AverageEffects(
        names=tuple(names) if names is not None else fit.names[: len(point)],
        method=method,
        level=level,
        point=point,
        mean_draws=mean,
        se=se,
        lower=lower,
        upper=upper,
        p=p,
        se_delta=se_delta,
        share_rejected=share,
        standardised=point * scale[:, None],
    )


def effect_gradient(fit: CoreFit) -> FloatArray:
    """d effects / d (slopes, rho) at the estimates, (K, 3, p): direct, indirect, total effect of each regressor."""
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
        """(.., K, 3)."""
        b, th, rho = self.split(theta)
        own, own_w, every, every_w = (part[..., None] for part in self._multipliers(rho))
        direct, total = b * own + th * own_w, b * every + th * every_w
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
        """d effects / d theta at the estimates, (K, 3, p)."""
        b, th, rho = self.split(self.mean)
        own, own_w, every, every_w = (float(part) for part in self._multipliers(rho))
        out = np.zeros((self.n_x, 3, len(self.mean)))
        rows = np.arange(self.n_x)
        out[rows, 0, rows], out[rows, 2, rows] = own, every
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
        kept: list[FloatArray] = []
        missing, drawn = draws, 0
        for _ in range(MAX_ROUNDS):
            batch = rng.multivariate_normal(self.mean, self.cov, size=missing, method="eigh")
            drawn += missing
            if self.fit.conv.has_rho:
                inside = (batch[:, -1] > self.fit.optimum.low) & (batch[:, -1] < self.fit.optimum.high)
                batch = batch[inside]
            kept.append(batch)
            missing -= len(batch)
            if missing == 0:
                return np.concatenate(kept), 1.0 - draws / drawn
        raise PanelInputError("almost every draw of rho lies outside its feasible range: use method='delta'.")


def _mass(fit: CoreFit, rho: float) -> tuple[float, float]:
    """1'A W 1 / n and its derivative 1'A W A W 1 / n, A = (I - rho W)^-1, for a W whose rows do not sum to one."""
    weights = fit.weights
    factor = log_determinant(weights).system.factor(rho)
    right = factor.solve(weights.lag(np.ones(weights.n)))
    twice = factor.solve(weights.lag(right))
    return float(right.mean()), float(twice.mean())


def _interpolated(function: Callable[[float], float], rho: FloatArray) -> FloatArray:
    """`function` at rho; for many values by a Chebyshev interpolant over their range."""
    flat = rho.reshape(-1)
    if len(flat) <= NODES:
        return np.array([function(float(r)) for r in flat]).reshape(rho.shape)
    low, high = float(flat.min()), float(flat.max())
    x = np.cos((np.arange(NODES) + 0.5) * np.pi / NODES)
    values = [function(float(r)) for r in (low + high) / 2.0 + (high - low) / 2.0 * x]
    coefficients = chebyshev.chebfit(x, values, NODES - 1)
    return np.asarray(chebyshev.chebval((2.0 * rho - low - high) / (high - low), coefficients))
