"""What editing finds of planted slips, and how often the intervals of the study hold the truth.

    python benchmarks/recovery.py --demos 50 --page docs/recovery.md
    python benchmarks/recovery.py --demos 0 --page docs/recovery.md     the table of slips only

Slips: the default demo is written, read and edited by the models of dbt, all of its files taken as accepted.

Intervals: no workbooks, no gaps, no slips. Seed 1, 2, ... each draws a country on all cities and the base window. Two
truths stand beside each interval: what was drawn (an average of the multiplier, or a parameter), and the same plus the
mean error in the other countries, which is what the estimator aims at, right or wrong. The W of the models is
contiguity, that of the draw is not. On the indexes the models have the controls of the study, on the latents none.
Every fifth seed draws one country more, in which nothing is planted: there the level-adjusted differences are 0.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from doc_parts import table, write_part

from dagster_project.defs.context import truth_frame
from dagster_project.demo.country import BASE_YEARS, HORIZON, Geography, draw_country, read_geography
from dagster_project.demo.figures import (
    RELATION_MAPS,
    draw_indicators,
    draw_map,
    draw_pilots,
    draw_raw,
    draw_robots,
    standardised_relations,
    standardised_sides,
    true_indicators,
)
from dagster_project.demo.generate import generate_demo, read_parts
from dagster_project.ingest.load import read_load
from dagster_project.ingest.sidecar import landed_sidecars
from dagster_project.paths import PROJECT, Paths, demo_paths
from dagster_project.run.dbt import DbtCommand
from dagster_project.store import Warehouse
from dagster_project.study import convergence, disparity
from dagster_project.study.index import composite
from dagster_project.study.settings import DepthName, Settings, read_settings, spec_frame
from dagster_project.study.truth import INPUTS, chain_tables, drawn_truths, figure_of, recall_table, with_made
from python_models._types import FloatArray
from python_models.entropy import entropy_weights
from python_models.inference import half_width
from python_models.influence import (
    barrier_split,
    block_spillover,
    blocks,
    border_barrier,
    group_effects,
    level_adjusted,
    pilot_effects,
    spatial_threshold,
)
from python_models.regression import PanelInputError, average_effects, fit_panel
from python_models.simulation import EFFECTS, SimulatedCountry, Truth
from python_models.space.distance import distance_matrix

DRAWS, GRID, Z = 199, 9, half_width()
CONTROLS = ("fdi", "loans", "urbanisation", "road", "secondary")
NAMES = {"$model": "m", "$x": "x1", "$first": str(HORIZON[0]), "$last": str(HORIZON[BASE_YEARS - 1])}
NAMES |= {
    "$region": "four_region",
    "$heaviest_1": "n3_datafirm",
    "$heaviest_2": "q1_greenpat",
    "$heaviest_3": "n2_aifirm",
}
NULL_EVERY = 5  # every fifth seed also draws a country without planted effects
INDEX = "nqpf"
Tables = dict[str, pd.DataFrame]
type World = tuple[FloatArray, FloatArray, FloatArray | None]  # y, x (N, T), controls (N, T, k)


@cache
def settings() -> Settings:
    """Those of the study, with the draws of this page."""
    few = {"bootstrap": DRAWS, "trend": DRAWS, "draws": 2}
    return read_settings(demo_paths().specs, DepthName.trial).with_sizes(
        disparity=few, convergence={**few, "bootstrap": 2}
    )


@cache
def places() -> tuple[Geography, pd.DataFrame, pd.DataFrame, pd.DataFrame, Tables]:
    """Geography, parts of indicators, spec and facts of the index, and the frames of groups, cities and neighbours."""
    seeds = demo_paths().seeds
    spec = spec_frame(settings().indexes)
    groups = pd.read_csv(seeds / "city_group.csv", dtype={"group_code": str})
    geography = read_geography(seeds)
    schemes = pd.read_csv(seeds / "group_scheme.csv")
    flags = dict.fromkeys(("is_main", "is_split"), bool)
    members = groups[groups["city_id"].isin(geography.roster)].groupby("scheme")["city_id"].nunique()
    schemes["is_partition"] = schemes["scheme"].map(members).fillna(0) == len(geography.roster)
    frames = {
        "schemes": schemes.astype(flags),
        "groups": groups,
        "city": pd.read_csv(seeds / "city.csv", dtype={"province_code": str}),
        "neighbours": pd.read_csv(seeds / "city_neighbour.csv", dtype=str),
    }
    facts = pd.read_csv(seeds / "indicator.csv")
    return geography, read_parts(seeds), spec[spec["index_code"] == INDEX], facts, frames


def model_tables(world: World, kind: str) -> Tables:
    """The tables of the headline regression as the study has them, with errors of `kind`."""
    geography = places()[0]
    (y, x), controls = world[:2], world[2]
    w, core = geography.weights, geography.is_core == 1
    every = x[:, :, None] if controls is None else np.concatenate([x[:, :, None], controls], axis=2)
    fit = fit_panel(y, every, w, cov=kind)
    ends = {"lower": "lo", "upper": "hi"}
    effect = average_effects(fit, method="delta").to_frame().rename(columns=ends).assign(horizon="static")
    at = fit.names.index("rho")
    half = Z * float(np.sqrt(fit.cov[at, at]))
    rho = pd.DataFrame({"term": ["rho"], "coef": fit.rho, "lo": fit.rho - half, "hi": fit.rho + half})
    province = np.array(geography.province)
    blocks = block_spillover(y, x, w, core, controls, cov=kind)
    block_rows = blocks.to_frame().assign(scheme="core")
    block_rows["asymmetry_index"], block_rows["asymmetry_lo"], block_rows["asymmetry_hi"] = blocks.asymmetry
    limits = blocks.difference.normal()
    numbers = (blocks.difference.point, limits.lower, limits.upper)
    for end, number in zip(("", "_lo", "_hi"), numbers, strict=True):
        block_rows[f"asymmetry_difference{end}"] = number[0]
    border = barrier_split(y, x, w, province[:, None] != province[None, :], controls, cov=kind)
    groups = [
        group_effects(y, x, w, np.where(flags == 1, *codes).tolist(), controls, cov=kind)
        .to_frame()
        .rename(columns=ends)
        .assign(scheme=scheme, side="emitter", variable="x1")
        for scheme, flags, codes in (
            ("core", geography.is_core, ("core", "periphery")),
            ("east_vs_cw", geography.is_east, ("east", "central_west")),
        )
    ]
    tables = {
        "panel_effect": effect,
        "panel_coef": rho,
        "block_spillover": block_rows,
        "border_barrier": border.table.assign(barrier_code="province"),
        "panel_heterogeneity": pd.concat(groups),
    }
    return {name: table.assign(model_id="m") for name, table in tables.items()}


def threshold_table(world: World, synergy: FloatArray) -> pd.DataFrame:
    y, x, controls = world
    threshold = spatial_threshold(
        y, x, synergy, places()[0].weights, controls, n_grid=GRID, draws=1, rng=np.random.default_rng(0)
    )
    row = {
        "model_id": "m",
        "kind": "spatial_emitter",
        "gamma": threshold.gamma,
        "ci_lo": threshold.low,
        "ci_hi": threshold.high,
    }
    return pd.DataFrame([row])


def pilot_table(world: World, seed: int) -> pd.DataFrame:
    """A policy that does nothing, its pilots drawn by lot as in the demo; errors by province, as in the study."""
    spec, years, points = settings().pilots, HORIZON[:BASE_YEARS], city_points()
    start = draw_pilots(len(points), np.random.default_rng([seed, 2]))["pilot_low_carbon"][:, 0]
    where = (np.where(start > 0, start, np.nan), points, years, spec.edges_km)
    pilots = pilot_effects(world[0], *where, horizon=spec.horizon, clusters=np.array(places()[0].province))
    table = pilots.to_frame().rename(columns={"lower": "lo", "upper": "hi"})
    return table.assign(model_id="m", policy_code="pilot_low_carbon")


def city_points() -> FloatArray:
    """(N, 2) longitude and latitude."""
    city = places()[4]["city"].set_index("city_id").loc[list(places()[0].roster)]
    return city[["centroid_lon", "centroid_lat"]].to_numpy(dtype=np.float64)


def test_table(world: World) -> pd.DataFrame:
    """Level-adjusted differences as the study has them: errors by city."""
    (y, x, controls), geography = world, places()[0]
    w, core = geography.weights, geography.is_core == 1
    border = next(finding for finding in settings().findings if finding.code == "border")
    where: dict[str, Any] = {"distance": distance_matrix(city_points(), "haversine"), "edges": border.rings_km}
    rings = border_barrier(y, x, w, geography.province, controls, **where)
    tests = (
        ("spatial lag", "rho", {"lag": w}, {"rho": 1.0}),
        ("spillover", "theta", {"lag": w}, {"lag": 1.0}),
        ("asymmetry", "core", blocks.split_blocks(w, core), {"pc": 1.0, "cp": -1.0}),
        ("border", border.variant, rings.fit.matrices, rings.contrast("joint")),
    )
    rows = []
    for analysis, variant, matrices, contrast in tests:
        try:
            groups = core if analysis == "asymmetry" else None
            fit = level_adjusted(y, x, w, matrices, controls, groups=groups).fit
        except PanelInputError:  # a score of 0, the least of all cities and years: the study skips the test too
            rows.append({"analysis": analysis, "variant": variant, "difference": np.nan, "lo": np.nan, "hi": np.nan})
            continue
        at, weights = [fit.positions[name] for name in contrast], np.array(list(contrast.values()))
        point = float(weights @ fit.core.params[at])
        half = Z * float(np.sqrt(weights @ fit.core.cov[np.ix_(at, at)] @ weights))
        rows.append(
            {"analysis": analysis, "variant": variant, "difference": point, "lo": point - half, "hi": point + half}
        )
    return pd.DataFrame(rows).assign(model_id="m")


def draw_indexes(country: SimulatedCountry, seed: int) -> tuple[World, Tables]:
    """Forces, relations and controls as sound files would give them; and the tables of the scores."""
    geography, parts, spec, facts, _ = places()
    rng, years = np.random.default_rng([seed, 1]), HORIZON[:BASE_YEARS]
    sides = standardised_sides(country)
    raw = draw_raw(geography, sides, draw_indicators(sides, rng), rng)
    values = true_indicators(parts, raw, *draw_robots(sides, raw, rng))
    cells = pd.MultiIndex.from_product([geography.roster, years], names=["city_id", "year"]).to_frame(index=False)
    long = pd.concat([cells.assign(indicator_code=c, value=v[:, :BASE_YEARS].ravel()) for c, v in values.items()])
    long = long.assign(value=long["value"].interpolate(), is_imputed=False)
    result = composite(long, spec, facts, (years[0], years[-1])).fit()
    scores = result.scores.loc[result.scores["index_suffix"] == "", ["city_id", "year", "score"]]
    y = scores.pivot(index="city_id", columns="year", values="score").reindex(geography.roster).to_numpy()
    z = standardised_relations(country)
    figures = {m.code: draw_map(m, z, rng)[:, :BASE_YEARS] for m in RELATION_MAPS}
    lever_maps = [m for m in RELATION_MAPS if m.side == "pr" and m.code not in CONTROLS]
    levers = np.stack([figures[m.code] * np.sign(m.slope) for m in lever_maps], axis=2)
    low, high = levers.min(axis=(0, 1)), levers.max(axis=(0, 1))
    levers = (levers - low) / (high - low)
    people = raw["population_resident"][:, :BASE_YEARS]
    controls = np.stack([*(figures[code] for code in CONTROLS), np.log(people)], axis=2)  # ln density up to a constant
    tables = index_tables(scores, result.weights, cells.assign(population=people.ravel()), seed)
    return (100 * y, 100 * levers @ entropy_weights(levers).weights, controls), tables


def index_tables(scores: pd.DataFrame, weights: pd.DataFrame, population: pd.DataFrame, seed: int) -> Tables:
    """Disparity, chain and convergence of the scores, as the study has them."""
    own_scores = scores.assign(basis="base", index_code=INDEX, weight_scheme="entropy", is_frozen=True, in_base=True)
    own_scores = own_scores.assign(share_imputed_weight=0.0)
    frames = {**places()[4], "scores": own_scores, "other_scores": own_scores.iloc[:0], "population": population}
    tables = {
        **disparity.build(frames, settings()),
        **convergence.build(frames, settings()),
        **chain_tables(frames, n_boot=DRAWS, seed=seed),
        "index_weight": weights,
    }
    return with_made(tables, tables)


def figures(tables: Tables, truths: Mapping[str, float], scale: float = 1.0) -> pd.DataFrame:
    """One row per entry of recovery.yml that these tables hold: estimate, lo, hi, and the truth that was drawn."""
    rows = []
    for quantity in (q for q in settings().quantities if q.table in tables):
        kind, _, name = quantity.truth.partition(" ")
        figure = figure_of(tables, quantity, NAMES, scale=scale if kind == "multiplier" else 1.0)
        rows.append((quantity.name, figure["published"], figure["lo"], figure["hi"], truths.get(name)))
    return pd.DataFrame(rows, columns=["quantity", "estimate", "lo", "hi", "drawn"])


def truths_of(country: SimulatedCountry, scale: float) -> dict[str, float]:
    geography = places()[0]
    effects = country.effects({"core": geography.is_core, "east": geography.is_east})
    values = [dict(zip(f["name"], f["value"], strict=True)) for f in (country.truth.to_frame(), effects)]
    return drawn_truths(values[0], values[1], scale)


def one(seed: int) -> pd.DataFrame:
    """All figures of one country: on the latents and on indexes, errors as of normal ones and by city."""
    geography, truth = places()[0], Truth()
    country = draw_country(geography, truth, np.random.default_rng(seed))
    latents: World = (country.nqpf[:, :BASE_YEARS], country.pr[:, :BASE_YEARS], None)
    indexes, by_table = draw_indexes(country, seed)
    truths = truths_of(country, float(latents[1].std() / latents[0].std()))
    parts = [figures(by_table, {}).assign(where="indexes", errors="bootstrap of cities")]
    for where, world in {"latents": latents, "indexes": indexes}.items():
        for kind in ("info", "cluster"):
            tables = model_tables(world, kind)
            if kind == "cluster":
                tables["threshold_result"] = threshold_table(world, country.synergy)
                tables["pilot_effect"] = pilot_table(world, seed)
            values = figures(with_made(tables, {}), truths, float(world[1].std() / world[0].std()))
            parts.append(values.assign(where=where, errors=kind))
    if seed % NULL_EVERY == 0:
        nothing = draw_country(geography, truth.without(*EFFECTS), np.random.default_rng(seed))
        tests = {"level_adjusted_test": test_table(draw_indexes(nothing, seed)[0])}
        parts.append(figures(tests, truths_of(nothing, 1.0)).assign(where="indexes, nothing planted", errors="cluster"))
    return pd.concat(parts).assign(seed=seed)


def coverage(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per quantity, place and errors: n, means, and the shares of intervals that hold each truth."""
    rows = rows.astype(dict.fromkeys(("estimate", "lo", "hi", "drawn"), float)).reset_index(drop=True)
    keys = ["where", "errors", "quantity"]
    # what was drawn differs a little by country: what the estimator aims at is that and its mean error elsewhere
    error = rows["estimate"] - rows["drawn"].fillna(0.0)
    by = error.groupby([rows[key] for key in keys], sort=False)
    other_mean = rows["drawn"].fillna(0.0) + (by.transform("sum") - error) / (by.transform("count") - 1)
    rows = rows.assign(others=other_mean, width=rows["hi"] - rows["lo"])
    for name in ("drawn", "others"):
        complete = rows[["lo", "hi", name]].notna().all(axis=1)
        rows[f"covers_{name}"] = rows[name].between(rows["lo"], rows["hi"]).astype(float).where(complete)
    aggregates = {
        "n": ("estimate", "count"),
        "truth": ("drawn", "mean"),
        "estimate": ("estimate", "mean"),
        "sd": ("estimate", "std"),
        "width": ("width", "mean"),
        "covers_drawn": ("covers_drawn", "mean"),
        "covers_others": ("covers_others", "mean"),
    }
    return rows.groupby(keys, sort=False).agg(**aggregates).reset_index()


