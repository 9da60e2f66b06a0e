"""Regional disparity of the headline indexes: Gini, Dagum, Theil, sigma trends, gradients."""

import pandas as pd

from dagster_project.study.specs.depth import current_depth
from dagster_project.study.tables.disparity import build_disparity_tables

HEADLINES = "(select index_code from ops.index_spec where variant_of = '' and index_code not like 'pr%')"
INPUTS = {
    "scores": f"""
        select basis, index_code, weight_scheme, city_id, year, score from py.index_score
        where index_code in {HEADLINES} and weight_scheme = 'entropy_flat' order by all
    """,
    "groups": "select city_id, scheme, group_code, valid_from, valid_to from mart.dim_group_membership order by all",
    "city": "select city_id, province_code, admin_tier from mart.dim_city order by city_id",
    "population": """
        select city_id, year, value as population from int.int_values_completed
        where edit_policy = 'edited' and variable_code = 'population' and value > 0
            and year >= (select min(window_start) from ops.index_spec) order by all
    """,
}
TABLES = {
    "disparity_summary": "Mean, spread and inequality by year, scheme and group, with limits.",
    "dagum_within": "Within-group Gini index, by year and scheme.",
    "dagum_between": "Gini index and relative affluence of each pair of groups, by year and scheme.",
    "dagum_component": "Parts of Dagum's decomposition, by year and scheme.",
    "theil_nested": "Theil index between regions, between provinces and within provinces, by year.",
    "theil_region": "Theil index within each region and its parts, by year.",
    "sigma_trend": "Trend of the spread by scheme and group.",
    "group_gradient": "Difference between groups in level, growth and trend.",
}


def build(frames: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """All tables of TABLES."""
    sizes = current_depth().of("disparity")
    return build_disparity_tables(frames, seed=seed, n_bootstrap=sizes["bootstrap"], n_trend=sizes["trend"])
