"""Space tables: weights, Moran and its kin, local maps, centre and ellipse, gravity network, for every year.

What does not belong here: formulas (see python_models.space).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from dagster_project.study.tables._city_panel import KEYS, CityPanel, Frames, finish, read_city_panel
from dagster_project.study.tables._scale import refused_kind, refused_links
from python_models.space import (
    CityGraph,
    adjust,
    center_ellipse,
    getis_ord,
    gravity_network,
    lisa,
    normalise,
    profile_weights,
    to_sparse,
)
from python_models.space.distance import pair_distances
from python_models.space.moran import global_statistics

# w_code: kind, normalisation, options, note
CATALOGUE: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "queen_row": ("queen", "row", {}, "contiguity; headline of description and models"),
    "invd_row": ("invd", "row", {}, "inverse distance, no cut-off"),
    "invd_spectral": ("invd", "spectral", {}, "inverse distance with its absolute meaning kept"),
    "invd_minmax": ("invd", "minmax", {}, "inverse distance over the smaller of the largest row and column sums"),
    "invd2_row": ("invd", "row", {"power": 2.0}, "inverse square distance"),
    "invd500_row": ("invd", "row", {"cutoff": 500.0}, "inverse distance up to 500 km"),
    "invdmin_row": ("invd", "row", {"cutoff": "no_island"}, "shortest cut-off that leaves no island"),
    "knn4_row": ("knn", "row", {"k": 4}, "4 nearest"),
    "knn6_row": ("knn", "row", {"k": 6}, "6 nearest"),
    "knn8_row": ("knn", "row", {"k": 8}, "8 nearest"),
    "knn10_row": ("knn", "row", {"k": 10}, "10 nearest"),
    "expd_row": ("expd", "row", {}, "exponential decay, scale = median nearest-neighbour distance"),
    "econ_row": ("econ", "row", {}, "inverse gap of GDP per head in the base year"),
    "nested_row": ("nested", "row", {}, "half inverse distance, half economic"),
    "geo_econ_row": ("geo_econ", "row", {}, "inverse distance times mass of the emitter"),
    "center_periphery_row": ("center_periphery", "row", {}, "as before, without periphery to centre"),
    "same_prov": ("same_prov", "raw", {}, "invd_row inside provinces; adds to diff_prov"),
    "diff_prov": ("diff_prov", "raw", {}, "invd_row across provinces; adds to same_prov"),
    "ring_0_150_row": ("band", "row", {"ring": (0.0, 150.0)}, "ring below 150 km; empty rows kept"),
    "ring_150_300_row": ("band", "row", {"ring": (150.0, 300.0)}, "ring of 150 to 300 km; empty rows kept"),
    "ring_300_600_row": ("band", "row", {"ring": (300.0, 600.0)}, "ring of 300 to 600 km; empty rows kept"),
}
NEEDS_MASS = {"econ", "nested", "geo_econ", "center_periphery"}
EDGE_CODES = ("queen_row", "knn6_row", "invd_row", "invd500_row")
NETWORK = "gravity"  # the links of all pairs, listed among the weights where it is left out
MORAN_CODES = ("queen_row", "knn6_row", "invd_row", "invd500_row", "expd_row", "nested_row")
LISA_CODES = ("queen_row", "knn6_row", "invd_row")

COLUMNS = {
    "weight_matrix": [
        "w_code",
        "kind",
        "params_json",
        "normalisation",
        "coordinate_basis",
        "sha256",
        "n",
        "has_edges",
        "note",
    ],
    "spatial_weight_edge": [
        "w_code",
        "city_id_receiver",
        "city_id_emitter",
        "weight_raw",
        "weight_norm",
        "distance_km",
        "same_province",
        "same_cluster",
        "block",
    ],
    "spatial_weight_profile": [
        "w_code",
        "n",
        "n_islands_fixed",
        "n_islands",
        "islands_fixed",
        "min_nb",
        "mean_nb",
        "max_nb",
        "pct_nonzero",
        "n_components",
        "s0",
        "s1",
        "s2",
        "eig_min",
        "eig_max",
        "is_symmetric",
        "sha256",
    ],
    "moran_global": [
        *KEYS,
        "year",
        "w_code",
        "statistic",
        "value",
        "expected",
        "variance",
        "z",
        "p_norm",
        "p_perm",
        "p_holm",
        "lo",
        "hi",
        "n_perm",
        "n_obs",
        "seed",
    ],
    "lisa": [
        *KEYS,
        "city_id",
        "year",
        "w_code",
        "z",
        "lag_z",
        "i_local",
        "expected",
        "variance",
        "p_perm",
        "q_bh",
        "quadrant",
        "class_raw",
        "class_fdr",
        "gi_star",
        "gi_p",
        "gi_class",
        "n_perm",
        "n_obs",
        "seed",
    ],
    "center_ellipse": [
        *KEYS,
        "year",
        "weight_kind",
        "center_x",
        "center_y",
        "center_x_lo",
        "center_x_hi",
        "center_y_lo",
        "center_y_hi",
        "lon",
        "lat",
        "major_km",
        "minor_km",
        "major_sd_km",
        "minor_sd_km",
        "rotation_deg",
        "area_km2",
        "move_km",
        "move_lo",
        "move_hi",
        "move_bearing_deg",
        "n_boot",
        "n_obs",
        "seed",
    ],
    "gravity_link": [*KEYS, "year", "city_id_from", "city_id_to", "strength", "k_ij"],
    "network_summary": [
        *KEYS,
        "year",
        "n_links",
        "density",
        "density_lo",
        "density_hi",
        "reciprocity",
        "reciprocity_lo",
        "reciprocity_hi",
        "cross_province_share",
        "cross_province_lo",
        "cross_province_hi",
        "centre_reach_share",
        "modularity",
        "n_communities",
        "n_boot",
        "n_obs",
        "seed",
    ],
    "network_city": [*KEYS, "city_id", "year", "out_degree", "in_degree", "betweenness", "block", "community"],
}
KEYLESS = ("weight_matrix", "spatial_weight_edge", "spatial_weight_profile")


@dataclass(frozen=True)
class Effort:
    """How many draws: permutations of each map, resamples of cities."""

    permutations: int = 9999
    resamples: int = 999


def build_space_tables(frames: Frames, *, seed: int, effort: Effort | None = None) -> dict[str, pd.DataFrame]:
    """Frames `scores`, `city`, `groups`, `neighbours`, `mass` -> tables of COLUMNS; empty ones without scores.

    A W that lacks its input (mass of every city, enough cities, a link in the ring) is left out. So is one with too
    many links (see `_scale`), and the gravity network of as many cities: the note of `weight_matrix` says why.
    """
    panel = read_city_panel(frames)
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    if panel is not None and panel.n > 4:
        todo = effort or Effort()
        found = {code: graph for code in CATALOGUE if (graph := _raw_weights(panel, code)) is not None}
        raw = {code: graph for code, graph in found.items() if not isinstance(graph, str)}
        tables["weight_matrix"] += [
            _left_out(code, panel.n, reason) for code, reason in found.items() if isinstance(reason, str)
        ]
        graphs = {code: normalise(graph, CATALOGUE[code][1]) for code, graph in raw.items()}
        for code, graph in graphs.items():
            _describe(panel, code, raw[code], graph, _clusters(frames, panel), tables)
        tables["moran_global"] = list(_moran_rows(panel, graphs, seed, todo))
        tables["lisa"] = list(_lisa_rows(panel, graphs, seed, todo))
        tables["center_ellipse"] = list(_ellipse_rows(panel, seed, todo))
        _networks(panel, seed, todo, tables)
    keys = panel.keys if panel is not None else {}
    return {name: finish(rows, COLUMNS[name], {} if name in KEYLESS else keys) for name, rows in tables.items()}


def _raw_weights(panel: CityPanel, code: str) -> CityGraph | str | None:
    """The weights before normalisation, None where their input is missing, or why there are too many of them."""
    kind, _, options, _ = CATALOGUE[code]
    if kind in NEEDS_MASS and panel.mass is None:
        return None
    if kind == "center_periphery" and panel.centre is None:
        return None
    if options.get("k", 0) >= panel.n:
        return None
    if reason := refused_kind(kind, options, panel.n):
        return reason
    if kind in ("same_prov", "diff_prov"):  # masks of the normalised matrix, so that the two add up to it
        options = {"base": panel.weights("invd")}
    graph = panel.weights(kind, normalisation="raw", **options)
    links = to_sparse(graph).nnz
    return (refused_links(links) or graph) if links else None


def _left_out(code: str, n: int, reason: str) -> pd.DataFrame:
    kind, normalisation = (NETWORK, "raw") if code == NETWORK else CATALOGUE[code][:2]
    row = {"w_code": code, "kind": kind, "normalisation": normalisation, "n": n, "has_edges": False, "note": reason}
    return pd.DataFrame([row])


def _describe(
    panel: CityPanel,
    code: str,
    raw: CityGraph,
    graph: CityGraph,
    cluster: pd.Series | None,
    tables: dict[str, list[pd.DataFrame]],
) -> None:
    kind, normalisation, _, note = CATALOGUE[code]
    profile = profile_weights(graph)
    tables["spatial_weight_profile"].append(
        profile.to_frame().assign(w_code=code, islands_fixed=",".join(str(city) for city in graph.attached))
    )
    params = json.dumps(dict(raw.params), sort_keys=True, default=list)
    tables["weight_matrix"].append(
        pd.DataFrame(
            [
                {
                    "w_code": code,
                    "kind": kind,
                    "params_json": params,
                    "normalisation": normalisation,
                    "coordinate_basis": {"queen": "boundary", "econ": "none"}.get(kind, "centroid"),
                    "sha256": profile.sha256,
                    "n": profile.n,
                    "has_edges": code in EDGE_CODES,
                    "note": note,
                }
            ]
        )
    )
    if code in EDGE_CODES:
        tables["spatial_weight_edge"].append(_edges(panel, code, raw, graph, cluster))


def _edges(panel: CityPanel, code: str, raw: CityGraph, graph: CityGraph, cluster: pd.Series | None) -> pd.DataFrame:
    links, before = sparse.coo_array(to_sparse(graph)), to_sparse(raw)
    i, j = links.row, links.col
    cities = panel.scores.index.to_numpy()
    province = panel.city["province_code"].to_numpy()
    side = np.full(panel.n, "", dtype=object) if panel.centre is None else np.where(panel.centre, "c", "p")
    same_cluster: Any = None
    if cluster is not None:
        member = cluster.to_numpy()
        same_cluster = (member[i] == member[j]) & (member[i] != "no_cluster")
    return pd.DataFrame(
        {
            "w_code": code,
            "city_id_receiver": cities[i],
            "city_id_emitter": cities[j],
            "weight_raw": np.asarray(before[i, j]).ravel(),
            "weight_norm": links.data,
            "distance_km": pair_distances(panel.points.to_numpy(dtype=np.float64), i, j, "haversine"),
            "same_province": province[i] == province[j],
            "same_cluster": same_cluster,
            "block": [f"{a}{b}" for a, b in zip(side[i], side[j], strict=True)],
        }
    )


def _clusters(frames: Frames, panel: CityPanel) -> pd.Series | None:
    rows = frames["groups"][frames["groups"]["scheme"] == "cluster19"]
    label = rows.set_index("city_id")["group_code"].reindex(panel.scores.index)
    return label if bool(label.notna().all()) else None


def _moran_rows(panel: CityPanel, graphs: dict[str, CityGraph], seed: int, effort: Effort) -> Iterator[pd.DataFrame]:
    for code in [code for code in MORAN_CODES if code in graphs]:
        rows = []
        for year, y in zip(panel.years, panel.values.T, strict=True):
            wanted = ("moran", "geary", "getis") if (y > 0).all() else ("moran", "geary")
            found = global_statistics(y, graphs[code], wanted, permutations=effort.permutations, seed=seed)
            rows += [result.to_frame().assign(year=year, w_code=code) for result in found.values()]
        table = pd.concat(rows, ignore_index=True)
        table["p_holm"] = table.groupby("statistic")["p_perm"].transform(lambda p: adjust(p.to_numpy(), "holm"))
        yield table


def _lisa_rows(panel: CityPanel, graphs: dict[str, CityGraph], seed: int, effort: Effort) -> Iterator[pd.DataFrame]:
    for code in [code for code in LISA_CODES if code in graphs]:
        for year, y in zip(panel.years, panel.values.T, strict=True):
            spots = getis_ord(y, graphs[code])
            yield (
                lisa(y, graphs[code], permutations=effort.permutations, seed=seed)
                .to_frame()
                .assign(
                    city_id=panel.scores.index,
                    year=year,
                    w_code=code,
                    gi_star=spots.gi,
                    gi_p=spots.p_norm,
                    gi_class=spots.class_fdr,
                    n_obs=panel.n,
                )
            )


def _ellipse_rows(panel: CityPanel, seed: int, effort: Effort) -> Iterator[pd.DataFrame]:
    equal = pd.DataFrame(1.0, index=panel.scores.index, columns=panel.scores.columns)
    for kind, mass in (("score", panel.scores.clip(lower=0.0)), ("unweighted", equal)):
        result = center_ellipse(panel.points, mass, n_boot=effort.resamples, seed=seed)
        yield result.to_frame().assign(weight_kind=kind)


def _networks(panel: CityPanel, seed: int, effort: Effort, tables: dict[str, list[pd.DataFrame]]) -> None:
    if reason := refused_links(panel.n * (panel.n - 1)):
        tables["weight_matrix"].append(_left_out(NETWORK, panel.n, reason))
        return
    for year, y in zip(panel.years, panel.values.T, strict=True):
        if not (y > 0).all():  # a frozen score may fall below zero after the base window: no mass, no gravity
            continue
        net = gravity_network(
            panel.points,
            y,
            group=list(panel.city["province_code"]),
            is_centre=panel.centre,
            n_boot=effort.resamples,
            seed=seed,
        )
        tables["gravity_link"].append(net.links_frame().assign(year=year))
        tables["network_city"].append(net.to_frame().assign(year=year))
        shares = {"density": "density", "reciprocity": "reciprocity", "cross_group_share": "cross_province"}
        row: dict[str, Any] = {"year": year, "n_links": int(net.links.sum()), "n_obs": panel.n, "seed": seed}
        for name, short in shares.items():
            row["cross_province_share" if short == "cross_province" else short] = net.summary[name]
            row[f"{short}_lo"], row[f"{short}_hi"] = net.intervals[name]
        row |= {
            "centre_reach_share": net.summary["centre_reach_share"],
            "modularity": net.summary["modularity"],
            "n_communities": int(net.community.max()) + 1,
            "n_boot": effort.resamples,
        }
        tables["network_summary"].append(pd.DataFrame([row]))