def as_page(coverage: pd.DataFrame) -> str:
    """The coverage as Markdown tables, one a place and kind of errors."""
    numbers = {"truth": "truth", "estimate": "mean", "sd": "sd", "width": "width"}
    shares = {"covers_drawn": "covers truth, %", "covers_others": "covers aim, %"}
    texts = {name: coverage[name].map("{:.3g}".format, na_action="ignore") for name in numbers}
    texts |= {name: (100 * coverage[name]).map("{:.0f}".format, na_action="ignore") for name in shares}
    frame = coverage.assign(**texts).rename(columns=numbers | shares)
    columns = ["quantity", "n", *numbers.values(), *shares.values()]
    return "".join(
        f"\n**{where}, errors: {kind}**\n\n{table(part[columns])}"
        for (where, kind), part in frame.groupby(["where", "errors"], sort=False)
    )


def found_slips(folder: Path) -> pd.DataFrame:
    """mart_edit_recall of the default demo, made in `folder`: without gate, indexes and methods."""
    paths = Paths(folder / "warehouse", folder / "landing", folder / "landing")
    generate_demo(paths.landing)
    paths.build_file.parent.mkdir(parents=True)
    warehouse = Warehouse(paths.build_file)
    with warehouse.connect() as con:
        con.execute((PROJECT / "dagster_project" / "schema.sql").read_text(encoding="utf-8"))
        for number, sidecar in enumerate(landed_sidecars(paths), start=1):
            prefix = "" if sidecar.data_year else "series_"
            load = read_load(sidecar, paths.landing)
            key = [sidecar.source, sidecar.data_year, sidecar.vintage, number]
            for table, frame in (("cells", load.cells), ("header", load.header)):
                con.register("incoming", frame)
                con.execute(f"insert into raw.{prefix}{table} by name select * from incoming")
            con.execute(
                f"insert into raw.{prefix}load (source, data_year, vintage, load_no, is_accepted, is_synthetic)"
                " values (?, ?, ?, ?, true, true)",
                key,
            )
    return recall_of(paths)


