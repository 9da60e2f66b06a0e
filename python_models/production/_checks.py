"""Checks of arguments that the engines share."""

import numpy as np

from python_models._types import ArrayLike, FloatArray


def positive(values: ArrayLike, what: str, shape: tuple[int, ...] | None = None) -> FloatArray:
    """Floats above zero; ValueError names the first position that is not."""
    array = finite(values, what, shape)
    if (array <= 0).any():
        raise ValueError(f"{what} must be above zero, see position {_first(array <= 0)}: {array[array <= 0][0]:g}.")
    return array


def not_negative(values: ArrayLike, what: str, shape: tuple[int, ...] | None = None) -> FloatArray:
    """Floats of zero or more."""
    array = finite(values, what, shape)
    if (array < 0).any():
        raise ValueError(f"{what} must not be negative, see position {_first(array < 0)}: {array[array < 0][0]:g}.")
    return array


def finite(values: ArrayLike, what: str, shape: tuple[int, ...] | None = None) -> FloatArray:
    """Floats without NaN or infinity, of the given shape if one is given."""
    array = np.asarray(values, dtype=np.float64)
    if shape is not None and array.shape != shape:
        raise ValueError(f"{what} has shape {array.shape}, expected {shape}.")
    bad = ~np.isfinite(array)
    if bad.any():
        raise ValueError(f"{what} holds a missing or infinite number at position {_first(bad)}: leave that unit out.")
    return array


def _first(bad: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(bad)[0])
