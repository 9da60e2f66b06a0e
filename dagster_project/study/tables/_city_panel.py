"""The balanced city panel that the Markov and the space tables share: scores, places, groups, weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from python_models._types import BoolArray, FloatArray
from python_models.space import CityGraph, build_weights

Frames = Mapping[str, pd.DataFrame]
SCHEMES = ("four_region", "east_vs_cw", "cluster", "core")
KEYS = ("index_code", "basis", "weight_scheme")


@dataclass(frozen=True, eq=False)
class CityPanel:
    """scores (cities x years), imputed share of each score, base mask (T,), places and groups, all in city order."""

    keys: dict[str, str]
    scores: pd.DataFrame
    imputed: FloatArray
    base: BoolArray
    city: pd.DataFrame
    groups: dict[str, pd.Series]
    edges: pd.DataFrame
    mass: pd.Series | None

    @property
    def values(self) -> FloatArray:
        return np.asarray(self.scores.to_numpy(dtype=np.float64))

    @property
    def years(self) -> list[int]:
        return [int(year) for year in self.scores.columns]

    @property
    def n(self) -> int:
        return len(self.scores)

    @property
    def points(self) -> pd.DataFrame:
        return self.city[["centroid_lon", "centroid_lat"]]

    def weights(self, kind: str, **options: Any) -> CityGraph:
        """Weights of the sample with what this panel knows: places, edges, mass, provinces, centres."""
        return build_weights(
            kind,
            labels=list(self.scores.index),
            points=self.points,
            edges=self.edges,
            mass=self.mass,
            group=self.city["province_code"],
            is_centre=self.centre,
            **options,
        )

    @property
    def centre(self) -> BoolArray | None:
        core = self.groups.get("core")
        return None if core is None else np.asarray(core == "core", dtype=np.bool_)

    def group_masks(self) -> list[tuple[str, str, BoolArray]]:
        """(scheme, group, mask of cities); the whole sample first, as scheme `all`."""
        masks = [("all", "all", np.ones(self.n, dtype=np.bool_))]
        for scheme, label in self.groups.items():
            for code in sorted(set(label.dropna())):
                masks.append((scheme, str(code), np.asarray(label == code, dtype=np.bool_)))
        return masks


def read_city_panel(frames: Frames) -> CityPanel | None:
    """Frames `scores`, `city`, `groups`, `neighbours`, `mass` -> panel; None if there is no score.

    Cities with a score in every year of the base window; years outside it only if all those cities have a score.
    """
    long = frames["scores"]
    if long.empty:
        return None
    wide = long.pivot(index="city_id", columns="year", values="score").sort_index().sort_index(axis=1)
    in_base = long.groupby("year")["in_base"].first().reindex(wide.columns).to_numpy(dtype=bool)
    wide = wide[wide.loc[:, in_base].notna().all(axis=1)]
    keep = wide.notna().all(axis=0).to_numpy()
    scores = wide.loc[:, keep].astype(float)
    share = long.pivot(index="city_id", columns="year", values="share_imputed_weight").reindex_like(scores)
    city = frames["city"].set_index("city_id").reindex(scores.index)
    first = long.iloc[0]
    return CityPanel(
        keys={key: str(first[key]) for key in KEYS},
        scores=scores,
        imputed=share.to_numpy(dtype=np.float64, na_value=0.0),
        base=in_base[keep],
        city=city,
        groups=_groups(frames["groups"], scores.index),
        edges=frames["neighbours"],
        mass=_mass(frames.get("mass"), scores.index),
    )


def _groups(frame: pd.DataFrame, cities: pd.Index) -> dict[str, pd.Series]:
    found = {}
    for scheme in SCHEMES:
        label = frame[frame["scheme"] == scheme].set_index("city_id")["group_code"].reindex(cities)
        if label.notna().all() and label.nunique() > 1:
            found[scheme] = label
    return found


def _mass(frame: pd.DataFrame | None, cities: pd.Index) -> pd.Series | None:
    if frame is None or frame.empty:
        return None
    mass = frame.set_index("city_id")["value"].reindex(cities).astype(float)
    return mass if bool((mass > 0).all()) else None


def finish(rows: list[pd.DataFrame], columns: list[str], keys: Mapping[str, str]) -> pd.DataFrame:
    """One table: rows below each other, the key columns added, columns in order; empty if there is nothing."""
    if not rows:
        return pd.DataFrame(columns=columns)
    table = pd.concat([row.dropna(axis=1, how="all") for row in rows], ignore_index=True)
    return table.assign(**keys).reindex(columns=columns)
