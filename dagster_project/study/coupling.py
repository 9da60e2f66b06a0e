"""Coupling of new quality productive forces with production relations."""

import pandas as pd

from dagster_project.study.tables.coupling import build_coupling_tables

INPUTS = {
    "scores": """
        with spec as (select distinct index_code, weight_scheme, window_start, window_end from ops.index_spec),
        pairs (index_code, relations_code) as (values ('nqpf', 'pr'), ('nqpf_yearbook', 'pr_yearbook')),
        headline as (
            select s.basis, s.index_code, s.weight_scheme, s.city_id, s.year, s.score from py.index_score as s
            join spec as p on s.index_code = p.index_code and s.weight_scheme = p.weight_scheme
            where s.score is not null
        )
        select p.index_code, p.relations_code, a.basis, a.weight_scheme, a.city_id, a.year,
            a.score as u1, b.score as u2, a.year between s.window_start and s.window_end as in_base
        from pairs as p
        join headline as a on p.index_code = a.index_code
        join headline as b
            on p.relations_code = b.index_code and a.basis = b.basis and a.city_id = b.city_id and a.year = b.year
        join spec as s on p.index_code = s.index_code
        order by 1, 3, 5, 6
    """,
    "groups": """
        select city_id, scheme, group_code from mart.dim_group_membership
        where scheme in ('four_region', 'east_vs_cw', 'cluster', 'core') order by 1, 2, 3
    """,
}
TABLES = {
    "coupling": "Coupling coordination by city, year, form and scale.",
    "coupling_summary": "Coordination by group and year: mean, classes, who lags.",
}


def build(frames: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """Nothing here is drawn: the seed is not used."""
    return build_coupling_tables(frames)
