"""The log t test of convergence (Phillips and Sul 2007)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import ndtr

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray

REJECT_BELOW = -1.65  # one-sided 5 %
LEAST_POINTS = 4


@dataclass(frozen=True, eq=False)
class LogTResult(Shown):
    """Slope b of the log t regression with its standard error and t; speed of convergence alpha = b / 2.

    converges: t > -1.65. p_value: one-sided, of a slope this low. kind: level (b >= 2), rate (0 <= b < 2), slow (b < 0,
    not rejected) or none. dispersion: H_t, shape (T,).
    """

    b: float
    se: float
    t: float
    intercept: float
    p_value: float
    n_units: int
    n_points: int
    dispersion: FloatArray

    @property
    def converges(self) -> bool:
        return bool(self.t > REJECT_BELOW)

    @property
    def kind(self) -> str:
        if not self.converges:
            return "none"
        return "level" if self.b >= 2.0 else "rate" if self.b >= 0.0 else "slow"

    def to_frame(self) -> pd.DataFrame:
        """One row: n_units, n_points, b, se, t, p_value, speed, converges, kind."""
        row = {name: getattr(self, name) for name in ("n_units", "n_points", "b", "se", "t", "p_value")}
        return pd.DataFrame([{**row, "speed": self.b / 2.0, "converges": self.converges, "kind": self.kind}])


@dataclass(frozen=True, eq=False)
class LogTDesign:
    """The regression on 1 and ln t for one T and r: many responses share it.

    columns: the first year, then the years t0..T that the regression sees (0-based).
    """

    columns: np.ndarray
    offset: FloatArray  # 2 ln ln t
    inverse: FloatArray  # (2, m): (X'X)^-1 X'
    residual_maker: FloatArray  # (m, m)
    scale: float  # [(X'X)^-1]_22

    @classmethod
    def of(cls, n_years: int, r: float) -> LogTDesign:
        """t = round(r T) + 1, .., T, at least from 2 (ln ln 1 is undefined); halves round to even."""
        if not 0.0 <= r < 1.0:
            raise ValueError(f"r must lie in [0, 1), got {r}.")
        first = max(round(r * n_years) + 1, 2)
        if n_years - first + 1 < LEAST_POINTS:
            raise ValueError(
                f"{n_years} years and r = {r:.3g} leave {n_years - first + 1} points for the log t regression: "
                f"it needs {LEAST_POINTS} or more."
            )
        log_t = np.log(np.arange(first, n_years + 1, dtype=np.float64))
        X = np.column_stack([np.ones_like(log_t), log_t])
        q, upper = np.linalg.qr(X)
        inverse = np.linalg.solve(upper, q.T)
        scale = float((inverse[1] ** 2).sum())
        columns = np.concatenate([[0], np.arange(first - 1, n_years)])
        return cls(columns, 2.0 * np.log(log_t), inverse, np.eye(log_t.size) - X @ inverse, scale)

    def fit(self, H: FloatArray) -> FloatArray:
        """a, b, se, t, shape (4, q), from dispersions H (q, 1 + m) at `columns`; nan where an H is 0 or missing."""
        with np.errstate(invalid="ignore", divide="ignore"):
            response = np.log(H[:, :1] / H[:, 1:]) - self.offset
            response[~(H > 0.0).all(axis=1)] = np.nan
            a, b = self.inverse @ response.T
            se = np.sqrt(_long_run_variance(response @ self.residual_maker.T) * self.scale)
            return np.stack([a, b, se, b / se])


@aligned
def log_t(Y: ArrayLike | pd.DataFrame, r: float = 1.0 / 3.0) -> LogTResult:
    """Log t test: do all units converge?

    Parameters
    ----------
    Y : (N, T) array or frame
        Positive values, N >= 2.
    r : float
        Share of first years left out (0.3 in the paper).

    Returns
    -------
    LogTResult
        Slope b, its standard error and t; convergence is rejected if t < -1.65.

    Raises
    ------
    ValueError
        A value that is missing or not positive, or too few years.

    Notes
    -----
    h_it = y_it / mean_j y_jt, H_t = (1/N) sum_i (h_it - 1)^2, and over t = round(r T) + 1, .., T ln(H_1 / H_t) - 2 ln
    ln t = a + b ln t + u_t. se = sqrt(LRV [(X'X)^-1]_22), LRV with quadratic spectral weights and the bandwidth of
    Andrews (1991). An H_t of 0 gives nan.

    References
    ----------
    Phillips and Sul (2007, Econometrica 75).

    Examples
    --------
    >>> from python_models.dynamics import log_t
    >>> rng, t = np.random.default_rng(3), np.arange(1, 31)
    >>> Y = 5 + rng.normal(size=(10, 1)) / t
    >>> log_t(Y).t > -1.65  # they converge
    True
    """
    values = positive_plane(Y)
    design = LogTDesign.of(values.shape[1], r)
    H = dispersion(values)
    a, b, se, t = (float(x[0]) for x in design.fit(H[None, design.columns]))
    return LogTResult(b, se, t, a, float(ndtr(t)), values.shape[0], design.offset.size, H)


def dispersion(values: FloatArray) -> FloatArray:
    """H_t = (1/N) sum_i (y_it / mean_t - 1)^2, shape (T,)."""
    h = values / values.mean(axis=0)
    return np.asarray(((h - 1.0) ** 2).mean(axis=0))


def positive_plane(Y: ArrayLike | pd.DataFrame) -> FloatArray:
    """Y as floats (N, T), N >= 2, finite and positive."""
    values = np.asarray(Y, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] < 2:
        raise ValueError(f"Y must have the axes (unit, year) with two units or more, got shape {values.shape}.")
    bad = ~(np.isfinite(values) & (values > 0.0))
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"Y holds a missing or not positive number at position {place}: log t needs y > 0.")
    return values


def _long_run_variance(u: FloatArray) -> FloatArray:
    """LRV (q,) of residuals u (q, m).

    rho = sum u_t u_{t+1} / sum_{t<m} u_t^2, alpha = 4 rho^2 / (1 - rho)^4, bandwidth 1.3221 (alpha m)^0.2;
    gamma_0 = sum over all u^2 / (m - 1); gamma_l, l = 1..m-2, over u_1..u_{m-1} divided by m - 1.
    """
    q, m = u.shape
    head = u[:, :-1]
    lags = sliding_window_view(np.concatenate([head, np.zeros((q, m - 2))], axis=1), m - 1, axis=1)[:, 1:]
    gamma = np.einsum("qlt,qt->ql", lags, head)
    square = (head**2).sum(axis=1)
    rho = np.divide((head * u[:, 1:]).sum(axis=1), square, out=np.zeros(q), where=square != 0.0)
    bandwidth = 1.3221 * (4.0 * rho**2 / (1.0 - rho) ** 4 * m) ** 0.2
    weights = _quadratic_spectral(np.arange(1.0, m - 1.0) / bandwidth[:, None])
    return np.asarray(((u**2).sum(axis=1) + 2.0 * (weights * gamma).sum(axis=1)) / (m - 1))


def _quadratic_spectral(x: FloatArray) -> FloatArray:
    """k(x) = 3 / z^2 (sin z / z - cos z), z = 6 pi x / 5; 1 at 0 and 0 at infinity."""
    z = 1.2 * np.pi * np.where(np.isfinite(x) & (x > 0.0), x, 1.0)
    k = 3.0 / z**2 * (np.sin(z) / z - np.cos(z))
    return np.where(np.isinf(x), 0.0, np.where(x == 0.0, 1.0, k))
