"""Paths of cities, their transitions and shares, and the monitors, from the frozen indexes and what was estimated."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd

from dagster_project.study.frames import (
    FORCES,
    GROUP_FRAMES,
    HEADLINE_WEIGHTS,
    NEIGHBOURS,
    PAIRS,
    RELATIONS,
    Frames,
    Rows,
    Tables,
    main_scheme,
)
from dagster_project.study.monitors import monitor_table
from dagster_project.study.pairs import PolicyPanel, city_values, policy_panels
from dagster_project.study.settings import Settings
from python_models._types import BoolArray, FloatArray
from python_models.policy import INPUTS as PATH_INPUTS
from python_models.policy import (
    NEVER,
    NOBODY,
    Assignment,
    Cuts,
    PathDraws,
    base_cuts,
    classify,
    draw_paths,
    gower_distance,
    margin,
    n_in_window,
    nearest_better,
    path_inputs,
    replay_differences,
    share_table,
    spells,
    transition_table,
)
from python_models.policy.inputs import WINDOW

# both sides of every pair, on the basis of the base window
HEADLINE = f"""weight_scheme = {HEADLINE_WEIGHTS} and basis in (select basis from ({PAIRS}))
            and (index_code in {FORCES} or index_code in {RELATIONS})"""
INPUTS = {
    "scores": f"""
        with headline as (
            select basis, index_code, weight_scheme, city_id, year, score from py.index_score
            where {HEADLINE} and score is not null
        ),
        coordinated as (
            select basis, index_code, city_id, year, d, lead_lag from py.coupling
            where form = 'corrected' and scale = 'minmax01'
        ),
        windows as (select distinct index_code, window_start, window_end from ops.index_spec)
        select a.basis, pair.index_code, pair.relations_code, a.weight_scheme, a.city_id, a.year, a.score as u,
            b.score as p, c.d, (c.lead_lag = 'pr_lagging')::double as pr_lagging,
            a.year between w.window_start and w.window_end as in_base
        from ({PAIRS}) as pair
        join headline as a on pair.index_code = a.index_code and pair.basis = a.basis
        join headline as b
            on pair.relations_code = b.index_code and a.basis = b.basis and a.city_id = b.city_id and a.year = b.year
        join coordinated as c
            on pair.index_code = c.index_code and a.basis = c.basis and a.city_id = c.city_id and a.year = c.year
        join windows as w on pair.index_code = w.index_code
        join seed.city as place on a.city_id = place.city_id and place.centroid_lon is not null
        order by 1, 2, 5, 6
    """,
    "values": f"""
        select basis, index_code, city_id, year, indicator_code, z from py.index_value
        where {HEADLINE} order by 1, 2, 3, 4, 5
    """,
    "weights": f"""
        select basis, index_code, indicator_code, weight from py.index_weight
        where {HEADLINE} and year is null order by 1, 2, 3
    """,
    "city": """
        select city_id, province_code, centroid_lon, centroid_lat from seed.city
        where centroid_lon is not null order by city_id
    """,
    **GROUP_FRAMES,
    "neighbours": NEIGHBOURS,
    "features": """
        select variable_code, city_id, year, value from int.int_values_completed
        where variable_code in ('population', 'gdp_nom', 'secondary_share', 'tertiary_share') and value > 0
        order by 1, 2, 3
    """,
    "threshold": "select * from py.threshold_result",
    "barrier": "select * from py.border_barrier where barrier_code = 'province'",
    "block": f"select * from py.block_spillover where scheme = {main_scheme('centre')}",
    "boundary": "select * from py.regional_boundary where method = 'ring' and synergy_class = 'all'",
    "segmentation": """
        select city_id, year, seg from py.market_segmentation where neighbour_rule = 'contiguous'
        order by 1, 2
    """,
    "segmentation_pair": """
        select year, same_province, count(*) as n,
            avg(v_ij order by unit_i, unit_j) as v
        from py.market_segmentation_pair
        group by all order by 1, 2
    """,
    "dagum": f"select * from py.dagum_component where scheme = {main_scheme('region')}",
    "network": "select * from py.network_summary",
    "network_city": "select index_code, basis, city_id, year, out_degree from py.network_city order by all",
}
TABLES = ("city_path", "path_transition", "path_summary", "principle_monitor")
N_BOOT = 999


def build(frames: Frames, settings: Settings) -> Tables:
    """Empty tables without a pair of indexes."""
    rows = Rows()
    for panel in policy_panels(frames):
        tables = _of_panel(panel, frames, settings.seed, settings.sizes("policy")["draws"])
        rows.add(tables, **panel.keys, seed=settings.seed)
    return rows.tables(TABLES)


def _of_panel(panel: PolicyPanel, frames: Frames, seed: int, n_draws: int) -> Tables:
    barrier = panel.where.barrier(panel.barrier_index.value)
    inputs = path_inputs(panel.u, panel.p, panel.d, barrier, panel.where.w, panel.years)
    cuts = base_cuts(inputs, panel.base, panel.d_cut.value)
    assigned = classify(inputs, cuts)
    draws = _draws(panel, seed, n_draws)
    shares = share_table(assigned.path, panel.u, panel.d, [mask for _, _, mask in panel.members], draws)
    made = 0 if draws is None else n_draws
    labelled = [
        table.assign(scheme=scheme, group_code=group, year=np.array(panel.years)[table["t"]], n_draws=made)
        for (scheme, group, _), table in zip(panel.members, shares, strict=True)
    ]
    moves = transition_table(assigned.path, n_boot=N_BOOT, seed=seed)
    return {
        "city_path": _city_rows(panel, frames, inputs, cuts, assigned, draws),
        "path_transition": moves.assign(n_boot=N_BOOT, n_obs=moves["n"].sum()),
        "path_summary": pd.concat(labelled, ignore_index=True),
        "principle_monitor": monitor_table(panel, frames, draws),
    }


def _draws(panel: PolicyPanel, seed: int, n_draws: int) -> PathDraws | None:
    """None where an index lacks the scaled indicators that its weights speak of."""
    if panel.forces is None or panel.relations is None:
        return None
    rng = np.random.default_rng([seed, zlib.crc32("|".join(panel.keys.values()).encode())])
    return draw_paths(
        panel.forces,
        panel.relations,
        panel.where,
        panel.years,
        panel.base,
        panel.d_cut,
        panel.barrier_index,
        n_draws=n_draws,
        rng=rng,
    )


def _city_rows(
    panel: PolicyPanel, frames: Frames, inputs: FloatArray, cuts: Cuts, assigned: Assignment, draws: PathDraws | None
) -> pd.DataFrame:
    n, t = assigned.path.shape
    distance, nearest = margin(inputs, cuts)
    spell = spells(assigned.path, panel.years)
    peer, peer_distance = _benchmarks(panel, frames, inputs[..., PATH_INPUTS.index("p")])
    ids = np.array([*panel.cities, None], dtype=object)
    table = pd.DataFrame(
        {
            "city_id": np.repeat(np.array(panel.cities, dtype=object), t),
            "year": np.tile(panel.years, n),
            **{name: inputs[..., k].ravel() for k, name in enumerate(PATH_INPUTS)},
            "cuts": cuts.to_json(),
            "margin": distance.ravel(),
            "margin_input": nearest.ravel(),
            "p_path": np.nan if draws is None else draws.share_same(assigned.path).ravel(),
            "benchmark_city_id": ids[peer.ravel()],
            "benchmark_distance": peer_distance.ravel(),
            "years_in_path": spell.years_in_path.ravel(),
            "last_switch": pd.array(spell.last_switch.ravel(), dtype="Int64"),
            "changed": _changed(spell.changed),
            "n_years_smoothed": np.tile(n_in_window(panel.years), n),
            "caveats": _caveats(panel, cuts, draws),
            "n_draws": 0 if draws is None else len(draws.path),
        }
    )
    table.loc[table["last_switch"] == NEVER, "last_switch"] = pd.NA
    table = pd.concat([table, assigned.to_frame()], axis=1)
    wrong = replay_differences(table)
    if len(wrong):
        row = wrong.iloc[0]
        raise ValueError(f"the path of {row['city_id']} in {row['year']} does not follow from its inputs and cuts.")
    return table


def _changed(changed: BoolArray) -> pd.api.extensions.ExtensionArray:
    """Flat marks; not known in the first year."""
    flat = pd.array(changed.ravel(), dtype="boolean")
    flat[np.arange(changed.shape[0]) * changed.shape[1]] = pd.NA
    return flat


def _caveats(panel: PolicyPanel, cuts: Cuts, draws: PathDraws | None) -> str:
    flags = list(panel.flags)
    if cuts.value[PATH_INPUTS.index("p_neighbour")] <= 0:
        flags.append("no_presence_is_enough")  # half of the cities have no neighbour of the top third
    if draws is None:
        flags.append("no_draws")
    if len(panel.years) < WINDOW:
        flags.append("short_window")
    return ",".join(flags)


def _benchmarks(panel: PolicyPanel, frames: Frames, p: FloatArray) -> tuple[np.ndarray, FloatArray]:
    """Position and Gower distance of each city's benchmark, (N, T): industry mix, size and income of the year."""
    features = {
        name: _recent_mean(city_values(rows, "value", panel), panel.years)
        for name, rows in _by_code(frames["features"])
    }
    peer = np.full(p.shape, NOBODY)
    distance = np.full(p.shape, np.nan)
    nothing = np.full(p.shape, np.nan)
    people, product, secondary, tertiary = (
        features.get(name, nothing) for name in ("population", "gdp_nom", "secondary_share", "tertiary_share")
    )
    size, income = np.log(people), np.log(product) - np.log(people)
    mix = np.stack([secondary, tertiary], axis=-1)
    for t in range(p.shape[1]):
        gower = gower_distance([mix[:, t], size[:, t, None], income[:, t, None]])
        peer[:, t] = nearest_better(gower, p[:, t])
        distance[:, t] = np.where(peer[:, t] == NOBODY, np.nan, gower[np.arange(len(p)), peer[:, t]])
    return peer, distance


def _by_code(features: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(str(code), rows) for code, rows in features.groupby("variable_code")] if len(features) else []


def _recent_mean(values: FloatArray, years: tuple[int, ...]) -> FloatArray:
    """Mean of the values of the last three years that there are, NaN where there is none."""
    t = np.array(years)
    means = np.full(values.shape, np.nan)
    for k, year in enumerate(years):
        recent = values[:, (t <= year) & (year - t < WINDOW)]
        known = np.isfinite(recent)
        total, count = np.where(known, recent, 0.0).sum(axis=1), known.sum(axis=1)
        means[:, k] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return means
