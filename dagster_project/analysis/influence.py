"""Heterogeneity, spillovers by block, reach, borders and thresholds of the headline regressions."""

import pandas as pd

from dagster_project.analysis.panel import INPUTS as PANEL_INPUTS
from dagster_project.paths import paths_from_environment
from dagster_project.specs.panel_schema import read_panel_specs
from python_models.tables.influence import build_influence_tables

INPUTS = {
    **PANEL_INPUTS,
    "groups": """
        select city_id, scheme, group_code from mart.dim_group_membership
        where scheme in ('core', 'cluster', 'east_vs_cw') and valid_to is null order by 1, 2, 3
    """,
    "synergy": """
        select basis, index_code, city_id, arg_min(d, year) as d from py.coupling
        where form = 'corrected' and scale = 'minmax01' group by all order by 1, 2, 3
    """,
}
TABLES = {
    "influence_run": "Each analysis of each headline regression: done, or why it was skipped.",
    "panel_heterogeneity": "Effects by group of cities with the whole W, emitter and receiver versions.",
    "block_spillover": "Spillovers between centre and periphery by block, with the asymmetry index.",
    "distance_decay": "Spillover by band of distance: rings, outer and cumulative models.",
    "regional_boundary": "How far the spillover reaches, and its half-distance.",
    "threshold_grid": "Profile of each threshold search over its candidates.",
    "threshold_result": "Thresholds in the synergy of the base year, with interval, bootstrap p and slopes.",
    "border_barrier": "Spillover inside against across province borders, also within rings of distance.",
}


def build(frames: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """All tables of TABLES."""
    return build_influence_tables(frames, read_panel_specs(paths_from_environment().panel_specs), seed=seed)
