"""Checks of values, weights and group labels; messages say what is wrong and where."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models._types import ArrayLike, FloatArray, IntArray

type Vector = ArrayLike | pd.Series
type Labels = Sequence[Hashable] | NDArray[np.generic] | pd.Series | pd.Categorical | pd.Index


@dataclass(frozen=True, eq=False)
class Groups:
    """codes (n,) into labels (K,). Labels stand in order of first appearance, or in category order."""

    codes: IntArray
    labels: tuple[Hashable, ...]

    @property
    def size(self) -> int:
        return len(self.labels)


def as_values(y: Vector, what: str = "y", *, is_checked: bool = True) -> FloatArray:
    """`y` as floats (n,), n >= 1; with `is_checked` also finite and not negative."""
    values = np.asarray(y, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"{what} must be one vector, got shape {values.shape}.")
    if values.size == 0:
        raise ValueError(f"{what} is empty: give at least one value.")
    if is_checked:
        refuse(values, what)
    return values


def refuse(values: FloatArray, what: str) -> None:
    """ValueError for the first value that is missing, infinite or negative."""
    for bad, name in ((~np.isfinite(values), "missing or infinite"), (values < 0.0, "negative")):
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ValueError(f"{what} holds a {name} number at position {place}: it needs finite values >= 0.")


def as_case_weights(weights: Vector, n: int) -> FloatArray:
    """Weights (n,), e.g. population: finite, not negative, not all zero."""
    w = as_values(weights, "weights")
    if w.shape != (n,):
        raise ValueError(f"weights have shape {w.shape}, the values ({n},): give one weight per value.")
    if not w.sum() > 0.0:
        raise ValueError("all weights are zero: nobody is left to compare.")
    return w


def as_groups(groups: Labels, n: int, what: str = "groups") -> Groups:
    """Codes and labels of (n,) group labels; a missing label raises.

    Integers and categoricals are fastest. A category without a member is kept: an empty group.
    """
    categories = groups.array if isinstance(groups, pd.Series) else groups
    if isinstance(categories, pd.Categorical):
        codes, labels = categories.codes.astype(np.int64), tuple(categories.categories)
    else:
        array = groups if isinstance(groups, (np.ndarray, pd.Series, pd.Index)) else np.asarray(groups, dtype=object)
        if array.ndim != 1:
            raise ValueError(f"{what} must be one vector of labels, got shape {array.shape}.")
        codes, unique = pd.factorize(array)
        labels = tuple(unique.tolist())
    if codes.shape != (n,):
        raise ValueError(f"{what} have shape {codes.shape}, the values ({n},): give one label per value.")
    if (codes < 0).any():
        raise ValueError(f"{what} holds a missing label at position {int(np.argmax(codes < 0))}.")
    return Groups(codes.astype(np.int64, copy=False), labels)
