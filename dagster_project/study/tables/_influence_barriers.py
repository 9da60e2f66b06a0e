"""Barriers as rows: which links stand behind which, which of them a question is about, and what the border takes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dagster_project.study.tables._influence_world import Tables, World
from dagster_project.study.tables._level_adjusted import p_of, refit, test_row
from dagster_project.study.tables._panel_data import Skipped
from python_models._types import BoolArray, FloatArray
from python_models.influence import Barrier, barrier_split, border_barrier, moderated_barrier

# outward: only links from a core city to the periphery
BARRIERS = ("province_outward", "segmentation", "segmentation_outward")
LEAST_KNOWN = 0.8  # share of the links whose prices are known


def _is_behind(world: World, kind: str) -> BoolArray:
    """(N, N) links behind the barrier: another province, or prices apart by more than the median of all links."""
    if kind.startswith("province"):
        area = world.sample.city["province_code"].astype(str).to_numpy()
        return np.asarray(area[:, None] != area[None, :])
    v = _segmentation(world)
    links = world.weights.matrix.toarray() > 0
    return np.asarray(v > np.nanmedian(v[links]))


def _scope_of(world: World, kind: str) -> BoolArray | None:
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


def border(world: World, edges: tuple[int, ...] | None, draws: int) -> Tables:
    area = world.sample.city["province_code"].astype(str).tolist()
    found = border_barrier(
        world.sample.y,
        world.x,
        world.weights,
        area,
        world.controls,
        distance=None if edges is None else world.distance,
        edges=edges,
        draws=draws,
        rng=world.rng(f"barrier:{edges}"),
    )
    return _border_tables(world, found, "province", "province" if edges is None else "province:rings")


def split(world: World, kind: str, draws: int) -> Tables:
    """Barriers without rings: other borders, and those on the way from a centre to its periphery."""
    found = barrier_split(
        world.sample.y,
        world.x,
        world.weights,
        _is_behind(world, kind),
        world.controls,
        scope=_scope_of(world, kind),
        draws=draws,
        rng=world.rng(f"barrier:{kind}"),
    )
    return _border_tables(world, found, kind, kind)


def _border_tables(world: World, found: Barrier, barrier_code: str, variant: str) -> Tables:
    again, table = refit(world, found.fit), found.to_frame()
    contrasts = {ring: found.contrast(ring) for ring in table["ring_id"]}
    p = [p_of(again[0], [contrast]) for contrast in contrasts.values()]
    last = table.iloc[-1]  # all distances, or all rings jointly
    test = test_row(again, "border", variant, "theta_in = theta_out", [contrasts[last["ring_id"]]], last["p_equal"])
    return {"border_barrier": table.assign(barrier_code=barrier_code, p_level_adjusted=p), "level_adjusted_test": test}


def moderated(world: World, draws: int) -> Tables:
    """Is the border lower where production relations of the receiving city were better in the first year?"""
    found = moderated_barrier(
        world.sample.y,
        world.x,
        world.weights,
        world.sample.city["province_code"].astype(str).tolist(),
        world.x[:, 0],
        world.controls,
        draws=draws,
        rng=world.rng("barrier:moderated"),
    )
    table = found.to_frame().assign(barrier_code="province", moderator=f"{world.spec.regressors[0]}_first_year")
    return {"barrier_moderation": table}
