"""How firm the headline is: two regimes, moderated spillovers, placebo weights and all variants on one curve.

What does not belong here: formulas (python_models.influence) and the spec file's text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from dagster_project.study.tables._influence_world import CENTRES, World
from dagster_project.study.tables._model_rows import KEYS, joined, model_keys, run_row
from dagster_project.study.tables._panel_data import Skipped, read_sample, read_weights
from dagster_project.study.tables._panel_spec import PanelSpec
from dagster_project.study.tables._robustness_rows import robustness_rows
from python_models._types import FloatArray
from python_models.influence._regime_logdet import RegimeLogDet
from python_models.influence.interaction import Interaction, absorptive_spillover, moderated_spillover
from python_models.influence.placebo import Placebo, placebo_weights, placebo_years
from python_models.influence.regimes import YEARS, two_regime
from python_models.regression import PanelInputError

Tables = dict[str, pd.DataFrame]
SCHEMES = ("core", "cluster", "synergy")
MODERATORS = ("synergy_base", "synergy_lag", "synergy_high_lag", "own_pr")
LAG_NOTE = "last year's coordination holds last year's y: with city effects its coefficients are biased at O(1/T)"
_EFFECTS = [f"{e}{part}" for e in ("direct", "indirect", "total") for part in ("", "_se", "_lo", "_hi")]
COLUMNS = {
    "robustness_run": [*KEYS, "analysis", "variant", "status", "skip_reason", "n_obs", "seed"],
    "regime_coef": [
        *KEYS,
        "scheme",
        "year_effects",
        "regime",
        "n_city",
        "rho_regime",
        "rho_uncorrected",
        "se",
        "se_boot",
        "lo",
        "hi",
        "z_equal",
        "p_equal",
        *_EFFECTS,
        "lnl",
        "n_modes",
        "n_boot",
        "n_boot_refused",
        "n_obs",
        "seed",
    ],
    "interaction_effect": [
        *KEYS,
        "moderator",
        "at_percentile",
        "at_value",
        *_EFFECTS,
        "coef_own",
        "coef_own_se",
        "coef_lag",
        "coef_lag_se",
        "wald",
        "wald_df",
        "p_interaction",
        "share_rejected_draws",
        "note",
        "n_obs",
        "seed",
    ],
    "robustness_placebo": [*KEYS, "draw_id", "is_actual", "theta", "indirect", "rho", "n_obs", "seed"],
    "robustness_placebo_summary": [
        *KEYS,
        "term",
        "actual",
        "mean_draws",
        "lo",
        "hi",
        "covers_zero",
        "p",
        "n_draws",
        "n_refused",
        "n_obs",
        "seed",
    ],
    "robustness_placebo_years": [
        *KEYS,
        "term",
        "actual",
        "mean_draws",
        "lo",
        "hi",
        "covers_zero",
        "p",
        "n_draws",
        "n_refused",
        "n_obs",
        "seed",
    ],
    "robustness": [
        *KEYS,
        "run_id",
        "change_axis",
        "change_value",
        "method",
        "status",
        "skip_reason",
        "note",
        "variable",
        *(f"{e}{part}" for e in ("direct", "indirect", "total") for part in ("", "_se", "_p", "_standardised")),
        "beta",
        "beta_se",
        "theta",
        "theta_se",
        "rho",
        "sign_agrees",
        "significant_5",
        *(
            f"{e}_{part}"
            for e in ("direct", "indirect", "total")
            for part in ("sign_agrees", "significant_5", "curve_rank")
        ),
        "n_obs",
        "seed",
    ],
    "robustness_summary": [
        *KEYS,
        "effect",
        "n_runs",
        "n_skipped",
        "share_sign_agrees",
        "share_significant_5",
        "share_both",
        "lowest",
        "median",
        "highest",
        "n_obs",
        "seed",
    ],
}


@dataclass(frozen=True)
class RobustnessSizes:
    """How much is drawn: panels of the bias correction of two regimes, placebo relabellings of cities and shufflings
    of years, draws behind moderated effects."""

    regime_bootstrap: int
    placebo: int
    placebo_years: int
    bands: int


def build_robustness_tables(
    frames: Mapping[str, pd.DataFrame],
    specs: Sequence[PanelSpec],
    *,
    seed: int,
    sizes: RobustnessSizes,
    n_jobs: int | None = None,
) -> Tables:
    """Tables of COLUMNS for the headline specs; a part that the data do not allow is a row of robustness_run.

    Frames: those of the panel and influence tables, `synergy_year` (basis, index_code, city_id, year, d), and the panel
    tables themselves (`model_spec`, `panel_fit`, `panel_effect`, `panel_coef`).
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    for spec in (s for s in specs if s.is_headline):
        try:
            sample = read_sample(frames, spec)
            world = World(spec, sample, read_weights(frames, spec, sample), frames, seed)
        except (Skipped, PanelInputError) as refused:
            parts["robustness_run"].append(run_row(spec, spec.basis, "sample", "", str(refused)).assign(seed=seed))
            continue
        for analysis, variant, make in _jobs(world, sizes, n_jobs):
            try:
                made, reason = make(), ""
            except (Skipped, PanelInputError) as refused:
                made, reason = {}, str(refused)
            made["robustness_run"] = run_row(spec, sample.basis, analysis, variant, reason)
            for name, table in made.items():
                sized = table if "n_obs" in table else table.assign(n_obs=sample.y.size)
                parts[name].append(sized.assign(**model_keys(spec, sample.basis), seed=seed))
    runs, summary = robustness_rows(frames)
    parts["robustness"].append(runs.assign(seed=seed))
    parts["robustness_summary"].append(summary.assign(seed=seed))
    return {name: joined(rows, COLUMNS[name]) for name, rows in parts.items()}


