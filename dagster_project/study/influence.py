"""Findings on the headline regressions: heterogeneity, blocks, reach, borders, thresholds, and policies with pilots.

Beside each test of equality stands the level-adjusted one: the same, freed of what differs with the level of a city.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from dagster_project.study import pilots
from dagster_project.study.frames import Frames, Rows, Tables
from dagster_project.study.samples import MODEL_KEYS, SAMPLE_FRAMES, Job, Skipped, World, run_jobs
from dagster_project.study.settings import PilotSpec, Settings
from python_models._types import BoolArray, FloatArray
from python_models.inference import holm
from python_models.influence import (
    Barrier,
    LevelAdjusted,
    adjusted_threshold,
    barrier_split,
    block_lags,
    block_spillover,
    border_barrier,
    distance_decay,
    fit_spillover,
    group_effects,
    level_adjusted,
    moderated_barrier,
    spatial_threshold,
    threshold_regression,
)
from python_models.influence.rings import Method
from python_models.influence.spillover import SpilloverFit
from python_models.regression import PanelInputError

INPUTS = {
    **SAMPLE_FRAMES,
    "segmentation_pair": "select unit_i, unit_j, year, v_ij from py.market_segmentation_pair order by 3, 1, 2",
    "synergy": """
        select basis, index_code, city_id, arg_min(d, year) as d from py.coupling
        where form = 'corrected' and scale = 'minmax01' group by all order by 1, 2, 3
    """,
    **pilots.INPUTS,
}
TABLES = (
    "influence_run",
    "panel_heterogeneity",
    "block_spillover",
    "block_lag",
    "distance_decay",
    "regional_boundary",
    "threshold_grid",
    "threshold_result",
    "border_barrier",
    "barrier_moderation",
    "level_adjusted_test",
    *pilots.TABLES,
)
EDGES_100 = tuple(range(0, 1001, 100))
EDGES_50 = tuple(range(0, 501, 50))
BORDER_EDGES = (0, 150, 300, 500)
METHODS: tuple[Method, ...] = ("ring", "outer", "cumulative")
HANSEN_STEPS = (1, 2, 3)
WITHOUT_PAIRS = {f"hansen:{n}" for n in HANSEN_STEPS}  # no multiplier of pairs of cities: for any number of them
# outward: only links from a core city to the periphery
BARRIERS = ("province_outward", "segmentation", "segmentation_outward")
LEAST_KNOWN = 0.8  # share of the links whose prices are known
# (analysis, variant) of the tests that the study set out to make: p_holm is over these together
HEADLINE_TESTS = (
    ("spillover", "theta"),
    ("asymmetry", "core"),
    ("heterogeneity", "east_vs_cw:emitter"),
    ("heterogeneity", "core:emitter"),
    ("heterogeneity", "cluster:emitter"),
    ("border", "province"),
)
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
    jobs = partial(_jobs, sizes=sizes, policies=settings.pilots)
    run_jobs(frames, settings.regressions, settings.seed, jobs, "influence_run", rows)
    tables = rows.tables(TABLES)
    adjusted = with_holm(tables["level_adjusted_test"])
    return {**tables, "level_adjusted_test": adjusted, "pilot_effect": pilots.with_holm(tables["pilot_effect"])}


def with_holm(tests: pd.DataFrame) -> pd.DataFrame:
    """The tests with p_holm: Holm's p over HEADLINE_TESTS of a regression, both for p and for p_unadjusted."""
    if tests.empty:
        return tests
    made = tests.assign(p_holm=np.nan, p_unadjusted_holm=np.nan)
    is_headline = pd.Series(zip(made["analysis"], made["variant"], strict=True), index=made.index).isin(HEADLINE_TESTS)
    for _, own in made[is_headline].groupby(list(MODEL_KEYS)):
        made.loc[own.index, "p_holm"] = holm(own["p"])
        made.loc[own.index, "p_unadjusted_holm"] = holm(own["p_unadjusted"])
    return made


