"""Rows of the principle monitors from the panel, the drawn paths and the tables of estimates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dagster_project.study.frames import Frames, stacked
from dagster_project.study.groups import Groups
from dagster_project.study.pairs import PolicyPanel, city_values, own
from python_models._types import BoolArray, FloatArray
from python_models.policy import PathDraws, city_monitor, single_monitor
from python_models.policy.monitors import NATION

POOLED = 0
LIMITS = (0.025, 0.975)
NETWORK = {
    "network_reciprocity": ("reciprocity", "reciprocity"),
    "network_cross_province": ("cross_province_share", "cross_province"),
    "network_centre_reach": ("centre_reach_share", ""),
}


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
        found.append(single_monitor(code, table, note=note))
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
