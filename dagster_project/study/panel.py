"""Spatial panel regressions of specs/panel.yml: every one fitted, or skipped with its reason.

Errors are clustered by city; beside them those of Conley (neighbours within CONLEY_KM in the same year, a city over
some years) and, to compare with other programs, those of the information. Effects: delta method.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study.frames import LIMITS, PLACE, Frames, Rows, Tables, words
from dagster_project.study.samples import (
    SAMPLE_FRAMES,
    PanelSample,
    SampleReader,
    Skipped,
    attempt,
    basis_of,
    model_keys,
    parts_of,
    read_weights,
    refuse,
    with_codes,
)
from dagster_project.study.settings import PanelSpec, Settings
from dagster_project.study.weights import refused_inverse
from python_models._types import FloatArray
from python_models.inference import normal, romano_wolf
from python_models.influence.placebo import lead_lag
from python_models.regression import PanelInputError, by_segment, diagnostics
from python_models.regression.core import CoreFit, fit_panel
from python_models.regression.covariance import Conley, Robust
from python_models.regression.dynamic import DynamicFit, dynamic_effects, fit_dynamic
from python_models.regression.dynamic_gmm import dynamic_gmm
from python_models.regression.effects import EFFECT_NAMES, average_effects, city_effects, effect_gradient
from python_models.regression.interactive import interactive_iv
from python_models.regression.iv import WEAK_F, spatial_2sls
from python_models.regression.logdet import system
from python_models.regression.sensitivity import robustness_value
from python_models.regression.spec_search import residual_tests, specification_search
from python_models.regression.split_half import split_half
from python_models.regression.weights import SpatialWeights
from python_models.regression.within import within
from python_models.tasks import Task, run_tasks

INPUTS = SAMPLE_FRAMES
TABLES = words(
    "panel_fit panel_coef panel_effect panel_effect_city panel_test dynamic_effect iv_diagnostic"
    " gmm_diagnostic sensitivity model_data model_edge model_spec"
)
EFFECTS_TESTS = words("lr_ind lr_time f_ind f_time hausman")
LEVEL = 0.95
CONLEY_KM = 300.0  # beyond it errors of two cities of one year are taken as unrelated
DYNAMIC_COLUMNS = ["variable", "effect", "horizon", "point", "se_delta", "lo", "hi", "p"]
STATIC_COLUMNS = ["variable", "effect", "point", "se_delta", "lower", "upper", "p", "standardised"]
FAMILY_DRAWS = 999  # sign changes of whole cities behind p over a family of regressions


@dataclass(frozen=True, eq=False)
class Job:
    """One regression that has its data: what it is, its sample, its W, its generator."""

    spec: PanelSpec
    sample: PanelSample
    weights: SpatialWeights
    rng: np.random.Generator
    draws: int
    parts: FloatArray | None = None  # of the first x, by indicator

    @property
    def names(self) -> tuple[str, ...]:
        return self.spec.regressors


def build(frames: Frames, settings: Settings) -> Tables:
    """One block of rows per spec.

    A spec whose variables or weights are absent, or whose data the estimator refuses, has status `skipped` and a
    reason; it never stops the others. Each model has a generator of its own: a new entry changes no other number.
    """
    rows, frames, family = Rows(), with_codes(frames), _Family()
    specs, reader = settings.regressions, SampleReader(frames)
    tasks = (_task(reader, s, settings) for s in specs)
    for spec, (tables, reason) in zip(specs, run_tasks(tasks), strict=True):
        if reason:
            tables = {"panel_fit": _skipped(frames, spec, reason).assign(seed=settings.seed)}
        if "influence" in tables:
            family.add(spec, tables.pop("influence"))
        rows.add({**tables, "model_spec": _spec_row(spec, reason)})
    tables = rows.tables(TABLES)
    return {**tables, "panel_effect": family.adjusted(tables["panel_effect"], settings)}


def _task(reader: SampleReader, spec: PanelSpec, settings: Settings) -> Task[tuple[Tables, str]]:
    """The regression with its data, to be fitted wherever; or the reason why there is none."""
    try:
        sample = reader.read(spec)
        weights = read_weights(reader.frames, spec, sample)
    except (Skipped, PanelInputError) as refused:
        return partial(attempt, partial(refuse, str(refused)))
    rng = np.random.default_rng([settings.seed, zlib.crc32(spec.model_id.encode())])
    parts = parts_of(reader.frames, spec, sample) if spec.with_tests else None
    job = Job(spec, sample, weights, rng, settings.sizes("panel")["effects"], parts)
    return partial(attempt, partial(_one, job, settings.seed))


def _one(job: Job, seed: int) -> Tables:
    spec, sample = job.spec, job.sample
    tables, (n, t) = run(job), sample.y_by_year.shape
    about = {"status": "fitted", "skip_reason": "", "n_used": n, "t_used": t, "w_sha256": job.weights.key}
    about |= {"first_year": sample.years[0], "last_year": sample.years[-1]}
    about |= {"breaks_crossed": sample.n_crossed}
    about |= {"n_dropped": len(sample.dropped), "dropped_cities": ", ".join(sample.dropped)}
    tables["panel_fit"] = tables["panel_fit"].assign(**about)
    if spec.is_headline:
        links, labels = job.weights.matrix.tocoo(), np.array(sample.cities)  # as estimated with, without zeros
        edges = pd.DataFrame({"city_i": labels[links.row], "city_j": labels[links.col], "w": links.data})
        tables |= {"model_data": _data_rows(job), "model_edge": edges}
    influence = tables.pop("influence", None)
    keys = {**model_keys(spec, sample.basis), "n_obs": n * t, "seed": seed}
    with_keys = {name: table.assign(**keys) for name, table in tables.items()}
    if influence is None:
        return with_keys
    ways = range(len(influence) // n)  # a row for each city, alone and with its pairs
    index = pd.MultiIndex.from_tuples([(way, city) for way in ways for city in sample.cities])
    return with_keys | {"influence": influence.set_index(index)}


def _data_rows(job: Job) -> pd.DataFrame:
    """Every number that the estimator saw, one row a city, year and term: whoever has them can fit it again."""
    spec, sample = job.spec, job.sample
    index = pd.MultiIndex.from_product([sample.cities, sample.years], names=["city_id", "year"])
    role = {spec.y.name: "y"} | dict.fromkeys((v.name for v in spec.x), "x")
    columns = [sample.y_by_year, *np.moveaxis(sample.x_by_year, 2, 0)]
    parts = [
        pd.DataFrame({"value": values.ravel()}, index=index).assign(
            term=variable.name,
            role=role.get(variable.name, "control"),
            source=variable.source,
            code=variable.code,
            unit=variable.unit,
            lag_years=0 if variable.name == spec.y.name else spec.lag,
        )
        for variable, values in zip((spec.y, *spec.x, *spec.controls), columns, strict=True)
    ]
    data = pd.concat(parts).reset_index()
    return data.assign(segment=data["year"].map(dict(zip(sample.years, sample.segments, strict=True))))


class _Family:
    """What each city adds to the direct and indirect effects of a headline and its variants."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, str, str], pd.Series] = {}

    def add(self, spec: PanelSpec, influence: pd.DataFrame) -> None:
        """influence: a row for each way and city, a column for each effect."""
        if spec.change.startswith("placebo"):
            return
        for effect in influence:
            if (influence[effect] ** 2).sum() > 0.0:
                key = (spec.variant_of or spec.model_id, str(effect), spec.model_id)
                self._parts[key] = influence[effect]

    def adjusted(self, effects: pd.DataFrame, settings: Settings) -> pd.DataFrame:
        """The effects with p_family: of all regressions of a headline together, by effect (Romano and Wolf). None where
        the depth leaves most of them out."""
        p = np.full(len(effects), np.nan)
        if effects.empty or settings.depth.is_headline_only:
            return effects.assign(p_family=p)
        first = {spec.model_id: spec.x[0].name for spec in settings.regressions}
        is_own = (effects["horizon"] == "static") & (effects["variable"] == effects["model_id"].map(first))
        keys = zip(effects["model_id"], effects["effect"], is_own, strict=True)
        at = {(model, effect): i for i, (model, effect, is_first) in enumerate(keys) if is_first}
        points = effects["point"].to_numpy(dtype=np.float64)
        for parent, effect in sorted({key[:2] for key in self._parts}):
            names = [name for head, kind, name in self._parts if (head, kind) == (parent, effect)]
            influence = pd.concat([self._parts[parent, effect, name] for name in names], axis=1).fillna(0.0)
            rows = [at[name, effect] for name in names]
            rng = np.random.default_rng([settings.seed, zlib.crc32(f"{parent}:{effect}".encode())])
            p[rows] = romano_wolf(points[rows], influence.to_numpy(), draws=FAMILY_DRAWS, rng=rng)
        return effects.assign(p_family=p)


