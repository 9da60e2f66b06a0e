"""Policy tables: paths of cities, their transitions and shares, monitors of the four principles.

What does not belong here: the rules, bands and formulas (see python_models.policy).
"""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd

from dagster_project.study.tables._policy_monitors import monitor_table
from dagster_project.study.tables._policy_panel import KEYS, Frames, PolicyPanel, city_values, policy_panels
from python_models._types import BoolArray, FloatArray
from python_models.policy import (
    INPUTS,
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
from python_models.policy.draws import N_DRAWS
from python_models.policy.inputs import WINDOW
from python_models.policy.monitors import COLUMNS as MONITOR_COLUMNS

N_BOOT = 999
COLUMNS = {
    "city_path": [
        *KEYS,
        "city_id",
        "year",
        "path",
        "subtype",
        "rule_fired",
        *INPUTS,
        "cuts",
        "margin",
        "margin_input",
        "p_path",
        "benchmark_city_id",
        "benchmark_distance",
        "years_in_path",
        "last_switch",
        "changed",
        "n_years_smoothed",
        "caveats",
        "n_draws",
        "seed",
    ],
    "path_transition": [
        *KEYS,
        "path_from",
        "path_to",
        "n",
        "n_row",
        "p",
        "lo",
        "hi",
        "thin",
        "n_boot",
        "n_obs",
        "seed",
    ],
    "path_summary": [
        *KEYS,
        "year",
        "scheme",
        "group_code",
        "path",
        "n",
        "n_group",
        "share",
        "share_lo",
        "share_hi",
        "mean_score",
        "mean_d",
        "n_draws",
        "seed",
    ],
    "principle_monitor": [*KEYS, *MONITOR_COLUMNS, "seed"],
}


def build_policy_tables(frames: Frames, *, seed: int, n_draws: int = N_DRAWS) -> dict[str, pd.DataFrame]:
    """Frames of dagster_project.study.policy.INPUTS -> tables of COLUMNS; empty ones without a pair of indexes."""
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    for panel in policy_panels(frames):
        for name, table in _of_panel(panel, frames, seed, n_draws).items():
            parts[name].append(table.assign(**panel.keys, seed=seed).reindex(columns=COLUMNS[name]))
    return {
        name: pd.concat([t.dropna(axis=1, how="all") for t in rows], ignore_index=True).reindex(columns=COLUMNS[name])
        if rows
        else pd.DataFrame(columns=COLUMNS[name])
        for name, rows in parts.items()
    }


def _of_panel(panel: PolicyPanel, frames: Frames, seed: int, n_draws: int) -> dict[str, pd.DataFrame]:
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
    peer, peer_distance = _benchmarks(panel, frames, inputs[..., INPUTS.index("p")])
    ids = np.array([*panel.cities, None], dtype=object)
    table = pd.DataFrame(
        {
            "city_id": np.repeat(np.array(panel.cities, dtype=object), t),
            "year": np.tile(panel.years, n),
            **{name: inputs[..., k].ravel() for k, name in enumerate(INPUTS)},
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
    if cuts.value[INPUTS.index("p_neighbour")] <= 0:
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
