"""Findings as tables: heterogeneity, blocks, reach, borders and thresholds on the headline regressions.

What does not belong here: formulas (python_models.influence) and the spec file's text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from dagster_project.study.tables._influence_barriers import BARRIERS, border, moderated, split
from dagster_project.study.tables._influence_thresholds import hansen, spatial
from dagster_project.study.tables._influence_world import CENTRES, Frames, Tables, World
from dagster_project.study.tables._level_adjusted import TEST_COLUMNS, p_of, refit, test_row
from dagster_project.study.tables._model_rows import KEYS, joined, model_keys, run_row
from dagster_project.study.tables._panel_data import Skipped, read_sample, read_weights
from dagster_project.study.tables._panel_spec import PanelSpec
from python_models.influence import block_lags, block_spillover, distance_decay, fit_spillover, group_effects
from python_models.influence.rings import Method
from python_models.regression import PanelInputError

SCHEMES = ("east_vs_cw", "cluster", "core")
SPLITS = ("four_region", *SCHEMES)  # of effects by group
EDGES_100 = tuple(range(0, 1001, 100))
EDGES_50 = tuple(range(0, 501, 50))
BORDER_EDGES = (0, 150, 300, 500)
METHODS: tuple[Method, ...] = ("ring", "outer", "cumulative")
HANSEN_STEPS = (1, 2, 3)
WITHOUT_PAIRS = {f"hansen:{n}" for n in HANSEN_STEPS}  # no multiplier of pairs of cities: for any number of them
COLUMNS = {
    "barrier_moderation": [
        *KEYS,
        "barrier_code",
        "moderator",
        "at_percentile",
        "at_value",
        "theta_in",
        "se_in",
        "theta_out",
        "se_out",
        "barrier_index",
        "lo",
        "hi",
        "wald",
        "p_moderation",
        "n_obs",
        "seed",
    ],
    "influence_run": [*KEYS, "analysis", "variant", "status", "skip_reason", "n_obs", "seed"],
    "panel_heterogeneity": [
        *KEYS,
        "scheme",
        "side",
        "group_code",
        "effect",
        "variable",
        "point",
        "se",
        "lo",
        "hi",
        "p",
        "p_equal",
        "p_level_adjusted",
        "n_obs",
        "seed",
    ],
    "block_spillover": [
        *KEYS,
        "scheme",
        "emitter",
        "receiver",
        "theta_block",
        "se",
        "e_per_emitter",
        "e_lo",
        "e_hi",
        "r_per_receiver",
        "r_lo",
        "r_hi",
        "per_link",
        "per_link_lo",
        "per_link_hi",
        "p_asymmetry",
        "p_level_adjusted",
        "asymmetry_index",
        "asymmetry_lo",
        "asymmetry_hi",
        "n_centre",
        "n_obs",
        "seed",
    ],
    "block_lag": [
        *KEYS,
        "scheme",
        "emitter",
        "receiver",
        "rho_block",
        "se",
        "lo",
        "hi",
        "theta_block",
        "wald",
        "p_equal",
        "p_lr",
        "lnl",
        "lnl_common",
        "condition",
        "n_modes",
        "n_obs",
        "seed",
    ],
    "distance_decay": [
        *KEYS,
        "method",
        "step_km",
        "synergy_class",
        "band_id",
        "d_from_km",
        "d_to_km",
        "coef",
        "se",
        "t",
        "p",
        "p_holm",
        "n_cities_with_neighbour",
        "note",
        "n_obs",
        "seed",
    ],
    "regional_boundary": [
        *KEYS,
        "method",
        "step_km",
        "synergy_class",
        "boundary_km",
        "half_distance_km",
        "kappa",
        "kappa_se",
        "n_obs",
        "seed",
    ],
    "threshold_grid": [*KEYS, "kind", "n_threshold", "grid_id", "gamma", "objective", "lr", "in_ci", "n_obs", "seed"],
    "threshold_result": [
        *KEYS,
        "kind",
        "n_threshold",
        "gamma",
        "ci_lo",
        "ci_hi",
        "f_stat",
        "p_boot",
        "n_boot",
        "p_level_adjusted",
        "crit_10",
        "crit_5",
        "crit_1",
        "slope_low",
        "slope_se_low",
        "slope_high",
        "slope_se_high",
        "n_low",
        "n_high",
        "n_obs",
        "seed",
    ],
    "border_barrier": [
        *KEYS,
        "barrier_code",
        "ring_id",
        "theta_in",
        "se_in",
        "theta_out",
        "se_out",
        "barrier_index",
        "lo",
        "hi",
        "fieller_lo",
        "fieller_hi",
        "p_equal",
        "p_level_adjusted",
        "n_obs",
        "seed",
    ],
    "level_adjusted_test": [*KEYS, *TEST_COLUMNS, "n_obs", "seed"],
}


@dataclass(frozen=True)
class InfluenceSizes:
    """How much is drawn: behind effects by group and block, behind a barrier; Hansen's bootstrap; panels without a
    spatial threshold and candidates of one."""

    effects: int
    barrier: int
    threshold_bootstrap: int
    spatial_bootstrap: int
    spatial_grid: int


def build_influence_tables(frames: Frames, specs: Sequence[PanelSpec], *, seed: int, sizes: InfluenceSizes) -> Tables:
    """Tables of COLUMNS for the headline specs. A part that the data do not allow is a row of influence_run with the
    reason; it never stops the others. Any other error is a fault of the program and is raised."""
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    for spec in (s for s in specs if s.is_headline):
        try:
            sample = read_sample(frames, spec)
            world = World(spec, sample, read_weights(frames, spec, sample), frames, seed)
        except (Skipped, PanelInputError) as refused:
            parts["influence_run"].append(run_row(spec, spec.basis, "sample", "", str(refused)).assign(seed=seed))
            continue
        for analysis, variant, make in _jobs(world, sizes):
            try:
                if variant not in WITHOUT_PAIRS:
                    world.need_pairs(f"{analysis} ({variant})")
                made, reason = make(), ""
            except (Skipped, PanelInputError) as refused:
                made, reason = {}, str(refused)
            made["influence_run"] = run_row(spec, sample.basis, analysis, variant, reason)
            for name, table in made.items():
                keys = model_keys(spec, sample.basis)
                parts[name].append(table.assign(**keys, n_obs=sample.y.size, seed=seed).reindex(columns=COLUMNS[name]))
    return {name: joined(rows, COLUMNS[name]) for name, rows in parts.items()}


def _jobs(world: World, sizes: InfluenceSizes) -> list[tuple[str, str, Callable[[], Tables]]]:
    jobs: list[tuple[str, str, Callable[[], Tables]]] = [("level adjusted", "spillover", _bind(_spillover, world))]
    for scheme in SPLITS:
        for side in ("emitter", "receiver"):
            jobs.append(
                ("heterogeneity", f"{scheme}:{side}", _bind(_heterogeneity, world, scheme, side, sizes.effects))
            )
    for scheme in (*SCHEMES, "synergy"):
        jobs.append(("blocks", scheme, _bind(_blocks, world, scheme, sizes.effects)))
        jobs.append(("block lags", scheme, _bind(_block_lags, world, scheme)))
    for method in METHODS:
        jobs.append(("reach", f"{method}:100", _bind(_reach, world, method, EDGES_100, "all")))
    jobs.append(("reach", "ring:50", _bind(_reach, world, "ring", EDGES_50, "all")))
    for synergy_class in ("high", "low"):
        jobs.append(("reach", f"ring:100:{synergy_class}", _bind(_reach, world, "ring", EDGES_100, synergy_class)))
    jobs.append(("barrier", "province", _bind(border, world, None, sizes.barrier)))
    jobs.append(("barrier", "province:rings", _bind(border, world, BORDER_EDGES, sizes.barrier)))
    for kind in BARRIERS:
        jobs.append(("barrier", kind, _bind(split, world, kind, sizes.barrier)))
    jobs.append(("barrier", "province:relations", _bind(moderated, world, sizes.barrier)))
    jobs += [("threshold", f"hansen:{n}", _bind(hansen, world, n, sizes.threshold_bootstrap)) for n in HANSEN_STEPS]
    jobs += [("threshold", f"spatial:{side}", _spatial(world, side, sizes)) for side in ("emitter", "receiver")]
    return jobs


def _bind(function: Callable[..., Tables], *arguments: object) -> Callable[[], Tables]:
    return lambda: function(*arguments)


def _spatial(world: World, side: str, sizes: InfluenceSizes) -> Callable[[], Tables]:
    """Only the emitter's threshold is a finding: the receiver's is there to be compared by likelihood."""
    draws = sizes.spatial_bootstrap if side == "emitter" else 0
    return lambda: spatial(world, side, bootstrap=draws, grid=sizes.spatial_grid, effects=sizes.effects)


def _spillover(world: World) -> Tables:
    """Is there a spillover, or a spatial lag, at all between cities whatever their level?"""
    fit = fit_spillover(world.sample.y, world.x, world.weights, {"lag": world.weights.matrix}, world.controls)
    found, se = refit(world, fit), np.sqrt(np.diag(fit.core.cov))
    at = {name: fit.positions[name] for name in ("lag", "rho")}
    plain = {name: float(2 * stats.norm.sf(abs(fit.core.params[i]) / se[i])) for name, i in at.items()}
    both = [{name: 1.0} for name in at]
    joint = float(stats.chi2.sf(*fit.wald(both)))
    rows = [
        test_row(found, "spatial lag", "rho", "rho = 0", [{"rho": 1.0}], plain["rho"]),
        test_row(found, "spillover", "theta", "theta = 0", [{"lag": 1.0}], plain["lag"]),
        test_row(found, "spillover", "theta and rho", "theta = rho = 0", both, joint),
    ]
    return {"level_adjusted_test": pd.concat(rows, ignore_index=True)}


def _heterogeneity(world: World, scheme: str, side: str, draws: int) -> Tables:
    found = group_effects(
        world.sample.y,
        world.x,
        world.weights,
        world.groups(scheme).tolist(),
        world.controls,
        side="emitter" if side == "emitter" else "receiver",
        draws=draws,
        rng=world.rng(f"group:{scheme}:{side}"),
    )
    again = refit(world, found.fit)
    table = (
        found.to_frame()
        .rename(columns={"lower": "lo", "upper": "hi"})
        .assign(
            scheme=scheme,
            side=side,
            variable=world.spec.regressors[0],
            p_level_adjusted=p_of(again[0], found.contrasts),
        )
    )
    test = test_row(
        again,
        "heterogeneity",
        f"{scheme}:{side}",
        "equal slopes and spillovers over groups",
        found.contrasts,
        found.p_equal,
    )
    return {"panel_heterogeneity": table, "level_adjusted_test": test}


def _centre(world: World, scheme: str) -> np.ndarray:
    if scheme == "synergy":
        return np.asarray(world.synergy >= np.quantile(world.synergy, 2 / 3))
    return np.asarray(world.groups(scheme) == CENTRES[scheme])


def _blocks(world: World, scheme: str, draws: int) -> Tables:
    centre = _centre(world, scheme)
    found = block_spillover(
        world.sample.y, world.x, world.weights, centre, world.controls, draws=draws, rng=world.rng(f"block:{scheme}")
    )
    index, low, high = found.asymmetry
    again, outward = refit(world, found.fit), [{"pc": 1.0, "cp": -1.0}]
    table = found.to_frame().assign(
        scheme=scheme,
        p_asymmetry=found.p_asymmetry,
        asymmetry_index=index,
        asymmetry_lo=low,
        asymmetry_hi=high,
        n_centre=int(centre.sum()),
        p_level_adjusted=p_of(again[0], outward),
    )
    test = test_row(again, "asymmetry", scheme, "theta_pc = theta_cp", outward, found.p_asymmetry)
    return {"block_spillover": table, "level_adjusted_test": test}


def _block_lags(world: World, scheme: str) -> Tables:
    found = block_lags(world.sample.y, world.x, world.weights, _centre(world, scheme), world.controls)
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
    found = distance_decay(world.sample.y, x, world.distance, [float(e) for e in edges], controls, method=method)
    step = edges[1] - edges[0]
    labels = {"method": method, "step_km": step, "synergy_class": synergy_class}
    names = {"theta": "coef", "z": "t"}
    bands = found.to_frame().rename(columns=names).assign(**labels)
    bands["band_id"] = np.arange(len(bands))
    boundary = pd.DataFrame(
        [
            {
                **labels,
                "boundary_km": found.boundary_km,
                "half_distance_km": found.half_distance_km,
                "kappa": found.kappa,
                "kappa_se": found.kappa_se,
            }
        ]
    )
    return {"distance_decay": bands, "regional_boundary": boundary}