def _skipped(frames: Frames, spec: PanelSpec, reason: str) -> pd.DataFrame:
    return pd.DataFrame(
        [{**model_keys(spec, basis_of(frames, spec)), "status": "skipped", "skip_reason": reason, "converged": False}]
    )


def _spec_row(spec: PanelSpec, reason: str) -> pd.DataFrame:
    same = ("model_id", "title", "method", "w_code", "estimator", "is_headline", "variant_of", "change", "spec_hash")
    row: dict[str, object] = {name: getattr(spec, name) for name in same}
    row |= {"model_type": spec.model, "fe": spec.effects, "se_type": spec.cov, "basis_wanted": spec.basis}
    row |= {"y_code": spec.y.name, "y_unit": spec.y.unit, "x_codes": [v.name for v in spec.x]}
    row["control_codes"] = [v.name for v in spec.controls]
    row |= {"first_year": spec.years[0], "last_year": spec.years[1], "lag_years": spec.lag}
    row |= {"breaks": spec.breaks, "sample_filter": ", ".join(spec.sample) or "all"}
    row["instrument"] = ", ".join(v.name for v in spec.external) or spec.instrument
    return pd.DataFrame([{**row, "status": "skipped" if reason else "fitted", "skip_reason": reason}])


def run(job: Job) -> Tables:
    """Tables panel_fit, panel_coef, panel_effect, .. of one regression. Skipped: too many cities for its method."""
    if job.spec.method in ("dynamic", "gmm") and (reason := refused_inverse("the dynamic model", job.weights.n)):
        raise Skipped(reason)
    methods = {"static": _static, "dynamic": _dynamic, "gmm": _gmm, "iv": _iv, "interactive": _interactive}
    return methods[job.spec.method](job)


