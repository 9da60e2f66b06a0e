"""Heterogeneity, spillovers by block, reach, borders and thresholds of the headline regressions."""

import pandas as pd

from dagster_project.paths import paths_from_environment
from dagster_project.study.panel import INPUTS as PANEL_INPUTS
from dagster_project.study.specs.depth import current_depth
from dagster_project.study.specs.panel_schema import read_panel_specs
from dagster_project.study.tables.influence import InfluenceSizes, build_influence_tables
from dagster_project.study.tables.truth import truth_table

INPUTS = {
    **PANEL_INPUTS,
    "segmentation_pair": "select unit_i, unit_j, year, v_ij from py.market_segmentation_pair order by 3, 1, 2",
    "panel_effect": "py.panel_effect",
    "truth": "select kind, city_id, year, name, value from ops.synthetic_truth where kind <> 'fault' order by all",
    "synergy": """
        select basis, index_code, city_id, arg_min(d, year) as d from py.coupling
        where form = 'corrected' and scale = 'minmax01' group by all order by 1, 2, 3
    """,
}
TABLES = {
    "influence_run": "Each analysis of each headline regression: done, or why it was skipped.",
    "panel_heterogeneity": "Effects by group of cities with the whole W, emitter and receiver versions.",
    "block_spillover": "Spillovers between centre and periphery by block, with the asymmetry index.",
    "block_lag": "Spatial lags of y by block of centre and periphery, where they are identified.",
    "distance_decay": "Spillover by band of distance: rings, outer and cumulative models.",
    "regional_boundary": "How far the spillover reaches, and its half-distance.",
    "threshold_grid": "Profile of each threshold search over its candidates.",
    "threshold_result": "Thresholds in the synergy of the base year, with interval, bootstrap p and slopes.",
    "barrier_moderation": "Whether the border is lower where production relations were better.",
    "level_adjusted_test": "Each test of a spillover or of equal slopes again, conditional on level.",
    "truth_recovery": "SYNTHETIC demo only: what was planted beside what is found again.",
    "border_barrier": "Spillover inside against across province borders, also within rings of distance.",
}


def build(frames: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """All tables of TABLES."""
    sizes = InfluenceSizes(**current_depth().of("influence"))
    specs = read_panel_specs(paths_from_environment().panel_specs)
    tables = build_influence_tables(frames, specs, seed=seed, sizes=sizes)
    return {**tables, "truth_recovery": truth_table(frames, specs, tables, grid=sizes.spatial_grid, seed=seed)}
