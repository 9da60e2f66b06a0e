"""What the pipeline finds again of what the SYNTHETIC country was drawn with: published estimates beside those on the
latents. A composite index measures with error, which pulls slopes to zero: the ratio of the two is that attenuation.

Empty where there is no truth, that is for real data.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from dagster_project.study.frames import Frames
from dagster_project.study.groups import Groups
from dagster_project.study.samples import PanelSample, Skipped, model_keys, read_sample, read_weights
from dagster_project.study.settings import PanelSpec
from python_models._types import BoolArray, FloatArray
from python_models.influence import barrier_split, block_spillover, spatial_threshold
from python_models.regression import SpatialWeights, average_effects, fit_panel

POINT = 2  # draws where only the point is read
BLOCKS = ("cc", "cp", "pc", "pp")
SD = "sd of y per sd of x"


def truth_table(frames: Frames, specs: Iterable[PanelSpec], found: Frames, *, grid: int, seed: int) -> pd.DataFrame:
    """One row per quantity of the first headline whose y and x are latents of the truth.

    frames: those of the influence tables, `panel_effect` and `truth` (kind, city_id, year, name, value); found: the
    tables of influence. on_latent: the same model on the latents, without controls. ratio = published / on_latent.
    No rows where the truth does not cover every city and year of the sample.
    covers_truth: lo <= truth <= hi, missing where the truth is no number of its own (effects depend on W; nothing can
    be barred or jump where there is no spillover). Level-adjusted differences have the truth 0 where none was planted.
    """
    truth = frames["truth"]
    latents = set(truth.loc[truth["kind"] == "latent", "name"])
    for spec in specs:
        if not (spec.is_headline and spec.y.code in latents and spec.x[0].code in latents):
            continue
        try:
            sample = read_sample(frames, spec)
            weights = read_weights(frames, spec, sample)
        except Skipped:
            continue
        y, x = (_latent(truth, code, sample) for code in (spec.y.code, spec.x[0].code))
        if not (np.isfinite(y).all() and np.isfinite(x).all()):  # years that came after the truth was written
            continue
        rows = [
            *_effects(truth, frames["panel_effect"], spec, y, x, weights),
            *_blocks(frames, found, spec, sample, y, x, weights),
            *_border(truth, found, spec, sample, y, x, weights),
            *_threshold(frames, found, spec, sample, y, x, weights, grid),
            *_differences(truth, found, spec, Groups.read(frames).main("centre")),
        ]
        table = pd.DataFrame(rows)
        inside = (table["lo"] <= table["truth"]) & (table["truth"] <= table["hi"])
        known = table[["lo", "truth", "hi"]].notna().all(axis=1)
        covers, ratio = inside.astype("boolean").where(known), table["published"] / table["on_latent"]
        table = table.assign(covers_truth=covers, ratio=ratio, n_obs=sample.y.size, seed=seed)
        return table.assign(**model_keys(spec, sample.basis))
    return pd.DataFrame()


def _latent(truth: pd.DataFrame, name: str, sample: PanelSample) -> FloatArray:
    own = truth[(truth["kind"] == "latent") & (truth["name"] == name)]
    wide = own.pivot(index="city_id", columns="year", values="value")
    return wide.reindex(index=list(sample.cities), columns=list(sample.years)).to_numpy(dtype=np.float64)


def _effects(
    truth: pd.DataFrame, published: pd.DataFrame, spec: PanelSpec, y: FloatArray, x: FloatArray, weights: SpatialWeights
) -> list[dict[str, object]]:
    nothing_crosses = not _has_spillover(truth) and _parameter(truth, "rho") == 0.0
    effects = average_effects(fit_panel(y, x[:, :, None], weights), method="delta")
    own = published[
        (published["model_id"] == spec.model_id)
        & (published["variable"] == spec.regressors[0])
        & (published["horizon"] == "static")
    ].set_index("effect")
    rows: list[dict[str, object]] = []
    for at, effect in enumerate(("direct", "indirect", "total")):
        e = own.loc[effect]
        scale = e["standardised"] / e["point"]
        rows.append(
            {
                "quantity": f"{effect}_effect",
                "unit": SD,
                "on_latent": effects.point[0, at] * x.std() / y.std(),
                "published": e["standardised"],
                "lo": e["lo"] * scale,
                "hi": e["hi"] * scale,
                "truth": 0.0 if effect == "indirect" and nothing_crosses else np.nan,
            }
        )
    return rows


def _blocks(
    frames: Frames,
    found: Frames,
    spec: PanelSpec,
    sample: PanelSample,
    y: FloatArray,
    x: FloatArray,
    weights: SpatialWeights,
) -> list[dict[str, object]]:
    groups = Groups.read(frames)
    own = _one(found["block_spillover"], spec, scheme=groups.main("centre"))
    if own.empty:
        return []
    centre = groups.is_core(sample.cities)
    fit = block_spillover(y, x, weights, centre, draws=POINT, rng=np.random.default_rng(0))
    row = own.iloc[0]
    return [
        {
            "quantity": "asymmetry_index",
            "unit": "1",
            "truth": np.nan,
            "on_latent": fit.asymmetry[0],
            "published": row["asymmetry_index"],
            "lo": row["asymmetry_lo"],
            "hi": row["asymmetry_hi"],
        }
    ]


def _border(
    truth: pd.DataFrame,
    found: Frames,
    spec: PanelSpec,
    sample: PanelSample,
    y: FloatArray,
    x: FloatArray,
    weights: SpatialWeights,
) -> list[dict[str, object]]:
    own = _one(found["border_barrier"], spec, barrier_code="province", ring_id="all")
    if own.empty:
        return []
    area = sample.city["province_code"].astype(str).to_numpy()
    across = area[:, None] != area[None, :]
    fit = barrier_split(y, x, weights, across, draws=POINT, rng=np.random.default_rng(0))
    row = own.iloc[0]
    barrier = 1.0 - _parameter(truth, "border_factor") if _has_spillover(truth) else np.nan
    return [
        {
            "quantity": "barrier_index",
            "unit": "1",
            "truth": barrier,
            "on_latent": float(fit.table["barrier_index"].iloc[0]),
            "published": row["barrier_index"],
            "lo": row["lo"],
            "hi": row["hi"],
        }
    ]


def _threshold(
    frames: Frames,
    found: Frames,
    spec: PanelSpec,
    sample: PanelSample,
    y: FloatArray,
    x: FloatArray,
    weights: SpatialWeights,
    grid: int,
) -> list[dict[str, object]]:
    """The planted threshold cuts the latent synergy; on the observed scale it is the value that best tells apart the
    cities on its two sides (see `separating_cut`): a threshold acts by who stands above it."""
    own = _one(found["threshold_result"], spec, kind="spatial_emitter")
    truth = frames["truth"]
    latent = truth[truth["kind"] == "synergy"].drop_duplicates("city_id").set_index("city_id")["value"]
    table = frames["synergy"]
    seen = table[(table["index_code"] == spec.y.code) & (table["basis"] == sample.basis)]
    q, d = (
        values.reindex(list(sample.cities)).to_numpy(dtype=np.float64)
        for values in (latent, seen.drop_duplicates("city_id").set_index("city_id")["d"])
    )
    if own.empty or not np.isfinite(q).all() or not np.isfinite(d).all():
        return []
    fit = spatial_threshold(y, x, q, weights, n_grid=grid)
    row = own.iloc[0]
    cut = _parameter(truth, "synergy_threshold")
    jumps = _has_spillover(truth) and _parameter(truth, "synergy_multiplier") != 1.0
    return [
        {
            "quantity": "synergy_threshold",
            "unit": "1",
            "truth": separating_cut(d, q >= cut) if jumps else np.nan,
            "on_latent": separating_cut(d, q > fit.gamma),
            "published": row["gamma"],
            "lo": row["ci_lo"],
            "hi": row["ci_hi"],
        }
    ]


def _differences(truth: pd.DataFrame, found: Frames, spec: PanelSpec, centre: str) -> list[dict[str, object]]:
    """Level-adjusted differences with their intervals: 0 is their truth where the effect was not planted."""
    no_spillover = not _has_spillover(truth)
    is_none = {
        ("spatial lag", "rho"): _parameter(truth, "rho") == 0.0,
        ("spillover", "theta"): no_spillover,
        ("asymmetry", centre): _parameter(truth, "theta_pc") == _parameter(truth, "theta_cp"),
        ("border", "province"): no_spillover or _parameter(truth, "border_factor") == 1.0,
    }
    rows: list[dict[str, object]] = []
    for (analysis, variant), is_zero in is_none.items():
        for _, one in _one(found["level_adjusted_test"], spec, analysis=analysis, variant=variant).iterrows():
            rows.append(
                {
                    "quantity": f"{analysis.replace(' ', '_')}_level_adjusted",
                    "unit": SD,
                    "on_latent": np.nan,
                    "truth": 0.0 if is_zero else np.nan,
                    "published": one.get("difference", np.nan),
                    "lo": one.get("lo", np.nan),
                    "hi": one.get("hi", np.nan),
                }
            )
    return rows


def separating_cut(d: FloatArray, is_above: BoolArray) -> float:
    """The value g of d (n,) for which d > g names the fewest cities wrongly; the mean of several that tie."""
    values = np.unique(d)
    wrong = np.array([((d > g) != is_above).sum() for g in values])
    return float(values[wrong == wrong.min()].mean())


def _one(table: pd.DataFrame, spec: PanelSpec, **where: str) -> pd.DataFrame:
    if table.empty:  # it has no columns either
        return table
    kept = table[table["model_id"] == spec.model_id]
    for column, value in where.items():
        kept = kept[kept[column] == value]
    return kept


def _has_spillover(truth: pd.DataFrame) -> bool:
    return any(_parameter(truth, f"theta_{block}") != 0.0 for block in BLOCKS)


def _parameter(truth: pd.DataFrame, name: str) -> float:
    own = truth[(truth["kind"] == "parameter") & (truth["name"] == name)]
    return float(own["value"].iloc[0]) if len(own) else float("nan")
