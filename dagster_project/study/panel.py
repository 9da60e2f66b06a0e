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

from dagster_project.study.frames import Frames, Rows, Tables
from dagster_project.study.samples import (
    SAMPLE_FRAMES,
    PanelSample,
    Skipped,
    attempt,
    model_keys,
    read_sample,
    read_weights,
    refuse,
    with_codes,
)
from dagster_project.study.settings import PanelSpec, Settings
from dagster_project.study.weights import refused_inverse
from python_models._types import FloatArray
from python_models.inference import normal, romano_wolf
from python_models.influence.placebo import lead_lag
from python_models.regression import PanelInputError
from python_models.regression.core import CoreFit, fit_panel
from python_models.regression.covariance import Conley, Robust
from python_models.regression.diagnostics import pesaran_cd, residual_moran, variance_inflation
from python_models.regression.dynamic import DynamicFit, dynamic_effects, fit_dynamic
from python_models.regression.dynamic_gmm import dynamic_gmm
from python_models.regression.effects import EFFECT_NAMES, average_effects, city_effects, effect_gradient
from python_models.regression.iv import spatial_2sls
from python_models.regression.logdet import system
from python_models.regression.sensitivity import model_weights, robustness_value
from python_models.regression.spec_results import SpecTests
from python_models.regression.spec_search import residual_tests, specification_search
from python_models.regression.weights import SpatialWeights
from python_models.regression.within import within
from python_models.tasks import Task, run_tasks

INPUTS = SAMPLE_FRAMES
TABLES = (
    "panel_fit",
    "panel_coef",
    "panel_effect",
    "panel_effect_city",
    "panel_test",
    "dynamic_effect",
    "iv_diagnostic",
    "gmm_diagnostic",
    "sensitivity",
    "model_weight",
    "model_data",
    "model_edge",
    "model_spec",
)
LEVEL = 0.95
CONLEY_KM = 300.0  # beyond it errors of two cities of one year are taken as unrelated
FAMILY_DRAWS = 999  # sign changes of whole cities behind p over a family of regressions


@dataclass(frozen=True, eq=False)
class Job:
    """One regression that has its data: what it is, its sample, its W, its generator."""

    spec: PanelSpec
    sample: PanelSample
    weights: SpatialWeights
    rng: np.random.Generator
    draws: int
    graphs: dict[str, SpatialWeights]  # of a headline: every W of its variants on the same sample

    @property
    def names(self) -> tuple[str, ...]:
        return self.spec.regressors


def build(frames: Frames, settings: Settings) -> Tables:
    """One block of rows per spec.

    A spec whose variables or weights are absent, or whose data the estimator refuses, has status `skipped` and a
    reason; it never stops the others. Each model has a generator of its own: a new entry changes no other number.
    """
    rows, frames, family = Rows(), with_codes(frames), _Family()
    specs = settings.regressions
    for spec, (tables, reason) in zip(specs, run_tasks(_task(frames, s, settings) for s in specs), strict=True):
        if reason:
            tables = {"panel_fit": _skipped(frames, spec, reason).assign(seed=settings.seed)}
        if "influence" in tables:
            family.add(spec, tables.pop("influence"))
        rows.add({**tables, "model_spec": _spec_row(spec, reason)})
    tables = rows.tables(TABLES)
    return {**tables, "panel_effect": family.adjusted(tables["panel_effect"], settings)}


def _task(frames: Frames, spec: PanelSpec, settings: Settings) -> Task[tuple[Tables, str]]:
    """The regression with its data, to be fitted wherever; or the reason why there is none."""
    try:
        sample = read_sample(frames, spec)
        weights = read_weights(frames, spec, sample)
    except (Skipped, PanelInputError) as refused:
        return partial(attempt, partial(refuse, str(refused)))
    rng = np.random.default_rng([settings.seed, zlib.crc32(spec.model_id.encode())])
    graphs = _graphs(frames, spec, sample, settings) if spec.is_headline else {}
    job = Job(spec, sample, weights, rng, settings.sizes("panel")["effects"], graphs)
    return partial(attempt, partial(_one, job, settings.seed))