def _static(job: Job) -> Tables:
    spec = job.spec
    kinds: dict[str, str | Robust] = {"cluster": "cluster", "conley": _conley(job.sample), "info": "info"}
    if spec.boot_draws:
        kinds["block_bootstrap"] = "block_bootstrap"
    kinds.setdefault(spec.cov, spec.cov)
    fits = {name: _fit(job, kind) for name, kind in kinds.items()}
    fit = fits[spec.cov]
    tables = {
        "panel_fit": _static_fit(job, fit),
        "panel_coef": _coef(job, fit.names[:-1], fit.params[:-1], fits, spec.cov),
        "panel_effect": _static_effects(job, fit, fits["conley"]),
        "influence": _influence(job, fits["cluster"]),
    }
    if spec.with_tests:
        cities = [city_effects(fit, j, job.sample.cities, name=job.names[j]) for j in range(len(spec.x))]
        tables["panel_effect_city"] = pd.concat(cities, ignore_index=True).rename(columns={"city": "city_id"})
        tables["panel_test"] = _tests(job, fit)
        tables["sensitivity"] = _sensitivity(job, fit)
    return tables


def _conley(sample: PanelSample) -> Conley:
    """Neighbours up to CONLEY_KM in a year, a city over Newey and West's number of years."""
    lags = int(4.0 * (len(sample.years) / 100.0) ** (2.0 / 9.0))
    return Conley(sample.city[PLACE].to_numpy(dtype=np.float64), CONLEY_KM, lags)


