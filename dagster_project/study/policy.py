"""Paths of cities, their transitions and shares, and the monitors, from the frozen indexes and what was estimated.

Does not belong here: the rules of the paths (python_models.policy); estimates of policies (influence).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study.coupling import DEFAULT_CUT, PAIR_KEYS
from dagster_project.study.frames import PLACE, Frames, Rows, Tables, plane, rows_with, stacked
from dagster_project.study.groups import Groups
from dagster_project.study.queries import FORCES, GROUP_FRAMES, NEIGHBOURS, OWN_WEIGHTS, PAIRS, RELATIONS, queries
from dagster_project.study.settings import Settings
from python_models import policy as paths
from python_models._types import BoolArray, FloatArray
from python_models.policy import INPUTS as PATH_INPUTS
from python_models.policy import NEVER, NOBODY, Interval, city_monitor, single_monitor
from python_models.policy.inputs import WINDOW
from python_models.policy.monitors import NATION
from python_models.space import build_weights, to_sparse

# both sides of every pair, on the basis of the base window, and the weights that each of them is published with
SIDES = f"""basis in (select basis from ({PAIRS})) and (index_code in {FORCES} or index_code in {RELATIONS})"""
HEADLINE = f"{OWN_WEIGHTS} and {SIDES}"
MAIN = "(select scheme from mart.dim_group_scheme where role = '{}' and is_main)"  # of centre, or of region
INPUTS = {
    **queries(__file__, SIDES=SIDES, HEADLINE=HEADLINE, CENTRE=MAIN.format("centre"), REGION=MAIN.format("region")),
    **GROUP_FRAMES,
    "neighbours": NEIGHBOURS,
}
TABLES = ("city_path", "path_transition", "path_summary", "principle_monitor")
N_BOOT = 999
VALUES = ("u", "p", "d", "pr_lagging")
THRESHOLDS = ("spatial_emitter", "hansen")
RINGS = {"joint": "", "all": "barrier_not_by_distance"}
SIGNIFICANT = 0.05
LEAST_CITIES = 3
POOLED = 0
LIMITS = (0.025, 0.975)
ONE_SIDED = "the sample lacks core cities or periphery"
# monitor -> column of the network, prefix of its limits ('' without), why there is no value
NETWORK = {
    "network_reciprocity": ("reciprocity", "reciprocity", "the network has no link"),
    "network_cross_province": ("cross_province_share", "cross_province", "the network has no link"),
    "network_centre_reach": ("centre_reach_share", "", ONE_SIDED),
}
# monitor -> column of the block from centre to periphery and prefix of its limits
BLOCK = {
    "effect_centre_to_periphery": ("e_per_emitter", "e"),
    "effect_on_periphery": ("r_per_receiver", "r"),
    "asymmetry_index": ("asymmetry_index", "asymmetry"),
}
# monitor -> emitter and receiver of a tier, and of the tier above it
LINK_RATIOS = {
    "link_ratio_centre_periphery_to_centre_centre": ("cp", "cc"),
    "link_ratio_periphery_periphery_to_centre_periphery": ("pp", "cp"),
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
    inputs = paths.path_inputs(panel.u, panel.p, panel.d, barrier, panel.where.w, panel.years)
    cuts = paths.year_cuts(inputs, panel.base, panel.d_cut.value)
    assignment = paths.classify(inputs, cuts)
    pooled = paths.classify(inputs, paths.base_cuts(inputs, panel.base, panel.d_cut.value))
    draws = _draws(panel, seed, n_draws)
    masks = [mask for _, _, mask in panel.members]
    shares = paths.share_table(assignment.path, panel.u, panel.d, masks, draws)
    variant = paths.share_table(pooled.path, panel.u, panel.d, masks, None)
    parts = []
    for (scheme, group, _), table, other in zip(panel.members, shares, variant, strict=True):
        about: dict[str, Any] = {"scheme": scheme, "group_code": group, "n_draws": 0 if draws is None else n_draws}
        year = np.array(panel.years)[table["t"]]
        parts.append(table.assign(**about, year=year, share_fixed_cuts=other["share"]))
    moves = paths.transition_table(assignment.path, n_boot=N_BOOT, seed=seed)
    cities = _city_rows(panel, frames, inputs, cuts, assignment, draws)
    # a monitor without its input is a row without a value and with the reason
    monitors = [*_compatibility(panel, frames, draws), *_networks(panel, frames)]
    monitors += [*_diffusion(panel, frames), *_integration(panel, frames)]
    return {
        "city_path": cities.assign(path_fixed_cuts=pooled.to_frame()["path"]),
        "path_transition": moves.assign(n_boot=N_BOOT, n_obs=moves["n"].sum()),
        "path_summary": pd.concat(parts, ignore_index=True),
        "principle_monitor": stacked(monitors),
    }


def _draws(panel: PolicyPanel, seed: int, n_draws: int) -> paths.PathDraws | None:
    """None where an index lacks the scaled indicators that its weights speak of."""
    if panel.forces is None or panel.relations is None:
        return None
    rng = np.random.default_rng([seed, zlib.crc32("|".join(panel.keys.values()).encode())])
    where, limits = (panel.where, panel.years, panel.base), (panel.d_cut, panel.barrier_index)
    return paths.draw_paths(panel.forces, panel.relations, *where, *limits, n_draws=n_draws, rng=rng)


def _city_rows(
    panel: PolicyPanel,
    frames: Frames,
    inputs: FloatArray,
    cuts: Sequence[paths.Cuts],
    assignment: paths.Assignment,
    draws: paths.PathDraws | None,
) -> pd.DataFrame:
    n, t = assignment.path.shape
    distance, nearest = paths.margin(inputs, cuts)
    spell = paths.spells(assignment.path, panel.years)
    peer, peer_distance = _benchmarks(panel, frames, inputs[..., PATH_INPUTS.index("p")])
    ids = np.array([*panel.cities, None], dtype=object)
    by_year = {
        "year": panel.years,
        "cuts": [cut.to_json() for cut in cuts],
        "n_years_smoothed": paths.n_in_window(panel.years),
        "caveats": [_caveats(panel, cut, draws) for cut in cuts],
    }
    by_cell = {
        **{name: inputs[..., k] for k, name in enumerate(PATH_INPUTS)},
        "margin": distance,
        "margin_input": nearest,
        "benchmark_city_id": ids[peer],
        "benchmark_distance": peer_distance,
        "years_in_path": spell.years_in_path,
    }
    table = pd.DataFrame(
        {
            "city_id": np.repeat(np.array(panel.cities, dtype=object), t),
            **{name: np.tile(np.asarray(values), n) for name, values in by_year.items()},
            **{name: values.ravel() for name, values in by_cell.items()},
            "p_path": np.nan if draws is None else draws.share_same(assignment.path).ravel(),
            "last_switch": pd.Series(spell.last_switch.ravel(), dtype="Int64").replace(NEVER, pd.NA),
            "changed": pd.Series(spell.changed.ravel(), dtype="boolean"),
            "n_draws": 0 if draws is None else len(draws.path),
        }
    )
    table.loc[::t, "changed"] = pd.NA  # not known in the first year
    table = pd.concat([table, assignment.to_frame()], axis=1)
    wrong = paths.replay_differences(table)
    if len(wrong):
        row = wrong.iloc[0]
        raise ValueError(f"the path of {row['city_id']} in {row['year']} does not follow from its inputs and cuts.")
    return table


def _caveats(panel: PolicyPanel, cuts: paths.Cuts, draws: paths.PathDraws | None) -> str:
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
    features = (
        plane(rows_with(frames["features"], variable_code=name), "value", panel.cities, panel.years)
        for name in ("population", "gdp_nom", "secondary_share", "tertiary_share")
    )
    people, product, secondary, tertiary = (_recent_mean(values, panel.years) for values in features)
    size, income = np.log(people), np.log(product) - np.log(people)
    mix = np.stack([secondary, tertiary], axis=-1)
    peer, distance = np.full(p.shape, NOBODY), np.full(p.shape, np.nan)
    for t in range(p.shape[1]):
        gower = paths.gower_distance([mix[:, t], size[:, t, None], income[:, t, None]])
        peer[:, t] = paths.nearest_better(gower, p[:, t])
        distance[:, t] = np.where(peer[:, t] == NOBODY, np.nan, gower[np.arange(len(p)), peer[:, t]])
    return peer, distance


def _recent_mean(values: FloatArray, years: tuple[int, ...]) -> FloatArray:
    """Mean of the values of the last three years that there are, NaN where there is none."""
    t = np.array(years)
    means = np.full(values.shape, np.nan)
    for k, year in enumerate(years):
        recent = values[:, (t <= year) & (year - t < WINDOW)]
        is_there = np.isfinite(recent)
        total, count = np.where(is_there, recent, 0.0).sum(axis=1), is_there.sum(axis=1)
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
    forces: paths.Index | None
    relations: paths.Index | None
    where: paths.Geography
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

    @property
    def units(self) -> dict[tuple[str, str], BoolArray]:
        """(level, unit) -> its cities: the nation, then each named cluster."""
        whole = {("national", NATION): np.ones(len(self.cities), dtype=np.bool_)}
        return whole | {("cluster", name): mask for name, mask in self.clusters.items()}

    def core(self) -> tuple[BoolArray, BoolArray] | None:
        """Core cities and periphery; None where one of them is missing."""
        core, codes = self.where.is_centre, self.groups.of(self.groups.main("centre"), self.cities)
        rest = np.array([code is not None for code in codes]) & ~core
        return (core, rest) if core.any() and rest.any() else None


def policy_panels(frames: Frames) -> list[PolicyPanel]:
    """One panel per pair of indexes and basis; a pair with fewer than three complete cities has none."""
    panels = []
    for keys, part in frames["scores"].groupby(PAIR_KEYS, sort=True):
        tables = _balanced(part)
        if tables is not None:
            panels.append(_panel(dict(zip(PAIR_KEYS, map(str, keys), strict=True)), tables, part, frames))
    return panels


def _balanced(part: pd.DataFrame) -> dict[str, pd.DataFrame] | None:
    """Cities with all base years; other years only if all those cities have them."""
    tables = {name: part.pivot(index="city_id", columns="year", values=name).sort_index() for name in VALUES}
    there = tables["u"].notna() & tables["p"].notna() & tables["d"].notna() & tables["pr_lagging"].notna()
    base = part.groupby("year")["in_base"].first().reindex(there.columns).to_numpy(dtype=np.bool_)
    cities = there.loc[:, base].all(axis=1)
    if not base.any() or cities.sum() < LEAST_CITIES:
        return None
    years = there[cities].all(axis=0)
    return {name: table.loc[cities, years].astype(np.float64) for name, table in tables.items()}


def _panel(keys: dict[str, str], tables: dict[str, pd.DataFrame], part: pd.DataFrame, frames: Frames) -> PolicyPanel:
    cities, years = tuple(map(str, tables["u"].index)), tuple(int(year) for year in tables["u"].columns)
    city, groups = frames["city"].set_index("city_id").reindex(list(cities)), Groups.read(frames)
    graph = build_weights("queen", labels=list(cities), points=city[PLACE], edges=frames["neighbours"])
    province, places = tuple(city["province_code"].astype(str)), city[PLACE].to_numpy(dtype=np.float64)
    d_cut, cut_flag = _threshold(rows_of(frames["threshold"], keys))
    barrier, barrier_flag = _barrier(rows_of(frames["barrier"], keys))
    codes = (keys["index_code"], keys["relations_code"])
    forces, relations = (_index(frames, keys["basis"], code, cities, years) for code in codes)
    return PolicyPanel(
        keys,
        cities,
        years,
        base=part.groupby("year")["in_base"].first().reindex(years).to_numpy(dtype=np.bool_),
        **{name: tables[name].to_numpy(dtype=np.float64) for name in VALUES},
        forces=forces,
        relations=relations,
        where=paths.Geography(to_sparse(graph), places, province, groups.is_core(cities)),
        d_cut=d_cut,
        barrier_index=barrier,
        flags=tuple(flag for flag in (cut_flag, barrier_flag) if flag),
        groups=groups,
    )


def rows_of(frame: pd.DataFrame, keys: Mapping[str, str]) -> pd.DataFrame:
    """The rows of this basis and index, as far as the frame knows several."""
    return rows_with(frame, **{key: keys[key] for key in ("index_code", "basis") if key in frame})


def _threshold(table: pd.DataFrame) -> tuple[Interval, str]:
    """The threshold of the emitter's synergy, else that of the own slope, if significant; else the default."""
    for kind in THRESHOLDS:
        for row in rows_with(table, kind=kind, n_threshold=1).to_dict("records"):
            if row["p_boot"] < SIGNIFICANT:
                return Interval(float(row["gamma"]), float(row["ci_lo"]), float(row["ci_hi"])), f"cut_{kind}"
    return Interval(DEFAULT_CUT), "default_cut"