def _one(job: Job, seed: int) -> Tables:
    spec, sample, weights = job.spec, job.sample, job.weights
    tables = run(job)
    n, t = sample.y.shape
    about = {
        "status": "fitted",
        "skip_reason": "",
        "n_used": n,
        "t_used": t,
        "first_year": sample.years[0],
        "last_year": sample.years[-1],
        "n_dropped": len(sample.dropped),
        "dropped_cities": ", ".join(sample.dropped),
        "w_sha256": weights.key,
    }
    tables["panel_fit"] = tables["panel_fit"].assign(**about)
    if spec.is_headline:
        tables |= {"model_data": _data_rows(job), "model_edge": _edge_rows(weights, sample.cities)}
    keys = {**model_keys(spec, sample.basis), "n_obs": n * t, "seed": seed}
    own = {"influence": _by_city(tables.pop("influence"), sample.cities)} if "influence" in tables else {}
    return {name: table.assign(**keys) for name, table in tables.items()} | own


def _by_city(influence: pd.DataFrame, cities: tuple[str, ...]) -> pd.DataFrame:
    """influence: a row for each city, alone and with its pairs."""
    ways = range(len(influence) // len(cities))
    return influence.set_index(pd.MultiIndex.from_tuples([(way, city) for way in ways for city in cities]))


def _data_rows(job: Job) -> pd.DataFrame:
    """Every number that the estimator saw, one row a city, year and term: whoever has them can fit it again."""
    spec, sample = job.spec, job.sample
    index = pd.MultiIndex.from_product([sample.cities, sample.years], names=["city_id", "year"])
    role = {spec.y.name: "y"} | dict.fromkeys((v.name for v in spec.x), "x")
    columns = [sample.y, *np.moveaxis(sample.x, 2, 0)]
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
    return pd.concat(parts).reset_index()


def _edge_rows(weights: SpatialWeights, cities: tuple[str, ...]) -> pd.DataFrame:
    """The links of W as estimated with, without zeros."""
    links = weights.matrix.tocoo()
    labels = np.array(cities)
    return pd.DataFrame({"city_i": labels[links.row], "city_j": labels[links.col], "w": links.data})


def _graphs(frames: Frames, spec: PanelSpec, sample: PanelSample, settings: Settings) -> dict[str, SpatialWeights]:
    """W of the headline and of its variants, as far as the map gives them and their rows sum to one."""
    family = [spec, *(other for other in settings.regressions if other.variant_of == spec.model_id)]
    found: dict[str, SpatialWeights] = {}
    for other in family:
        if other.w_code in found:
            continue
        try:
            weights = read_weights(frames, other, sample)
        except Skipped:
            continue
        if weights.is_row_normalised:
            found[other.w_code] = weights
    return found


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
        """The effects with p_family: of all regressions of a headline together, by effect (Romano and Wolf)."""
        if effects.empty:
            return effects
        p = np.full(len(effects), np.nan)
        first = {spec.model_id: spec.x[0].name for spec in settings.regressions}
        is_own = (effects["horizon"] == "static") & (effects["variable"] == effects["model_id"].map(first))
        keys = zip(effects["model_id"], effects["effect"], is_own, strict=True)
        at = {(model, effect): i for i, (model, effect, own) in enumerate(keys) if own}
        points = effects["point"].to_numpy(dtype=np.float64)
        for parent, effect in sorted({key[:2] for key in self._parts}):
            names = [name for head, kind, name in self._parts if (head, kind) == (parent, effect)]
            influence = pd.concat([self._parts[parent, effect, name] for name in names], axis=1).fillna(0.0)
            rows = [at[name, effect] for name in names]
            rng = np.random.default_rng([settings.seed, zlib.crc32(f"{parent}:{effect}".encode())])
            p[rows] = romano_wolf(points[rows], influence.to_numpy(), draws=FAMILY_DRAWS, rng=rng)
        return effects.assign(p_family=p)


def _skipped(frames: Frames, spec: PanelSpec, reason: str) -> pd.DataFrame:
    bases = frames["scores"]["basis"].dropna().unique()
    basis = next((str(b) for b in sorted(bases) if str(b).startswith(spec.basis)), spec.basis)
    return pd.DataFrame([{**model_keys(spec, basis), "status": "skipped", "skip_reason": reason, "converged": False}])


def _spec_row(spec: PanelSpec, reason: str) -> pd.DataFrame:
    row = {
        "model_id": spec.model_id,
        "title": spec.title,
        "method": spec.method,
        "model_type": spec.model,
        "y_code": spec.y.name,
        "y_unit": spec.y.unit,
        "x_codes": [v.name for v in spec.x],
        "control_codes": [v.name for v in spec.controls],
        "w_code": spec.w_code,
        "fe": spec.effects,
        "estimator": spec.estimator,
        "se_type": spec.cov,
        "basis_wanted": spec.basis,
        "first_year": spec.years[0],
        "last_year": spec.years[1],
        "lag_years": spec.lag,
        "sample_filter": ", ".join(spec.sample) or "all",
        "regime_scheme": "",
        "instrument": ", ".join(v.name for v in spec.external) or spec.instrument,
        "is_headline": spec.is_headline,
        "variant_of": spec.variant_of,
        "change": spec.change,
        "status": "skipped" if reason else "fitted",
        "skip_reason": reason,
        "spec_hash": spec.spec_hash,
    }
    return pd.DataFrame([row])


def run(job: Job) -> Tables:
    """Tables panel_fit, panel_coef, panel_effect, .. of one regression. Skipped: too many cities for its method."""
    if job.spec.method in ("dynamic", "gmm") and (reason := refused_inverse("the dynamic model", job.weights.n)):
        raise Skipped(reason)
    return {"static": _static, "dynamic": _dynamic, "gmm": _gmm, "iv": _iv}[job.spec.method](job)


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
        tables["panel_effect_city"] = pd.concat(
            [_city_rows(job, fit, j) for j in range(len(spec.x))], ignore_index=True
        )
        tables["panel_test"] = _tests(job, fit)
        tables["sensitivity"] = _sensitivity(job, fit)
    if job.graphs:
        weighed = model_weights(
            job.sample.y, job.sample.x, job.graphs, effects=spec.effects, estimator=spec.estimator, names=job.names
        ).rename(columns={"w": "w_code", "model": "model_type"})
        tables["model_weight"] = weighed[weighed["weight"].notna()]
    return tables


def _conley(sample: PanelSample) -> Conley:
    """Neighbours up to CONLEY_KM in a year, a city over Newey and West's number of years."""
    lags = int(4.0 * (len(sample.years) / 100.0) ** (2.0 / 9.0))
    return Conley(sample.city[["centroid_lon", "centroid_lat"]].to_numpy(dtype=np.float64), CONLEY_KM, lags)


def _fit(job: Job, cov: str | Robust) -> CoreFit:
    spec = job.spec
    return fit_panel(
        job.sample.y,
        job.sample.x,
        job.weights,
        model=spec.model,
        effects=spec.effects,
        estimator=spec.estimator,
        cov=cov,
        names=job.names,
        draws=spec.boot_draws,
        rng=job.rng,
    )


def _influence(job: Job, fit: CoreFit) -> pd.DataFrame:
    """What each city adds to the effects of the first regressor: influence of the estimates times the gradient."""
    assert fit.influence is not None  # errors clustered by city
    gradient = effect_gradient(fit)[0]
    return pd.DataFrame(fit.influence[:, : gradient.shape[1]] @ gradient.T, columns=list(EFFECT_NAMES))


def _static_fit(job: Job, fit: CoreFit) -> pd.DataFrame:
    optimum, conv = fit.optimum, fit.conv
    step = (optimum.high - optimum.low) / 100.0
    at = (fit.maximum[fit.n_slopes],) if conv.spatial_names else ()
    row = {
        "lnl": fit.loglik,
        "k_params": fit.n_params,
        "aic": fit.aic,
        "bic": fit.bic,
        "sigma2": fit.sigma2,
        "r2_within": fit.r2_within,
        "corr2": _corr2(job, fit),
        "rho": fit.rho if conv.has_rho else np.nan,
        "lam": fit.lam if conv.has_lam else np.nan,
        "rho_lo_bound": optimum.low,
        "rho_hi_bound": optimum.high,
        "grid_max_ok": bool(all(abs(r - s) <= 2 * step for r, s in zip(at, _starts(fit), strict=False))),
        "logdet_method": fit.logdet_method,
    }
    return _fit_row(job, fit.residuals, row, with_wx=conv.has_wx)


def _starts(fit: CoreFit) -> tuple[float, ...]:
    start = fit.optimum.start
    return (start[0],) if fit.conv.has_rho else (start[1],)


def _fit_row(job: Job, residuals: FloatArray, row: dict[str, object], *, with_wx: bool) -> pd.DataFrame:
    """What all three methods report about their residuals and regressors."""
    cd = pesaran_cd(residuals)
    moran = residual_moran(residuals, job.weights, effects=job.spec.effects)
    vif = variance_inflation(job.sample.x, job.weights if with_wx else None, effects=job.spec.effects, names=job.names)
    return pd.DataFrame(
        [
            {
                **row,
                "converged": True,
                "vif_max": float(vif["vif"].max()),
                "cd_stat": cd.statistic,
                "cd_p": cd.p,
                "resid_moran_p": moran.pooled.p,
            }
        ]
    )


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


def _coef(job: Job, names: tuple[str, ...], params: FloatArray, fits: dict[str, CoreFit], used: str) -> pd.DataFrame:
    errors = {kind: np.sqrt(np.diagonal(fit.cov))[: len(names)] for kind, fit in fits.items()}
    empty = np.full(len(names), np.nan)
    frame = _inference(job, names, params, errors[used])
    return frame.assign(
        se_type=used,
        se_cluster=errors["cluster"],
        se_conley=errors["conley"],
        p_conley=normal(params, errors["conley"]).p,
        se_info=errors["info"],
        se_boot=errors.get("block_bootstrap", empty),
    )


def _inference(job: Job, names: tuple[str, ...], params: FloatArray, se: FloatArray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "term": list(names),
            "role": [_role(job, name) for name in names],
            "coef": params,
            "se": se,
            **normal(params, se, LEVEL).columns("lo", "hi"),
        }
    )


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
        drawn = average_effects(fit, method="simulation", draws=job.draws, rng=job.rng, **options).to_frame()
        checks = drawn[["mean_draws", "flag"]].assign(se_sim=drawn["se"], share_rejected_draws=drawn["share_rejected"])
    except PanelInputError:  # rho at the edge of its range
        checks = pd.DataFrame({"flag": "no_draws"}, index=effects.index).reindex(
            columns=["mean_draws", "flag", "se_sim", "share_rejected_draws"]
        )
    shown = effects[["variable", "effect", "point", "se_delta", "lower", "upper", "p", "standardised"]]
    return shown.rename(columns={"lower": "lo", "upper": "hi"}).assign(
        horizon="static", se_conley=beside["se_delta"], p_conley=beside["p"], **checks
    )


