"""Residual checks of a panel model: spatial, cross-section and serial dependence, heteroskedasticity, collinearity."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._types import ArrayLike, FloatArray
from python_models.inference import normal
from python_models.regression.data import (
    Weights,
    as_panel_x,
    as_panel_y,
    as_weights,
    degrees,
    demeaned_traces,
    least_squares,
)
from python_models.regression.errors import PanelInputError
from python_models.regression.spec_results import SpecTest
from python_models.regression.within import within
from python_models.space.graph import weight_sums

VIF_LIMIT = 10.0


@dataclass(frozen=True)
class ResidualMoran:
    """Moran's I of the residuals, one entry a year, and one pooled."""

    years: tuple[int, ...]
    statistic: FloatArray
    expected: FloatArray
    sd: FloatArray
    pooled: SpecTest

    @property
    def z(self) -> FloatArray:
        return (self.statistic - self.expected) / self.sd

    def to_frame(self) -> pd.DataFrame:
        """One row per year: year, statistic, expected, sd, z, p (two-sided)."""
        columns = {"year": self.years, "statistic": self.statistic, "expected": self.expected, "sd": self.sd}
        return pd.DataFrame({**columns, "z": self.z, "p": normal(self.z, 1.0).p})


@aligned
def residual_moran(
    residuals: ArrayLike, w: Weights, *, years: Sequence[int] | None = None, effects: str = "twoways"
) -> ResidualMoran:
    """Moran's I of the residuals of each year, and pooled.

    Parameters
    ----------
    residuals : (N, T) array or frame
        Residuals of a fit.
    w : (N, N) matrix, graph or SpatialWeights
        Weights; row i receives.
    years : sequence of int, optional
        Labels of the years.
    effects : str
        Fixed effects of the fit.

    Returns
    -------
    ResidualMoran
        Statistic by year and pooled test.

    Raises
    ------
    PanelInputError
        A year without residual variance.

    Notes
    -----
    I_t = (n/S0) e_t'W e_t / e_t'e_t with e_t centred in its year; moments of independent normal errors. Pooled: z =
    (sum_t e_t'W e_t/s2 - c)/sqrt(Q), c = T' tr(Ws), Q = T' tr(Ws Ws + Ws'Ws), s2 = e'e/(N'T'), standard normal. Both
    treat the slopes as known, which makes the tests slightly conservative.

    References
    ----------
    Cliff and Ord (1981).

    Examples
    --------
    >>> from python_models.regression import residual_moran
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> type(residual_moran(np.random.default_rng(1).normal(size=(12, 6)), W)).__name__
    'ResidualMoran'
    """
    e = as_panel_y(residuals, "residuals")
    n, t = e.shape
    weights = as_weights(w, n)
    labels = tuple(int(year) for year in years) if years is not None else tuple(range(t))
    if len(labels) != t:
        raise PanelInputError(f"{len(labels)} year labels for {t} years of residuals.")
    centred = e - e.mean(axis=0)
    squares = (centred**2).sum(axis=0)
    if (squares <= 0).any():
        raise PanelInputError(
            f"residuals of year {labels[int(np.argmin(squares))]} do not vary: Moran's I does not exist."
        )
    s0, s1, s2 = weight_sums(weights.matrix)
    value = n / s0 * (centred * weights.lag(centred)).sum(axis=0) / squares
    expected = -1.0 / (n - 1)
    sd = float(np.sqrt((n**2 * s1 - n * s2 + 3.0 * s0**2) / ((n**2 - 1) * s0**2) - expected**2))
    n_free, t_free = degrees(n, t, effects)
    traces = demeaned_traces(weights, effects)
    cross = float((e * weights.lag(e)).sum()) / (float((e**2).sum()) / (n_free * t_free))
    z = (cross - t_free * traces.trace) / np.sqrt(t_free * traces.square)
    pooled = SpecTest.normal("moran_residual", z, "pooled over years, centred")
    return ResidualMoran(labels, value, np.full(t, expected), np.full(t, sd), pooled)


@aligned
def pesaran_cd(residuals: ArrayLike) -> SpecTest:
    """Pesaran's CD test of cross-section dependence.

    Parameters
    ----------
    residuals : (N, T) array or frame
        Residuals of a fit.

    Returns
    -------
    SpecTest
        Statistic, degrees of freedom, p-value.

    Notes
    -----
    CD = sqrt(2T/(N(N-1))) sum_{i<j} r_ij, standard normal; r_ij the correlation over years, sum_{i<j} r_ij = (|sum_i
    z_i|^2 - N)/2 with z_i of unit length. Year effects make residuals sum to zero in each year: with equal variances CD
    is near -sqrt(T/2) whatever the dependence, and `squared_correlation` is the one to read.

    References
    ----------
    Pesaran (2004, 2015).

    Examples
    --------
    >>> from python_models.regression import pesaran_cd
    >>> round(pesaran_cd(np.tile([1.0, -1.0, 2.0, -2.0], (5, 1))).statistic, 3)
    6.325
    """
    z = _unit_series(residuals)
    n, t = z.shape
    pairs = (float((z.sum(axis=0) ** 2).sum()) - n) / 2.0
    note = "year effects make residuals sum to zero, which pulls CD towards -sqrt(T/2)"
    return SpecTest.normal("pesaran_cd", np.sqrt(2.0 * t / (n * (n - 1))) * pairs, note)