def _jobs(world: World, sizes: Sizes, policies: PilotSpec) -> list[Job]:
    centres = world.schemes.centres()
    splits = world.schemes.splits(whole=True)
    jobs: list[Job] = [("level adjusted", "spillover", partial(_spillover, world))]
    for scheme in splits:
        for side in ("emitter", "receiver"):
            make = partial(_heterogeneity, world, scheme, side)
            jobs.append(("heterogeneity", f"{scheme}:{side}", make))
    for scheme, centre in (*centres.items(), ("synergy", "")):
        jobs.append(("blocks", scheme, partial(_blocks, world, scheme, centre)))
        jobs.append(("block lags", scheme, partial(_block_lags, world, scheme, centre)))
    for method in METHODS:
        jobs.append(("reach", f"{method}:100", partial(_reach, world, method, EDGES_100, "all")))
    jobs.append(("reach", "ring:50", partial(_reach, world, "ring", EDGES_50, "all")))
    for synergy_class in ("high", "low"):
        jobs.append(("reach", f"ring:100:{synergy_class}", partial(_reach, world, "ring", EDGES_100, synergy_class)))
    jobs.append(("barrier", "province", partial(_border, world, None)))
    jobs.append(("barrier", "province:rings", partial(_border, world, BORDER_EDGES)))
    jobs += [("barrier", kind, partial(_split, world, kind)) for kind in BARRIERS]
    jobs.append(("barrier", "province:relations", partial(_moderated, world)))
    for n in HANSEN_STEPS:
        jobs.append(("threshold", f"hansen:{n}", partial(_hansen, world, n, sizes.threshold_bootstrap)))
    jobs += [
        ("threshold", f"spatial:{side}", partial(_spatial, world, side, sizes)) for side in ("emitter", "receiver")
    ]
    jobs += pilots.jobs(world, policies, sizes.pilot_placebo)
    return [(what, variant, partial(_guarded, world, what, variant, make)) for what, variant, make in jobs]


def _guarded(world: World, analysis: str, variant: str, make: Callable[[], Tables]) -> Tables:
    """The tables, refused where there are too many cities for a method that looks at every pair of them."""
    if variant not in WITHOUT_PAIRS:
        world.need_pairs(f"{analysis} ({variant})")
    return make()


# ---- spillovers, by group and by block ------------------------------------------------------------------


def _spillover(world: World) -> Tables:
    """Is there a spillover, or a spatial lag, at all between cities whatever their level?"""
    fit = fit_spillover(world.sample.y, world.x, world.weights, {"lag": world.weights.matrix}, world.controls)
    found, names = _refit(world, fit), ("lag", "rho")
    plain = dict(zip(names, fit.at(names).normal().p.tolist(), strict=True))
    both = [{name: 1.0} for name in names]
    joint = fit.wald(both).p
    rows = [
        _test_row(found, "spatial lag", "rho", "rho = 0", [{"rho": 1.0}], plain["rho"]),
        _test_row(found, "spillover", "theta", "theta = 0", [{"lag": 1.0}], plain["lag"]),
        _test_row(found, "spillover", "theta and rho", "theta = rho = 0", both, joint),
    ]
    return {"level_adjusted_test": pd.concat(rows, ignore_index=True)}


def _heterogeneity(world: World, scheme: str, side: str) -> Tables:
    found = group_effects(
        world.sample.y,
        world.x,
        world.weights,
        world.groups(scheme).tolist(),
        world.controls,
        side="emitter" if side == "emitter" else "receiver",
    )
    again, labels = _refit(world, found.fit), {"scheme": scheme, "side": side, "variable": world.spec.regressors[0]}
    table = found.to_frame().rename(columns={"lower": "lo", "upper": "hi"})
    null = "equal slopes and spillovers over groups"
    test = _test_row(again, "heterogeneity", f"{scheme}:{side}", null, found.contrasts, found.p_equal)
    return {
        "panel_heterogeneity": table.assign(**labels, p_level_adjusted=_p_of(again[0], found.contrasts)),
        "level_adjusted_test": test,
    }


