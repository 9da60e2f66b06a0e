"""The labelled panel: values with the axes (city, year, indicator). The only place that pivots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from python_models._show import Shown
from python_models._types import BoolArray, FloatArray
from python_models._validate import as_cube, require_unique


@dataclass(frozen=True, eq=False)
class Panel(Shown):
    """Values of m indicators in N cities and T years, with their labels.

    values : (N, T, m) floats, read-only. NaN is a missing cell; infinity raises ValueError.
    cities : N unique city ids.   years : T ascending years.   names : m unique indicator codes.
    """

    values: FloatArray
    cities: tuple[str, ...]
    years: tuple[int, ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        values = as_cube(self.values, "values").copy(order="C")
        values.setflags(write=False)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "cities", tuple(self.cities))
        object.__setattr__(self, "years", tuple(int(y) for y in self.years))
        object.__setattr__(self, "names", tuple(self.names))
        labels = (len(self.cities), len(self.years), len(self.names))
        if values.shape != labels:
            raise ValueError(f"values have shape {values.shape}, but the labels count {labels}.")
        require_unique(self.cities, "city")
        require_unique(self.years, "year")
        require_unique(self.names, "indicator")
        if list(self.years) != sorted(self.years):
            raise ValueError(f"years must ascend, got {self.years}.")

    @classmethod
    def from_long(
        cls,
        frame: pd.DataFrame,
        *,
        city: str = "city_id",
        year: str = "year",
        name: str = "indicator_code",
        value: str = "value",
        order: Sequence[str] | None = None,
    ) -> Panel:
        """Pivot a long frame (one row per city, year, indicator). Row order does not matter.

        Cities, years and indicators are sorted, these in `order` if it is given. An absent row and a null value are
        both NaN. ValueError: an empty frame, a null key, a duplicate key, a value that is text or infinite.
        """
        keys = _clean_keys(frame, city, year, name)
        cities = sorted(keys["city"].unique())
        years = sorted(keys["year"].unique())
        names = sorted(keys["name"].unique()) if order is None else list(order)
        if order is not None and sorted(names) != sorted(keys["name"].unique()):
            odd = sorted(set(names) ^ set(keys["name"]))
            raise ValueError(f"`order` and the frame must name the same indicators; they differ in {odd}.")
        values = np.full((len(cities), len(years), len(names)), np.nan)
        values[_places((cities, years, names), keys)] = _clean_values(frame[value], keys)
        return cls(values, tuple(cities), tuple(int(y) for y in years), tuple(names))

    def mask(self, frame: pd.DataFrame, flag: str) -> BoolArray:
        """Cells (N, T, m) of which the column `flag` of a long frame with these cells is true; none without it."""
        out = np.zeros(self.values.shape, dtype=np.bool_)
        if flag in frame:
            rows = frame[frame[flag].fillna(False).astype(bool)]
            out[_places((self.cities, self.years, self.names), rows[["city_id", "year", "indicator_code"]])] = True
        return out

    def to_long(self, *, value: str = "value") -> pd.DataFrame:
        """One row per cell (also the missing ones): city_id, year, indicator_code, value."""
        names = np.tile(np.array(self.names, dtype=object), len(self.cities) * len(self.years))
        keys = {**city_years(self.cities, self.years, len(self.names)), "indicator_code": pd.Series(names, dtype="str")}
        return pd.DataFrame({**keys, value: self.values.reshape(-1).copy()})

    def in_window(self, window: tuple[int, int]) -> BoolArray:
        """Mask (T,) of the years from window[0] to window[1], both included."""
        first, last = window
        years = np.array(self.years)
        mask: BoolArray = (years >= first) & (years <= last)
        if not mask.any():
            raise ValueError(f"the panel ({self.years[0]}-{self.years[-1]}) has no year in {first}-{last}.")
        return mask

    def equals(self, other: Panel) -> bool:
        """Same labels in the same order, and the same values bit by bit (NaN equals NaN)."""
        labels = (self.cities, self.years, self.names) == (other.cities, other.years, other.names)
        return labels and np.array_equal(self.values, other.values, equal_nan=True)


def city_years(cities: Sequence[str], years: Sequence[int], depth: int = 1) -> dict[str, Any]:
    """city_id and year of cells in array order, `depth` cells a city and year: columns of a long frame."""
    city = np.repeat(np.array(cities, dtype=object), len(years) * depth)
    year = np.tile(np.repeat(np.array(years, dtype=np.int64), depth), len(cities))
    return {"city_id": pd.Series(city, dtype="str"), "year": year}


def _places(axes: Sequence[Sequence[Any]], keys: pd.DataFrame) -> tuple[NDArray[np.intp], ...]:
    """Places of the cells on each axis, from the columns of their labels in the same order."""
    return tuple(pd.Index(axis).get_indexer(pd.Index(keys[key])) for axis, key in zip(axes, keys, strict=True))


def _clean_keys(frame: pd.DataFrame, city: str, year: str, name: str) -> pd.DataFrame:
    """The three key columns as city, year, name: no null, whole years, no duplicate."""
    if frame.empty:
        raise ValueError("the long frame has no row: nothing to make a panel from.")
    for column in (city, year, name):
        if frame[column].isna().any():
            raise ValueError(f"key column '{column}' has {int(frame[column].isna().sum())} empty cells.")
    years = frame[year].to_numpy(dtype=np.float64)
    broken = years[years != np.floor(years)]
    if len(broken):
        raise ValueError(f"key column '{year}' must hold whole years, got {broken[0]}.")
    names = {"city": frame[city], "name": frame[name]}
    text = {key: column.astype(str).to_numpy(dtype=object) for key, column in names.items()}
    keys = pd.DataFrame({"city": text["city"], "year": years.astype(np.int64), "name": text["name"]})
    twice = keys.duplicated()
    if twice.any():
        c, y, k = keys[twice].iloc[0]
        raise ValueError(
            f"{int(twice.sum())} duplicate rows, first city {c}, year {y}, indicator {k}: keep one per cell."
        )
    return keys


def _clean_values(values: pd.Series, keys: pd.DataFrame) -> FloatArray:
    """The value column as floats; text raises, because a number stored as text hides errors."""
    text = np.zeros(len(values), dtype=bool)
    if not is_numeric_dtype(values):
        text = values.map(lambda cell: isinstance(cell, str)).to_numpy(dtype=bool)
    numbers = np.full(len(values), np.nan)
    if not text.any():
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    bad = text | np.isinf(numbers)
    if bad.any():
        row = int(np.argmax(bad))
        c, y, k = keys.iloc[row]
        raise ValueError(
            f"city {c}, year {y}, indicator {k}: {values.iloc[row]!r} is no finite number; convert it first."
        )
    return numbers
