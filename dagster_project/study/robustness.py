"""How firm the headline is: two regimes, moderated spillovers, placebo weights and all variants on one curve."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study.frames import KEYS, LIMITS, Frames, Rows, Tables, rows_with, words
from dagster_project.study.influence import INPUTS as INFLUENCE_INPUTS
from dagster_project.study.influence import SYNERGY, centre
from dagster_project.study.samples import Job, Skipped, World, run_jobs
from dagster_project.study.settings import Settings
from python_models._types import FloatArray
from python_models.inference import normal
from python_models.influence._regime_logdet import RegimeLogDet
from python_models.influence.interaction import absorptive_spillover, moderated_spillover
from python_models.influence.placebo import Placebo, placebo_weights, placebo_years
from python_models.influence.regimes import YEARS, Years, two_regime
from python_models.influence.specification_curve import LEVEL, curve_summary, specification_curve

INPUTS = {
    **INFLUENCE_INPUTS,
    "synergy_year": """
        select basis, index_code, city_id, year, d from py.coupling
        where form = 'corrected' and scale = 'minmax01' and d is not null order by 1, 2, 3, 4
    """,
    "model_spec": "py.model_spec",
    "panel_fit": "py.panel_fit",
    "panel_effect": "py.panel_effect",
    "panel_coef": "py.panel_coef",
}
TABLES = words(
    "robustness_run regime_coef interaction_effect robustness_placebo robustness_placebo_summary"
    " robustness_placebo_years robustness robustness_summary"
)
MODERATORS = ("synergy_base", "synergy_lag", "synergy_high_lag", "own_pr")
LAG_NOTE = "last year's coordination holds last year's y: with city effects its coefficients are biased at O(1/T)"
EFFECTS = ("direct", "indirect", "total")
FIGURES = {"_se": "se_delta", "_p": "p", "_p_family": "p_family", "_sd": "standardised"}  # beside each effect
SHOWN_HORIZON = {"static": "static", "dynamic": "long", "gmm": "long"}
SAME = "the effects and the sample of another run: not counted"
NO_EFFECTS = "effects are not made for this method: compare beta and theta"


@dataclass(frozen=True)
class Sizes:
    """How much is drawn: panels of the bias correction of two regimes, placebo relabellings of cities and shufflings
    of years."""

    regime_bootstrap: int
    placebo: int
    placebo_years: int


def build(frames: Frames, settings: Settings) -> Tables:
    """A part that the data do not allow is a row of robustness_run with the reason."""
    rows, sizes = Rows(), Sizes(**settings.sizes("robustness"))
    run_jobs(frames, settings.regressions, settings.seed, partial(_jobs, sizes=sizes), "robustness_run", rows)
    runs, summary = robustness_rows(frames)
    rows.add({"robustness": runs, "robustness_summary": summary}, seed=settings.seed)
    return rows.tables(TABLES)


def _jobs(world: World, sizes: Sizes) -> list[Job]:
    jobs: list[Job] = []
    draws = sizes.regime_bootstrap
    for scheme in (*world.schemes.regimes(), SYNERGY):
        jobs += [("regimes", f"{scheme}:{years}", partial(_regimes, world, scheme, years, draws)) for years in YEARS]
    jobs += [("interaction", moderator, partial(_interaction, world, moderator)) for moderator in MODERATORS]
    jobs.append(("placebo", "relabelled W", partial(_placebo, world, sizes.placebo)))
    jobs.append(("placebo", "wrong years", partial(_placebo_years, world, sizes.placebo_years)))
    return jobs


def _regimes(world: World, scheme: str, years: Years, draws: int) -> Tables:
    world.need_pairs("a model of two regimes")
    first = centre(world, scheme)
    names = ("high", "low") if scheme == SYNERGY else (world.schemes.centre_of(scheme), "other")
    how: dict[str, Any] = {"years": years, "draws": draws, "rng": world.rng(f"regime:{scheme}:{years}")}
    fit = two_regime(*world.model, first, world.controls, **how, logdet=RegimeLogDet(world.weights, first))
    (z, p), found, effects = fit.equal_rho(), normal(fit.params, fit.std_errors), fit.effects()
    shared: dict[str, object] = {"scheme": scheme, "year_effects": years, "z_equal": z, "p_equal": p}
    shared |= {"lnl": fit.loglik, "n_modes": fit.n_modes, "n_boot": len(fit.draws), "n_boot_refused": fit.n_refused}
    rows = []
    for i, (regime, cities) in enumerate((("first", first), ("second", ~first))):
        at = len(fit.names) - 3 + i
        row = {**shared, "regime": names[i], "n_city": int(cities.sum())}
        row |= {"rho_regime": fit.params[at], "rho_uncorrected": fit.maximum[at]}
        row |= {"se": fit.std_errors[at], "se_boot": fit.se_boot[at], "lo": found.lower[at], "hi": found.upper[at]}
        for own in effects[effects["regime"] == regime].itertuples():
            e = own.effect
            row |= {f"{e}": own.point, f"{e}_se": own.se, f"{e}_lo": own.lower, f"{e}_hi": own.upper}
        rows.append(row)
    return {"regime_coef": pd.DataFrame(rows)}


def _interaction(world: World, moderator: str) -> Tables:
    (y, x, w), controls, note = world.model, world.controls, ""
    if moderator == "own_pr":
        found = absorptive_spillover(y, x, w, controls)
    elif moderator == "synergy_base":
        found = moderated_spillover(y, x, world.synergy, w, controls)
    else:
        m, since = _lagged_synergy(world)
        y, x, note, levels = y[:, since:], x[:, since:], LAG_NOTE, None
        controls = None if controls is None else controls[:, since:]
        if moderator == "synergy_high_lag":
            m, levels = (m >= np.median(m)).astype(np.float64), {"low": 0.0, "high": 1.0}
        found = moderated_spillover(y, x, m, w, controls, levels=levels)
    return {"interaction_effect": found.to_frame().assign(moderator=moderator, note=note, n_obs=y.size)}


def _lagged_synergy(world: World) -> tuple[FloatArray, int]:
    """Coordination of the year before (N, T'), and how many first years of the sample have none."""
    table, sample = world.frames["synergy_year"], world.sample
    own = rows_with(table, index_code=world.spec.y.code, basis=sample.basis)
    wide = own.pivot(index="city_id", columns="year", values="d").reindex(list(sample.cities))
    known = [year for year in sample.years if year - 1 in wide.columns and wide[year - 1].notna().all()]
    if len(known) < 3 or known != list(sample.years[-len(known) :]):
        raise Skipped("last year's coordination degree is not known for every city in three years or more.")
    return wide[[year - 1 for year in known]].to_numpy(dtype=np.float64), len(sample.years) - len(known)


def _placebo(world: World, draws: int) -> Tables:
    # a seed of its own: relabellings must not be those of another model
    seed = int(world.rng("placebo").integers(2**31))
    found = placebo_weights(*world.model, world.controls, draws=draws, seed=seed)
    return {"robustness_placebo": found.to_frame(), "robustness_placebo_summary": _placebo_summary(found)}


def _placebo_years(world: World, draws: int) -> Tables:
    seed = int(world.rng("placebo:years").integers(2**31))
    found = placebo_years(*world.model, world.controls, draws=draws, seed=seed)
    return {"robustness_placebo_years": _placebo_summary(found)}


def _placebo_summary(found: Placebo) -> pd.DataFrame:
    return found.summary().rename(columns=LIMITS).assign(n_refused=found.n_refused)


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
            counted, own = rows[effect].mask(rows["is_duplicate"]), float(top[effect])
            curve = specification_curve(counted, rows[f"{effect}_p"], headline=own, comparable=scale)
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
    ordered = numbers.loc[place.sort_values(kind="stable").index]
    same: pd.Series[bool] = ordered.apply(lambda column: column.map("{:.10g}".format)).duplicated().reindex(rows.index)
    has: pd.Series[bool] = numbers["direct"].notna()
    return same & has


def _run(frames: Frames, one: dict[Hashable, Any], headline: dict[Hashable, Any]) -> dict[str, object]:
    run_id, x = str(one["model_id"]), next(iter(one["x_codes"]))
    fit = rows_with(frames["panel_fit"], model_id=run_id).iloc[0]
    axis, _, value = str(one["change"] or "headline").partition(": ")
    is_same = one["y_code"] == headline["y_code"] and list(one["x_codes"]) == list(headline["x_codes"])
    row: dict[str, object] = {name: fit[name] for name in (*KEYS, "rho", "n_obs", "seed")}
    row |= {"model_id": headline["model_id"], "run_id": run_id, "change_axis": axis, "change_value": value or axis}
    row |= {"method": one["method"], "status": one["status"], "skip_reason": one["skip_reason"] or ""}
    row |= {"variable": x, "note": "", "is_same_scale": is_same}
    row |= dict.fromkeys((f"{e}{part}" for e in EFFECTS for part in ("", *FIGURES)), np.nan)
    coef = rows_with(frames["panel_coef"], model_id=run_id).set_index("term")[["coef", "se"]].astype(float)
    for name, term in (("beta", x), ("theta", f"W:{x}")):
        row[name], row[f"{name}_se"] = coef.reindex([term]).to_numpy()[0]
    horizon = SHOWN_HORIZON.get(str(one["method"]), "")
    found = rows_with(frames["panel_effect"], model_id=run_id, variable=x, horizon=horizon)
    for e in found.to_dict("records"):
        row |= {e["effect"]: e["point"], **{f"{e['effect']}{part}": e[name] for part, name in FIGURES.items()}}
    if found.empty and one["status"] == "fitted":
        row["note"] = NO_EFFECTS
    return row


def _scaled(rows: pd.DataFrame, effect: str, top: pd.Series) -> pd.Series:
    """Standardised effects; for runs without one on the headline's scale, by its ratio."""
    own = rows[f"{effect}_sd"].astype(float)
    if not top[effect] or pd.isna(top[effect]):
        return own
    ratio = float(top[f"{effect}_sd"] / top[effect])
    return own.where(own.notna() | ~rows["is_same_scale"], rows[effect] * ratio)


def _both(rows: pd.DataFrame, flag: str) -> pd.Series:
    """True if direct and indirect both are; missing where neither is known (an effect of zero by construction)."""
    parts = rows[[f"direct_{flag}", f"indirect_{flag}"]].astype("boolean")
    return parts.all(axis=1, skipna=True).astype("boolean").where(parts.notna().any(axis=1))