def _jobs(world: World, sizes: RobustnessSizes, n_jobs: int | None) -> list[tuple[str, str, Callable[[], Tables]]]:
    jobs: list[tuple[str, str, Callable[[], Tables]]] = []
    for scheme in SCHEMES:
        jobs += [
            ("regimes", f"{scheme}:{years}", _bind(_regimes, world, scheme, years, sizes.regime_bootstrap))
            for years in YEARS
        ]
    jobs += [("interaction", moderator, _bind(_interaction, world, moderator, sizes.bands)) for moderator in MODERATORS]
    jobs.append(("placebo", "relabelled W", _bind(_placebo, world, sizes.placebo, n_jobs)))
    jobs.append(("placebo", "wrong years", _bind(_placebo_years, world, sizes.placebo_years, n_jobs)))
    return jobs


def _bind(function: Callable[..., Tables], *arguments: object) -> Callable[[], Tables]:
    return lambda: function(*arguments)


def _regimes(world: World, scheme: str, years: str, draws: int) -> Tables:
    world.need_pairs("a model of two regimes")
    if scheme == "synergy":
        first = world.synergy >= np.quantile(world.synergy, 2 / 3)
        names = ("high", "low")
    else:
        first = np.asarray(world.groups(scheme) == CENTRES[scheme])
        names = (CENTRES[scheme], "other")
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
    half = stats.norm.ppf(0.975) * fit.std_errors
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
            "lo": fit.params[at] - half[at],
            "hi": fit.params[at] + half[at],
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


def _interaction(world: World, moderator: str, draws: int) -> Tables:
    sample, rng = world.sample, world.rng(f"interaction:{moderator}")
    if moderator == "own_pr":
        found = absorptive_spillover(sample.y, world.x, world.weights, world.controls, draws=draws, rng=rng)
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
    found = moderated_spillover(y, x, m, world.weights, controls, levels=levels, draws=draws, rng=rng)
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


def _placebo(world: World, draws: int, n_jobs: int | None) -> Tables:
    # a seed of its own: relabellings must not be those of another model
    seed = int(world.rng("placebo").integers(2**31))
    found = placebo_weights(
        world.sample.y, world.x, world.weights, world.controls, draws=draws, seed=seed, n_jobs=n_jobs
    )
    return {"robustness_placebo": found.to_frame(), "robustness_placebo_summary": _placebo_summary(found)}


def _placebo_years(world: World, draws: int, n_jobs: int | None) -> Tables:
    seed = int(world.rng("placebo:years").integers(2**31))
    found = placebo_years(world.sample.y, world.x, world.weights, world.controls, draws=draws, seed=seed, n_jobs=n_jobs)
    return {"robustness_placebo_years": _placebo_summary(found)}


def _placebo_summary(found: Placebo) -> pd.DataFrame:
    return found.summary().rename(columns={"lower": "lo", "upper": "hi"}).assign(n_refused=found.n_refused)
