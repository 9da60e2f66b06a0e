"""Checks of arguments, with messages that say what is wrong, where, and what to do."""

from collections.abc import Collection, Sequence

import numpy as np

from python_models._types import ArrayLike, BoolArray, FloatArray


def as_cube(values: ArrayLike, what: str) -> FloatArray:
    """Return `values` as floats of shape (N, T, m); NaN is a missing cell, infinity an error."""
    cube = _as_floats(values, what)
    if cube.ndim != 3:
        raise ValueError(f"{what} must have the axes (city, year, indicator), got shape {cube.shape}.")
    if cube.size == 0:
        raise ValueError(f"{what} is empty (shape {cube.shape}): give at least one city, year and indicator.")
    return cube


def as_plane(values: ArrayLike, what: str) -> FloatArray:
    """Return `values` as floats of shape (N, T); NaN is a missing cell, infinity an error."""
    plane = _as_floats(values, what)
    if plane.ndim != 2:
        raise ValueError(f"{what} must have the axes (city, year), got shape {plane.shape}.")
    return plane


def as_vector(values: ArrayLike, length: int, what: str) -> FloatArray:
    """Return `values` as finite floats of shape (length,)."""
    vector = np.asarray(values, dtype=np.float64)
    if vector.shape != (length,):
        raise ValueError(f"{what} needs one number per indicator ({length}), got shape {vector.shape}.")
    bad = ~np.isfinite(vector)
    if bad.any():
        raise ValueError(f"{what} holds a missing or infinite number at position {_first(bad)}.")
    return vector


def as_weights(values: ArrayLike, length: int) -> FloatArray:
    """Return weights of shape (length,): not negative, and not all zero."""
    weights = as_vector(values, length, "weights")
    if (weights < 0).any():
        raise ValueError(f"weights must not be negative, see position {_first(weights < 0)}.")
    if not (weights > 0).any():
        raise ValueError("all weights are zero: no indicator is left to make a score from.")
    return weights


def as_directions(values: ArrayLike, length: int) -> FloatArray:
    """Return directions of shape (length,), each +1 (higher is better) or -1 (lower is better)."""
    directions = as_vector(values, length, "direction")
    bad = np.abs(directions) != 1.0
    if bad.any():
        raise ValueError(f"direction must be +1 or -1, see position {_first(bad)}.")
    return directions


def as_mask(values: ArrayLike | None, shape: tuple[int, ...], what: str) -> BoolArray:
    """Return a boolean mask of the given shape; None means no cell is marked."""
    if values is None:
        return np.zeros(shape, dtype=np.bool_)
    mask = np.asarray(values)
    if mask.dtype != np.bool_:
        raise ValueError(f"{what} must be a mask of true and false, got {mask.dtype}.")
    if mask.shape != shape:
        raise ValueError(f"{what} has shape {mask.shape}, the data have {shape}: the axes must match.")
    return mask


def require_unique(labels: Sequence[object], what: str) -> None:
    """Raise when a label occurs twice."""
    earlier: set[object] = set()
    for label in labels:
        if label in earlier:
            raise ValueError(f"{what} '{label}' occurs twice: every label must be used once.")
        earlier.add(label)


def require_known(names: Collection[object], vocabulary: Collection[object], what: str) -> None:
    """Raise when `asked` names something that is not in `vocabulary`."""
    unknown = [label for label in names if label not in vocabulary]
    if unknown:
        raise ValueError(f"unknown {what} {unknown[0]!r}: it is not in the panel ({len(vocabulary)} known).")


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


def _as_floats(values: ArrayLike, what: str) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    bad = np.isinf(array)
    if bad.any():
        raise ValueError(f"{what} holds an infinite number at position {_first(bad)}: check its ratio.")
    return array


def _first(bad: BoolArray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(bad)[0])