def squared_correlation(residuals: ArrayLike) -> SpecTest:
    """Cross-section dependence of residuals (N, T) without city effects, by the sum of squared correlations.

    d(d + 2)/(2N) (|Z'Z|_F^2 - N^2/d) with d = T - 1 and Z (N, T) of unit-length series is chi2((d - 1)(d + 2)/2) for
    fixed T and many cities (Bingham 1974). Informative where year effects blind CD; rejects as well where errors last
    or their variances move.
    """
    z = _unit_series(residuals)
    n, t = z.shape
    d = t - 1
    spread = float(((z.T @ z) ** 2).sum()) - n**2 / d
    note = "reacts to serial correlation and to moving variances too"
    return SpecTest.chi2("squared_correlation", d * (d + 2) / (2.0 * n) * spread, (d - 1) * (d + 2) / 2, note)


def _unit_series(residuals: ArrayLike) -> FloatArray:
    e = as_panel_y(residuals, "residuals")
    if e.shape[0] < 2 or e.shape[1] < 3:
        raise PanelInputError(f"cross-section dependence needs two cities and three years, got {e.shape}.")
    centred = e - e.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    if (length <= 0).any():
        raise PanelInputError(f"residuals of the city at position {int(np.argmin(length))} do not vary over the years.")
    z: FloatArray = centred / length
    return z


def wooldridge_ar1(y: ArrayLike, x: ArrayLike, *, time_effects: bool = True) -> SpecTest:
    """Wooldridge's test of serial correlation (2010, 10.6.3; Drukker 2003); four years or more.

    Residuals of the first-differenced regression on their own lag; H0 slope = -1/2, F(1, N - 1), clustered by city.
    """
    plane = as_panel_y(y)
    cube = as_panel_x(x, plane.shape)
    n, t = plane.shape
    if t < 4:
        raise PanelInputError(f"the Wooldridge test needs four years, the panel has {t}.")
    dy, dx = np.diff(plane, axis=1), np.diff(cube, axis=1)
    if time_effects:
        dy, dx = within(dy, "time"), within(dx, "time")
    e = least_squares(dx.reshape(n * (t - 1), -1), dy.reshape(-1)).residual.reshape(n, t - 1)
    now, before = e[:, 1:], e[:, :-1]
    square = float((before**2).sum())
    slope = float((now * before).sum()) / square
    u = now - slope * before
    score = (before * u).sum(axis=1)
    variance = n / (n - 1) * float((score**2).sum()) / square**2
    note = f"slope {slope:.4f}; -0.5 means no serial correlation"
    return SpecTest.f("wooldridge_ar1", (slope + 0.5) ** 2 / variance, 1, n - 1, note)


def modified_wald(residuals: ArrayLike) -> SpecTest:
    """Modified Wald test of group-wise heteroskedasticity of residuals (N, T) (Greene 2000; Baum 2001).

    W = sum_i (s2_i - s2)^2/V_i, chi2(N), with s2_i = sum_t e_it^2/T, s2 their mean and V_i = sum_t (e_it^2 -
    s2_i)^2/(T(T - 1)).
    """
    e = as_panel_y(residuals, "residuals")
    n, t = e.shape
    if t < 3:
        raise PanelInputError(f"the modified Wald test needs three years, the panel has {t}.")
    variance = (e**2).mean(axis=1)
    spread = ((e**2 - variance[:, None]) ** 2).sum(axis=1) / (t * (t - 1))
    if (spread <= 0).any():
        raise PanelInputError(f"squared residuals of the city at position {int(np.argmin(spread))} do not vary.")
    value = float(((variance - variance.mean()) ** 2 / spread).sum())
    note = "over-rejects when T is small against N: read with the bootstrap errors" if t < 30 else ""
    return SpecTest.chi2("modified_wald", value, n, note)


@aligned
def variance_inflation(
    x: ArrayLike, w: Weights | None = None, *, effects: str = "twoways", names: Sequence[str] | None = None
) -> pd.DataFrame:
    """Variance inflation of each within-transformed regressor of [x, W x].

    Parameters
    ----------
    x : (N, T, k) array, or frame(s)
        Regressors.
    w : (N, N) matrix, graph or SpatialWeights, optional
        Weights; without: x alone.
    effects, names : as in `fit_panel`

    Returns
    -------
    DataFrame
        term, vif = 1/(1 - R^2_j), is_flagged (above 10).

    Examples
    --------
    >>> from python_models.regression import variance_inflation
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> variance_inflation(x[..., None], W).shape
    (2, 3)
    """
    cube = np.asarray(x, dtype=np.float64)
    if cube.ndim != 3:
        raise PanelInputError(f"x must have the axes (city, year, regressor), got shape {cube.shape}.")
    cube = as_panel_x(cube, cube.shape[:2])
    labels = list(names) if names is not None else [f"x{j + 1}" for j in range(cube.shape[2])]
    if w is not None:
        cube = np.concatenate([cube, as_weights(w, cube.shape[0]).lag(cube)], axis=2)
        labels += [f"W:{name}" for name in labels]
    z = within(cube, effects).reshape(-1, cube.shape[2])
    bread = least_squares(z, z[:, 0], labels).bread
    vif = np.diag(bread) * (z**2).sum(axis=0)
    return pd.DataFrame({"term": labels, "vif": vif, "is_flagged": vif > VIF_LIMIT})
