"""Regimes, moderated spillovers, placebo weights and the robustness suite of the headline regressions."""

import pandas as pd

from dagster_project.paths import paths_from_environment
from dagster_project.study.influence import INPUTS as INFLUENCE_INPUTS
from dagster_project.study.specs.depth import current_depth
from dagster_project.study.specs.panel_schema import read_panel_specs
from dagster_project.study.tables.robustness import RobustnessSizes, build_robustness_tables

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
TABLES = {
    "robustness_run": "Regimes, interactions and placebo of each headline regression: done, or why skipped.",
    "regime_coef": "Spatial lag and effects by regime of the receiving city, with the test of equality.",
    "interaction_effect": "Effects of production relations at levels of a moderator, with simulated bands.",
    "robustness_placebo": "Spillover under random relabellings of the cities in W, one row a draw.",
    "robustness_placebo_summary": "The true spillover against its distribution under relabelled W.",
    "robustness_placebo_years": "The true spillover against its distribution with x in wrong years.",
    "robustness": "Each variant of a headline regression: effects, agreement with the headline, place on the curve.",
    "robustness_summary": "Shares of variants that agree with the headline in sign and significance.",
}


def build(frames: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """All tables of TABLES."""
    sizes, specs = RobustnessSizes(**current_depth().of("robustness")), paths_from_environment().panel_specs
    return build_robustness_tables(frames, read_panel_specs(specs), seed=seed, sizes=sizes)