def _fit(job: Job, cov: str | Robust) -> CoreFit:
    spec, sample = job.spec, job.sample
    how: dict[str, Any] = {"model": spec.model, "effects": spec.effects, "estimator": spec.estimator, "cov": cov}
    return fit_panel(sample.y, sample.x, job.weights, **how, names=job.names, draws=spec.boot_draws, rng=job.rng)


def _influence(job: Job, fit: CoreFit) -> pd.DataFrame:
    """What each city adds to the effects of the first regressor: influence of the estimates times the gradient."""
    assert fit.influence is not None  # errors clustered by city
    gradient = effect_gradient(fit)[0]
    return pd.DataFrame(fit.influence[:, : gradient.shape[1]] @ gradient.T, columns=list(EFFECT_NAMES))


def _static_fit(job: Job, fit: CoreFit) -> pd.DataFrame:
    optimum, conv = fit.optimum, fit.conv
    step = (optimum.high - optimum.low) / 100.0
    start = optimum.start[0 if conv.has_rho else 1] if conv.spatial_names else np.nan
    is_near = not conv.spatial_names or abs(fit.maximum[fit.n_slopes] - start) <= 2 * step
    row = {"lnl": fit.loglik, "k_params": fit.n_params, "aic": fit.aic, "bic": fit.bic, "sigma2": fit.sigma2}
    row |= {"r2_within": fit.r2_within, "corr2": _corr2(job, fit)}
    row |= {"rho": fit.rho if conv.has_rho else np.nan, "lam": fit.lam if conv.has_lam else np.nan}
    row |= {"rho_lo_bound": optimum.low, "rho_hi_bound": optimum.high, "grid_max_ok": bool(is_near)}
    return _fit_row(job, fit.residuals, {**row, "logdet_method": fit.logdet_method}, with_wx=conv.has_wx)


def _fit_row(job: Job, residuals: FloatArray, row: dict[str, Any], *, with_wx: bool) -> pd.DataFrame:
    """What all three methods report about their residuals and regressors."""
    effects = job.spec.effects
    moran = diagnostics.residual_moran(residuals, job.weights, effects=effects)
    lagged = job.weights if with_wx else None
    vif = diagnostics.variance_inflation(job.sample.x, lagged, effects=effects, names=job.names)
    row |= {"converged": True, "vif_max": float(vif["vif"].max())}
    if residuals.shape[1] >= 3:
        cd = diagnostics.pesaran_cd(residuals)
        row |= {"cd_stat": cd.statistic, "cd_p": cd.p}
    return pd.DataFrame([{**row, "resid_moran_p": moran.pooled.p}])


def _corr2(job: Job, fit: CoreFit) -> float:
    """Squared correlation of the demeaned y with its demeaned reduced form (I - rho W)^-1 Z d."""
    k = job.sample.x.shape[2]
    part = job.sample.x @ fit.params[:k]
    if fit.lagged:
        part = part + job.weights.lag(np.ascontiguousarray(job.sample.x)) @ fit.params[k : fit.n_slopes]
    if fit.rho:
        part = system(job.weights).factor(fit.rho).solve(part)
    a, b = (within(values, job.spec.effects).ravel() for values in (job.sample.y, part))
    return float((a @ b) ** 2 / ((a @ a) * (b @ b)))


def _coef(job: Job, names: tuple[str, ...], params: FloatArray, fits: dict[str, CoreFit], se_type: str) -> pd.DataFrame:
    errors = {kind: np.sqrt(np.diagonal(fit.cov))[: len(names)] for kind, fit in fits.items()}
    empty = np.full(len(names), np.nan)
    frame = _inference(job, names, params, errors[se_type])
    return frame.assign(
        se_type=se_type,
        se_cluster=errors["cluster"],
        se_conley=errors["conley"],
        p_conley=normal(params, errors["conley"]).p,
        se_info=errors["info"],
        se_boot=errors.get("block_bootstrap", empty),
    )