def _barrier(table: pd.DataFrame) -> tuple[Interval, str]:
    """The barrier of province borders within rings of distance, else the plain one, which distance confounds."""
    for ring, flag in RINGS.items():
        for row in rows_with(table, ring_id=ring).to_dict("records"):
            if pd.notna(row["barrier_index"]):
                return Interval(float(row["barrier_index"]), float(row["lo"]), float(row["hi"])), flag
    return Interval(float("nan")), "no_barrier"


def _index(
    frames: Frames, basis: str, code: str, cities: tuple[str, ...], years: tuple[int, ...]
) -> paths.Index | None:
    weight, rows = (rows_with(frames[name], basis=basis, index_code=code) for name in ("weights", "values"))
    if weight.empty or rows.empty:
        return None
    weights = weight.set_index("indicator_code")["weight"]
    table = rows.pivot(index=["city_id", "year"], columns="indicator_code", values="z")
    table = table.reindex(pd.MultiIndex.from_product([list(cities), list(years)]), columns=list(weights.index))
    if table.isna().to_numpy().any():
        return None
    z = table.to_numpy(dtype=np.float64).reshape(len(cities), len(years), -1)
    return paths.Index(z, weights.to_numpy(np.float64))


# ---- monitors of the four principles --------------------------------------------------------------------------------


