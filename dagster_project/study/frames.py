"""What all analyses share: labelled frames in, tables out.

An analysis returns what it found; the contract of the mart decides which columns are published, in which type.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from python_models._types import FloatArray

Frames = Mapping[str, pd.DataFrame]
Tables = dict[str, pd.DataFrame]
KEYS = ("basis", "index_code", "weight_scheme")
LIMITS = {"lower": "lo", "upper": "hi"}  # as results call them and as tables do
PLACE = ["centroid_lon", "centroid_lat"]


def words(text: str) -> tuple[str, ...]:
    """The words of a text: a long list of names reads better than a column of them."""
    return tuple(text.split())


def rows_with(frame: pd.DataFrame, **filters: object) -> pd.DataFrame:
    """The rows that have these values. Arrays, since a million texts are four times as fast without pandas."""
    places = np.arange(len(frame))
    for column, value in filters.items():
        if len(places):  # a frame without rows may have lost its columns
            values: Any = frame[column].array
            if isinstance(values, pd.Categorical):  # a code of -1 is missing, one of -2 is no category
                codes, value = values.codes, next(iter(np.flatnonzero(values.categories == value)), -2)
                places = places[codes[places] == value]
            else:
                places = places[np.asarray(values)[places] == value]
    return frame.iloc[places]


def wide(long: pd.DataFrame, value: str) -> pd.DataFrame:
    """City by year, both in order."""
    return long.pivot(index="city_id", columns="year", values=value).sort_index().sort_index(axis=1)


def plane(long: pd.DataFrame, value: str, cities: Iterable[str], years: Iterable[int]) -> FloatArray:
    """(N, T) of these cities and years, NaN where nothing is known."""
    rows, columns = list(cities), list(years)
    if long.empty:
        return np.full((len(rows), len(columns)), np.nan)
    table = long.pivot(index="city_id", columns="year", values=value).reindex(index=rows, columns=columns)
    return table.to_numpy(dtype=np.float64, na_value=np.nan)


def by_city(frame: pd.DataFrame, column: str, cities: Iterable[str]) -> pd.Series:
    """A column that says one thing of each city, in this order."""
    return frame.drop_duplicates("city_id").set_index("city_id")[column].reindex(list(cities))


def stacked(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """All rows in one frame. A column that a part lacks, or has no value in, leaves the types of the others alone."""
    full = [part for part in parts if not part.empty]
    if not full:
        return pd.DataFrame()
    names = list(dict.fromkeys(name for part in full for name in part.columns))
    return pd.concat([part.dropna(axis=1, how="all") for part in full], ignore_index=True).reindex(columns=names)


class Rows:
    """Tables that grow part by part: by frames, or by single rows, which are put together at the end."""

    def __init__(self) -> None:
        self._parts: defaultdict[str, list[pd.DataFrame | list[dict[str, object]]]] = defaultdict(list)

    def add(self, tables: Mapping[str, pd.DataFrame], **columns: Any) -> None:
        """More rows of some tables, with the same value in each of the named columns."""
        for name, frame in tables.items():
            self._parts[name].append(frame.assign(**columns))

    def add_row(self, name: str, row: Mapping[str, object], **columns: object) -> None:
        """One more row of a table."""
        parts = self._parts[name]
        last = parts[-1] if parts else None
        if not isinstance(last, list):
            parts.append(last := [])
        last.append({**row, **columns})

    def tables(self, names: Iterable[str]) -> Tables:
        """Every named table; one without rows has no columns either."""
        return {name: stacked(pd.DataFrame(part) for part in self._parts[name]) for name in names}