def _centre(world: World, scheme: str, centre: str) -> BoolArray:
    if scheme == "synergy":
        return np.asarray(world.synergy >= np.quantile(world.synergy, 2 / 3))
    return np.asarray(world.groups(scheme) == centre, dtype=np.bool_)


def _blocks(world: World, scheme: str, centre: str) -> Tables:
    is_centre = _centre(world, scheme, centre)
    found = block_spillover(world.sample.y, world.x, world.weights, is_centre, world.controls)
    index, low, high = found.asymmetry
    difference = found.difference
    limits = difference.normal()
    again, outward = _refit(world, found.fit), [{"pc": 1.0, "cp": -1.0}]
    table = found.to_frame().assign(
        scheme=scheme,
        p_asymmetry=found.p_asymmetry,
        asymmetry_index=index,
        asymmetry_lo=low,
        asymmetry_hi=high,
        asymmetry_difference=difference.point[0],
        asymmetry_difference_lo=limits.lower[0],
        asymmetry_difference_hi=limits.upper[0],
        n_centre=int(is_centre.sum()),
        p_level_adjusted=_p_of(again[0], outward),
    )
    test = _test_row(again, "asymmetry", scheme, "theta_pc = theta_cp", outward, found.p_asymmetry)
    return {"block_spillover": table, "level_adjusted_test": test}


def _block_lags(world: World, scheme: str, centre: str) -> Tables:
    found = block_lags(world.sample.y, world.x, world.weights, _centre(world, scheme, centre), world.controls)
    return {"block_lag": found.to_frame().assign(scheme=scheme)}


def _reach(world: World, method: Method, edges: tuple[int, ...], synergy_class: str) -> Tables:
    x, controls = world.x, world.controls
    if synergy_class != "all":
        d = world.synergy
        emits = d >= np.median(d) if synergy_class == "high" else d < np.median(d)
        own = world.x[:, :, None]
        # only the emitters of this class are followed over the rings; everybody's own x stays a control
        controls = own if controls is None else np.concatenate([own, controls], axis=2)
        x = world.x * emits[:, None]
    found = distance_decay(
        world.sample.y,
        x,
        world.distance,
        [float(e) for e in edges],
        controls,
        method=method,
        rng=world.rng(f"reach:{method}:{edges[1]}:{synergy_class}"),
    )
    labels = {"method": method, "step_km": edges[1] - edges[0], "synergy_class": synergy_class}
    bands = (
        found.to_frame()
        .rename(columns={"theta": "coef", "z": "t", "lower_all": "lo_all", "upper_all": "hi_all"})
        .assign(**labels)
    )
    bands["band_id"] = np.arange(len(bands))
    boundary = {
        "boundary_km": found.boundary_km,
        "half_distance_km": found.half_distance_km,
        "kappa": found.kappa,
        "kappa_se": found.kappa_se,
    }
    return {"distance_decay": bands, "regional_boundary": pd.DataFrame([{**labels, **boundary}])}


# ---- barriers: which links stand behind which, and what the border takes --------------------------------


def _border(world: World, edges: tuple[int, ...] | None) -> Tables:
    found = border_barrier(
        world.sample.y,
        world.x,
        world.weights,
        world.sample.province,
        world.controls,
        distance=None if edges is None else world.distance,
        edges=edges,
    )
    return _border_tables(world, found, "province", "province" if edges is None else "province:rings")


def _split(world: World, kind: str) -> Tables:
    """Barriers without rings: other borders, and those on the way from a centre to its periphery."""
    found = barrier_split(
        world.sample.y, world.x, world.weights, _is_behind(world, kind), world.controls, scope=_scope_of(world, kind)
    )
    return _border_tables(world, found, kind, kind)


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
        scheme = world.schemes.main("centre")
        core = _centre(world, scheme, world.schemes.centre_of(scheme))
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
    known = first[first["unit_i"].isin(place) & first["unit_j"].isin(place)]
    i, j = (known[name].map(place).to_numpy(dtype=int) for name in ("unit_i", "unit_j"))
    v[i, j] = v[j, i] = known["v_ij"].to_numpy(dtype=np.float64)
    links = world.weights.matrix.toarray() > 0
    share = 1.0 - float(np.isnan(v[links]).mean())
    if share < LEAST_KNOWN:
        raise Skipped(f"prices are known for {share:.0%} of the links between cities, {LEAST_KNOWN:.0%} are needed.")
    return v