def _compatibility(panel: PolicyPanel, frames: Frames, draws: paths.PathDraws | None) -> list[pd.DataFrame]:
    place = panel.cities, panel.years, panel.clusters
    high = np.where(panel.d >= panel.d_cut.value, 1.0, 0.0)
    monitors = []
    for code, values in (
        ("mean_d", panel.d),
        ("median_d", panel.d),
        ("share_synergy", high),
        ("share_pr_lagging", panel.pr_lagging),
    ):
        rows = city_monitor(code, values, *place)
        monitors.append(rows if draws is None else _with_draws(rows, draws, panel, code))
    people = rows_with(frames["features"], variable_code="population")
    weights = plane(people, "value", panel.cities, panel.years)
    note = "" if np.isfinite(weights).any() else "no population"
    monitors.append(city_monitor("mean_d_population", panel.d, *place, weights=weights, note=note))
    return [*monitors, _gap(panel, draws)]


def _with_draws(rows: pd.DataFrame, draws: paths.PathDraws, panel: PolicyPanel, code: str) -> pd.DataFrame:
    """lo and hi of clusters and nation: 2.5 and 97.5 % points over the draws of what the monitor averages."""
    city_draws = draws.pr_lagging if code == "share_pr_lagging" else draws.d
    if code == "share_synergy":
        city_draws = draws.d >= draws.d_cut[:, None, None]
    reduce = np.median if code == "median_d" else np.mean
    limits = []
    for (level, unit_id), mask in panel.units.items():
        low, high = np.quantile(reduce(city_draws[:, mask].astype(np.float64), axis=1), LIMITS, axis=0)
        limits.append(pd.DataFrame({"level": level, "unit_id": unit_id, "year": panel.years, "lo": low, "hi": high}))
    table = pd.concat(limits, ignore_index=True)
    return rows.drop(columns=["lo", "hi"]).merge(table, how="left", on=["level", "unit_id", "year"])


