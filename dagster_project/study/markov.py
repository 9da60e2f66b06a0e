"""Markov chains of the headline index: classes, neighbours, tests, long run."""

import pandas as pd

from dagster_project.study.specs.depth import current_depth
from dagster_project.study.tables.markov import Effort, build_markov_tables

INPUTS = {
    "scores": """
        with headline as (
            select j.index_code from int.int_indexes_judged as j
            where j.is_computed and j.index_code like 'nqpf%'
                and j.index_code in (select index_code from ops.index_spec where variant_of = '')
            order by j.index_code limit 1
        ),
        spec as (select distinct index_code, window_start, window_end from ops.index_spec)
        select s.index_code, s.basis, s.weight_scheme, s.city_id, s.year, s.score, s.share_imputed_weight,
            s.year between w.window_start and w.window_end as in_base
        from py.index_score as s
        join headline as h on s.index_code = h.index_code
        join spec as w on s.index_code = w.index_code
        where s.basis like 'frozen%' and s.weight_scheme = 'entropy_flat' and s.score is not null
        order by s.city_id, s.year
    """,
    "city": """
        select city_id, city_code, province_code, centroid_lon, centroid_lat from mart.dim_city
        where in_sample order by city_id
    """,
    "groups": """
        select city_id, scheme, group_code from mart.dim_group_membership
        where scheme in ('four_region', 'east_vs_cw', 'cluster', 'core', 'cluster19') and valid_to is null
        order by scheme, city_id
    """,
    "neighbours": "select city_id_a, city_id_b from seed.city_neighbour order by 1, 2",
}
TABLES = {
    "markov_transition": "Transition probabilities, by discretisation, group, lag, origin and destination.",
    "markov_spatial_transition": "Transition probabilities by the class of the neighbours.",
    "markov_test": "Homogeneity over time, regions and neighbours, and order of the chain.",
    "markov_summary": "Mobility, long run and upward help of each transition matrix.",
    "markov_passage": "Mean first passage and stay of each transition matrix.",
    "city_state": "State of a city and of its neighbours, by year and discretisation.",
    "rank_mobility": "Rank correlation and rank change, by lag and group.",
    "lisa_markov": "Transitions between the quadrants of the Moran scatter.",
}


def build(frames: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """All tables of TABLES."""
    return build_markov_tables(frames, seed=seed, effort=Effort(**current_depth().of("markov")))
