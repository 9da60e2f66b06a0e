"""How far the headline indexes can be trusted: agreement of schemes, uncertainty, stability, restatement, validity."""

import pandas as pd

from dagster_project.study.history import PREVIOUS
from dagster_project.study.specs.depth import current_depth
from dagster_project.study.tables.measurement import build_measurement_tables

HEADLINES = "(select index_code from ops.index_spec where variant_of = '')"
INPUTS = {
    "panel": f"""
        select index_code, city_id, year, indicator_code, value, is_imputed from int.int_panel_balanced
        where index_code in {HEADLINES} order by index_code, city_id, year, indicator_code
    """,
    "spec": """
        select index_code, indicator_code, dimension, variant_of from ops.index_spec order by index_code, indicator_code
    """,
    "indicator": "select indicator_code, direction, cap_high, is_winsorised from seed.indicator order by 1",
    "bounds": "select * from py.index_bounds order by index_code, basis, indicator_code",
    "weight": f"""
        select basis, index_code, weight_scheme, indicator_code, year, weight from py.index_weight
        where index_code in {HEADLINES} order by all
    """,
    "score": f"""
        select basis, index_code, weight_scheme, city_id, year, score from py.index_score
        where index_code in {HEADLINES} order by all
    """,
    "value": f"""
        select basis, index_code, city_id, year, indicator_code, z, out_of_base_range from py.index_value
        where index_code in {HEADLINES} order by all
    """,
    "outside": """
        select indicator_code as external_code, city_id, year, value from int.int_indicators_constructed
        where edit_policy = 'edited' and value is not null and year >= (select min(window_start) from ops.index_spec)
        union all
        select 'latent_' || name, city_id, year, value from ops.synthetic_truth where kind = 'latent'
        order by 1, 2, 3
    """,
    "context": "select data_vintage from ops.run_context",
    "previous": PREVIOUS,
}
TABLES = {
    "index_rank_agreement": "Agreement of the ranks of two weight schemes, by year.",
    "index_uncertainty": "Ranks and scores of a city over 1,000 draws of all choices, by year.",
    "index_uncertainty_factor": "Sobol shares of each choice in the mean shift of ranks.",
    "index_uncertainty_city_factor": "Sobol shares of each choice in the mean shift of one city.",
    "index_drop_one": "Agreement of the headline ranks with those without one indicator, by year.",
    "index_weight_stability": "Weights of expanding and leave-one-year-out windows.",
    "index_weight_bootstrap": "Standard error and interval of each headline weight, drawn by city.",
    "index_pca": "What principal components need: KMO, Bartlett, components kept, negative weights.",
    "index_validity": "Correlations of the index with variables outside it, by year.",
    "index_rebase_alarm": "Signs that the base window is out of date: range and drift of weights.",
    "index_restatement": "From the frozen to the restated score of a city and year: part of bounds, part of weights.",
}
WORKERS = 1


def build(frames: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """All tables of TABLES; one worker, since the work takes seconds and starting others would take as long."""
    return build_measurement_tables(frames, seed=seed, n_jobs=WORKERS, **current_depth().of("measurement"))
