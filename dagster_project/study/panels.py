"""Balanced panels of scores: of every index and basis (ScorePanel), and of the headline with its map (CityPanel)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study.frames import KEYS, PLACE, Frames, Tables, by_city, wide
from dagster_project.study.groups import Groups
from dagster_project.study.samples import LEAST_COVERAGE
from python_models._types import BoolArray, FloatArray
from python_models.space import CityGraph, build_weights


@dataclass(frozen=True, eq=False)
class ScorePanel:
    """Scores (N, T) of one index on one basis: the cities scored in each of the years, none negative."""

    basis: str
    index_code: str
    weight_scheme: str
    is_frozen: bool
    cities: tuple[str, ...]
    years: tuple[int, ...]
    scores: FloatArray

    @property
    def keys(self) -> dict[str, str]:
        return {key: getattr(self, key) for key in KEYS}

    def same_numbers(self, other: ScorePanel) -> bool:
        mine, theirs = ((p.index_code, p.weight_scheme, p.cities, p.years) for p in (self, other))
        return mine == theirs and np.array_equal(self.scores, other.scores)

    def rows(self, mask: BoolArray) -> ScorePanel:
        """The panel of some of its cities."""
        cities = tuple(city for city, keep in zip(self.cities, mask, strict=True) if keep)
        return replace(self, cities=cities, scores=self.scores[mask])


def score_panels(scores: pd.DataFrame) -> list[ScorePanel]:
    """One panel per index and basis. scores: basis, is_frozen, index_code, weight_scheme (one), city_id, year, score.

    Years that score fewer than 80 % of the cities of the fullest year are left out, and years with a negative score
    (a frozen basis can give one): inequality of negative numbers has no meaning. Then cities with a gap.
    """
    panels = []
    rows = scores[scores["score"].notna()]
    for (basis, code, weights, is_frozen), part in rows.groupby([*KEYS, "is_frozen"], sort=True):
        table = wide(part, "score")
        counts = table.notna().sum()
        keep = (counts >= LEAST_COVERAGE * counts.max()) & ~(table < 0.0).any()
        table = table.loc[:, keep].dropna()
        if len(table) > 1 and table.shape[1]:
            cities, years = tuple(map(str, table.index)), tuple(int(y) for y in table.columns)
            values = table.to_numpy(dtype=np.float64)
            panels.append(ScorePanel(str(basis), str(code), str(weights), bool(is_frozen), cities, years, values))
    return panels


def twins(panels: Iterable[ScorePanel]) -> list[list[ScorePanel]]:
    """Panels with the same numbers together: two bases with one window need one computation."""
    groups: list[list[ScorePanel]] = []
    for panel in sorted(panels, key=lambda p: p.index_code):
        same = next((same for same in groups if same[0].same_numbers(panel)), None)
        if same is None:
            groups.append([panel])
        else:
            same.append(panel)
    return groups


@dataclass(frozen=True, eq=False)
class CityPanel:
    """scores (cities x years), imputed share of each score, base mask (T,), places and groups, all in city order."""

    keys: dict[str, str]
    scores: pd.DataFrame
    imputed: FloatArray
    base: BoolArray
    city: pd.DataFrame
    groups: Groups
    edges: pd.DataFrame
    mass: pd.Series[float] | None

    @property
    def values(self) -> FloatArray:
        return np.asarray(self.scores.to_numpy(dtype=np.float64))

    @property
    def years(self) -> list[int]:
        return [int(year) for year in self.scores.columns]

    @property
    def cities(self) -> list[str]:
        return [str(city) for city in self.scores.index]

    @property
    def n(self) -> int:
        return len(self.scores)

    @property
    def points(self) -> pd.DataFrame:
        return self.city[PLACE]

    @cached_property
    def labels(self) -> dict[str, pd.Series[str]]:
        """Group of each city in every split that parts this sample and leaves none out."""
        return self.groups.labels(self.cities)

    @cached_property
    def masks(self) -> list[tuple[str, str, BoolArray]]:
        """(scheme, group, mask of its cities) of those splits, everybody first."""
        return self.groups.members(self.cities, tuple(self.labels))

    @property
    def centre(self) -> BoolArray | None:
        """None where the sample is not parted into centre and periphery."""
        return self.groups.is_core(self.cities) if self.groups.main("centre") in self.labels else None

    def weights(self, kind: str, **options: Any) -> CityGraph:
        """Weights of the sample with what this panel knows: places, edges, mass, provinces, centres."""
        return build_weights(
            kind,
            labels=self.cities,
            points=self.points,
            edges=self.edges,
            mass=self.mass,
            group=self.city["province_code"],
            is_centre=self.centre,
            **options,
        )


def read_city_panel(frames: Frames) -> CityPanel | None:
    """Frames `scores`, `city`, `schemes`, `groups`, `neighbours`, `mass` -> panel; None if there is no score.

    Cities with a score in every year of the base window; years outside it only if all those cities have a score.
    """
    long = frames["scores"]
    if long.empty:
        return None
    table = wide(long, "score")
    in_base = long.groupby("year")["in_base"].first().reindex(table.columns).to_numpy(dtype=bool)
    table = table[table.loc[:, in_base].notna().all(axis=1)]
    keep = table.notna().all(axis=0).to_numpy()
    scores = table.loc[:, keep].astype(float)
    share = wide(long, "share_imputed_weight").reindex_like(scores)
    mass = by_city(frames["mass"], "value", scores.index).astype(float) if "mass" in frames else None
    return CityPanel(
        keys={key: str(long[key].iloc[0]) for key in KEYS},
        scores=scores,
        imputed=share.to_numpy(dtype=np.float64, na_value=0.0),
        base=in_base[keep],
        city=frames["city"].set_index("city_id").reindex(scores.index),
        groups=Groups.read(frames),
        edges=frames["neighbours"],
        mass=mass if mass is not None and bool((mass > 0).all()) else None,
    )


def copies(tables: Tables, panels: Iterable[ScorePanel]) -> Tables:
    """Each table once per panel, with its keys: the panels have the same numbers."""
    return {
        name: pd.concat([frame.assign(**panel.keys) for panel in panels], ignore_index=True)
        for name, frame in tables.items()
    }