def _city_rows(job: Job, fit: CoreFit, variable: int) -> pd.DataFrame:
    frame = city_effects(fit, variable, job.sample.cities, name=job.names[variable])
    return frame.rename(columns={"city": "city_id"})


def _tests(job: Job, fit: CoreFit) -> pd.DataFrame:
    sample, spec = job.sample, job.spec
    search = specification_search(
        sample.y, sample.x, job.weights, effects=spec.effects, estimator=spec.estimator, names=job.names
    )
    tests = search.tests.plus(residual_tests(fit, sample.y, sample.x, years=sample.years))
    own = pd.concat([_test_rows(tests), _lead_rows(job)], ignore_index=True)
    steps = search.to_frame()
    rules = pd.DataFrame(
        {
            "test_code": "rule_" + steps["step"],
            "statistic": np.nan,
            "df": np.nan,
            "p": np.nan,
            "note": steps["rule"] + ". Evidence: " + steps["evidence"],
            "outcome": steps["outcome"],
        }
    )
    return pd.concat([own, rules], ignore_index=True)


def _lead_rows(job: Job) -> pd.DataFrame:
    """Does y move before x? x of the year before, the same and the next year in one model."""
    x = job.sample.x
    try:
        found = lead_lag(
            job.sample.y,
            x[:, :, 0],
            job.weights,
            x[:, :, 1:] if x.shape[2] > 1 else None,
            effects=job.spec.effects,
            estimator=job.spec.estimator,
        )
    except PanelInputError as refused:
        return pd.DataFrame([{"test_code": "leads", "outcome": "not made", "note": str(refused)}])
    what = "of the first regressor and of W times it are zero, all three years in one model; clustered by city"
    rows = [
        {"test_code": code, "statistic": test.statistic, "df": test.df, "p": test.p, "note": f"the {word} {what}"}
        for code, word, test in (("leads", "leads", found.leads), ("lags", "lags", found.lags))
    ]
    return pd.DataFrame(rows).assign(outcome=[_outcome(test.p) for test in (found.leads, found.lags)])


