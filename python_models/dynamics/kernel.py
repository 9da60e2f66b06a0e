"""Gaussian kernel densities: bandwidth rules, curves, features, and a test of one mode."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.spatial.distance import pdist

from python_models._show import OneRow, Shown
from python_models._types import ArrayLike, FloatArray

type Rule = Literal["silverman", "scott", "sheather_jones"]

CELLS = 4_000_000  # numbers of one block: bounds the memory
EXACT_PAIRS = 1000  # more values are binned before their distances are counted
BINS = 2**16


@dataclass(frozen=True, eq=False)
class KernelDensity(Shown):
    """density f at the points x, both (n_grid,), with bandwidth h and the rule that gave it."""

    x: FloatArray
    density: FloatArray
    bandwidth: float
    rule: str
    n_obs: int

    @property
    def mass(self) -> float:
        """Integral over the grid (trapezoids); 1 up to the tails that the grid leaves out."""
        return float(np.trapezoid(self.density, self.x))

    def to_frame(self) -> pd.DataFrame:
        """One row per grid point: grid_id, x, density, bandwidth."""
        ids = np.arange(self.x.size)
        return pd.DataFrame({"grid_id": ids, "x": self.x, "density": self.density, "bandwidth": self.bandwidth})


@dataclass(frozen=True)
class DensityFeatures(OneRow):
    """n_modes on the grid; place, height and width at half height of the main mode; mass above a given point."""

    n_modes: int
    mode_x: float
    mode_height: float
    width_half: float
    right_tail_mass: float


def kernel_density(
    y: ArrayLike | pd.Series,
    *,
    bandwidth: Rule | float = "silverman",
    grid: ArrayLike | None = None,
    n_grid: int = 512,
    reflect: bool = False,
) -> KernelDensity:
    """Gaussian kernel density on a grid, computed in blocks, so that memory stays small.

    Parameters
    ----------
    y : (n,) array or Series
        Finite values, n >= 2.
    bandwidth : str or float
        A rule (see `bandwidth_of`) or h > 0.
    grid : (m,) array, optional
        Ascending points; default: `n_grid` points from min - 3 h to max + 3 h.
    n_grid : int
        Points of the default grid.
    reflect : bool
        Values are >= 0: f(x) + f(-x) for x >= 0.

    Returns
    -------
    KernelDensity
        Points, density and bandwidth.

    Raises
    ------
    ValueError
        A missing value, fewer than two values, or h = 0 (all equal).

    Notes
    -----
    f(x) = (1 / (n h)) sum_i phi((x - y_i) / h).

    References
    ----------
    Silverman (1986).

    Examples
    --------
    >>> from python_models.dynamics import kernel_density
    >>> density = kernel_density([1.0, 2.0, 3.0], bandwidth=0.5)
    >>> round(float(np.trapezoid(density.density, density.x)), 3)
    0.999
    """
    values = finite_vector(y)
    rule = bandwidth if isinstance(bandwidth, str) else "given"
    h = bandwidth_of(values, bandwidth) if isinstance(bandwidth, str) else float(bandwidth)
    if not h > 0.0:
        raise ValueError("the bandwidth is 0: the values do not vary enough for a density.")
    if reflect and values.min() < 0.0:
        raise ValueError("reflection at 0 needs values >= 0.")
    x = default_grid(values, h, n_grid, is_positive=reflect) if grid is None else np.asarray(grid, dtype=np.float64)
    density = _evaluate(values, x, h)
    if reflect:
        density = np.where(x >= 0.0, density + _evaluate(values, -x, h), 0.0)
    return KernelDensity(x, density, h, rule, values.size)


def bandwidth_of(y: ArrayLike | pd.Series, rule: Rule = "silverman") -> float:
    """Bandwidth by rule, with s = min(sd, IQR / 1.34) and type-7 quartiles.

    silverman: 0.9 s n^(-1/5) (the headline).   scott: 1.06 s n^(-1/5).   sheather_jones: solves
    h = (R(phi) / (n S(g(h))))^(1/5), S from all distances (Sheather and Jones 1991, "solve the equation").
    An IQR of 0 is replaced by the sd.
    """
    values = finite_vector(y)
    scale = _spread(values, 1.34)
    if rule == "silverman":
        return float(0.9 * scale * values.size**-0.2)
    if rule == "scott":
        return float(1.06 * scale * values.size**-0.2)
    if rule == "sheather_jones":
        return _sheather_jones(values)
    raise ValueError(f"unknown bandwidth rule {rule!r}: silverman, scott or sheather_jones.")


def default_grid(values: FloatArray, h: float, n_grid: int = 512, *, is_positive: bool = False) -> FloatArray:
    """n_grid points from min - 3 h (0 if is_positive) to max + 3 h."""
    low = 0.0 if is_positive else float(values.min()) - 3.0 * h
    return np.linspace(low, float(values.max()) + 3.0 * h, n_grid)


def features(curve: KernelDensity, *, tail_from: float = math.inf) -> DensityFeatures:
    """Modes of a curve, found on its grid; tail_from: mass above it, by trapezoids."""
    x, f = curve.x, curve.density
    top = int(np.argmax(f))
    tail = x >= tail_from
    mass = float(np.trapezoid(f[tail], x[tail])) if tail.sum() > 1 else 0.0
    return DensityFeatures(
        int(count_modes(f[None])[0]), float(x[top]), float(f[top]), _width(x, f, top, f[top] / 2.0), mass
    )


def count_modes(f: FloatArray, *, has_ends: bool = True) -> FloatArray:
    """Number of local maxima of each row (B, n_grid) above 1e-8 of its highest; a flat top counts once.

    has_ends: a row that falls from its first point, or rises to its last, has a mode there.
    """
    step = np.sign(np.diff(np.where(f > 1e-8 * f.max(axis=1, keepdims=True), f, 0.0), axis=1))
    edge = np.full((f.shape[0], 1), 1.0 if has_ends else 0.0)
    step = np.concatenate([edge, step, -edge], axis=1)
    # a flat stretch goes on as what came before it
    last = np.maximum.accumulate(np.where(step != 0.0, np.arange(step.shape[1]), 0), axis=1)
    step = np.take_along_axis(step, last, axis=1)
    return ((step[:, :-1] > 0.0) & (step[:, 1:] < 0.0)).sum(axis=1).astype(np.float64)


def finite_vector(y: ArrayLike | pd.Series, what: str = "y") -> FloatArray:
    """`y` as finite floats (n,), n >= 2."""
    values = np.asarray(y, dtype=np.float64)
    if values.ndim != 1 or values.size < 2:
        raise ValueError(f"{what} must be one vector of two values or more, got shape {values.shape}.")
    bad = ~np.isfinite(values)
    if bad.any():
        raise ValueError(f"{what} holds a missing or infinite number at position {int(np.argmax(bad))}.")
    return values


def _evaluate(values: FloatArray, x: FloatArray, h: float) -> FloatArray:
    total, root = np.zeros(x.size), h * math.sqrt(2.0)
    scaled, step = x / root, max(1, CELLS // x.size)
    for at in range(0, values.size, step):
        z = scaled[:, None] - values[None, at : at + step] / root
        z *= z
        np.negative(z, out=z)
        total += np.exp(z, out=z).sum(axis=1)
    return total / (values.size * h * math.sqrt(2.0 * math.pi))


def _spread(values: FloatArray, factor: float) -> float:
    sd = float(values.std(ddof=1))
    low, high = np.quantile(values, [0.25, 0.75])
    iqr = float(high - low) / factor
    return min(sd, iqr) if iqr > 0.0 else sd


def _sheather_jones(values: FloatArray) -> float:
    n, scale = float(values.size), _spread(values, 1.349)
    if scale == 0.0:
        return 0.0
    distance, times = _distances(values)

    def roughness(h: float, order: int) -> float:
        d = np.minimum((distance / h) ** 2, 1000.0)
        poly, centre = (d * d - 6.0 * d + 3.0, 3.0) if order == 4 else (d**3 - 15.0 * d * d + 45.0 * d - 15.0, -15.0)
        total = 2.0 * float((times * poly) @ np.exp(-d / 2.0)) + n * centre
        return total / (n * (n - 1.0) * h ** (order + 1) * math.sqrt(2.0 * math.pi))

    a, b = 1.24 * scale * n ** (-1.0 / 7.0), 1.23 * scale * n ** (-1.0 / 9.0)
    ratio = roughness(a, 4) / -roughness(b, 6)
    if not ratio > 0.0:
        raise ValueError("the Sheather-Jones rule has no solution here: too few distinct values.")
    alpha = 1.357 * ratio ** (1.0 / 7.0)

    def gap(h: float) -> float:
        inner = roughness(alpha * h ** (5.0 / 7.0), 4)
        return (1.0 / (2.0 * math.sqrt(math.pi) * n * inner)) ** 0.2 - h if inner > 0.0 else math.inf

    high = 1.144 * scale * n**-0.2
    low = 0.1 * high
    while gap(low) * gap(high) > 0.0:
        low, high = low / 1.2, high * 1.2
    return float(brentq(gap, low, high, xtol=1e-12 * scale))


def _distances(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distances of all pairs and how often each occurs; for many values on a fine grid of bins."""
    if values.size <= EXACT_PAIRS:
        exact = np.asarray(pdist(values[:, None]), dtype=np.float64)
        return exact, np.ones(exact.size)
    width = float(np.ptp(values)) / (BINS - 1)
    counts = np.bincount(np.rint((values - values.min()) / width).astype(np.int64), minlength=BINS)
    spectrum = np.fft.rfft(counts, n=2 * BINS)
    pairs = np.asarray(np.rint(np.fft.irfft(np.abs(spectrum) ** 2)[:BINS]), dtype=np.float64)
    pairs[0] = (pairs[0] - values.size) / 2.0
    return width * np.arange(BINS, dtype=np.float64), pairs


def _width(x: FloatArray, f: FloatArray, top: int, level: float) -> float:
    """Distance between the crossings of `level` left and right of the top (interpolated; the grid's end if none)."""
    below_left, below_right = np.flatnonzero(f[:top] < level), np.flatnonzero(f[top:] < level)
    left, right = float(x[0]), float(x[-1])
    if below_left.size:
        i = int(below_left[-1])
        left = float(x[i] + (level - f[i]) / (f[i + 1] - f[i]) * (x[i + 1] - x[i]))
    if below_right.size:
        i = top + int(below_right[0])
        right = float(x[i] - (level - f[i]) / (f[i - 1] - f[i]) * (x[i] - x[i - 1]))
    return right - left