def _border_tables(world: World, found: Barrier, barrier_code: str, variant: str) -> Tables:
    again, table = _refit(world, found.fit), found.to_frame()
    contrasts = {ring: found.contrast(ring) for ring in table["ring_id"]}
    p = [_p_of(again[0], [contrast]) for contrast in contrasts.values()]
    last = table.iloc[-1]  # all distances, or all rings jointly
    test = _test_row(again, "border", variant, "theta_in = theta_out", [contrasts[last["ring_id"]]], last["p_equal"])
    return {"border_barrier": table.assign(barrier_code=barrier_code, p_level_adjusted=p), "level_adjusted_test": test}


def _moderated(world: World) -> Tables:
    """Is the border lower where production relations of the receiving city were better in the first year?"""
    found = moderated_barrier(
        world.sample.y, world.x, world.weights, world.sample.province, world.x[:, 0], world.controls
    )
    moderator = f"{world.spec.regressors[0]}_first_year"
    return {"barrier_moderation": found.to_frame().assign(barrier_code="province", moderator=moderator)}


# ---- thresholds in synergy: of the own slope (Hansen) and of the emitter's spillover --------------------


def _hansen(world: World, n: int, draws: int) -> Tables:
    found = threshold_regression(
        world.sample.y,
        world.x,
        world.synergy,
        world.controls,
        n_thresholds=n,
        trim=0.05,
        draws=draws,
        rng=world.rng(f"hansen:{n}"),
    )
    grids = []
    for step, one in enumerate(found.thresholds):
        grid = one.to_frame().rename(columns={"ssr": "objective", "in_interval": "in_ci"})
        grids.append(grid.assign(kind=f"hansen_step_{step + 1}", n_threshold=n, grid_id=np.arange(len(grid))))
    last = found.thresholds[-1]
    row = {
        "kind": "hansen",
        "n_threshold": n,
        "gamma": last.gamma,
        "ci_lo": last.low,
        "ci_hi": last.high,
        "f_stat": last.f,
        "p_boot": last.p,
        "n_boot": draws,
        "p_level_adjusted": _hansen_adjusted(world, n, draws),
        "crit_10": last.critical[0],
        "crit_5": last.critical[1],
        "crit_1": last.critical[2],
        "slope_low": found.slopes[0],
        "slope_se_low": found.se_cluster[0],
        "slope_high": found.slopes[n],
        "slope_se_high": found.se_cluster[n],
        "n_low": found.n_regime[0],
        "n_high": found.n_regime[-1],
    }
    return {"threshold_grid": pd.concat(grids, ignore_index=True), "threshold_result": pd.DataFrame([row])}


def _hansen_adjusted(world: World, n: int, draws: int) -> float:
    """p of the same step between cities of one level; NaN where the sample is too small for it."""
    try:
        found = threshold_regression(
            world.sample.y,
            world.x,
            world.synergy,
            world.controls,
            n_thresholds=n,
            trim=0.05,
            draws=draws,
            rng=world.rng(f"hansen adjusted:{n}"),
            is_level_adjusted=True,
        )
    except PanelInputError:
        return float("nan")
    return found.thresholds[-1].p