def _sensitivity(job: Job, fit: CoreFit) -> pd.DataFrame:
    """What a confounder that was not seen must explain to take a slope of the first regressor to zero.

    The benchmark is the control that explains most of what is left of y, here or next door.
    """
    k = fit.n_slopes
    slopes, se = fit.params[:k], np.sqrt(np.diagonal(fit.cov))[:k]
    values = [robustness_value(float(b), float(e), fit.dof) for b, e in zip(slopes, se, strict=True)]
    own = {v.name for v in job.spec.x}
    others = [j for j in range(k) if fit.names[j].removeprefix("W:") not in own]
    strongest = max(others, key=lambda j: values[j].partial_r2, default=None)
    frame = pd.DataFrame(
        {
            "term": list(fit.names[:k]),
            "coef": slopes,
            "se": se,
            "dof": fit.dof,
            "partial_r2": [found.partial_r2 for found in values],
            "robustness_value": [found.value for found in values],
            "robustness_value_5": [found.value_alpha for found in values],
            "benchmark_term": None if strongest is None else fit.names[strongest],
            "benchmark_partial_r2": np.nan if strongest is None else values[strongest].partial_r2,
        }
    )
    return frame[frame["term"].str.removeprefix("W:") == job.names[0]]


def _outcome(p: float) -> str:
    return "rejected" if p < 1.0 - LEVEL else "not rejected"


