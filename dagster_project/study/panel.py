"""Spatial panel regressions of specs/panel.yml: what they read, the tables they fill."""

import pandas as pd

from dagster_project.paths import paths_from_environment
from dagster_project.study.specs.depth import current_depth
from dagster_project.study.specs.panel_schema import read_panel_specs
from dagster_project.study.tables.panel import build_panel_tables

INPUTS = {
    "scores": """
        select basis, index_code, weight_scheme, city_id, year, score, share_imputed_weight from py.index_score
        where score is not null order by 1, 2, 3, 4, 5
    """,
    "indicators": """
        select indicator_code, city_id, year, value from int.int_values_imputed
        where fill_policy = 'with_fills' and edit_policy = 'edited' and value is not null order by 1, 2, 3
    """,
    "city": """
        select city_id, province_code, admin_tier, centroid_lon, centroid_lat from seed.city
        where centroid_lon is not null order by city_id
    """,
    "groups": """
        select city_id, scheme, group_code from mart.dim_group_membership
        where scheme in ('core', 'cluster', 'east_vs_cw', 'four_region') and valid_to is null order by 1, 2, 3
    """,
    "contributions": """
        select basis, index_code, indicator_code, weight, city_id, year, contribution from py.index_contribution
        where index_code in ('pr', 'pr_yearbook') order by 1, 2, 3, 5, 6
    """,
    "neighbours": "select city_id_a, city_id_b from seed.city_neighbour order by 1, 2",
    "mass": """
        select city_id, value from int.int_indicators_constructed
        where edit_policy = 'edited' and indicator_code = 'q2_gdppc' and value > 0
            and year = (select min(window_start) from ops.index_spec)
        order by city_id
    """,
}
TABLES = {
    "panel_fit": "Fit and residual checks of each regression, or why it was skipped.",
    "panel_coef": "Coefficients with errors of three kinds, by regression and term.",
    "panel_effect": "Direct, indirect and total effects, by regression and variable.",
    "panel_effect_city": "Own, received and emitted effect of each city, headline regressions.",
    "panel_test": "Specification tests, residual checks and the decision rule, by regression.",
    "dynamic_effect": "Short- and long-run effects of the dynamic regressions, by kind of estimate.",
    "iv_diagnostic": "Strength and validity of instruments, by regression and endogenous regressor.",
    "gmm_diagnostic": "Tests of the dynamic regressions by system GMM: instruments, Hansen J, serial correlation.",
    "model_spec": "The regressions of the spec file with what became of each.",
}


def build(frames: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """All tables of TABLES."""
    sizes, file = current_depth().of("panel"), paths_from_environment().panel_specs
    specs = read_panel_specs(file, block_bootstrap=sizes["block_bootstrap"])
    return build_panel_tables(frames, specs, seed=seed, draws=sizes["effects"])
