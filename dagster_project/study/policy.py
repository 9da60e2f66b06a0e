"""Paths of cities, their transitions and shares, and the monitors, from the frozen indexes and what was estimated."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dagster_project.study.coupling import PAIR_KEYS
from dagster_project.study.frames import (
    FORCES,
    GROUP_FRAMES,
    NEIGHBOURS,
    OWN_WEIGHTS,
    PAIRS,
    RELATIONS,
    Frames,
    Rows,
    Tables,
    main_scheme,
    stacked,
)
from dagster_project.study.groups import Groups
from dagster_project.study.settings import Settings
from python_models._types import BoolArray, FloatArray
from python_models.policy import INPUTS as PATH_INPUTS
from python_models.policy import (
    NEVER,
    NOBODY,
    Assignment,
    Cuts,
    Geography,
    Index,
    Interval,
    PathDraws,
    base_cuts,
    city_monitor,
    classify,
    draw_paths,
    gower_distance,
    margin,
    n_in_window,
    nearest_better,
    path_inputs,
    replay_differences,
    share_table,
    single_monitor,
    spells,
    transition_table,
    year_cuts,
)
from python_models.policy.inputs import WINDOW
from python_models.policy.monitors import NATION
from python_models.space import build_weights, to_sparse

# both sides of every pair, on the basis of the base window, and the weights that each of them is published with
SIDES = f"""basis in (select basis from ({PAIRS})) and (index_code in {FORCES} or index_code in {RELATIONS})"""
HEADLINE = f"{OWN_WEIGHTS} and {SIDES}"
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
        where {SIDES} order by 1, 2, 3, 4, 5
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
        where edit_policy = 'edited' and value > 0 and year >= (select min(window_start) from ops.index_spec)
            and variable_code in ('population', 'gdp_nom', 'secondary_share', 'tertiary_share')
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
VALUES = ("u", "p", "d", "pr_lagging")
THRESHOLDS = ("spatial_emitter", "hansen")
RINGS = {"joint": "", "all": "barrier_not_by_distance"}
DEFAULT_CUT = 0.5
SIGNIFICANT = 0.05
LEAST_CITIES = 3
POOLED = 0
LIMITS = (0.025, 0.975)
NETWORK = {
    "network_reciprocity": ("reciprocity", "reciprocity"),
    "network_cross_province": ("cross_province_share", "cross_province"),
    "network_centre_reach": ("centre_reach_share", ""),
}


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
    cuts = year_cuts(inputs, panel.base, panel.d_cut.value)
    assigned = classify(inputs, cuts)
    pooled = classify(inputs, base_cuts(inputs, panel.base, panel.d_cut.value))
    draws = _draws(panel, seed, n_draws)
    masks = [mask for _, _, mask in panel.members]
    shares = share_table(assigned.path, panel.u, panel.d, masks, draws)
    variant = share_table(pooled.path, panel.u, panel.d, masks, None)
    made = 0 if draws is None else n_draws
    labelled = [
        table.assign(
            scheme=scheme,
            group_code=group,
            year=np.array(panel.years)[table["t"]],
            share_fixed_cuts=other["share"],
            n_draws=made,
        )
        for (scheme, group, _), table, other in zip(panel.members, shares, variant, strict=True)
    ]
    moves = transition_table(assigned.path, n_boot=N_BOOT, seed=seed)
    return {
        "city_path": _city_rows(panel, frames, inputs, cuts, assigned, draws).assign(
            path_fixed_cuts=pooled.to_frame()["path"]
        ),
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
    panel: PolicyPanel,
    frames: Frames,
    inputs: FloatArray,
    cuts: Sequence[Cuts],
    assigned: Assignment,
    draws: PathDraws | None,
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
            "cuts": np.tile(np.array([cut.to_json() for cut in cuts], dtype=object), n),
            "margin": distance.ravel(),
            "margin_input": nearest.ravel(),
            "p_path": np.nan if draws is None else draws.share_same(assigned.path).ravel(),
            "benchmark_city_id": ids[peer.ravel()],
            "benchmark_distance": peer_distance.ravel(),
            "years_in_path": spell.years_in_path.ravel(),
            "last_switch": pd.array(spell.last_switch.ravel(), dtype="Int64"),
            "changed": _changed(spell.changed),
            "n_years_smoothed": np.tile(n_in_window(panel.years), n),
            "caveats": np.tile(np.array([_caveats(panel, cut, draws) for cut in cuts], dtype=object), n),
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


# ---- one pair of indexes: balanced arrays, neighbours, groups, cuts from estimates ----------------------------------


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


# ---- monitors of the four principles --------------------------------------------------------------------------------


def monitor_table(panel: PolicyPanel, frames: Frames, draws: PathDraws | None) -> pd.DataFrame:
    """All monitors of one panel; one without its input is a row without a value and with the reason."""
    parts = [
        *_compatibility(panel, frames, draws),
        *_networks(panel, frames),
        *_diffusion(panel, frames),
        *_integration(panel, frames),
    ]
    return stacked(parts)


def _compatibility(panel: PolicyPanel, frames: Frames, draws: PathDraws | None) -> list[pd.DataFrame]:
    clusters = panel.clusters
    features = frames["features"]
    people = features[features["variable_code"] == "population"] if len(features) else features
    high = np.where(panel.d >= panel.d_cut.value, 1.0, 0.0)
    units = {("national", NATION): np.ones(len(panel.cities), dtype=np.bool_)}
    units |= {("cluster", name): mask for name, mask in clusters.items()}
    found = []
    for code, values in (
        ("mean_d", panel.d),
        ("median_d", panel.d),
        ("share_synergy", high),
        ("share_pr_lagging", panel.pr_lagging),
    ):
        rows = city_monitor(code, values, panel.cities, panel.years, clusters)
        found.append(rows if draws is None else _with_draws(rows, _drawn(code, draws), units, panel.years, code))
    weights = city_values(people, "value", panel)
    note = "" if np.isfinite(weights).any() else "no population"
    found.append(
        city_monitor("mean_d_population", panel.d, panel.cities, panel.years, clusters, weights=weights, note=note)
    )
    return [*found, _gap(panel, clusters, draws)]


def _drawn(code: str, draws: PathDraws) -> FloatArray:
    """What the monitor averages in each draw, (R, N, T)."""
    if code == "share_synergy":
        return np.asarray(draws.d >= draws.d_cut[:, None, None], dtype=np.float64)
    return np.asarray(draws.pr_lagging if code == "share_pr_lagging" else draws.d, dtype=np.float64)


def _with_draws(
    rows: pd.DataFrame, drawn: FloatArray, units: dict[tuple[str, str], BoolArray], years: Sequence[int], code: str
) -> pd.DataFrame:
    """lo and hi of clusters and nation: 2.5 and 97.5 % points over the draws."""
    reduce = np.median if code == "median_d" else np.mean
    limits = []
    for (level, unit_id), mask in units.items():
        low, high = np.quantile(reduce(drawn[:, mask], axis=1), LIMITS, axis=0)
        limits.append(pd.DataFrame({"level": level, "unit_id": unit_id, "year": years, "lo": low, "hi": high}))
    table = pd.concat(limits, ignore_index=True)
    return rows.drop(columns=["lo", "hi"]).merge(table, how="left", on=["level", "unit_id", "year"])


def _gap(panel: PolicyPanel, clusters: dict[str, BoolArray], draws: PathDraws | None) -> pd.DataFrame:
    """Mean D of the core cities minus that of the periphery, in the nation and in each cluster that has both."""
    code, sides = "gap_centre_periphery_d", panel.core()
    if sides is None:
        return single_monitor(code, pd.DataFrame(), note="the sample lacks core cities or periphery")
    units = {("national", NATION): np.ones(len(panel.cities), dtype=np.bool_)}
    units |= {("cluster", name): mask for name, mask in clusters.items()}
    rows = []
    for (level, unit_id), mask in units.items():
        core, rest = sides[0] & mask, sides[1] & mask
        if core.any() and rest.any():
            row = {"level": level, "unit_id": unit_id, "year": panel.years, "n": int(core.sum() + rest.sum())}
            row["value"] = panel.d[core].mean(axis=0) - panel.d[rest].mean(axis=0)
            if draws is not None:
                gaps = draws.d[:, core].mean(axis=1) - draws.d[:, rest].mean(axis=1)
                row["lo"], row["hi"] = np.quantile(gaps, LIMITS, axis=0)
            rows.append(pd.DataFrame(row))
    return single_monitor(code, pd.concat(rows, ignore_index=True), made_by="core_minus_periphery")


def _networks(panel: PolicyPanel, frames: Frames) -> list[pd.DataFrame]:
    summary, city = own(frames["network"], panel.keys), own(frames["network_city"], panel.keys)
    note = "" if len(summary) else "no network was built"
    found = []
    if len(city):
        degree = city.pivot(index="city_id", columns="year", values="out_degree").sort_index()
        names = tuple(map(str, degree.index))
        share = degree.to_numpy(dtype=np.float64) / max(len(names) - 1, 1)
        clusters = Groups.read(frames).clusters(names)
        rows = city_monitor("network_density", share, names, [int(y) for y in degree.columns], clusters)
        limits = summary[["year", "density_lo", "density_hi"]].assign(level="national") if len(summary) else None
        if limits is not None:
            names_of = {"density_lo": "lo", "density_hi": "hi"}
            rows = rows.drop(columns=["lo", "hi"]).merge(limits.rename(columns=names_of), how="left")
        found.append(rows)
    else:
        found.append(single_monitor("network_density", pd.DataFrame(), note=note or "no degree by city"))
    for code, (name, limit) in NETWORK.items():
        table = pd.DataFrame()
        if len(summary):
            table = pd.DataFrame({"year": summary["year"], "value": summary[name], "n": summary["n_obs"]})
            if limit:
                table = table.assign(lo=summary[f"{limit}_lo"], hi=summary[f"{limit}_hi"])
        found.append(single_monitor(code, table.reset_index(drop=True), note=note))
    return found


def _diffusion(panel: PolicyPanel, frames: Frames) -> list[pd.DataFrame]:
    block = own(frames["block"], panel.keys)
    sides = {(str(r["emitter"]), str(r["receiver"])): r for _, r in block.iterrows()}
    out = sides.get(("c", "p"))
    note = "" if out is not None else "no spillover by block was estimated"
    specs = {
        "effect_centre_to_periphery": ("e_per_emitter", "e_lo", "e_hi"),
        "effect_on_periphery": ("r_per_receiver", "r_lo", "r_hi"),
        "asymmetry_index": ("asymmetry_index", "asymmetry_lo", "asymmetry_hi"),
    }
    found = []
    for code, (value, low, high) in specs.items():
        table = pd.DataFrame() if out is None else _pooled(out[value], out[low], out[high], out["n_obs"])
        lacks = out is not None and pd.isna(out[value])
        why = "one of the two directions does not differ from zero" if lacks else note
        found.append(single_monitor(code, table, note=why))
    ratios = {
        "link_ratio_centre_periphery_to_centre_centre": (("c", "p"), ("c", "c")),
        "link_ratio_periphery_periphery_to_centre_periphery": (("p", "p"), ("c", "p")),
    }
    for code, (top, bottom) in ratios.items():
        found.append(_link_ratio(code, sides.get(top), sides.get(bottom)))
    reach = own(frames["boundary"], panel.keys)
    reach = reach[reach["step_km"] == 100] if len(reach) else reach
    for code, column in (("boundary", "boundary_km"), ("half_distance", "half_distance_km")):
        table, why = pd.DataFrame(), "no reach was estimated"
        if len(reach):
            row = reach.iloc[0]
            table = _pooled(row[column], None, None, row["n_obs"])
            why = "" if pd.notna(row[column]) else "no band is significant, or the spillover does not decay"
        found.append(single_monitor(code, table, note=why))
    return found


def _link_ratio(code: str, top: pd.Series | None, bottom: pd.Series | None) -> pd.DataFrame:
    """How much one link conveys at a tier, over one link at the tier above; without a value if that may be zero."""
    if top is None or bottom is None:
        return single_monitor(code, pd.DataFrame(), note="no spillover by block was estimated")
    if not bottom["per_link_lo"] > 0:
        return single_monitor(code, pd.DataFrame(), note="the link of the upper tier does not differ from zero")
    ratio = float(top["per_link"] / bottom["per_link"])
    return single_monitor(code, _pooled(ratio, None, None, top["n_obs"]))


def _integration(panel: PolicyPanel, frames: Frames) -> list[pd.DataFrame]:
    barrier = panel.barrier_index
    if np.isfinite(barrier.value):
        note = "distance is not held constant" if "barrier_not_by_distance" in panel.flags else ""
        found = [single_monitor("barrier_index", _pooled(barrier.value, barrier.lo, barrier.hi, np.nan), note=note)]
    else:
        found = [single_monitor("barrier_index", pd.DataFrame(), note="no barrier could be estimated")]
    return [*found, *_segmentation(frames), _between_share(panel, frames)]


def _segmentation(frames: Frames) -> list[pd.DataFrame]:
    city, pair = frames["segmentation"], frames["segmentation_pair"]
    codes = ("within_province", "across_province", "ratio_across_to_within")
    if city.empty or pair.empty:
        return [
            single_monitor(code, pd.DataFrame(), note="no prices")
            for code in ("segmentation", *(f"segmentation_{c}" for c in codes))
        ]
    wide = city.pivot(index="city_id", columns="year", values="seg").sort_index()
    names = tuple(map(str, wide.index))
    clusters = Groups.read(frames).clusters(names)
    years = [int(year) for year in wide.columns]
    found = [city_monitor("segmentation", wide.to_numpy(dtype=np.float64), names, years, clusters)]
    side = pair.pivot(index="year", columns="same_province", values="v").reindex(columns=[True, False])
    count = pair.pivot(index="year", columns="same_province", values="n").reindex(columns=[True, False]).fillna(0)
    values = (1e4 * side[True], 1e4 * side[False], side[False] / side[True])
    counts = (count[True], count[False], count.sum(axis=1))
    for code, value, n in zip(codes, values, counts, strict=True):
        table = pd.DataFrame({"year": side.index, "value": value.to_numpy(), "n": n.to_numpy(dtype=np.int64)})
        found.append(single_monitor(f"segmentation_{code}", table))
    return found


def _between_share(panel: PolicyPanel, frames: Frames) -> pd.DataFrame:
    rows = own(frames["dagum"], panel.keys)
    if rows.empty:
        return single_monitor("between_share_of_gini", pd.DataFrame(), note="the Gini index was not decomposed")
    rows = rows.sort_values("year").reset_index(drop=True)
    names = {"share_nb": "value", "share_nb_lo": "lo", "share_nb_hi": "hi", "n_obs": "n"}
    table = rows.rename(columns=names)[["year", "value", "lo", "hi", "n"]]
    return single_monitor("between_share_of_gini", table)


def _pooled(value: object, lo: object, hi: object, n: object) -> pd.DataFrame:
    row = {"year": POOLED, "value": value, "lo": lo, "hi": hi, "n": n}
    return pd.DataFrame([row]).astype({"value": np.float64, "lo": np.float64, "hi": np.float64})
