"""Which links stand behind which barrier, and which of them a question is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from python_models._types import BoolArray, FloatArray
from python_models.tables._panel_data import Skipped

if TYPE_CHECKING:
    from python_models.tables.influence import World

# outward: only links from a core city to the periphery
BARRIERS = ("province_outward", "segmentation", "segmentation_outward")
LEAST_KNOWN = 0.8  # share of the links whose prices are known


def is_behind(world: World, kind: str) -> BoolArray:
    """(N, N) links behind the barrier: another province, or prices apart by more than the median of all links."""
    if kind.startswith("province"):
        area = world.sample.city["province_code"].astype(str).to_numpy()
        return np.asarray(area[:, None] != area[None, :])
    v = _segmentation(world)
    links = world.weights.matrix.toarray() > 0
    return np.asarray(v > np.nanmedian(v[links]))


def scope_of(world: World, kind: str) -> BoolArray | None:
    """(N, N) links that are asked about, None for all: of cities whose prices are known, from centre to periphery."""
    scope = np.ones((world.weights.n, world.weights.n), dtype=np.bool_)
    if kind.startswith("segmentation"):
        scope &= ~np.isnan(_segmentation(world))
    if kind.endswith("outward"):
        core = world.groups("core") == "core"
        scope &= ~core[:, None] & core[None, :]
    return None if scope.all() else scope


def _segmentation(world: World) -> FloatArray:
    """Price segmentation V_ij of each pair in the first year that has one (known before the panel moves), else NaN."""
    table: pd.DataFrame = world.frames["segmentation_pair"]
    if table.empty:
        raise Skipped("there are no prices of pairs of cities in this warehouse.")
    first = table[table["year"] == max(int(table["year"].min()), world.sample.years[0])]
    place = {city: i for i, city in enumerate(world.sample.cities)}
    v = np.full((len(place), len(place)), np.nan)
    known = first[first["unit_i"].isin(place) & first["unit_j"].isin(place)]
    i, j = (known[name].map(place).to_numpy(dtype=int) for name in ("unit_i", "unit_j"))
    v[i, j] = v[j, i] = known["v_ij"].to_numpy(dtype=np.float64)
    links = world.weights.matrix.toarray() > 0
    share = 1.0 - float(np.isnan(v[links]).mean())
    if share < LEAST_KNOWN:
        raise Skipped(f"prices are known for {share:.0%} of the links between cities, {LEAST_KNOWN:.0%} are needed.")
    return v
