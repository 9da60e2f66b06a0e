"""How firm the headline is: placebo weights, all variants on one curve, and all choices crossed."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study import multiverse
from dagster_project.study.frames import KEYS, LIMITS, Frames, Rows, Tables, rows_with, words
from dagster_project.study.queries import queries
from dagster_project.study.samples import SAMPLE_FRAMES, Job, World, attempt, basis_of, model_keys, run_jobs, with_codes
from dagster_project.study.settings import DepthName, Settings
from python_models.influence.placebo import placebo_weights
from python_models.influence.specification_curve import LEVEL, curve_summary, specification_curve
from python_models.tasks import run_tasks

INPUTS = {
    **SAMPLE_FRAMES,
    **queries(__file__),
    "model_spec": "py.model_spec",
    "panel_fit": "py.panel_fit",
    "panel_effect": "py.panel_effect",
    "panel_coef": "py.panel_coef",
}
TABLES = (
    words("robustness_run robustness_placebo robustness_placebo_summary robustness robustness_summary")
    + multiverse.TABLES
)
EFFECTS = ("direct", "indirect", "total")
FIGURES = {"_se": "se_delta", "_p": "p", "_p_family": "p_family", "_sd": "standardised"}  # beside each effect
SHOWN_HORIZON = {"static": "static", "interactive": "static", "dynamic": "long", "gmm": "long"}
SAME = "the effects and the sample of another run: not counted"
NO_EFFECTS = "effects are not made for this method: compare beta and theta"


def build(frames: Frames, settings: Settings) -> Tables:
    """A part that the data do not allow is a row of robustness_run with the reason."""
    rows, draws = Rows(), settings.sizes("robustness")["placebo"]
    run_jobs(frames, settings.regressions, settings.seed, partial(_jobs, draws=draws), "robustness_run", rows)
    if settings.depth.name not in (DepthName.quick, DepthName.trial):
        _crossed(with_codes(frames), settings, rows)
    runs, summary = robustness_rows(frames)
    rows.add({"robustness": runs, "robustness_summary": summary}, seed=settings.seed)
    return rows.tables(TABLES)


def _crossed(frames: Frames, settings: Settings, rows: Rows) -> None:
    """The choices of each headline crossed, and that they were or why not."""
    headlines = [spec for spec in settings.regressions if spec.is_headline]
    tasks = [partial(attempt, partial(multiverse.build, frames, spec, settings)) for spec in headlines]
    for spec, (tables, reason) in zip(headlines, run_tasks(tasks), strict=True):
        run = {"analysis": "multiverse", "variant": "crossed choices", "status": "skipped" if reason else "done"}
        tables["robustness_run"] = pd.DataFrame([{**run, "skip_reason": reason}])
        rows.add(tables, **model_keys(spec, basis_of(frames, spec)), seed=settings.seed)


def _jobs(world: World, draws: int) -> list[Job]:
    return [("placebo", "relabelled W", partial(_placebo, world, draws))]


def _placebo(world: World, draws: int) -> Tables:
    # a seed of its own: relabellings must not be those of another model
    seed = int(world.rng("placebo").integers(2**31))
    placebo = placebo_weights(*world.model, world.controls, draws=draws, seed=seed)
    summary = placebo.summary().rename(columns=LIMITS).assign(n_refused=placebo.n_refused)
    return {"robustness_placebo": placebo.to_frame(), "robustness_placebo_summary": summary}


def robustness_rows(frames: Frames) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(runs, summary) from `model_spec`, `panel_fit`, `panel_effect`, `panel_coef`.

    runs: one row per headline and variant; the effects are those of the first regressor of interest, of a dynamic
    regression the long-run ones. Place on the curve: standardised effects; where a run has none but the y and x of its
    headline, its effect in the headline's standard deviations. summary: one row per headline and effect. A run with
    the effects and the sample of another one (other errors, a filter that leaves nothing out) is shown and not
    counted.
    """
    spec = frames["model_spec"]
    runs, summaries = [], []
    for headline in spec[spec["is_headline"]].to_dict("records"):
        family = spec[(spec["model_id"] == headline["model_id"]) | (spec["variant_of"] == headline["model_id"])]
        rows = pd.DataFrame([_run(frames, one, headline) for one in family.to_dict("records")])
        top = rows[rows["run_id"] == headline["model_id"]].iloc[0]
        fitted = rows["status"] == "fitted"
        rows["is_duplicate"] = is_duplicate(rows)
        rows.loc[rows["is_duplicate"], "note"] = SAME
        for effect in EFFECTS:
            scale = _scaled(rows, effect, top)
            estimates, of_headline = rows[effect].mask(rows["is_duplicate"]), float(top[effect])
            curve = specification_curve(estimates, rows[f"{effect}_p"], headline=of_headline, comparable=scale)
            rows[f"{effect}_standardised"] = scale
            rows = rows.join(curve.add_prefix(f"{effect}_"))
            variant = fitted & (rows["run_id"] != headline["model_id"])
            about = {"model_id": headline["model_id"], "basis": top["basis"], "effect": effect}
            keys = {name: top[name] for name in ("index_code", "weight_scheme")}
            numbers = curve_summary(curve[variant], scale[variant])
            counts = {"n_skipped": int((~fitted).sum()), "n_obs": top["n_obs"]}
            counts["n_duplicate"] = int(rows["is_duplicate"].sum())
            together = rows.loc[variant & ~rows["is_duplicate"], f"{effect}_p_family"].dropna()
            numbers["share_family_5"] = float((together < LEVEL).mean()) if len(together) else np.nan
            summaries.append({**keys, **about, **numbers, **counts})
        rows["sign_agrees"] = _both(rows, "sign_agrees")
        rows["significant_5"] = _both(rows, "significant_5")
        runs.append(rows)
    if not runs:
        return pd.DataFrame(), pd.DataFrame()
    return pd.concat(runs, ignore_index=True), pd.DataFrame(summaries)


