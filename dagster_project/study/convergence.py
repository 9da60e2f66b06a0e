"""Dynamics of the headline indexes without a transition matrix: densities, beta convergence, clubs."""

import pandas as pd

from dagster_project.study.specs.depth import current_depth
from dagster_project.study.tables.convergence import build_convergence_tables

HEADLINES = "(select index_code from ops.index_spec where variant_of = '' and index_code not like 'pr%')"
INPUTS = {
    "scores": f"""
        select basis, index_code, weight_scheme, city_id, year, score from py.index_score
        where index_code in {HEADLINES} and weight_scheme in ('entropy_flat', 'equal') order by all
    """,
    "groups": "select city_id, scheme, group_code, valid_from, valid_to from mart.dim_group_membership order by all",
    "city": "select city_id, province_code, admin_tier from mart.dim_city order by city_id",
    "neighbour": "select city_id_a, city_id_b from seed.city_neighbour order by all",
}
TABLES = {
    "kde_curve": "Kernel density of the scores by year, scheme, group and bandwidth rule.",
    "kde_feature": "Modes, width and tail of each density, with a test of one mode.",
    "stochastic_kernel": "Density of a city's later place given its place today, or given its neighbours' place.",
    "beta_convergence": "Speed of convergence by estimator, scheme and group.",
    "club_logt": "Log t test of all cities and of each club, before and after merging.",
    "club_membership": "Club of each city, with its stability over drawn samples.",
}


def build(frames: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """All tables of TABLES."""
    sizes = current_depth().of("convergence")
    return build_convergence_tables(frames, seed=seed, n_bootstrap=sizes["bootstrap"], n_draws=sizes["draws"])