def _test_rows(tests: SpecTests) -> pd.DataFrame:
    frame = tests.to_frame()
    frame["outcome"] = np.where(frame["p"] < 1.0 - LEVEL, "rejected", "not rejected")
    frame.loc[frame["p"].isna(), "outcome"] = "not made"
    return frame


def _dynamic(job: Job) -> Tables:
    fit = fit_dynamic(job.sample.y, job.sample.x, job.weights, names=job.names)
    best = fit.best
    errors = np.sqrt(np.diag(best.cov))
    low, high = fit.spectrum.bounds()
    row = {
        "lnl": fit.loglik,
        "k_params": len(fit.names),
        "sigma2": best.sigma2,
        "rho": best.rho,
        "rho_lo_bound": low,
        "rho_hi_bound": high,
        "grid_max_ok": True,
        "logdet_method": "eigenvalues",
        "note": fit.note,
    }
    effects = [_dynamic_rows(job, fit, kind) for kind in fit.estimates]
    chosen = next(frame for frame in effects if frame["is_headline"].iloc[0])
    shown = chosen.rename(columns={"se": "se_delta"})
    return {
        "panel_fit": _fit_row(job, fit.residuals, row, with_wx=True),
        "panel_coef": _inference(job, fit.names[:-1], best.params[:-1], errors[:-1]).assign(
            se_type=fit.cov_type, se_cluster=errors[:-1], se_info=np.sqrt(np.diag(best.cov_info))[:-1]
        ),
        "panel_effect": shown[["variable", "effect", "horizon", "point", "se_delta", "lo", "hi", "p"]].copy(),
        "dynamic_effect": pd.concat(effects, ignore_index=True),
    }