def is_duplicate(rows: pd.DataFrame) -> pd.Series[bool]:
    """Runs that find what another one finds on as many cells, to ten digits: no evidence of their own.

    Of two such runs the headline counts, else the one that differs in more than its errors, else the first.
    """
    numbers = rows[["direct", "indirect", "n_obs"]].apply(pd.to_numeric, errors="coerce")
    place = (rows["run_id"] != rows["model_id"]).astype(int) + (rows["change_axis"] == "errors").astype(int)
    in_order = numbers.loc[place.sort_values(kind="stable").index]
    same: pd.Series[bool] = in_order.apply(lambda column: column.map("{:.10g}".format)).duplicated().reindex(rows.index)
    has: pd.Series[bool] = numbers["direct"].notna()
    return same & has


def _run(frames: Frames, one: dict[Hashable, Any], headline: dict[Hashable, Any]) -> dict[str, object]:
    run_id, x = str(one["model_id"]), next(iter(one["x_codes"]))
    fit = rows_with(frames["panel_fit"], model_id=run_id).iloc[0]
    axis, _, value = str(one["change"] or "headline").partition(": ")
    is_same = one["y_code"] == headline["y_code"] and list(one["x_codes"]) == list(headline["x_codes"])
    row: dict[str, object] = {name: fit[name] for name in (*KEYS, "rho", "n_obs", "seed", "breaks_crossed")}
    row |= {"model_id": headline["model_id"], "run_id": run_id, "change_axis": axis, "change_value": value or axis}
    row |= {"method": one["method"], "status": one["status"], "skip_reason": one["skip_reason"] or ""}
    row |= {"variable": x, "note": "", "is_same_scale": is_same}
    row |= dict.fromkeys((f"{e}{part}" for e in EFFECTS for part in ("", *FIGURES)), np.nan)
    coef = rows_with(frames["panel_coef"], model_id=run_id).set_index("term")[["coef", "se"]].astype(float)
    for name, term in (("beta", x), ("theta", f"W:{x}")):
        row[name], row[f"{name}_se"] = coef.reindex([term]).to_numpy()[0]
    horizon = SHOWN_HORIZON.get(str(one["method"]), "")
    effects = rows_with(frames["panel_effect"], model_id=run_id, variable=x, horizon=horizon)
    for e in effects.to_dict("records"):
        row |= {e["effect"]: e["point"], **{f"{e['effect']}{part}": e[name] for part, name in FIGURES.items()}}
    if effects.empty and one["status"] == "fitted":
        row["note"] = NO_EFFECTS
    return row


def _scaled(rows: pd.DataFrame, effect: str, top: pd.Series) -> pd.Series:
    """Standardised effects; for runs without one on the headline's scale, by its ratio."""
    scaled = rows[f"{effect}_sd"].astype(float)
    if not top[effect] or pd.isna(top[effect]):
        return scaled
    ratio = float(top[f"{effect}_sd"] / top[effect])
    return scaled.where(scaled.notna() | ~rows["is_same_scale"], rows[effect] * ratio)


def _both(rows: pd.DataFrame, flag: str) -> pd.Series:
    """True if direct and indirect both are; missing where neither is known (an effect of zero by construction)."""
    parts = rows[[f"direct_{flag}", f"indirect_{flag}"]].astype("boolean")
    return parts.all(axis=1, skipna=True).astype("boolean").where(parts.notna().any(axis=1))
