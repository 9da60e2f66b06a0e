"""Spatial structure of the headline index: weights, Moran and its kin, local maps, centre of mass, gravity network."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from dagster_project.study.frames import Frames, Rows, Tables
from dagster_project.study.markov import CITY_FRAMES
from dagster_project.study.panels import CityPanel, read_city_panel
from dagster_project.study.queries import MASS
from dagster_project.study.settings import Settings
from dagster_project.study.weights import CATALOGUE, NEEDS_MASS, refused_kind, refused_links
from python_models import space as methods
from python_models.space import CityGraph, normalise, to_sparse
from python_models.space.distance import pair_distances
from python_models.space.graph import hash_links
from python_models.space.moran import global_statistics

INPUTS = {**CITY_FRAMES, "mass": MASS}
OF_WEIGHTS = ("weight_matrix", "spatial_weight_edge")  # they are of no index
TABLES = (*OF_WEIGHTS, "moran_global", "lisa", "center_ellipse", "network_summary", "network_city")
EDGE_CODES = ("queen_row", "knn6_row", "invd_row", "invd500_row")
LIMITED = {"density": "density", "reciprocity": "reciprocity", "cross_group_share": "cross_province"}  # with limits
NETWORK = "gravity"  # the links of all pairs, listed among the weights where it is left out
MORAN_CODES = ("queen_row", "knn6_row", "invd_row", "invd500_row", "expd_row", "nested_row")
LISA_CODES = ("queen_row", "knn6_row", "invd_row")


def build(frames: Frames, settings: Settings, codes: Collection[str] = tuple(CATALOGUE)) -> Tables:
    """Empty tables without scores. codes: the weights that are made, of the catalogue.

    A W that lacks its input (mass of every city, enough cities, a link in the ring) is left out. So is one with too
    many links (see `weights`), and the gravity network of as many cities: the note of `weight_matrix` says why.
    """
    panel, rows = read_city_panel(frames), Rows()
    if panel is not None and panel.n > 4:
        seed, sizes = settings.seed, settings.sizes("space")
        graphs = _weights(panel, codes, rows)
        _moran(panel, graphs, seed, sizes, rows)
        _maps(panel, {code: graphs[code] for code in LISA_CODES if code in graphs}, seed, sizes, rows)
        _ellipses(panel, seed, sizes, rows)
        _networks(panel, seed, sizes, rows)
    keys = panel.keys if panel is not None else {}
    return {name: table if name in OF_WEIGHTS else table.assign(**keys) for name, table in rows.tables(TABLES).items()}


def _weights(panel: CityPanel, codes: Collection[str], rows: Rows) -> dict[str, CityGraph]:
    """Every W of these codes that there is, described in `rows`."""
    graphs = {}
    for code in codes:
        raw = _raw_weights(panel, code)
        if isinstance(raw, str):
            rows.add({"weight_matrix": _left_out(code, panel.n, raw)})
        elif raw is not None:
            graphs[code] = normalise(raw, CATALOGUE[code][1])
            _describe(panel, code, raw, graphs[code], rows)
    return graphs


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


def _describe(panel: CityPanel, code: str, raw: CityGraph, graph: CityGraph, rows: Rows) -> None:
    kind, normalisation, _, note = CATALOGUE[code]
    row = {"w_code": code, "kind": kind, "normalisation": normalisation, "n": panel.n, "sha256": hash_links(graph)}
    row |= {"params_json": json.dumps(dict(raw.params), sort_keys=True, default=list), "note": note}
    row["coordinate_basis"] = {"queen": "boundary", "econ": "none"}.get(kind, "centroid")
    rows.add({"weight_matrix": pd.DataFrame([{**row, "has_edges": code in EDGE_CODES}])})
    if code in EDGE_CODES:
        rows.add({"spatial_weight_edge": _edges(panel, raw, graph)}, w_code=code)


def _edges(panel: CityPanel, raw: CityGraph, graph: CityGraph) -> pd.DataFrame:
    """Links with their weights; same_cluster: both ends in one named cluster, null where a city is in no list."""
    links, before = sparse.coo_array(to_sparse(graph)), to_sparse(raw)
    i, j = links.row, links.col
    cities = panel.scores.index.to_numpy()
    province = panel.city["province_code"].to_numpy()
    side = np.full(panel.n, "", dtype=object) if panel.centre is None else np.where(panel.centre, "c", "p")
    scheme = panel.groups.main("list")
    member = panel.groups.of(scheme, panel.cities)
    outside, is_listed = panel.groups.outside_of(scheme), all(code is not None for code in member)
    places = panel.points.to_numpy(dtype=np.float64)
    table = pd.DataFrame({"city_id_receiver": cities[i], "city_id_emitter": cities[j], "weight_norm": links.data})
    return table.assign(
        weight_raw=np.asarray(before[i, j]).ravel(),
        distance_km=pair_distances(places, i, j, "haversine"),
        same_province=province[i] == province[j],
        same_cluster=(member[i] == member[j]) & (member[i] != outside) if is_listed else None,
        block=[f"{a}{b}" for a, b in zip(side[i], side[j], strict=True)],
    )


def _moran(panel: CityPanel, graphs: dict[str, CityGraph], seed: int, sizes: Mapping[str, int], rows: Rows) -> None:
    for code in [code for code in MORAN_CODES if code in graphs]:
        tables = []
        for year, y in zip(panel.years, panel.values.T, strict=True):
            statistics = ("moran", "geary", "getis") if (y > 0).all() else ("moran", "geary")
            results = global_statistics(y, graphs[code], statistics, permutations=sizes["permutations"], seed=seed)
            tables += [result.to_frame().assign(year=year) for result in results.values()]
        table = pd.concat(tables, ignore_index=True)
        table["p_holm"] = table.groupby("statistic")["p_perm"].transform(lambda p: methods.adjust(p.to_numpy(), "holm"))
        rows.add({"moran_global": table}, w_code=code)


def _maps(panel: CityPanel, graphs: dict[str, CityGraph], seed: int, sizes: Mapping[str, int], rows: Rows) -> None:
    for code, graph in graphs.items():
        for year, y in zip(panel.years, panel.values.T, strict=True):
            spots = methods.getis_ord(y, graph)
            table = methods.lisa(y, graph, permutations=sizes["local"], seed=seed).to_frame()
            about = {"city_id": panel.scores.index, "year": year, "w_code": code, "n_obs": panel.n}
            rows.add({"lisa": table}, **about, gi_star=spots.gi, gi_p=spots.p_norm, gi_class=spots.class_fdr)


def _ellipses(panel: CityPanel, seed: int, sizes: Mapping[str, int], rows: Rows) -> None:
    equal = pd.DataFrame(1.0, index=panel.scores.index, columns=panel.scores.columns)
    for kind, mass in (("score", panel.scores.clip(lower=0.0)), ("unweighted", equal)):
        result = methods.center_ellipse(panel.points, mass, n_boot=sizes["resamples"], seed=seed)
        rows.add({"center_ellipse": result.to_frame()}, weight_kind=kind)


def _networks(panel: CityPanel, seed: int, sizes: Mapping[str, int], rows: Rows) -> None:
    if reason := refused_links(panel.n * (panel.n - 1)):
        rows.add({"weight_matrix": _left_out(NETWORK, panel.n, reason)})
        return
    for year, y in zip(panel.years, panel.values.T, strict=True):
        if not (y > 0).all():  # a frozen score may fall below zero after the base window: no mass, no gravity
            continue
        how: dict[str, Any] = {"group": list(panel.city["province_code"]), "is_centre": panel.centre}
        net = methods.gravity_network(panel.points, y, **how, n_boot=sizes["resamples"], seed=seed)
        rows.add({"network_city": net.to_frame()}, year=year)
        figures = {name.replace("cross_group", "cross_province"): value for name, value in net.summary.items()}
        for name, ends in net.intervals.items():
            figures |= dict(zip((f"{LIMITED[name]}_lo", f"{LIMITED[name]}_hi"), ends, strict=True))
        rows.add({"network_summary": pd.DataFrame([figures])}, year=year, n_obs=panel.n)
