"""Thresholds in synergy as rows: of the own slope (Hansen) and of the emitter's spillover."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dagster_project.study.tables._influence_world import Tables, World
from dagster_project.study.tables._level_adjusted import threshold_row
from python_models.influence import spatial_threshold, threshold_regression


def hansen(world: World, n: int, draws: int) -> Tables:
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
    grids, rows = [], []
    last = found.thresholds[-1]
    for step, one in enumerate(found.thresholds):
        grid = one.to_frame().rename(columns={"ssr": "objective", "in_interval": "in_ci"})
        grids.append(grid.assign(kind=f"hansen_step_{step + 1}", n_threshold=n, grid_id=np.arange(len(grid))))
    rows.append(
        {
            "kind": "hansen",
            "n_threshold": n,
            "gamma": last.gamma,
            "ci_lo": last.low,
            "ci_hi": last.high,
            "f_stat": last.f,
            "p_boot": last.p,
            "n_boot": draws,
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
    )
    return {"threshold_grid": pd.concat(grids, ignore_index=True), "threshold_result": pd.DataFrame(rows)}


def spatial(world: World, side: str, *, bootstrap: int, grid: int, effects: int) -> Tables:
    q = world.synergy
    found = spatial_threshold(
        world.sample.y,
        world.x,
        q,
        world.weights,
        world.controls,
        side="emitter" if side == "emitter" else "receiver",
        n_grid=grid,
        draws=bootstrap,
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
        "f_stat": found.lr,
        "p_boot": found.p,
        "n_boot": bootstrap,
        "slope_low": theta.loc["lag:low", "theta"],
        "slope_se_low": theta.loc["lag:low", "se"],
        "slope_high": theta.loc["lag:high", "theta"],
        "slope_se_high": theta.loc["lag:high", "se"],
        "n_low": int((q <= found.gamma).sum()) * years,
        "n_high": int((q > found.gamma).sum()) * years,
    }
    tables: Tables = {"threshold_grid": profile.assign(kind=kind, n_threshold=1, grid_id=np.arange(len(profile)))}
    if side == "emitter":  # the question of the study; the receiver version is there to be compared by likelihood
        row["p_level_adjusted"], tables["level_adjusted_test"] = threshold_row(world, draws=effects)
    return {**tables, "threshold_result": pd.DataFrame([row])}