def _gap(panel: PolicyPanel, draws: paths.PathDraws | None) -> pd.DataFrame:
    """Mean D of the core cities minus that of the periphery, in the nation and in each cluster that has both."""
    code, sides = "gap_centre_periphery_d", panel.core()
    if sides is None:
        return single_monitor(code, pd.DataFrame(), note=ONE_SIDED)
    rows = []
    for (level, unit_id), mask in panel.units.items():
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
    summary, city = rows_of(frames["network"], panel.keys), rows_of(frames["network_city"], panel.keys)
    note = "" if len(summary) else "no network was built"
    if len(city):
        degree = city.pivot(index="city_id", columns="year", values="out_degree").sort_index()
        names = tuple(map(str, degree.index))
        share = degree.to_numpy(dtype=np.float64) / max(len(names) - 1, 1)
        clusters = panel.groups.clusters(names)
        rows = city_monitor("network_density", share, names, [int(y) for y in degree.columns], clusters)
        if len(summary):
            limits = summary[["year", "density_lo", "density_hi"]].set_axis(["year", "lo", "hi"], axis=1)
            rows = rows.drop(columns=["lo", "hi"]).merge(limits.assign(level="national"), how="left")
        monitors = [rows]
    else:
        monitors = [single_monitor("network_density", pd.DataFrame(), note=note or "no degree by city")]
    for code, (name, limit, why) in NETWORK.items():
        table = pd.DataFrame()
        if len(summary):
            names_of = {name: "value", "n_obs": "n", f"{limit}_lo": "lo", f"{limit}_hi": "hi"}
            table = summary.rename(columns=names_of)[["year", "value", "n", *(("lo", "hi") if limit else ())]]
        monitors.append(single_monitor(code, table.reset_index(drop=True), note=note or why))
    return monitors


