"""Paths of cities and monitors of the four principles, from the frozen headline indexes and what was estimated."""

import pandas as pd

from dagster_project.study.specs.depth import current_depth
from dagster_project.study.tables.policy import build_policy_tables

FROZEN = "basis::varchar like 'frozen%'"
PAIRS = "(values ('nqpf', 'pr'), ('nqpf_yearbook', 'pr_yearbook')) as pair (index_code, relations_code)"
COMPOSITES = "('nqpf', 'pr', 'nqpf_yearbook', 'pr_yearbook')"
OWN_SCHEME = "(select distinct index_code, weight_scheme from ops.index_spec)"  # of the headline score
OWN = (
    f"(index_code::varchar, weight_scheme::varchar) in {OWN_SCHEME}"
    f" and {FROZEN} and index_code::varchar in {COMPOSITES}"
)
INPUTS = {
    "scores": f"""
        with headline as (
            select basis, index_code, weight_scheme, city_id, year, score from py.index_score
            where {OWN} and score is not null
        ),
        coordinated as (
            select basis, index_code, city_id, year, d, lead_lag from py.coupling
            where form::varchar = 'corrected' and scale::varchar = 'minmax01'
        ),
        spec as (select distinct index_code, window_start, window_end from ops.index_spec)
        select a.basis, pair.index_code, pair.relations_code, a.weight_scheme, a.city_id, a.year, a.score as u,
            b.score as p, c.d, (c.lead_lag = 'pr_lagging')::double as pr_lagging,
            a.year between s.window_start and s.window_end as in_base
        from {PAIRS}
        join headline as a on pair.index_code = a.index_code
        join headline as b
            on pair.relations_code = b.index_code and a.basis = b.basis and a.city_id = b.city_id and a.year = b.year
        join coordinated as c
            on pair.index_code = c.index_code and a.basis = c.basis and a.city_id = c.city_id and a.year = c.year
        join spec as s on pair.index_code = s.index_code
        join seed.city as place on a.city_id = place.city_id and place.centroid_lon is not null
        order by 1, 2, 5, 6
    """,
    "values": f"""
        select basis, index_code, city_id, year, indicator_code, z from py.index_value
        where {FROZEN} and index_code::varchar in {COMPOSITES} order by 1, 2, 3, 4, 5
    """,
    "weights": f"""
        select basis, index_code, indicator_code, weight from py.index_weight
        where {OWN} and coalesce(year, 0) = 0 order by 1, 2, 3
    """,
    "city": """
        select city_id, province_code, centroid_lon, centroid_lat from seed.city
        where centroid_lon is not null order by city_id
    """,
    "groups": """
        select city_id, scheme, group_code from mart.dim_group_membership where valid_to is null order by 1, 2, 3
    """,
    "neighbours": "select city_id_a, city_id_b from seed.city_neighbour order by 1, 2",
    "features": """
        select variable_code, city_id, year, value from int.int_values_completed
        where edit_policy = 'edited' and value > 0 and year >= (select min(window_start) from ops.index_spec)
            and variable_code in ('population', 'gdp_nom', 'secondary_share', 'tertiary_share')
        order by 1, 2, 3
    """,
    "threshold": "select * from py.threshold_result",
    "barrier": "select * from py.border_barrier where barrier_code::varchar = 'province'",
    "block": "select * from py.block_spillover where scheme::varchar = 'core'",
    "boundary": "select * from py.regional_boundary where method::varchar = 'ring' and synergy_class::varchar = 'all'",
    "segmentation": """
        select city_id, year, seg from py.market_segmentation where neighbour_rule::varchar = 'contiguous'
        order by 1, 2
    """,
    "segmentation_pair": """
        select year, same_province, count(*) as n,
            avg(v_ij order by unit_i, unit_j) as v
        from py.market_segmentation_pair
        group by all order by 1, 2
    """,
    "dagum": "select * from py.dagum_component where scheme::varchar = 'four_region'",
    "network": "select * from py.network_summary",
    "network_city": "select index_code, basis, city_id, year, out_degree from py.network_city order by all",
}
TABLES = {
    "city_path": "Path, rule, inputs, cuts, margin and certainty of each city and year.",
    "path_transition": "From the path of one year to that of the next, with limits.",
    "path_summary": "Cities and share of each path, by year, scheme and group.",
    "principle_monitor": "Monitors of the four principles, by year and level.",
}


def build(frames: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """All tables of TABLES."""
    return build_policy_tables(frames, seed=seed, n_draws=current_depth().of("policy")["draws"])