def recall_of(paths: Paths, *selections: str) -> pd.DataFrame:
    """The same of a demo whose files are read and accepted. selections: selections of dbt that are built already."""
    warehouse = Warehouse(paths.build_file)
    warehouse.replace_rows("ops.index_spec", spec_frame(settings().indexes))
    warehouse.replace_rows("ops.synthetic_truth", truth_frame(paths))
    words = ["--select", "+int_edits", "+int_edits_of_breaks", "--exclude-resource-type", "test", "unit_test"]
    command = DbtCommand(paths, "build", *words, *(["--exclude", *selections] if selections else []))
    output = command.output()
    if not command.is_ok:
        raise RuntimeError(f"dbt failed:\n{output}")
    return recall_table(warehouse.read_frames({name: INPUTS[name] for name in ("truth", "edit", "n_values")}))


def as_recall_page(recall: pd.DataFrame) -> str:
    """What editing finds as two Markdown tables: by class of slips, and sound figures touched by rule."""
    by_class = [
        "| class | events | found | recall | cells | touched | replaced | mean error of those, % |",
        "|" + "---|" * 8,
    ]
    by_rule = ["| rule | sound figures touched | per 2,000 |", "|---|---|---|"]
    sound = ["| sound, but looks wrong | figures | touched |", "|---|---|---|"]
    for r in recall.to_dict("records"):
        if r["kind"] == "rule":
            by_rule.append(f"| {r['name']} | {r['n_sound_touched']} | {r['sound_touched_per_2000']:.2f} |")
        elif r["n_events"] == 0:
            sound.append(f"| {r['name']} | {r['n_sound']} | {r['n_sound_touched']} |")
        else:
            counts = f"{r['n_events']:.0f} | {r['n_events_found']:.0f} | {r['event_recall']:.2f}"
            cells = f"{r['n_cells']:.0f} | {r['n_cells_touched']:.0f} | {r['n_replaced']:.0f}"
            error = "" if np.isnan(r["mean_abs_error"]) else f"{100 * r['mean_abs_error']:.1f}"
            by_class.append(f"| {r['name']} | {counts} | {cells} | {error} |")
    total = recall[recall["kind"] == "all"].iloc[0]
    by_rule.append(
        f"| all, of {total['n_sound']:,} | {total['n_sound_touched']} | {total['sound_touched_per_2000']:.2f} |"
    )
    return "\n".join([*by_class, "", *sound, "", *by_rule]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demos", type=int, default=50)
    parser.add_argument("--page", type=Path, help="page whose parts between marks are written anew")
    options, parts, start = parser.parse_args(), [], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        texts = {"slips": as_recall_page(found_slips(Path(folder)))}
    for seed in range(1, options.demos + 1):
        parts.append(one(seed))
        print(f"seed {seed}: {time.monotonic() - start:.0f} s", flush=True)
    if parts:
        texts["coverage"] = f"Seeds 1 to {options.demos}.\n{as_page(coverage(pd.concat(parts)))}"
    for name, text in texts.items():
        print(text)
        if options.page:
            write_part(options.page, name, text)


if __name__ == "__main__":
    main()
