"""Findings on the headline regressions: heterogeneity, blocks, reach, borders, thresholds, and policies with pilots.

Beside each test of equality stands the level-adjusted one: the same, freed of what differs with the level of a city.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study import pilots
from dagster_project.study.frames import LIMITS, Frames, Rows, Tables, words
from dagster_project.study.queries import queries
from dagster_project.study.samples import MODEL_KEYS, SAMPLE_FRAMES, Job, Skipped, World, run_jobs
from dagster_project.study.settings import Finding, PilotSpec, Settings
from python_models import influence as methods
from python_models._types import BoolArray, FloatArray
from python_models.inference import holm
from python_models.influence.blocks import Side
from python_models.influence.rings import Method
from python_models.influence.spillover import SpilloverFit
from python_models.influence.threshold import ThresholdResult
from python_models.regression import PanelInputError

INPUTS = {**SAMPLE_FRAMES, **queries(__file__), **pilots.INPUTS}
TABLES = (
    words(
        "influence_run panel_heterogeneity block_spillover distance_decay regional_boundary"
        " threshold_grid threshold_result border_barrier level_adjusted_test"
    )
    + pilots.TABLES
)
EDGES_100 = tuple(range(0, 1001, 100))
EDGES_50 = tuple(range(0, 501, 50))
METHODS: tuple[Method, ...] = ("ring", "outer", "cumulative")
HANSEN_STEPS = (1, 2, 3)
WITHOUT_PAIRS = {f"hansen:{n}" for n in HANSEN_STEPS}  # no multiplier of pairs of cities: for any number of them
# outward: only links from a core city to the periphery
BARRIERS = ("province_outward", "segmentation", "segmentation_outward")
SYNERGY = "synergy"  # beside the schemes: cities by their synergy of the first year
LEAST_KNOWN = 0.8  # share of the links whose prices are known
Contrast = Mapping[str, float]


@dataclass(frozen=True)
class Sizes:
    """How much is drawn: multipliers of cities behind a spatial threshold, Hansen's bootstrap; candidates
    of a spatial threshold; deals of the starts of a policy."""

    multipliers: int
    threshold_bootstrap: int
    spatial_grid: int
    pilot_placebo: int


def build(frames: Frames, settings: Settings) -> Tables:
    """A part that the data do not allow is a row of influence_run with the reason."""
    sizes, rows = Sizes(**settings.sizes("influence")), Rows()
    every = partial(_jobs, sizes=sizes, policies=settings.pilots, findings=settings.findings)
    jobs = _of_headline if settings.depth.is_headline_only else every
    run_jobs(frames, settings.regressions, settings.seed, jobs, "influence_run", rows)
    tables = rows.tables(TABLES)
    tests = with_holm(tables["level_adjusted_test"], settings.findings)
    return {**tables, "level_adjusted_test": tests, "pilot_effect": pilots.with_holm(tables["pilot_effect"])}


def with_holm(tests: pd.DataFrame, findings: Sequence[Finding]) -> pd.DataFrame:
    """The tests with the code of their finding, and Holm's p over the findings of a regression, adjusted and not.

    A declared finding without a test counts with p = 1: a refresh that leaves some out claims no more.
    """
    if tests.empty:
        return tests
    codes = {(finding.analysis, finding.variant): finding.code for finding in findings}
    names = [codes.get(key, "") for key in zip(tests["analysis"], tests["variant"], strict=True)]
    table = tests.assign(finding=names, p_holm=np.nan, p_unadjusted_holm=np.nan)
    for _, family in table[table["finding"] != ""].groupby(list(MODEL_KEYS)):
        for name in ("p", "p_unadjusted"):
            every = np.ones(len(findings))
            every[: len(family)] = family[name].fillna(1.0)
            table.loc[family.index, f"{name}_holm"] = np.where(family[name].notna(), holm(every)[: len(family)], np.nan)
    return table


def _jobs(world: World, sizes: Sizes, policies: PilotSpec | None, findings: Sequence[Finding]) -> list[Job]:
    sides: tuple[Side, ...] = ("emitter", "receiver")
    jobs = _of_headline(world)
    for scheme in world.schemes.splits(whole=True):
        jobs += [("heterogeneity", f"{scheme}:{side}", partial(_heterogeneity, world, scheme, side)) for side in sides]
    for scheme in (*world.schemes.centres(), SYNERGY):
        jobs.append(("blocks", scheme, partial(_blocks, world, scheme)))
    jobs += [("reach", f"{method}:100", partial(_reach, world, method, EDGES_100, "all")) for method in METHODS]
    jobs.append(("reach", "ring:50", partial(_reach, world, "ring", EDGES_50, "all")))
    jobs += [("reach", f"ring:100:{d}", partial(_reach, world, "ring", EDGES_100, d)) for d in ("high", "low")]
    jobs.append(("barrier", "province", partial(_border, world, None)))
    rings = next(finding.rings_km for finding in findings if finding.rings_km)
    jobs.append(("barrier", "province:rings", partial(_border, world, rings)))
    jobs += [("barrier", kind, partial(_split, world, kind)) for kind in BARRIERS]
    draws = sizes.threshold_bootstrap
    jobs += [("threshold", f"hansen:{n}", partial(_hansen, world, n, draws)) for n in HANSEN_STEPS]
    jobs += [("threshold", f"spatial:{side}", partial(_spatial, world, side, sizes)) for side in sides]
    jobs += pilots.jobs(world, policies, sizes.pilot_placebo) if policies else []
    return [(what, variant, partial(_guarded, world, what, variant, make)) for what, variant, make in jobs]


def _of_headline(world: World) -> list[Job]:
    return [("level adjusted", "spillover", partial(_spillover, world))]


def _guarded(world: World, analysis: str, variant: str, make: Callable[[], Tables]) -> Tables:
    """The tables, refused where there are too many cities for a method that looks at every pair of them."""
    if variant not in WITHOUT_PAIRS:
        world.need_pairs(f"{analysis} ({variant})")
    return make()


# ---- spillovers, by group and by block ------------------------------------------------------------------


def _spillover(world: World) -> Tables:
    """Is there a direct effect, a spillover, a spatial lag at all for cities of one level?"""
    fit = methods.fit_spillover(*world.model, {"lag": world.weights.matrix}, world.controls)
    refit = _refit(world, fit)
    lag, rho = fit.at(("lag", "rho")).normal().p.tolist()
    both = [{"lag": 1.0}, {"rho": 1.0}]
    rows = [
        _direct_row(refit, fit),
        _test_row(refit, "spatial lag", "rho", "rho = 0", both[1:], rho),
        _test_row(refit, "spillover", "theta", "theta = 0", both[:1], lag),
        _test_row(refit, "spillover", "theta and rho", "theta = rho = 0", both, fit.wald(both).p),
    ]
    return {"level_adjusted_test": pd.concat(rows, ignore_index=True)}


def _heterogeneity(world: World, scheme: str, side: Side) -> Tables:
    groups = world.groups(scheme).tolist()
    effects = methods.group_effects(*world.model, groups, world.controls, side=side)
    again, null = _refit(world, effects.fit, groups), "equal slopes and spillovers over groups"
    labels: dict[str, Any] = {"scheme": scheme, "side": side, "variable": world.spec.regressors[0]}
    labels["p_level_adjusted"] = _p_of(again[0], effects.contrasts)
    table = effects.to_frame().rename(columns=LIMITS).assign(**labels)
    test = _test_row(again, "heterogeneity", f"{scheme}:{side}", null, effects.contrasts, effects.p_equal)
    return {"panel_heterogeneity": table, "level_adjusted_test": test}


def centre(world: World, scheme: str) -> BoolArray:
    """The centre of a scheme, or the upper third of the cities by synergy."""
    if scheme == SYNERGY:
        return np.asarray(world.synergy >= np.quantile(world.synergy, 2 / 3))
    return np.asarray(world.groups(scheme) == world.schemes.centre_of(scheme), dtype=np.bool_)


def _blocks(world: World, scheme: str) -> Tables:
    is_centre = centre(world, scheme)
    spillover = methods.block_spillover(*world.model, is_centre, world.controls)
    again, outward = _refit(world, spillover.fit, is_centre.tolist()), [{"pc": 1.0, "cp": -1.0}]
    table = spillover.to_frame().assign(scheme=scheme, p_asymmetry=spillover.p_asymmetry, n_centre=int(is_centre.sum()))
    limits = spillover.difference.normal()
    difference = (spillover.difference.point[0], limits.lower[0], limits.upper[0])
    for name, values in (("asymmetry", spillover.asymmetry), ("asymmetry_difference", difference)):
        point = "asymmetry_index" if name == "asymmetry" else name
        table[[point, f"{name}_lo", f"{name}_hi"]] = values
    test = _test_row(again, "asymmetry", scheme, "theta_pc = theta_cp", outward, spillover.p_asymmetry)
    return {"block_spillover": table.assign(p_level_adjusted=_p_of(again[0], outward)), "level_adjusted_test": test}


def _reach(world: World, method: Method, edges: tuple[int, ...], synergy_class: str) -> Tables:
    x, controls = world.x, world.controls
    if synergy_class != "all":
        d = world.synergy
        emits = d >= np.median(d) if synergy_class == "high" else d < np.median(d)
        own_x = world.x[:, :, None]
        # only the emitters of this class are followed over the rings; everybody's own x stays a control
        controls = own_x if controls is None else np.concatenate([own_x, controls], axis=2)
        x = world.x * emits[:, None]
    rng, limits = world.rng(f"reach:{method}:{edges[1]}:{synergy_class}"), [float(edge) for edge in edges]
    decay = methods.distance_decay(world.sample.y, x, world.distance, limits, controls, method=method, rng=rng)
    labels = {"method": method, "step_km": edges[1] - edges[0], "synergy_class": synergy_class}
    names = {"theta": "coef", "z": "t", "lower_all": "lo_all", "upper_all": "hi_all"}
    bands = decay.to_frame().rename(columns=names).assign(**labels)
    bands["band_id"] = np.arange(len(bands))
    columns = ("boundary_km", "half_distance_km", "kappa", "kappa_se")
    boundary = pd.DataFrame([{**labels, **{name: getattr(decay, name) for name in columns}}])
    return {"distance_decay": bands, "regional_boundary": boundary}


# ---- barriers: which links stand behind which, and what the border takes --------------------------------


def _border(world: World, edges: tuple[float, ...] | None) -> Tables:
    distance, variant = (None, "province") if edges is None else (world.distance, "province:rings")
    where: dict[str, Any] = {"distance": distance, "edges": edges}
    barrier = methods.border_barrier(*world.model, world.sample.province, world.controls, **where)
    return _border_tables(world, barrier, "province", variant)


def _split(world: World, kind: str) -> Tables:
    """Barriers without rings: other borders, and those on the way from a centre to its periphery."""
    behind, scope = _is_behind(world, kind), _scope_of(world, kind)
    return _border_tables(world, methods.barrier_split(*world.model, behind, world.controls, scope=scope), kind, kind)


def _is_behind(world: World, kind: str) -> BoolArray:
    """(N, N) links behind the barrier: another province, or prices apart by more than the median of all links."""
    if kind.startswith("province"):
        area = np.array(world.sample.province)
        return np.asarray(area[:, None] != area[None, :])
    v = _segmentation(world)
    links = world.weights.matrix.toarray() > 0
    return np.asarray(v > np.nanmedian(v[links]))


def _scope_of(world: World, kind: str) -> BoolArray | None:
    """(N, N) links that are asked about, None for all: of cities whose prices are known, from centre to periphery."""
    scope = np.ones((world.weights.n, world.weights.n), dtype=np.bool_)
    if kind.startswith("segmentation"):
        scope &= ~np.isnan(_segmentation(world))
    if kind.endswith("outward"):
        core = centre(world, world.schemes.main("centre"))
        scope &= ~core[:, None] & core[None, :]
    return None if scope.all() else scope


def _segmentation(world: World) -> FloatArray:
    """Price segmentation V_ij of each pair in the first year that has one (known before the panel moves), else NaN."""
    table: pd.DataFrame = world.frames["segmentation_pair"]
    if table.empty:
        raise Skipped("there are no prices of pairs of cities in this warehouse.")
    first = table[table["year"] == max(int(table["year"].min()), world.sample.years[0])]
    place = {city: i for i, city in enumerate(world.sample.cities)}
    v = np.full((len(place), len(place)), np.nan)
    pairs = first[first["unit_i"].isin(place) & first["unit_j"].isin(place)]
    i, j = (pairs[name].map(place).to_numpy(dtype=int) for name in ("unit_i", "unit_j"))
    v[i, j] = v[j, i] = pairs["v_ij"].to_numpy(dtype=np.float64)
    links = world.weights.matrix.toarray() > 0
    share = 1.0 - float(np.isnan(v[links]).mean())
    if share < LEAST_KNOWN:
        raise Skipped(f"prices are known for {share:.0%} of the links between cities, {LEAST_KNOWN:.0%} are needed.")
    return v


def _border_tables(world: World, barrier: methods.Barrier, barrier_code: str, variant: str) -> Tables:
    again, table = _refit(world, barrier.fit), barrier.to_frame()
    contrasts = {ring: barrier.contrast(ring) for ring in table["ring_id"]}
    p = [_p_of(again[0], [contrast]) for contrast in contrasts.values()]
    last = table.iloc[-1]  # all distances, or all rings jointly
    test = _test_row(again, "border", variant, "theta_in = theta_out", [contrasts[last["ring_id"]]], last["p_equal"])
    return {"border_barrier": table.assign(barrier_code=barrier_code, p_level_adjusted=p), "level_adjusted_test": test}


# ---- thresholds in synergy: of the own slope (Hansen) and of the emitter's spillover --------------------


def _hansen(world: World, n: int, draws: int) -> Tables:
    steps = _steps(world, n, draws, "hansen")
    grids = []
    for step, one in enumerate(steps.thresholds):
        grid = one.to_frame().rename(columns={"ssr": "objective", "in_interval": "in_ci"})
        grids.append(grid.assign(kind=f"hansen_step_{step + 1}", n_threshold=n, grid_id=np.arange(len(grid))))
    last = steps.thresholds[-1]
    row: dict[str, object] = {"kind": "hansen", "n_threshold": n, "n_boot": draws}
    row |= {"gamma": last.gamma, "ci_lo": last.low, "ci_hi": last.high, "f_stat": last.f, "p_boot": last.p}
    row |= dict(zip(("crit_10", "crit_5", "crit_1"), last.critical, strict=True))
    for side, at in (("low", 0), ("high", n)):
        row |= {f"slope_{side}": steps.slopes[at], f"slope_se_{side}": steps.se_cluster[at]}
        row[f"n_{side}"] = steps.n_regime[at] // world.sample.y.shape[1] * len(world.sample.years)
    try:
        row["p_level_adjusted"] = _steps(world, n, draws, "hansen adjusted", is_level_adjusted=True).thresholds[-1].p
    except PanelInputError:  # the sample is too small for it
        row["p_level_adjusted"] = np.nan
    return {"threshold_grid": pd.concat(grids, ignore_index=True), "threshold_result": pd.DataFrame([row])}


def _steps(world: World, n: int, draws: int, name: str, *, is_level_adjusted: bool = False) -> ThresholdResult:
    y, x, controls = world.by_year if is_level_adjusted else (world.sample.y, world.x, world.controls)
    how: dict[str, Any] = {"n_thresholds": n, "trim": 0.05, "draws": draws, "rng": world.rng(f"{name}:{n}")}
    how |= {"is_level_adjusted": is_level_adjusted, "segments": world.sample.segments}
    return methods.threshold_regression(y, x, world.synergy, controls, **how)


def _spatial(world: World, side: Side, sizes: Sizes) -> Tables:
    """Only the emitter's threshold is a finding: the receiver's is there to be compared by likelihood."""
    (y, x, w), q, kind = world.model, world.synergy, f"spatial_{side}"
    draws = sizes.multipliers if side == "emitter" else 0
    how: dict[str, Any] = {"side": side, "n_grid": sizes.spatial_grid, "draws": max(draws, 1)}
    threshold = methods.spatial_threshold(y, x, q, w, world.controls, **how, rng=world.rng(f"spatial:{side}"))
    profile = threshold.profile().rename(columns={"loglik": "objective", "in_interval": "in_ci"})
    theta = threshold.to_frame().set_index("name")
    row: dict[str, object] = {"kind": kind, "n_threshold": 1, "n_boot": draws}
    row |= {"gamma": threshold.gamma, "ci_lo": threshold.low, "ci_hi": threshold.high}
    row |= {"f_stat": threshold.test.statistic, "p_boot": threshold.p if draws else np.nan}
    for level, n_city in (("low", (q <= threshold.gamma).sum()), ("high", (q > threshold.gamma).sum())):
        row |= {
            f"slope_{level}": theta.loc[f"lag:{level}", "theta"],
            f"slope_se_{level}": theta.loc[f"lag:{level}", "se"],
        }
        row[f"n_{level}"] = int(n_city) * len(world.sample.years)
    tables: Tables = {"threshold_grid": profile.assign(kind=kind, n_threshold=1, grid_id=np.arange(len(profile)))}
    if side == "emitter":
        row["p_level_adjusted"], tables["level_adjusted_test"] = _threshold_row(world, draws=sizes.multipliers)
    return {**tables, "threshold_result": pd.DataFrame([row])}


# ---- the level-adjusted test beside each; a sample that is too small for it says so ---------------------


def _refit(
    world: World, fit: SpilloverFit, groups: Sequence[object] | None = None
) -> tuple[methods.LevelAdjusted | None, str]:
    """The matrices of `fit` on the adjusted scale, with effects of `groups` by year; or None and why not."""
    y, x, controls = world.by_year
    options: dict[str, Any] = {"groups": groups, "with_own": "x" in fit.positions, "segments": world.sample.segments}
    try:
        return methods.level_adjusted(y, x, world.weights, fit.matrices, controls, **options), ""
    except PanelInputError as refused:
        return None, str(refused)


def _p_of(adjusted: methods.LevelAdjusted | None, contrasts: Sequence[Contrast]) -> float:
    """p of the contrasts together; NaN without a fit."""
    return float("nan") if adjusted is None else adjusted.test(contrasts).p


def _direct_row(refit: tuple[methods.LevelAdjusted | None, str], fit: SpilloverFit) -> pd.DataFrame:
    """The row of the direct effect, the mean of the diagonal of the multiplier."""
    adjusted, note = refit
    row: dict[str, object] = {"analysis": "direct effect", "variant": "direct", "note": note, "dof": 1}
    row |= {"null_hypothesis": "direct effect = 0", "p_unadjusted": fit.effects(_mean_diagonal).normal().p[0]}
    row |= dict.fromkeys(("difference", "se", "lo", "hi", "wald", "p"), np.nan)
    if adjusted is not None:
        effect = adjusted.fit.effects(_mean_diagonal)
        limits = effect.normal()
        row |= {"difference": effect.point[0], "se": effect.std_error[0], "wald": limits.z[0] ** 2, "p": limits.p[0]}
        row |= {"lo": limits.lower[0], "hi": limits.upper[0]}
    return pd.DataFrame([row])


def _mean_diagonal(multiplier: FloatArray) -> FloatArray:
    return np.array([np.trace(multiplier) / len(multiplier)])


def _test_row(
    refit: tuple[methods.LevelAdjusted | None, str],
    analysis: str,
    variant: str,
    null: str,
    contrasts: Sequence[Contrast],
    p_unadjusted: float,
) -> pd.DataFrame:
    """One row of level_adjusted_test; difference and its interval where one contrast is tested."""
    fit, note = refit
    row: dict[str, object] = {"analysis": analysis, "variant": variant, "null_hypothesis": null, "note": note}
    row |= {"dof": len(contrasts), "p_unadjusted": p_unadjusted}
    row |= dict.fromkeys(("difference", "se", "lo", "hi", "wald", "p"), np.nan)
    if fit is not None:
        test = fit.test(contrasts)
        row |= {"wald": test.statistic, "p": test.p}
        if len(contrasts) == 1:
            contrast = fit.fit.at(list(contrasts[0])).combine(np.array([list(contrasts[0].values())]))
            limits = contrast.normal()
            row |= {"difference": contrast.point[0], "se": contrast.std_error[0]}
            row |= {"lo": limits.lower[0], "hi": limits.upper[0]}
    return pd.DataFrame([row])


def _threshold_row(world: World, *, draws: int) -> tuple[float, pd.DataFrame]:
    """(p, row) of a threshold of the emitter's synergy in the spillover; the difference at the best candidate."""
    null, note = (
        "theta_low = theta_high at every candidate",
        "p from multipliers of cities; the difference was searched for",
    )
    row: dict[str, object] = {"analysis": "threshold", "variant": "emitter", "null_hypothesis": null, "dof": 1}
    (y, x, controls), p = world.by_year, float("nan")
    how: dict[str, Any] = {"draws": draws, "rng": world.rng("adjusted:emitter"), "segments": world.sample.segments}
    try:
        threshold = methods.adjusted_threshold(y, x, world.synergy, world.weights, controls, **how)
        p = threshold.p
        row |= {"wald": threshold.statistic, "p": p, "difference": threshold.difference, "note": note}
    except PanelInputError as refused:
        row["note"] = str(refused)
    return p, pd.DataFrame([row])
