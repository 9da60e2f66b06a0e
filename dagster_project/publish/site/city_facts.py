"""What the city profiles read: every mart once, for all cities, grouped by city. SQL here only selects and joins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from dagster_project.publish.site.pages.base import has_rows, rows
from dagster_project.publish.site.queries import SCHEME, Meta

Row = dict[str, Any]
ByCity = dict[str, list[Row]]
NEIGHBOURS = "queen_row"


@dataclass(frozen=True)
class CityFacts:
    """Rows by city_id, in the order of their years. Empty where a mart is absent or empty."""

    cities: list[Row]  # one row a judged city: names, code, province, tier, in_sample, drop_reason
    groups: ByCity
    scores: ByCity  # year, score, rank, ranges, new, quality, imputed
    contributions: ByCity  # year, indicator, points, weight, value, unit, origin
    paths: ByCity
    neighbours: ByCity
    clusters: ByCity  # local Moran class of the last year
    revisions: ByCity
    restated: ByCity  # frozen and restated score of the last year
    trail: ByCity  # year, variable, printed figure, its cell, indicators that use it
    loads: list[Row]


def judged(con: duckdb.DuckDBPyConnection, meta: Meta) -> list[Row]:
    """Every city that was judged for the index, in the order of the codes."""
    return rows(
        con,
        """
        select s.city_id, coalesce(c.name_en, s.name_en, s.city_id) as name_en,
            coalesce(c.name_zh, s.name_zh, '') as name_zh, coalesce(c.city_code, s.city_id) as city_code,
            c.province_en, c.province_name, c.admin_tier, s.in_sample, s.drop_reason, s.share_imputed_cells
        from mart.mart_sample_city as s
        left join mart.dim_city as c on c.city_id = s.city_id and c.boundary_vintage = ?
        where s.index_code = ? order by s.city_id
        """,
        [meta.boundary_vintage, meta.index_code],
    )


def read(con: duckdb.DuckDBPyConnection, meta: Meta) -> CityFacts:
    """All rows for the index, basis and weights of the report."""
    own = [meta.index_code, meta.basis, SCHEME]
    return CityFacts(
        cities=judged(con, meta),
        groups=_by_city(con, "dim_group_membership", _GROUPS, [meta.last_year, meta.last_year]),
        scores=_by_city(
            con,
            "mart_index_score",
            _SCORES[has_rows(con, "mart_index_uncertainty")],
            [*own, meta.first_year, meta.last_year],
        ),
        contributions=_by_city(con, "mart_index_contribution", _CONTRIBUTIONS, [*own, meta.first_year, meta.last_year]),
        paths=_by_city(con, "mart_city_path", _PATHS, own),
        neighbours=_by_city(con, "mart_spatial_weight_edge", _NEIGHBOURS, [NEIGHBOURS]),
        clusters=_by_city(con, "mart_lisa", _CLUSTERS, [*own, NEIGHBOURS, meta.last_year]),
        revisions=_by_city(con, "mart_revision_log", _REVISIONS, []),
        restated=_by_city(con, "mart_index_restatement", _RESTATED, [meta.index_code, meta.basis, meta.last_year]),
        trail=_by_city(con, "mart_indicator_source", _TRAIL, [meta.index_code, meta.first_year, meta.last_year]),
        loads=rows(con, _LOADS) if has_rows(con, "mart_source_load") else [],
    )


def _by_city(con: duckdb.DuckDBPyConnection, table: str, sql: str, params: Sequence[Any]) -> ByCity:
    held: ByCity = defaultdict(list)
    if has_rows(con, table):
        for row in rows(con, sql, params):
            held[row["city_id"]].append(row)
    return held


_GROUPS = """
select city_id, scheme, group_code, group_name_en as name_en, group_name_zh as name_zh
from mart.dim_group_membership
where valid_from <= ? and (valid_to is null or valid_to >= ?) order by city_id, scheme
"""
_SCORE = """
select s.city_id, s.year, s.score_100 as score, s.rank_year as rank, s.share_imputed_weight as imputed,
    n.score_100 as new, q.score_100 as quality, e.rank_year as rank_equal, {ranges}
