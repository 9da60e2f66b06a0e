"""What paths and monitors need of one pair of indexes: balanced arrays, neighbours, groups, cuts from estimates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dagster_project.study.coupling import PAIR_KEYS
from dagster_project.study.frames import Frames
from dagster_project.study.groups import Groups
from python_models._types import BoolArray, FloatArray
from python_models.policy import Geography, Index, Interval
from python_models.space import build_weights, to_sparse

VALUES = ("u", "p", "d", "pr_lagging")
THRESHOLDS = ("spatial_emitter", "hansen")
RINGS = {"joint": "", "all": "barrier_not_by_distance"}
DEFAULT_CUT = 0.5
SIGNIFICANT = 0.05
LEAST_CITIES = 3


@dataclass(frozen=True, eq=False)
class PolicyPanel:
    """Arrays (N, T) in the order of cities and years; forces and relations are None if an indicator is missing."""

    keys: dict[str, str]
    cities: tuple[str, ...]
    years: tuple[int, ...]
    base: BoolArray
    u: FloatArray
    p: FloatArray
    d: FloatArray
    pr_lagging: FloatArray
    forces: Index | None
    relations: Index | None
    where: Geography
    d_cut: Interval
    barrier_index: Interval
    flags: tuple[str, ...]
    groups: Groups

    @property
    def members(self) -> list[tuple[str, str, BoolArray]]:
        """(scheme, group, mask of cities): every split that leaves no city out, and the named clusters."""
        schemes = (*self.groups.splits(whole=True), self.groups.main("list"))
        return self.groups.members(self.cities, schemes)

    @property
    def clusters(self) -> dict[str, BoolArray]:
        return self.groups.clusters(self.cities)

    def core(self) -> tuple[BoolArray, BoolArray] | None:
        """Core cities and periphery; None where one of them is missing."""
        core, known = self.where.is_centre, self.groups.of(self.groups.main("centre"), self.cities)
        rest = np.array([code is not None for code in known]) & ~core
        return (core, rest) if core.any() and rest.any() else None


def policy_panels(frames: Frames) -> list[PolicyPanel]:
    """One panel per pair of indexes and basis; a pair with fewer than three complete cities has none."""
    found = []
    for keys, part in frames["scores"].groupby(PAIR_KEYS, sort=True):
        wide = _balanced(part)
        if wide is not None:
            found.append(_panel(dict(zip(PAIR_KEYS, map(str, keys), strict=True)), wide, part, frames))
    return found


def _balanced(part: pd.DataFrame) -> dict[str, pd.DataFrame] | None:
    """Cities with all base years; other years only if all those cities have them."""
    wide = {name: part.pivot(index="city_id", columns="year", values=name).sort_index() for name in VALUES}
    there = wide["u"].notna() & wide["p"].notna() & wide["d"].notna() & wide["pr_lagging"].notna()
    base = part.groupby("year")["in_base"].first().reindex(there.columns).to_numpy(dtype=np.bool_)
    cities = there.loc[:, base].all(axis=1)
    if not base.any() or cities.sum() < LEAST_CITIES:
        return None
    years = there[cities].all(axis=0)
    return {name: table.loc[cities, years].astype(np.float64) for name, table in wide.items()}


def _panel(keys: dict[str, str], wide: dict[str, pd.DataFrame], part: pd.DataFrame, frames: Frames) -> PolicyPanel:
    cities = tuple(map(str, wide["u"].index))
    years = tuple(int(year) for year in wide["u"].columns)
    base = part.groupby("year")["in_base"].first().reindex(years).to_numpy(dtype=np.bool_)
    city = frames["city"].set_index("city_id").reindex(list(cities))
    points = city[["centroid_lon", "centroid_lat"]]
    groups = Groups.read(frames)
    graph = build_weights("queen", labels=list(cities), points=points, edges=frames["neighbours"])
    where = Geography(
        to_sparse(graph),
        points.to_numpy(dtype=np.float64),
        tuple(city["province_code"].astype(str)),
        groups.is_core(cities),
    )
    d_cut, cut_flag = _threshold(frames["threshold"], keys)
    barrier, barrier_flag = _barrier(frames["barrier"], keys)
    codes = (keys["index_code"], keys["relations_code"])
    forces, relations = (_index(frames, keys["basis"], code, cities, years) for code in codes)
    u, p, d, lagging = (wide[name].to_numpy(dtype=np.float64) for name in VALUES)
    return PolicyPanel(
        keys,
        cities,
        years,
        base,
        u,
        p,
        d,
        lagging,
        forces,
        relations,
        where,
        d_cut,
        barrier,
        tuple(flag for flag in (cut_flag, barrier_flag) if flag),
        groups,
    )


def own(frame: pd.DataFrame, keys: Mapping[str, str]) -> pd.DataFrame:
    """The rows of this basis and index; an empty frame may have lost its types."""
    if frame.empty:
        return frame
    mine = frame["index_code"] == keys["index_code"]
    return frame[mine & (frame["basis"] == keys["basis"])] if "basis" in frame else frame[mine]


def _threshold(frame: pd.DataFrame, keys: Mapping[str, str]) -> tuple[Interval, str]:
    """The threshold of the emitter's synergy, else that of the own slope, if significant; else the default."""
    table = own(frame, keys)
    for kind in THRESHOLDS:
        rows = table[(table["kind"] == kind) & (table["n_threshold"] == 1)] if len(table) else table
        for _, row in rows.iterrows():
            if row["p_boot"] < SIGNIFICANT:
                return Interval(float(row["gamma"]), float(row["ci_lo"]), float(row["ci_hi"])), f"cut_{kind}"
    return Interval(DEFAULT_CUT), "default_cut"


def _barrier(frame: pd.DataFrame, keys: Mapping[str, str]) -> tuple[Interval, str]:
    """The barrier of province borders within rings of distance, else the plain one, which distance confounds."""
    table = own(frame, keys)
    for ring, flag in RINGS.items():
        rows = table[table["ring_id"] == ring] if len(table) else table
        for _, row in rows.iterrows():
            if pd.notna(row["barrier_index"]):
                return Interval(float(row["barrier_index"]), float(row["lo"]), float(row["hi"])), flag
    return Interval(float("nan")), "no_barrier"


def _index(frames: Frames, basis: str, code: str, cities: tuple[str, ...], years: tuple[int, ...]) -> Index | None:
    weight = frames["weights"]
    if weight.empty or frames["values"].empty:
        return None
    mine = weight[(weight["basis"] == basis) & (weight["index_code"] == code)].set_index("indicator_code")["weight"]
    rows = frames["values"]
    rows = rows[(rows["basis"] == basis) & (rows["index_code"] == code)]
    if mine.empty or rows.empty:
        return None
    wide = rows.pivot(index=["city_id", "year"], columns="indicator_code", values="z")
    wide = wide.reindex(pd.MultiIndex.from_product([list(cities), list(years)]), columns=list(mine.index))
    if wide.isna().to_numpy().any():
        return None
    return Index(wide.to_numpy(dtype=np.float64).reshape(len(cities), len(years), -1), mine.to_numpy(np.float64))


def city_values(frame: pd.DataFrame, name: str, panel: PolicyPanel) -> FloatArray:
    """Column `name` of rows city_id, year as (N, T) in the order of the panel, NaN where there is none."""
    if frame.empty:
        return np.full(panel.u.shape, np.nan)
    wide = frame.pivot(index="city_id", columns="year", values=name)
    return np.asarray(wide.reindex(index=list(panel.cities), columns=list(panel.years)).to_numpy(dtype=np.float64))