def _diffusion(panel: PolicyPanel, frames: Frames) -> list[pd.DataFrame]:
    block = rows_of(frames["block"], panel.keys)
    sides = {f"{row['emitter']}{row['receiver']}": row for row in block.to_dict("records")}
    out, monitors, lacks = sides.get("cp"), [], "no spillover by block was estimated"
    for code, (value, limit) in BLOCK.items():
        if out is None:
            monitors.append(single_monitor(code, pd.DataFrame(), note=lacks))
        else:
            note = "one of the two directions does not differ from zero" if pd.isna(out[value]) else ""
            monitors.append(_pooled(code, out[value], out["n_obs"], out[f"{limit}_lo"], out[f"{limit}_hi"], note=note))
    for code, (lower, upper) in LINK_RATIOS.items():
        top, bottom = sides.get(lower), sides.get(upper)
        if top is None or bottom is None:
            monitors.append(single_monitor(code, pd.DataFrame(), note=lacks))
        elif bottom["per_link_lo"] > 0:  # how much one link conveys, over one link at the tier above
            monitors.append(_pooled(code, top["per_link"] / bottom["per_link"], top["n_obs"]))
        else:
            note = "the link of the upper tier does not differ from zero"
            monitors.append(single_monitor(code, pd.DataFrame(), note=note))
    reach = rows_with(rows_of(frames["boundary"], panel.keys), step_km=100).to_dict("records")
    for code in ("boundary", "half_distance"):
        if reach:
            value = reach[0][f"{code}_km"]
            note = "" if pd.notna(value) else "no band is significant, or the spillover does not decay"
            monitors.append(_pooled(code, value, reach[0]["n_obs"], note=note))
        else:
            monitors.append(single_monitor(code, pd.DataFrame(), note="no reach was estimated"))
    return monitors


def _integration(panel: PolicyPanel, frames: Frames) -> list[pd.DataFrame]:
    barrier = panel.barrier_index
    if np.isfinite(barrier.value):
        note = "distance is not held constant" if "barrier_not_by_distance" in panel.flags else ""
        monitors = [_pooled("barrier_index", barrier.value, np.nan, barrier.lo, barrier.hi, note=note)]
    else:
        monitors = [single_monitor("barrier_index", pd.DataFrame(), note="no barrier could be estimated")]
    return [*monitors, *_segmentation(panel.groups, frames), _between_share(panel, frames)]


def _segmentation(groups: Groups, frames: Frames) -> list[pd.DataFrame]:
    city, pair = frames["segmentation"], frames["segmentation_pair"]
    codes = [f"segmentation_{part}" for part in ("within_province", "across_province", "ratio_across_to_within")]
    if city.empty or pair.empty:
        return [single_monitor(code, pd.DataFrame(), note="no prices") for code in ("segmentation", *codes)]
    table = city.pivot(index="city_id", columns="year", values="seg").sort_index()
    names, years = tuple(map(str, table.index)), [int(year) for year in table.columns]
    seg = table.to_numpy(dtype=np.float64)
    monitors = [city_monitor("segmentation", seg, names, years, groups.clusters(names))]
    side = pair.pivot(index="year", columns="same_province", values="v").reindex(columns=[True, False])
    count = pair.pivot(index="year", columns="same_province", values="n").reindex(columns=[True, False]).fillna(0)
    values = (1e4 * side[True], 1e4 * side[False], side[False] / side[True])
    counts = (count[True], count[False], count.sum(axis=1))
    for code, value, n in zip(codes, values, counts, strict=True):
        rows = pd.DataFrame({"year": side.index, "value": value.to_numpy(), "n": n.to_numpy(dtype=np.int64)})
        monitors.append(single_monitor(code, rows))
    return monitors


def _between_share(panel: PolicyPanel, frames: Frames) -> pd.DataFrame:
    rows = rows_of(frames["dagum"], panel.keys)
    if rows.empty:
        return single_monitor("between_share_of_gini", pd.DataFrame(), note="the Gini index was not decomposed")
    names = {"share_nb": "value", "share_nb_lo": "lo", "share_nb_hi": "hi", "n_obs": "n"}
    table = rows.sort_values("year").rename(columns=names)[["year", "value", "lo", "hi", "n"]]
    return single_monitor("between_share_of_gini", table.reset_index(drop=True))


def _pooled(code: str, value: float, n: float, lo: float = np.nan, hi: float = np.nan, note: str = "") -> pd.DataFrame:
    """A monitor of all years together."""
    row = {"year": POOLED, "value": float(value), "lo": float(lo), "hi": float(hi), "n": n}
    return single_monitor(code, pd.DataFrame([row]), note=note)
