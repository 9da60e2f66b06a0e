"""States of a Markov chain, whole numbers 0..K-1 in (N, T): from scores to classes, and the check of ready classes.

Intervals are closed on the right: a value equal to a cut belongs to the lower class, as in mapclassify.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models._types import ArrayLike, BoolArray, FloatArray

type StateArray = NDArray[np.int64]

DISCRETISATIONS = ("relative", "pooled", "yearly")
MISSING = -1  # inside this package only; callers write NaN


@dataclass(frozen=True, eq=False)
class States:
    """states (N, T), whole numbers 0..n_states-1, and their cuts (n_states - 1,), for `yearly` (T, n_states - 1)."""

    states: StateArray
    cuts: FloatArray
    kind: str
    n_states: int
    cities: pd.Index
    years: pd.Index

    def to_frame(self) -> pd.DataFrame:
        """One row per city and year: city_id, year, state."""
        n, t = self.states.shape
        return pd.DataFrame(
            {"city_id": self.cities.repeat(t), "year": np.tile(self.years, n), "state": self.states.ravel()}
        )


def discretise(values: Any, kind: str = "relative", *, n_states: int = 4, base: ArrayLike | None = None) -> States:
    """Classes of scores (N, T) by quantiles (type 7) at 1/K, .., (K-1)/K (docs/formulas.md#states).

    kind : `relative` y_it / mean_t with fixed cuts; `pooled` fixed cuts of the pooled score, which a common trend
    moves; `yearly` quantiles inside each year, pure rank mobility.   base : mask (T,) of the years that make the cuts.
    ValueError: NaN, an unknown kind, and a year whose mean is not positive (`relative`).
    """
    plane, cities, years = labelled_plane(values, "values")
    if kind not in DISCRETISATIONS:
        raise ValueError(f"unknown discretisation '{kind}': choose from {', '.join(DISCRETISATIONS)}.")
    if n_states < 2:
        raise ValueError(f"a chain needs at least two states, got {n_states}.")
    in_base = np.ones(plane.shape[1], dtype=bool) if base is None else np.asarray(base, dtype=bool)
    if in_base.shape != (plane.shape[1],) or not in_base.any():
        raise ValueError(f"base must mark at least one of the {plane.shape[1]} years.")
    if kind == "yearly":
        bounds = np.stack([quantile_cuts(column, n_states) for column in plane.T])
        columns = [classify(column, cut) for column, cut in zip(plane.T, bounds, strict=True)]
        return States(np.stack(columns, axis=1), bounds, kind, n_states, cities, years)
    scores = relative(plane) if kind == "relative" else plane
    limits = quantile_cuts(scores[:, in_base], n_states)
    return States(classify(scores, limits), limits, kind, n_states, cities, years)


def relative(plane: FloatArray) -> FloatArray:
    """Score over the mean of its year, shape (N, T)."""
    mean = plane.mean(axis=0)
    if not (mean > 0).all():
        raise ValueError(f"the mean of year {int(np.argmax(~(mean > 0)))} is not positive: no relative score.")
    return np.asarray(plane / mean, dtype=np.float64)


def quantile_cuts(values: FloatArray, n_states: int) -> FloatArray:
    """The n_states - 1 inner quantiles (type 7) of all values that are not NaN."""
    there = values[~np.isnan(values)]
    return np.asarray(np.quantile(there, np.arange(1, n_states) / n_states), dtype=np.float64)


def classify(values: FloatArray, cuts: FloatArray) -> StateArray:
    """Number of cuts strictly below each value; -1 for NaN."""
    classes = np.searchsorted(cuts, values, side="left").astype(np.int64)
    classes[np.isnan(values)] = MISSING
    return classes


def round_significant(values: FloatArray) -> FloatArray:
    """Values rounded to twelve significant digits, so that rounding noise does not decide a tie at a cut."""
    size = np.abs(values)
    exponent = np.floor(np.log10(np.where((size > 0) & np.isfinite(size), size, 1.0)))
    factor = 10.0 ** (11 - exponent)
    return np.asarray(np.round(values * factor) / factor, dtype=np.float64)


def check_states(states: Any, n_states: int, what: str, *, allow_missing: bool = False) -> StateArray:
    """States (N, T) as whole numbers, -1 where missing. Raises ValueError for anything outside 0..n_states-1."""
    if n_states < 1:
        raise ValueError(f"{what}: the number of states must be positive, got {n_states}.")
    frame = states.to_numpy(dtype=np.float64, na_value=np.nan) if isinstance(states, pd.DataFrame) else states
    raw = np.asarray(frame)
    if raw.dtype == np.bool_ or not (np.issubdtype(raw.dtype, np.number) or raw.dtype == object):
        raise ValueError(f"{what} must be whole numbers 0..{n_states - 1}, got {raw.dtype}.")
    floats = np.array(raw, dtype=np.float64)
    if floats.ndim != 2:
        raise ValueError(f"{what} must have the axes (city, year), got shape {floats.shape}.")
    missing = np.isnan(floats)
    if missing.any() and not allow_missing:
        raise ValueError(f"{what} is missing for {int(missing.sum())} cells, first {_first(missing)}.")
    plain = np.where(missing, 0.0, floats)
    bad = (plain != np.floor(plain)) | (plain < 0) | (plain >= n_states)
    if bad.any():
        i, t = _first(bad)
        hint = " Subtract 1 if your states start at 1." if plain[i, t] == n_states else ""
        raise ValueError(
            f"{what} must be whole numbers 0..{n_states - 1}, got {floats[i, t]:g} at city {i}, year {t}.{hint}"
        )
    return np.where(missing, MISSING, plain).astype(np.int64)


def check_lag(lag: int, n_years: int) -> None:
    """Raise ValueError unless 1 <= lag < n_years."""
    if not (isinstance(lag, (int, np.integer)) and 1 <= lag < n_years):
        raise ValueError(f"lag must be a whole number from 1 to {n_years - 1} (years - 1), got {lag}.")


def labelled_plane(values: Any, what: str) -> tuple[FloatArray, pd.Index, pd.Index]:
    """Finite floats (N, T) with city and year labels (positions for an array)."""
    plane = np.array(values, dtype=np.float64)
    if plane.ndim != 2:
        raise ValueError(f"{what} must have the axes (city, year), got shape {plane.shape}.")
    bad = ~np.isfinite(plane)
    if bad.any():
        raise ValueError(f"{what} is missing or infinite for {int(bad.sum())} cells, first {_first(bad)}.")
    if isinstance(values, pd.DataFrame):
        return plane, values.index, values.columns
    return plane, pd.RangeIndex(plane.shape[0]), pd.RangeIndex(plane.shape[1])


def state_labels(n_states: int, names: Sequence[str] | None = None) -> list[Any]:
    """Names of the states in frames: their numbers unless names are given."""
    return list(range(n_states)) if names is None else list(names)


def _first(bad: BoolArray) -> tuple[int, int]:
    i, t = np.argwhere(bad)[0]
    return int(i), int(t)