def _inference(job: Job, names: tuple[str, ...], params: FloatArray, se: FloatArray) -> pd.DataFrame:
    frame = pd.DataFrame({"term": list(names), "role": [_role(job, name) for name in names], "coef": params, "se": se})
    return frame.assign(**normal(params, se, LEVEL).columns("lo", "hi"))


def _role(job: Job, name: str) -> str:
    special = {"rho": "rho", "lambda": "lambda", "y_lag": "tau", "W:y_lag": "eta"}
    if name in special:
        return special[name]
    if name.startswith("W:"):
        return "theta"
    return "beta" if name in {v.name for v in job.spec.x} else "control"


def _static_effects(job: Job, fit: CoreFit, conley: CoreFit) -> pd.DataFrame:
    """Errors, interval and p by the delta method; draws beside them, to see where the effects are not normal."""
    options: dict[str, Any] = {"names": job.names, "sd_ratio": job.sample.sd_ratio}
    effects = average_effects(fit, **options).to_frame()
    beside = average_effects(conley, **options).to_frame()
    try:
        draws = average_effects(fit, method="simulation", draws=job.draws, rng=job.rng, **options).to_frame()
        checks = draws[["mean_draws", "flag"]].assign(se_sim=draws["se"], share_rejected_draws=draws["share_rejected"])
    except PanelInputError:  # rho at the edge of its range
        lacking = dict.fromkeys(("mean_draws", "se_sim", "share_rejected_draws"), np.nan)
        checks = pd.DataFrame({"flag": "no_draws", **lacking}, index=effects.index)
    errors = {"se_conley": beside["se_delta"], "p_conley": beside["p"]}
    return effects[STATIC_COLUMNS].rename(columns=LIMITS).assign(horizon="static", **errors, **checks)


def _tests(job: Job, fit: CoreFit) -> pd.DataFrame:
    y, x = job.sample.y, job.sample.x
    years = job.sample.years if len(set(job.sample.segments)) == 1 else None
    how: dict[str, Any] = {"effects": job.spec.effects, "estimator": job.spec.estimator}
    search = specification_search(y, x, job.weights, **how, names=job.names, with_levels=job.sample.longest)
    tests = search.tests.plus(residual_tests(fit, y, x, years=years)).to_frame()
    if years is None:
        note = (tests["note"] + "; in the longest segment").str.removeprefix("; ")
        tests["note"] = tests["note"].where(~tests["test_code"].isin(EFFECTS_TESTS), note)
    steps = search.to_frame()
    note = steps["rule"] + ". Evidence: " + steps["evidence"]
    rules = pd.DataFrame({"test_code": "rule_" + steps["step"], "note": note, "outcome": steps["outcome"]})
    return pd.concat([tests.assign(outcome=_outcomes(tests["p"])), _lead_rows(job), rules], ignore_index=True)


def _lead_rows(job: Job) -> pd.DataFrame:
    """Does y move before x? x of the year before, the same and the next year in one model, in the longest segment."""
    y, x = job.sample.longest
    how = {"effects": job.spec.effects, "estimator": job.spec.estimator}
    controls = x[:, :, 1:] if x.shape[2] > 1 else None
    try:
        tests = lead_lag(y, x[:, :, 0], job.weights, controls, **how)
    except PanelInputError as refused:
        return pd.DataFrame([{"test_code": "leads", "outcome": "not made", "note": str(refused)}])
    what = "of the first regressor and of W times it are zero, all three years in one model; clustered by city"
    rows = [
        {"test_code": code, "statistic": test.statistic, "df": test.df, "p": test.p, "note": f"the {code} {what}"}
        for code, test in (("leads", tests.leads), ("lags", tests.lags))
    ]
    table = pd.DataFrame(rows)
    return table.assign(outcome=_outcomes(table["p"]))


def _outcomes(p: pd.Series) -> pd.Series:
    return (p < 1.0 - LEVEL).map({True: "rejected", False: "not rejected"}).where(p.notna(), "not made")