from mart.mart_index_score as s
left join mart.mart_index_score as n on n.index_code = s.index_code || '_new' and n.basis = s.basis
    and n.weight_scheme = s.weight_scheme and n.city_id = s.city_id and n.year = s.year
left join mart.mart_index_score as q on q.index_code = s.index_code || '_quality' and q.basis = s.basis
    and q.weight_scheme = s.weight_scheme and q.city_id = s.city_id and q.year = s.year
left join mart.mart_index_score as e on e.index_code = s.index_code and e.basis = s.basis
    and e.weight_scheme = 'equal' and e.city_id = s.city_id and e.year = s.year
{join}
where s.index_code = ? and s.basis = ? and s.weight_scheme = ? and s.score is not null and s.year between ? and ?
order by s.city_id, s.year
"""
_WITH = _SCORE.format(
    ranges="u.rank_p05, u.rank_p95, u.p_top20, 100 * u.score_p05 as score_p05, 100 * u.score_p95 as score_p95, "
    "u.n_draws",
    join="left join mart.mart_index_uncertainty as u on u.index_code = s.index_code and u.basis = s.basis "
    "and u.city_id = s.city_id and u.year = s.year",
)
_WITHOUT = _SCORE.format(
    ranges=", ".join(
        f"null as {name}" for name in ("rank_p05", "rank_p95", "p_top20", "score_p05", "score_p95", "n_draws")
    ),
    join="",
)
_SCORES = {True: _WITH, False: _WITHOUT}
_CONTRIBUTIONS = """
select k.city_id, k.year, k.indicator_code, i.name_en, i.name_zh, i.dimension, k.weight, k.z,
    100 * k.contribution as points, k.obstacle_degree as obstacle, v.value_final as value, i.unit, v.value_origin
from mart.mart_index_contribution as k
left join mart.mart_indicator_value as v using (basis, index_code, city_id, year, indicator_code)
left join mart.dim_indicator as i using (index_code, indicator_code)
where k.index_code = ? and k.basis = ? and k.weight_scheme = ? and k.year between ? and ?
order by k.city_id, k.year, k.indicator_code
"""
_PATHS = """
select p.*, b.name_en as benchmark_en, b.name_zh as benchmark_zh
from mart.mart_city_path as p
left join mart.dim_city as b on b.city_id = p.benchmark_city_id and b.boundary_vintage = p.boundary_vintage
where p.index_code = ? and p.basis = ? and p.weight_scheme = ? order by p.city_id, p.year
"""
_NEIGHBOURS = """
select city_id_receiver as city_id, city_id_emitter as other, distance_km, same_province
from mart.mart_spatial_weight_edge where w_code = ? order by 1, distance_km, 2
"""
_CLUSTERS = """
select city_id, class_fdr, class_raw, q_bh from mart.mart_lisa
where index_code = ? and basis = ? and weight_scheme = ? and w_code = ? and year = ?
"""
_REVISIONS = """
select city_id, kind, variable_code, year, unit, value_old, value_new, pct_change, source_old, source_new,
    vintage_old, vintage_new, reason
from mart.mart_revision_log order by city_id, abs(pct_change) desc nulls last, year, variable_code
"""
_RESTATED = """
select city_id, year, basis_old, basis_new, vintage_old, vintage_new, 100 * score_old as score_old,
    100 * score_new as score_new, 100 * part_revision as part_revision, 100 * part_bounds as part_bounds,
    100 * part_weights as part_weights, 100 * part_method as part_method
from mart.mart_index_restatement where index_code = ? and basis_old = ? and year = ?
order by city_id, vintage_new, basis_new
"""
_TRAIL = """
select city_id, year, variable_code, source, file, sheet, cell, any_value(text) as text, any_value(value) as value,
    any_value(unit) as unit, min(value_origin) as origin,
    string_agg(distinct indicator_code, ', ' order by indicator_code) as uses
from mart.mart_indicator_source where index_code = ? and year between ? and ?
group by city_id, year, variable_code, source, file, sheet, cell
order by city_id, year, variable_code, file, sheet, cell
"""
_LOADS = """
select source, data_year, vintage, title, producer, licence, maturity, accessed, files
from mart.mart_source_load where is_current order by source, data_year
"""
