"""What the pipeline finds again of what the SYNTHETIC country was drawn with; empty for real data.

`specs/recovery.yml` lists the quantities: a published figure with its interval, and its truth, which is one of
    multiplier  an average of the drawn S = (I - rho W)^-1 (beta I + K), in sd of the latent y per sd of the latent x
    parameter   a parameter of the draw; a threshold is the value that best separates the cities on its two sides
    sound       the same statistic of the index that files without any fault would give
    planted     slips: all of them are to be found
An index measures with error and bends what it measures, so that a slope on it is not the drawn one. `on_latent` is the
same model on the latents, with W as published; ratio = published / on_latent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pandas as pd

from dagster_project.study import convergence, disparity, influence
from dagster_project.study.frames import KEYS, Frames, Tables, by_city, plane, rows_with
from dagster_project.study.groups import Groups
from dagster_project.study.index import composite
from dagster_project.study.markov import N_STATES
from dagster_project.study.panels import read_city_panel
from dagster_project.study.queries import queries
from dagster_project.study.samples import (
    SAMPLE_FRAMES,
    PanelSample,
    Skipped,
    World,
    model_keys,
    read_sample,
    read_weights,
)
from dagster_project.study.settings import Quantity, Settings
from python_models._types import BoolArray, FloatArray
from python_models.dynamics.markov import markov
from python_models.dynamics.states import discretise
from python_models.edits import RECALL_COLUMNS, edit_recall
from python_models.influence import barrier_split, block_spillover, spatial_threshold
from python_models.regression import average_effects, fit_panel

PUBLISHED = (
    *("panel_effect", "panel_coef", "block_spillover", "border_barrier", "threshold_result", "panel_heterogeneity"),
    *("level_adjusted_test", "disparity_summary", "dagum_component", "theil_nested", "disparity_change"),
    *("group_gradient", "pilot_effect", "markov_transition", "markov_summary", "beta_convergence"),
    *("club_membership", "index_weight"),
)
INPUTS = {
    **SAMPLE_FRAMES,
    **queries(__file__),
    "population": disparity.INPUTS["population"],
    "synergy": influence.INPUTS["synergy"],
    "spec": "ops.index_spec",
    "indicator": "seed.indicator",
    **{table: f"from py.{table} where exists (select 1 from ops.synthetic_truth)" for table in PUBLISHED},
}
TABLES = ("truth_recovery", "edit_recall")
POINT = 2  # draws where only the point is read
BLOCKS = ("cc", "cp", "pc", "pp")
SD = "sd of y per sd of x"
Truths = dict[str, float]


def build(frames: Frames, settings: Settings) -> Tables:
    """truth_recovery: one row per quantity and class of slips, of the first headline whose y and x are latents. No rows
    where the truth does not cover every city and year of the sample. covers_truth: lo <= truth <= hi, missing where one
    of them is. edit_recall: see `recall_table`."""
    recall = recall_table(frames)
    world = _world(frames, settings)
    if world is None:
        return {"truth_recovery": pd.DataFrame(), "edit_recall": recall}
    table = pd.DataFrame([*_rows(world, settings), *_recall_rows(recall)])
    numbers = table[["lo", "truth", "hi", "published", "on_latent"]].astype(float)
    inside = (numbers["lo"] <= numbers["truth"]) & (numbers["truth"] <= numbers["hi"])
    covers = inside.astype("boolean").where(numbers[["lo", "truth", "hi"]].notna().all(axis=1))
    table = table.assign(**numbers, covers_truth=covers, ratio=numbers["published"] / numbers["on_latent"])
    keys = model_keys(world.spec, world.sample.basis)
    return {"truth_recovery": table.assign(**keys, seed=settings.seed), "edit_recall": recall}


def recall_table(frames: Frames) -> pd.DataFrame:
    """RECALL_COLUMNS of the planted slips; no rows where none are known.

    Frames: `truth`; `edit` (columns of `edits.EDIT_COLUMNS`, source) and `n_values`, one row: figures looked at.
    """
    slips = rows_with(frames["truth"], kind="slip")
    if slips.empty:
        return pd.DataFrame(columns=RECALL_COLUMNS)
    slips = slips.rename(columns={"name": "variable_code", "value": "true_value", "printed": "printed_value"})
    return edit_recall(slips, frames["edit"], n_values=int(frames["n_values"].to_numpy()[0, 0]))


def _world(frames: Frames, settings: Settings) -> World | None:
    """The first headline whose y and x are latents that are known in its whole sample; years may have come later."""
    latents = set(rows_with(frames["truth"], kind="latent")["name"])
    for spec in settings.regressions:
        if not (spec.is_headline and spec.y.code in latents and spec.x[0].code in latents):
            continue
        try:
            sample = read_sample(frames, spec)
            world = World(spec, sample, read_weights(frames, spec, sample), frames, settings.seed)
        except Skipped:
            continue
        if all(np.isfinite(latent).all() for latent in _latents(world)):
            return world
    return None


def _latents(world: World) -> tuple[FloatArray, FloatArray]:
    """The latent y and x (N, T) of the sample, NaN where they are not known."""
    latent, sample = rows_with(world.frames["truth"], kind="latent"), world.sample
    codes = (world.spec.y.code, world.spec.x[0].code)
    y, x = (plane(rows_with(latent, name=code), "value", sample.cities, sample.years) for code in codes)
    return y, x


def _rows(world: World, settings: Settings) -> Iterator[dict[str, object]]:
    spec, sample, frames = world.spec, world.sample, world.frames
    y, x = _latents(world)
    keys = _keys(world)
    names = {"$model": spec.model_id, "$x": spec.regressors[0], "$region": world.schemes.main("region")}
    names |= {"$first": str(sample.years[0]), "$last": str(sample.years[-1])}
    schemes = {names.get(scheme, scheme) for q in settings.quantities if (scheme := q.filters.get("scheme"))}
    sound = _sound_tables(world, settings, {*schemes, names["$region"]})  # cities are drawn again inside it
    published = {}
    for table, table_rows in {**frames, "index_score": frames["scores"]}.items():
        if table in (*PUBLISHED, "index_score"):
            published[table] = rows_with(table_rows, **{key: keys[key] for key in keys if key in table_rows})
    heaviest = sound["index_weight"].sort_values("weight", ascending=False)["indicator_code"]
    names |= {f"$heaviest_{at}": str(code) for at, code in enumerate(heaviest.iloc[:3], 1)}
    figures, true = (with_made(tables, sound) for tables in (published, sound))
    truths = _drawn(world, float(x.std() / y.std()))
    again = _on_latents(world, settings.sizes("influence")["spatial_grid"])
    for quantity in settings.quantities:
        kind, _, name = quantity.truth.partition(" ")
        row = figure_of(figures, quantity, names, scale=float(sample.sd_ratio[0]) if kind == "multiplier" else 1.0)
        truth = figure_of(true, quantity, names)["published"] if kind == "sound" else truths.get(name)
        if row["status"] == "compared" and (truth is None or not np.isfinite(float(str(truth)))):
            row["status"] = "compared: the truth is no number of its own"
        about = {"quantity": quantity.name, "unit": SD if quantity.unit == "sd" else quantity.unit, "truth_kind": kind}
        yield {**about, "truth": truth, "on_latent": again.get(quantity.name), "source_table": quantity.table, **row}


def _keys(world: World) -> dict[str, str]:
    """Those of the headline that its tables share; model_id is left to the filters of a quantity."""
    keys = model_keys(world.spec, world.sample.basis)
    return {key: keys[key] for key in KEYS}


def figure_of(tables: Frames, quantity: Quantity, names: Mapping[str, str], scale: float = 1.0) -> dict[str, object]:
    """published, lo, hi, n_obs and status of one quantity."""
    missing: dict[str, object] = {"published": None, "lo": None, "hi": None, "n_obs": None}
    table, rows = quantity.table, tables.get(quantity.table)
    if rows is None or rows.empty:
        return {**missing, "status": f"not available: no rows of {table}"}
    for column, text in quantity.filters.items():
        if column not in rows:
            return {**missing, "status": f"not available: {table} has no column {column}"}
        rows = rows[rows[column].astype(str) == names.get(text, text)]
    if rows.empty or quantity.value not in rows:
        what = f"row with {quantity.where}" if rows.empty else f"column {quantity.value}"
        return {**missing, "status": f"not available: {table} has no {what}"}
    row = rows.iloc[0]
    value, lo, hi = (float(row.get(name, np.nan)) * scale for name in (quantity.value, quantity.lo, quantity.hi))
    status = "compared" if np.isfinite(lo) and np.isfinite(hi) else "compared: no interval is published"
    return {"published": value, "lo": lo, "hi": hi, "n_obs": row.get("n_obs"), "status": status}


def with_made(tables: Frames, sound: Frames) -> Tables:
    """The tables with what has to be put together from several of their rows."""
    result = dict(tables)
    if len(clubs := result.get("club_membership", pd.DataFrame())):
        labels, true = (t.set_index("city_id")["club_id_final"] for t in (clubs, sound["club_membership"]))
        pairs = [(a := v.reindex(labels.index).to_numpy())[:, None] == a[None, :] for v in (labels, true)]
        agree = (pairs[0] == pairs[1])[np.triu_indices(len(labels), 1)].mean()
        result["club_membership"] = pd.DataFrame(
            {"n_clubs": [labels.nunique()], "pairs_agree": [agree], "n_obs": len(labels)}
        )
    if len(weight := result.get("index_weight", pd.DataFrame())):
        true = weight["indicator_code"].map(sound["index_weight"].set_index("indicator_code")["weight"])
        result["index_weight"] = weight.assign(largest_gap=(weight["weight"] - true).abs().max())
    if len(score := result.get("index_score", pd.DataFrame())):
        true = score[["city_id", "year"]].merge(sound["index_score"], how="left")["score"]
        rho = score["score"].reset_index(drop=True).corr(true, method="spearman")
        result["index_score"] = pd.DataFrame({"rank_correlation": [rho], "n_obs": [len(score)]})
    if len(block := result.get("block_spillover", pd.DataFrame())) and "asymmetry_difference" not in block:
        side = block.assign(side=block["receiver"] + block["emitter"])
        e = side.pivot_table("e_per_emitter", ["model_id", "scheme"], "side")
        result["block_spillover"] = block.merge((e["pc"] - e["cp"]).rename("asymmetry_difference").reset_index())
    return result


def _sound_tables(world: World, settings: Settings, schemes: Collection[str]) -> Tables:
    """The tables of disparity (by these schemes), chains and convergence, weights and scores of the index that sound
    files would give.
    """
    frames, index_code = world.frames, world.spec.y.code
    indicators = rows_with(frames["truth"], kind="indicator")
    scores = rows_with(frames["scores"], **_keys(world))
    cells = indicators.rename(columns={"name": "indicator_code"})[["indicator_code", "city_id", "year", "value"]]
    cells = cells[cells["city_id"].isin(scores["city_id"])].sort_values(["city_id", "indicator_code", "year"])
    # a share of no patents at all has no value: the pipeline bridges it too
    cells = cells.assign(value=cells["value"].interpolate(), is_imputed=False)
    spec = rows_with(frames["spec"], index_code=index_code)
    window = int(spec["window_start"].iloc[0]), int(spec["window_end"].iloc[0])
    result = composite(cells, spec, frames["indicator"], window).fit()
    true = result.scores.loc[result.scores["index_suffix"] == "", ["city_id", "year", "score"]]
    sound_scores = scores.drop(columns="score").merge(true, on=["city_id", "year"])
    sound_scores = sound_scores.assign(is_frozen=True, in_base=sound_scores["year"].between(*window))
    inputs = {**frames, "scores": sound_scores, "other_scores": sound_scores.iloc[:0]}
    inputs["schemes"] = frames["schemes"][frames["schemes"]["scheme"].isin(schemes)]
    few = {"bootstrap": POINT, "trend": POINT, "draws": POINT}
    small = settings.with_sizes(disparity=few, convergence=few)
    return {
        **disparity.build(inputs, small),
        **convergence.build(inputs, small),
        **chain_tables(inputs),
        "index_weight": result.weights,
        "index_score": true,
    }


def chain_tables(frames: Frames, *, n_boot: int = 0, seed: int = 0) -> Tables:
    """The pooled chain of one year as markov_transition and markov_summary have it; intervals from `n_boot` draws."""
    panel = read_city_panel(frames)
    assert panel is not None  # the published index has scores
    states = discretise(panel.scores, "pooled", n_states=N_STATES, base=panel.base).states
    chain = markov(states, N_STATES, n_boot=n_boot, seed=seed)
    at = np.indices(chain.counts.shape).reshape(2, -1) + 1
    cells = pd.DataFrame({"state_from": at[0], "state_to": at[1]})
    for name, values in (("p", chain.probabilities), ("lo", chain.lo), ("hi", chain.hi)):
        cells[name] = values.ravel()
    prais = (N_STATES - np.trace(chain.probabilities)) / (N_STATES - 1)
    return {
        "markov_transition": cells.assign(discretisation="pooled", scheme="all", lag=1),
        "markov_summary": pd.DataFrame({"matrix_id": ["pooled|all|all|lag1"], "prais": [prais]}),
    }


def drawn_truths(p: Mapping[str, float], effects: Mapping[str, float], scale: float) -> Truths:
    """Truths by name from the parameters of the draw and the averages of S, these times `scale`; left out where nothing
    was planted that has one."""
    truths = {name: value * scale for name, value in effects.items()}
    has_spillover = any(p.get(f"theta_{block}") != 0.0 for block in BLOCKS)
    pc, cp = (effects.get(f"given_{way}:core", np.nan) for way in ("pc", "cp"))
    truths["asymmetry_difference"] = (pc - cp) * scale
    truths["rho"] = p.get("rho", np.nan)
    truths["pilots_do_nothing"] = 0.0  # they are drawn by lot after the figures
    if has_spillover:
        truths["asymmetry_index"] = (pc - cp) / (abs(pc) + abs(cp))
        truths["barrier_index"] = 1.0 - p["border_factor"]
        if p["synergy_multiplier"] != 1.0:
            truths["synergy_threshold"] = p["synergy_threshold"]
    is_none = {
        "spatial_lag": p.get("rho") == 0.0,
        "spillover": not has_spillover,
        "asymmetry": p.get("theta_pc") == p.get("theta_cp"),
        "border": not has_spillover or p.get("border_factor") == 1.0,
    }
    return truths | {f"{name}_level_adjusted": 0.0 for name, is_zero in is_none.items() if is_zero}


def _drawn(world: World, scale: float) -> Truths:
    """The truths of the draw, the threshold on the scale of the observed synergy."""
    by_kind = (rows_with(world.frames["truth"], kind=kind) for kind in ("parameter", "effect"))
    p, effects = (dict(zip(rows["name"].astype(str), rows["value"].astype(float), strict=True)) for rows in by_kind)
    truths, (q, d) = drawn_truths(p, effects, scale), _synergy(world.frames, world.sample)
    if "synergy_threshold" in truths:
        is_finite = np.isfinite(q).all() and np.isfinite(d).all()
        truths["synergy_threshold"] = separating_cut(d, q >= p["synergy_threshold"]) if is_finite else np.nan
    return truths


def _synergy(frames: Frames, sample: PanelSample) -> tuple[FloatArray, FloatArray]:
    """Latent and observed synergy of the base year of each city, NaN where there is none."""
    latent, estimate = rows_with(frames["truth"], kind="synergy"), rows_with(frames["synergy"], basis=sample.basis)
    both = (by_city(latent, "value", sample.cities), by_city(estimate, "d", sample.cities))
    q, d = (values.to_numpy(dtype=np.float64) for values in both)
    return q, d


def _on_latents(world: World, grid: int) -> Truths:
    """What the models of the study give on the latents, without controls, by quantity."""
    (y, x), weights, cities = _latents(world), world.weights, world.sample.cities
    scale = float(x.std() / y.std())
    fit = fit_panel(y, x[:, :, None], weights)
    effects = average_effects(fit, method="delta").point[0] * scale
    figures = dict(zip(("direct_effect", "indirect_effect", "total_effect"), effects.tolist(), strict=True))
    blocks = block_spillover(y, x, weights, Groups.read(world.frames).is_core(cities))
    gains = blocks.to_frame().set_index(["receiver", "emitter"])["e_per_emitter"] * scale
    figures |= {"given_by_core": gains["p", "c"], "given_to_core": gains["c", "p"], "rho": fit.rho}
    figures |= {"asymmetry_difference": gains["p", "c"] - gains["c", "p"], "asymmetry_index": blocks.asymmetry[0]}
    area = np.array(world.sample.province)
    barrier = barrier_split(y, x, weights, area[:, None] != area[None, :])
    figures["barrier_index"] = float(barrier.table["barrier_index"].iloc[0])
    q, d = _synergy(world.frames, world.sample)
    if np.isfinite(q).all() and np.isfinite(d).all():
        jump = spatial_threshold(y, x, q, weights, n_grid=grid, draws=1, rng=np.random.default_rng(0))
        figures["synergy_threshold"] = separating_cut(d, q > jump.gamma)
    return figures


def separating_cut(d: FloatArray, is_above: BoolArray) -> float:
    """The value g of d (n,) for which d > g names the fewest cities wrongly; the mean of several that tie."""
    values = np.unique(d)
    wrong = np.array([((d > g) != is_above).sum() for g in values])
    return float(values[wrong == wrong.min()].mean())


def _recall_rows(recall: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Share of the events of each class that editing finds."""
    classes = recall[(recall["kind"] == "class") & (recall["n_events"] > 0)]
    for name, n_events, share in classes[["name", "n_events", "event_recall"]].to_numpy().tolist():
        about = {"quantity": f"edit_recall_{name}", "unit": "share", "truth_kind": "planted", "truth": 1.0}
        about |= {"published": share, "n_obs": n_events, "source_table": "edit_recall"}
        yield {**about, "status": "compared: no interval is published"}