def _sensitivity(job: Job, fit: CoreFit) -> pd.DataFrame:
    """What a confounder that was not seen must explain to take a slope of the first regressor to zero.

    The benchmark is the control that explains most of what is left of y, here or next door.
    """
    k = fit.n_slopes
    slopes, se = fit.params[:k], np.sqrt(np.diagonal(fit.cov))[:k]
    values = [robustness_value(float(b), float(e), fit.dof) for b, e in zip(slopes, se, strict=True)]
    interest = {v.name for v in job.spec.x}
    others = [j for j in range(k) if fit.names[j].removeprefix("W:") not in interest]
    frame = pd.DataFrame({"term": list(fit.names[:k]), "coef": slopes, "se": se, "dof": fit.dof})
    frame["partial_r2"] = [value.partial_r2 for value in values]
    frame["robustness_value"] = [value.value for value in values]
    frame["robustness_value_5"] = [value.value_alpha for value in values]
    strongest = max(others, key=lambda j: values[j].partial_r2, default=None)
    frame["benchmark_term"] = None if strongest is None else fit.names[strongest]
    frame["benchmark_partial_r2"] = np.nan if strongest is None else values[strongest].partial_r2
    return frame[frame["term"].str.removeprefix("W:") == job.names[0]].assign(**_halves(job, fit))


def _halves(job: Job, fit: CoreFit) -> dict[str, Any]:
    """Slopes of the first x and its lag, freed of error in x, at the rho of the fit; empty without parts of x."""
    sample, columns = job.sample, ("coef_split_half", "se_split_half", "reliability", "effective_f")
    if job.parts is None or job.spec.model not in ("slx", "sdm") or len(job.spec.x) > 1:
        return dict.fromkeys(columns, np.nan)
    target = sample.y - fit.rho * job.weights.lag(sample.y)
    parts = by_segment(job.parts, sample.segments)
    halves = split_half(target, parts, job.weights, sample.x[:, :, 1:], effects=job.spec.effects, rng=job.rng)
    is_weak = halves.first_stage_f < WEAK_F
    slopes = (np.nan, np.nan) if is_weak else (halves.coef, halves.se)
    return dict(zip(columns, (*slopes, halves.reliability, halves.first_stage_f), strict=True))


def _dynamic(job: Job) -> Tables:
    fit = fit_dynamic(job.sample.y, job.sample.x, job.weights, names=job.names)
    best = fit.best
    errors = np.sqrt(np.diag(best.cov))
    low, high = fit.spectrum.bounds()
    row = {"lnl": fit.loglik, "k_params": len(fit.names), "sigma2": best.sigma2, "rho": best.rho, "note": fit.note}
    row |= {"rho_lo_bound": low, "rho_hi_bound": high, "grid_max_ok": True, "logdet_method": "eigenvalues"}
    effects = [_dynamic_rows(fit, kind) for kind in fit.estimates]
    headline = next(frame for frame in effects if frame["is_reported"].iloc[0])
    beside = {"se_cluster": errors[:-1], "se_info": np.sqrt(np.diag(best.cov_info))[:-1]}
    coef = _inference(job, fit.names[:-1], best.params[:-1], errors[:-1])
    return {
        "panel_fit": _fit_row(job, fit.residuals, row, with_wx=True),
        "panel_coef": coef.assign(se_type=fit.cov_type, **beside),
        "panel_effect": headline.rename(columns={"se": "se_delta"})[DYNAMIC_COLUMNS],
        "dynamic_effect": pd.concat(effects, ignore_index=True),
    }


def _dynamic_rows(fit: DynamicFit, kind: str) -> pd.DataFrame:
    estimate = fit.estimates[kind]
    about: dict[str, Any] = {"kind": kind, "is_reported": kind == fit.headline, "bias_corrected": kind != "none"}
    numbers = {"tau": estimate.tau, "eta": estimate.eta, "rho": estimate.rho, "spectral_radius": estimate.radius}
    return dynamic_effects(fit, kind=kind).to_frame().assign(**about, **numbers)


