"""How firm the headline is: two regimes, moderated spillovers, placebo weights and all variants on one curve."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study.frames import Frames, Rows, Tables
from dagster_project.study.influence import INPUTS as INFLUENCE_INPUTS
from dagster_project.study.samples import Job, Skipped, World, run_jobs
from dagster_project.study.settings import Settings
from python_models._types import FloatArray
from python_models.inference import normal
from python_models.influence._regime_logdet import RegimeLogDet
from python_models.influence.interaction import Interaction, absorptive_spillover, moderated_spillover
from python_models.influence.placebo import Placebo, placebo_weights, placebo_years
from python_models.influence.regimes import YEARS, two_regime
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
TABLES = (
    "robustness_run",
    "regime_coef",
    "interaction_effect",
    "robustness_placebo",
    "robustness_placebo_summary",
    "robustness_placebo_years",
    "robustness",
    "robustness_summary",
)
MODERATORS = ("synergy_base", "synergy_lag", "synergy_high_lag", "own_pr")
LAG_NOTE = "last year's coordination holds last year's y: with city effects its coefficients are biased at O(1/T)"
EFFECTS = ("direct", "indirect", "total")
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
    for scheme in (*world.schemes.regimes(), "synergy"):
        for years in YEARS:
            jobs.append(
                ("regimes", f"{scheme}:{years}", partial(_regimes, world, scheme, years, sizes.regime_bootstrap))
            )
    jobs += [("interaction", moderator, partial(_interaction, world, moderator)) for moderator in MODERATORS]
    jobs.append(("placebo", "relabelled W", partial(_placebo, world, sizes.placebo)))
    jobs.append(("placebo", "wrong years", partial(_placebo_years, world, sizes.placebo_years)))
    return jobs


def _regimes(world: World, scheme: str, years: str, draws: int) -> Tables:
    world.need_pairs("a model of two regimes")
    if scheme == "synergy":
        first = world.synergy >= np.quantile(world.synergy, 2 / 3)
        names = ("high", "low")
    else:
        centre = world.schemes.centre_of(scheme)
        first = np.asarray(world.groups(scheme) == centre, dtype=np.bool_)
        names = (centre, "other")
    fit = two_regime(
        world.sample.y,
        world.x,
        world.weights,
        first,
        world.controls,
        years="common" if years == "common" else "by_regime",
        draws=draws,
        rng=world.rng(f"regime:{scheme}:{years}"),
        logdet=RegimeLogDet(world.weights, first),
    )
    z, p = fit.equal_rho()
    found = normal(fit.params, fit.std_errors)
    effects = fit.effects()
    rows = []
    for i, regime in enumerate(("first", "second")):
        at = len(fit.names) - 3 + i
        row: dict[str, object] = {
            "scheme": scheme,
            "year_effects": years,
            "regime": names[i],
            "n_city": int(first.sum() if i == 0 else (~first).sum()),
            "rho_regime": fit.params[at],
            "rho_uncorrected": fit.maximum[at],
            "se": fit.std_errors[at],
            "se_boot": fit.se_boot[at],
            "lo": found.lower[at],
            "hi": found.upper[at],
            "z_equal": z,
            "p_equal": p,
            "lnl": fit.loglik,
            "n_modes": fit.n_modes,
            "n_boot": len(fit.draws),
            "n_boot_refused": fit.n_refused,
        }
        for own in effects[effects["regime"] == regime].itertuples():
            e = own.effect
            row |= {f"{e}": own.point, f"{e}_se": own.se, f"{e}_lo": own.lower, f"{e}_hi": own.upper}
        rows.append(row)
    return {"regime_coef": pd.DataFrame(rows)}


def _interaction(world: World, moderator: str) -> Tables:
    sample = world.sample
    if moderator == "own_pr":
        found = absorptive_spillover(sample.y, world.x, world.weights, world.controls)
        return _interaction_rows(found, moderator, "", sample.y.size)
    levels, note, since = None, "", 0
    if moderator == "synergy_base":
        m = world.synergy
    else:
        m, since = _lagged_synergy(world)
        note = LAG_NOTE
        if moderator == "synergy_high_lag":
            m, levels = (m >= np.median(m)).astype(np.float64), {"low": 0.0, "high": 1.0}
    y, x = sample.y[:, since:], world.x[:, since:]
    controls = None if world.controls is None else world.controls[:, since:]
    found = moderated_spillover(y, x, m, world.weights, controls, levels=levels)
    return _interaction_rows(found, moderator, note, y.size)


def _interaction_rows(found: Interaction, moderator: str, note: str, n_obs: int) -> Tables:
    return {"interaction_effect": found.to_frame().assign(moderator=moderator, note=note, n_obs=n_obs)}


def _lagged_synergy(world: World) -> tuple[FloatArray, int]:
    """Coordination of the year before (N, T'), and how many first years of the sample have none."""
    table, sample = world.frames["synergy_year"], world.sample
    own = table[(table["index_code"] == world.spec.y.code) & (table["basis"] == sample.basis)]
    wide = own.pivot(index="city_id", columns="year", values="d").reindex(list(sample.cities))
    known = [year for year in sample.years if year - 1 in wide.columns and wide[year - 1].notna().all()]
    if len(known) < 3 or known != list(sample.years[-len(known) :]):
        raise Skipped("last year's coordination degree is not known for every city in three years or more.")
    return wide[[year - 1 for year in known]].to_numpy(dtype=np.float64), len(sample.years) - len(known)


def _placebo(world: World, draws: int) -> Tables:
    # a seed of its own: relabellings must not be those of another model
    seed = int(world.rng("placebo").integers(2**31))
    found = placebo_weights(world.sample.y, world.x, world.weights, world.controls, draws=draws, seed=seed)
    return {"robustness_placebo": found.to_frame(), "robustness_placebo_summary": _placebo_summary(found)}


def _placebo_years(world: World, draws: int) -> Tables:
    seed = int(world.rng("placebo:years").integers(2**31))
    found = placebo_years(world.sample.y, world.x, world.weights, world.controls, draws=draws, seed=seed)
    return {"robustness_placebo_years": _placebo_summary(found)}


def _placebo_summary(found: Placebo) -> pd.DataFrame:
    return found.summary().rename(columns={"lower": "lo", "upper": "hi"}).assign(n_refused=found.n_refused)


# ---- what each variant of a headline regression finds beside its headline -------------------------------


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
            curve = specification_curve(
                rows[effect].mask(rows["is_duplicate"]),
                rows[f"{effect}_p"],
                headline=float(top[effect]),
                comparable=scale,
            )
            rows[f"{effect}_standardised"] = scale
            for name in curve:
                rows[f"{effect}_{name}"] = curve[name]
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
    fit = frames["panel_fit"]
    own = fit[fit["model_id"] == one["model_id"]].iloc[0]
    axis, _, value = str(one["change"] or "headline").partition(": ")
    x = next(iter(one["x_codes"]))
    row: dict[str, object] = {
        "basis": own["basis"],
        "index_code": own["index_code"],
        "weight_scheme": own["weight_scheme"],
        "model_id": headline["model_id"],
        "run_id": one["model_id"],
        "change_axis": axis,
        "change_value": value or axis,
        "method": one["method"],
        "status": one["status"],
        "skip_reason": one["skip_reason"] or "",
        "variable": x,
        "rho": own["rho"],
        "n_obs": own["n_obs"],
        "seed": own["seed"],
        "note": "",
        "is_same_scale": one["y_code"] == headline["y_code"] and list(one["x_codes"]) == list(headline["x_codes"]),
    }
    row |= dict.fromkeys((f"{e}{part}" for e in EFFECTS for part in ("", "_se", "_p", "_p_family", "_sd")), np.nan)
    row |= _coefficients(frames["panel_coef"], str(one["model_id"]), x)
    effect = frames["panel_effect"]
    found = effect[
        (effect["model_id"] == one["model_id"])
        & (effect["variable"] == x)
        & (effect["horizon"] == SHOWN_HORIZON.get(str(one["method"]), ""))
    ]
    for e in found.to_dict("records"):
        name = e["effect"]
        row |= {name: e["point"], f"{name}_se": e["se_delta"], f"{name}_p": e["p"], f"{name}_sd": e["standardised"]}
        row[f"{name}_p_family"] = e["p_family"]
    if found.empty and one["status"] == "fitted":
        row["note"] = NO_EFFECTS
    return row


def _coefficients(coef: pd.DataFrame, model_id: str, x: str) -> dict[str, float]:
    own = coef[coef["model_id"] == model_id].set_index("term")
    values = own[["coef", "se"]].astype(float).reindex([x, f"W:{x}"]).to_numpy()
    return {"beta": values[0, 0], "beta_se": values[0, 1], "theta": values[1, 0], "theta_se": values[1, 1]}


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
