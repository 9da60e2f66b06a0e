"""From natural units to z: cap, winsorise with pooled quantiles, min-max with stored bounds.

Limits and bounds are estimated once, on a window, and then applied to any year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models._validate import as_cube, as_directions, as_mask

# A column whose range is below rounding error of its level carries no information; stretching it
# to 0-1 would turn rounding noise into an indicator.
_CONSTANT_TOLERANCE = 1e-12


class WinsorLimits(NamedTuple):
    """Lower and upper limit per indicator, both of shape (m,)."""

    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, eq=False)
class Bounds:
    """Smallest and largest value per indicator, both of shape (m,)."""

    minimum: FloatArray
    maximum: FloatArray

    @classmethod
    def from_window(cls, X: ArrayLike) -> Bounds:
        """Bounds over all cities and years of X (N, T, m); ValueError: an indicator without any value."""
        cube = as_cube(X, "X")
        _require_values(cube)
        return cls(np.nanmin(cube, axis=(0, 1)), np.nanmax(cube, axis=(0, 1)))

    @property
    def is_constant(self) -> BoolArray:
        """Mask (m,): the range is zero up to rounding (1e-12 of the level)."""
        level = np.maximum(np.abs(self.minimum), np.abs(self.maximum))
        constant: BoolArray = (self.maximum - self.minimum) <= _CONSTANT_TOLERANCE * level
        return constant


def winsor_limits(X: ArrayLike, *, low: float = 0.01, high: float = 0.99) -> WinsorLimits:
    """Quantiles (linear, type 7) of each indicator over all cities and years of X (N, T, m) without missing cells.

    Pass the base window only: limits made year by year would cut growth in good years.
    """
    if not 0.0 <= low < high <= 1.0:
        raise ValueError(f"quantiles need 0 <= low < high <= 1, got {low} and {high}.")
    cube = as_cube(X, "X")
    _require_values(cube)
    pooled = np.ascontiguousarray(cube).reshape(-1, cube.shape[2])
    return WinsorLimits(*np.nanquantile(pooled, (low, high), axis=0, method="linear"))


def winsorise(X: ArrayLike, limits: WinsorLimits, *, apply: ArrayLike | None = None) -> tuple[FloatArray, BoolArray]:
    """Move values beyond the limits onto them; return the values and the mask of moved cells.

    X (N, T, m); `apply` (m,) says which indicators are winsorised (default: all). NaN stays NaN.
    """
    cube = as_cube(X, "X")
    m = cube.shape[2]
    columns = np.ones(m, dtype=np.bool_) if apply is None else as_mask(apply, (m,), "apply")
    is_beyond: BoolArray = ((cube < limits.low) | (cube > limits.high)) & columns
    return np.where(is_beyond, np.clip(cube, limits.low, limits.high), cube), is_beyond


def cap(X: ArrayLike, upper: ArrayLike) -> tuple[FloatArray, BoolArray]:
    """Cut values above `upper` (m,), infinite for no cap, down to it; the values and the mask of cut cells."""
    cube = as_cube(X, "X")
    ceiling = np.asarray(upper, dtype=np.float64)
    if ceiling.shape != (cube.shape[2],) or np.isnan(ceiling).any():
        raise ValueError(f"caps need one number per indicator ({cube.shape[2]}), infinity for no cap.")
    cut: BoolArray = cube > ceiling
    return np.where(cut, ceiling, cube), cut


def minmax(X: ArrayLike, bounds: Bounds, direction: ArrayLike) -> FloatArray:
    """Scale X (N, T, m) with stored bounds, so that 1 is best.

    direction +1: z = (x - min) / (max - min);   direction -1: z = (max - x) / (max - min). Outside the window of the
    bounds z may leave [0, 1]. A constant indicator (see `Bounds.is_constant`) is NaN everywhere.
    """
    cube = as_cube(X, "X")
    sign = as_directions(direction, cube.shape[2])
    span = np.where(bounds.is_constant, np.nan, bounds.maximum - bounds.minimum)
    distance = np.where(sign > 0, cube - bounds.minimum, bounds.maximum - cube)
    z: FloatArray = distance / span
    return z


def _require_values(cube: FloatArray) -> None:
    empty = np.isnan(cube).all(axis=(0, 1))
    if empty.any():
        raise ValueError(f"indicator number {int(np.argmax(empty))} has no value in the window.")