def _gmm(job: Job) -> Tables:
    """System GMM; the x of interest are endogenous, the controls are not."""
    how: dict[str, Any] = {"endogenous": range(len(job.spec.x)), "durbin": None if job.spec.model == "sdm" else ()}
    fit = dynamic_gmm(job.sample.y, job.sample.x, job.weights, **how, names=job.names)
    dynamic, (low, high) = fit.as_dynamic(), fit.spectrum.bounds()
    row = {"k_params": len(fit.names), "sigma2": fit.sigma2, "rho": float(fit.params[-1]), "converged": True}
    row |= {"rho_lo_bound": low, "rho_hi_bound": high}
    note = "system GMM, two steps, Windmeijer errors; residuals of differences"
    effects = _dynamic_rows(dynamic, dynamic.headline).assign(bias_corrected=False)
    return {
        "panel_fit": pd.DataFrame([{**row, "note": note}]),
        "panel_coef": _inference(job, fit.names, fit.params, fit.std_errors).assign(se_type="windmeijer"),
        "panel_effect": effects.rename(columns={"se": "se_delta"})[DYNAMIC_COLUMNS],
        "dynamic_effect": effects,
        "gmm_diagnostic": fit.diagnostics(),
    }


def _iv(job: Job) -> Tables:
    spec, sample = job.spec, job.sample
    options: dict[str, Any] = {"effects": spec.effects, "durbin": None if spec.model == "sdm" else ()}
    x, names = sample.x, job.names
    if spec.external:
        k = len(spec.x)
        inner, outer = sample.x[:, :, :k], sample.z
        options |= {
            "endog": np.concatenate([inner, job.weights.lag(np.ascontiguousarray(inner))], axis=2),
            "instruments": np.concatenate([outer, job.weights.lag(np.ascontiguousarray(outer))], axis=2),
            "endog_names": [*names[:k], *(f"W:{name}" for name in names[:k])],
        }
        x, names = sample.x[:, :, k:], names[k:]
    fit = spatial_2sls(sample.y, x, job.weights, names=names, **options)
    row = {"k_params": len(fit.params), "sigma2": fit.sigma2, "rho": fit.rho}
    diagnostic = fit.diagnostics().assign(hansen_df=fit.hansen.df)
    # open ends of the Anderson-Rubin set are null in a table; its note says that they are open
    ends = diagnostic[["ar_lo", "ar_hi"]]
    return {
        "panel_fit": _fit_row(job, fit.residuals, row, with_wx=spec.model == "sdm"),
        "panel_coef": _inference(job, fit.names, fit.params, fit.std_errors).assign(se_type="cluster"),
        "iv_diagnostic": diagnostic.assign(**ends.where(np.isfinite(ends))),
    }


def _interactive(job: Job) -> Tables:
    spec, sample = job.spec, job.sample
    durbin = None if spec.model == "sdm" else ()
    fit = interactive_iv(sample.y, sample.x, job.weights, effects=spec.effects, durbin=durbin, names=job.names)
    of_x, of_errors = fit.n_factors
    hansen = f"Hansen J p {fit.hansen.p:.3f}" if fit.hansen.df else fit.hansen.note
    note = f"factors: {of_x} of the regressors, {of_errors} of the errors; {hansen}"
    row = {"k_params": len(fit.params) - 1, "sigma2": fit.sigma2, "rho": fit.rho, "note": note}
    effects = average_effects(fit, names=job.names, sd_ratio=sample.sd_ratio).to_frame()[STATIC_COLUMNS]
    coef = _inference(job, fit.names[:-1], fit.params[:-1], np.sqrt(np.diagonal(fit.cov))[:-1])
    return {
        "panel_fit": _fit_row(job, fit.residuals, row, with_wx=spec.model == "sdm"),
        "panel_coef": coef.assign(se_type="cluster"),
        "panel_effect": effects.rename(columns=LIMITS).assign(horizon="static"),
        "influence": _influence(job, fit),
    }
