"""One headline regression with its data: what every analysis of influences looks at."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dagster_project.study.tables._panel_data import PanelSample, Skipped
from dagster_project.study.tables._panel_spec import PanelSpec
from dagster_project.study.tables._scale import refused_inverse
from python_models._types import FloatArray
from python_models.regression.weights import SpatialWeights
from python_models.space.distance import distance_matrix

Frames = Mapping[str, pd.DataFrame]
Tables = dict[str, pd.DataFrame]
CENTRES = {"core": "core", "cluster": "cluster", "east_vs_cw": "east"}  # scheme -> its centre


@dataclass(frozen=True, eq=False)
class World:
    """One headline regression with its data; x is its first regressor, controls the others."""

    spec: PanelSpec
    sample: PanelSample
    weights: SpatialWeights
    frames: Frames
    seed: int

    @property
    def x(self) -> FloatArray:
        return self.sample.x[:, :, 0]

    @property
    def controls(self) -> FloatArray | None:
        return self.sample.x[:, :, 1:] if self.sample.x.shape[2] > 1 else None

    @property
    def distance(self) -> FloatArray:
        points = self.sample.city[["centroid_lon", "centroid_lat"]].to_numpy(dtype=np.float64)
        return distance_matrix(points, "haversine")

    def need_pairs(self, what: str) -> None:
        """Skipped where there are too many cities for a method that looks at every pair of them."""
        if reason := refused_inverse(what, self.weights.n):
            raise Skipped(reason)

    def rng(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(f"{self.spec.model_id}:{name}".encode())])

    def groups(self, scheme: str) -> np.ndarray:
        table = self.frames["groups"]
        own = table[table["scheme"] == scheme].drop_duplicates("city_id").set_index("city_id")["group_code"]
        codes = own.reindex(list(self.sample.cities))
        if codes.isna().any():
            missing = codes.index[codes.isna()][0]
            raise Skipped(f"city {missing} has no group in the scheme {scheme}.")
        return np.asarray(codes.to_numpy(dtype=object))

    @property
    def synergy(self) -> FloatArray:
        """Coordination degree of the base year: fixed, so it may be a threshold."""
        table = self.frames["synergy"]
        own = table[(table["index_code"] == self.spec.y.code) & (table["basis"] == self.sample.basis)]
        value = own.drop_duplicates("city_id").set_index("city_id")["d"].reindex(list(self.sample.cities))
        if value.isna().any():
            raise Skipped("the coordination degree of the base year is not known for every city.")
        return value.to_numpy(dtype=np.float64)