def _dynamic_rows(job: Job, fit: DynamicFit, kind: str) -> pd.DataFrame:
    estimate = fit.estimates[kind]
    frame = dynamic_effects(fit, kind=kind).to_frame()
    return frame.assign(
        kind=kind,
        is_headline=kind == fit.headline,
        bias_corrected=kind != "none",
        tau=estimate.tau,
        eta=estimate.eta,
        rho=estimate.rho,
        spectral_radius=estimate.radius,
    )


def _gmm(job: Job) -> Tables:
    """System GMM; the x of interest are endogenous, the controls are not."""
    fit = dynamic_gmm(
        job.sample.y,
        job.sample.x,
        job.weights,
        endogenous=range(len(job.spec.x)),
        names=job.names,
        durbin=None if job.spec.model == "sdm" else (),
    )
    dynamic = fit.as_dynamic()
    low, high = fit.spectrum.bounds()
    row: dict[str, object] = {
        "k_params": len(fit.names),
        "sigma2": fit.sigma2,
        "rho": float(fit.params[-1]),
        "rho_lo_bound": low,
        "rho_hi_bound": high,
        "note": "system GMM, two steps, Windmeijer errors; residuals of differences",
    }
    effects = _dynamic_rows(job, dynamic, dynamic.headline).assign(bias_corrected=False)
    shown = effects.rename(columns={"se": "se_delta"})
    coef = _inference(job, fit.names, fit.params, fit.std_errors)
    return {
        "panel_fit": pd.DataFrame([{**row, "converged": True}]),
        "panel_coef": coef.assign(se_type="windmeijer"),
        "panel_effect": shown[["variable", "effect", "horizon", "point", "se_delta", "lo", "hi", "p"]].copy(),
        "dynamic_effect": effects,
        "gmm_diagnostic": fit.diagnostics(),
    }


def _iv(job: Job) -> Tables:
    spec, sample = job.spec, job.sample
    options: dict[str, Any] = {}
    x, names = sample.x, job.names
    if spec.external:
        k = len(spec.x)
        inner, outer = sample.x[:, :, :k], sample.z
        options = {
            "endog": np.concatenate([inner, job.weights.lag(np.ascontiguousarray(inner))], axis=2),
            "instruments": np.concatenate([outer, job.weights.lag(np.ascontiguousarray(outer))], axis=2),
            "endog_names": [*names[:k], *(f"W:{name}" for name in names[:k])],
        }
        x, names = sample.x[:, :, k:], names[k:]
    durbin = None if spec.model == "sdm" else ()
    fit = spatial_2sls(sample.y, x, job.weights, effects=spec.effects, durbin=durbin, names=names, **options)
    row: dict[str, object] = {"k_params": len(fit.params), "sigma2": fit.sigma2, "rho": fit.rho}
    return {
        "panel_fit": _fit_row(job, fit.residuals, row, with_wx=spec.model == "sdm"),
        "panel_coef": _inference(job, fit.names, fit.params, fit.std_errors).assign(se_type="cluster"),
        "iv_diagnostic": _closed(fit.diagnostics()).assign(hansen_df=fit.hansen.df),
    }


def _closed(frame: pd.DataFrame) -> pd.DataFrame:
    """Open ends of the Anderson-Rubin set are null in a table; its note says that they are open."""
    ends = frame[["ar_lo", "ar_hi"]]
    return frame.assign(**ends.where(np.isfinite(ends)))
