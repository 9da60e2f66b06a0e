"""Balanced panels of scores, and the groups of their cities by scheme and year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models._types import FloatArray

Frames = Mapping[str, pd.DataFrame]
KEYS = ["basis", "index_code", "weight_scheme"]
LEAST_COVERAGE = 0.8  # a year counts if it scores this share of the cities of the fullest year
PROVINCE = "province"


@dataclass(frozen=True, eq=False)
class ScorePanel:
    """Scores (N, T) of one index on one basis: the cities scored in each of the years, none negative."""

    basis: str
    index_code: str
    weight_scheme: str
    cities: tuple[str, ...]
    years: tuple[int, ...]
    scores: FloatArray

    @property
    def keys(self) -> dict[str, object]:
        return {"basis": self.basis, "index_code": self.index_code, "weight_scheme": self.weight_scheme}

    def same_numbers(self, other: ScorePanel) -> bool:
        return (self.index_code, self.weight_scheme, self.cities, self.years) == (
            other.index_code,
            other.weight_scheme,
            other.cities,
            other.years,
        ) and np.array_equal(self.scores, other.scores)

    def rows(self, mask: NDArray[np.bool_]) -> ScorePanel:
        """The panel of some of its cities."""
        cities = tuple(city for city, keep in zip(self.cities, mask, strict=True) if keep)
        return ScorePanel(self.basis, self.index_code, self.weight_scheme, cities, self.years, self.scores[mask])


def score_panels(scores: pd.DataFrame, weight_scheme: str = "entropy_flat") -> list[ScorePanel]:
    """One panel per basis and index. scores: basis, index_code, weight_scheme, city_id, year, score.

    Years that score fewer than 80 % of the cities of the fullest year are left out, and years with a negative score
    (a frozen basis can give one): inequality of negative numbers has no meaning. Then cities with a gap.
    """
    chosen = scores[(scores["weight_scheme"] == weight_scheme) & scores["score"].notna()]
    panels = []
    for (basis, index_code), part in chosen.groupby(["basis", "index_code"], sort=True):
        wide = part.pivot(index="city_id", columns="year", values="score").sort_index().sort_index(axis=1)
        counts = wide.notna().sum()
        keep = (counts >= LEAST_COVERAGE * counts.max()) & ~(wide < 0.0).any()
        wide = wide.loc[:, keep].dropna()
        if len(wide) > 1 and wide.shape[1]:
            cities, years = tuple(map(str, wide.index)), tuple(int(y) for y in wide.columns)
            values = wide.to_numpy(dtype=np.float64)
            panels.append(ScorePanel(str(basis), str(index_code), weight_scheme, cities, years, values))
    return panels


def twins(panels: list[ScorePanel]) -> list[tuple[ScorePanel, list[ScorePanel]]]:
    """Panels with the same numbers together: two bases with one window need one computation."""
    found: list[tuple[ScorePanel, list[ScorePanel]]] = []
    for _, part in groupby(sorted(panels, key=lambda p: p.index_code), key=lambda p: p.index_code):
        for panel in part:
            twin = next((same for first, same in found if first.same_numbers(panel)), None)
            if twin is None:
                found.append((panel, [panel]))
            else:
                twin.append(panel)
    return found


def with_keys(tables: dict[str, pd.DataFrame], panels: list[ScorePanel]) -> dict[str, pd.DataFrame]:
    """Each table once per panel, with the key columns in front."""
    return {
        name: pd.concat([_keyed(frame, panel) for panel in panels], ignore_index=True) for name, frame in tables.items()
    }


def _keyed(frame: pd.DataFrame, panel: ScorePanel) -> pd.DataFrame:
    keys = pd.DataFrame({name: [value] * len(frame) for name, value in panel.keys.items()}, dtype="str")
    return pd.concat([keys, frame.reset_index(drop=True)], axis=1)


@dataclass(frozen=True, eq=False)
class Memberships:
    """Dated groups of the cities: city_id, scheme, group_code, valid_from, valid_to; province from the city frame."""

    groups: pd.DataFrame
    city: pd.DataFrame

    def at(self, scheme: str, cities: tuple[str, ...], year: int) -> NDArray[np.object_]:
        """Group code of each city in that year (None: in no group of the scheme)."""
        if scheme == "all":
            return np.full(len(cities), "all", dtype=object)
        if scheme == PROVINCE:
            codes = self.city.drop_duplicates("city_id").set_index("city_id")["province_code"]
        else:
            g = self.groups[self.groups["scheme"] == scheme]
            valid = (g["valid_from"].fillna(0) <= year) & (g["valid_to"].isna() | (g["valid_to"] >= year))
            codes = g[valid].drop_duplicates("city_id").set_index("city_id")["group_code"]
        found = codes.reindex(list(cities)).astype(object)
        return np.asarray(found.where(found.notna(), None), dtype=object)

    def municipalities(self, cities: tuple[str, ...]) -> NDArray[np.bool_]:
        """Mask of the cities that are provinces of their own."""
        tier = self.city.drop_duplicates("city_id").set_index("city_id")["admin_tier"].reindex(list(cities))
        return np.asarray(tier == "municipality", dtype=np.bool_)

    def has(self, scheme: str) -> bool:
        return scheme in {"all", PROVINCE} or bool((self.groups["scheme"] == scheme).any())