def _spatial(world: World, side: str, sizes: Sizes) -> Tables:
    """Only the emitter's threshold is a finding: the receiver's is there to be compared by likelihood."""
    q, draws = world.synergy, sizes.multipliers if side == "emitter" else 0
    found = spatial_threshold(
        world.sample.y,
        world.x,
        q,
        world.weights,
        world.controls,
        side="emitter" if side == "emitter" else "receiver",
        n_grid=sizes.spatial_grid,
        draws=max(draws, 1),
        rng=world.rng(f"spatial:{side}"),
    )
    kind = f"spatial_{side}"
    profile = found.profile().rename(columns={"loglik": "objective", "in_interval": "in_ci"})
    theta = found.to_frame().set_index("name")
    years = world.sample.y.shape[1]
    row = {
        "kind": kind,
        "n_threshold": 1,
        "gamma": found.gamma,
        "ci_lo": found.low,
        "ci_hi": found.high,
        "f_stat": found.test.statistic,
        "p_boot": found.p if draws else np.nan,
        "n_boot": draws,
        "slope_low": theta.loc["lag:low", "theta"],
        "slope_se_low": theta.loc["lag:low", "se"],
        "slope_high": theta.loc["lag:high", "theta"],
        "slope_se_high": theta.loc["lag:high", "se"],
        "n_low": int((q <= found.gamma).sum()) * years,
        "n_high": int((q > found.gamma).sum()) * years,
    }
    tables: Tables = {"threshold_grid": profile.assign(kind=kind, n_threshold=1, grid_id=np.arange(len(profile)))}
    if side == "emitter":
        row["p_level_adjusted"], tables["level_adjusted_test"] = _threshold_row(world, draws=sizes.multipliers)
    return {**tables, "threshold_result": pd.DataFrame([row])}


# ---- the level-adjusted test beside each; a sample that is too small for it says so ---------------------


def _refit(world: World, fit: SpilloverFit) -> tuple[LevelAdjusted | None, str]:
    """The matrices of `fit` on the adjusted scale, or None and why not."""
    try:
        found = level_adjusted(
            world.sample.y, world.x, world.weights, fit.matrices, world.controls, with_own="x" in fit.positions
        )
    except PanelInputError as refused:
        return None, str(refused)
    return found, ""


def _p_of(found: LevelAdjusted | None, contrasts: Sequence[Contrast]) -> float:
    """p of the contrasts together; NaN without a fit."""
    return float("nan") if found is None else found.test(contrasts).p


def _test_row(
    found: tuple[LevelAdjusted | None, str],
    analysis: str,
    variant: str,
    null: str,
    contrasts: Sequence[Contrast],
    p_unadjusted: float,
) -> pd.DataFrame:
    """One row of level_adjusted_test; difference and its interval where one contrast is tested."""
    fit, note = found
    row: dict[str, object] = {
        "analysis": analysis,
        "variant": variant,
        "null_hypothesis": null,
        "dof": len(contrasts),
        "p_unadjusted": p_unadjusted,
        "note": note,
        **dict.fromkeys(("difference", "se", "lo", "hi", "wald", "p"), np.nan),
    }
    if fit is not None:
        test = fit.test(contrasts)
        row |= {"wald": test.statistic, "p": test.p}
        if len(contrasts) == 1:
            row |= _interval(fit, contrasts[0])
    return pd.DataFrame([row])


def _threshold_row(world: World, *, draws: int) -> tuple[float, pd.DataFrame]:
    """(p, row) of a threshold of the emitter's synergy in the spillover; the difference at the best candidate."""
    row: dict[str, object] = {
        "analysis": "threshold",
        "variant": "emitter",
        "null_hypothesis": "theta_low = theta_high at every candidate",
        "dof": 1,
        "note": "p from multipliers of cities; the difference was searched for",
    }
    p = float("nan")
    try:
        found = adjusted_threshold(
            world.sample.y,
            world.x,
            world.synergy,
            world.weights,
            world.controls,
            draws=draws,
            rng=world.rng("adjusted:emitter"),
        )
        p = found.p
        row |= {"wald": found.statistic, "p": p, "difference": found.difference}
    except PanelInputError as refused:
        row["note"] = str(refused)
    return p, pd.DataFrame([row])


def _interval(found: LevelAdjusted, contrast: Contrast) -> dict[str, float]:
    own = found.fit.at(list(contrast)).combine(np.array([list(contrast.values())]))
    limits = own.normal()
    numbers = (own.point, own.std_error, limits.lower, limits.upper)
    return {name: float(n[0]) for name, n in zip(("difference", "se", "lo", "hi"), numbers, strict=True)}
