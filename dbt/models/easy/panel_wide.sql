-- One line a city and year for a statistics program. Its columns follow the headline index, which differs between the
-- SYNTHETIC and the real warehouse, and the group schemes: they are made by PIVOT, so no contract can list them.
{{ config(contract={'enforced': false}, post_hook="{{ describe_columns(easy_panel_words()) }}") }}
with scored as (
    select * from {{ ref('ranking') }}
),

cells as (
    select city_id, year, 'raw_' || indicator_code as name, value_raw as number from {{ ref('panel_long') }}
    union all
    select city_id, year, 'z_' || indicator_code as name, z_100 as number from {{ ref('panel_long') }}
    union all
    select s.city_id, s.year, 'score_' || d.dimension as name, s.score_100 as number
    from {{ ref('mart_index_score') }} as s
    inner join {{ ref('dim_index') }} as i
        on s.spec_code = i.index_code and s.basis = i.basis and s.weight_scheme = i.weight_scheme and i.is_headline
    inner join (select distinct index_code, dimension from {{ ref('dim_indicator') }}) as d
        on i.index_code = d.index_code and s.index_code = i.index_code || '_' || d.dimension
    union all
    select s.city_id, s.year, 'score_relations' as name, s.score_100 as number
    from {{ ref('mart_index_score') }} as s
    inner join {{ ref('dim_index') }} as r
        on s.index_code = r.index_code and s.basis = r.basis and s.weight_scheme = r.weight_scheme
    inner join {{ ref('dim_index') }} as i on r.index_code = i.relations_code and i.is_headline
    union all
    select city_id, year, 'control_' || variable_code as name, value as number from {{ ref('city_variable') }}
    where is_indicator
),

numbers as (
    pivot cells on name
    using any_value(number)
    group by city_id, year
),

memberships as (
    select s.city_id, s.year, 'group_' || g.scheme as name, g.group_code as code
    from scored as s
    inner join {{ ref('dim_group_membership') }} as g
        on s.city_id = g.city_id and s.year >= g.valid_from and s.year <= coalesce(g.valid_to, s.year)
),

groups as (
    pivot memberships on name
    using any_value(code)
    group by city_id, year
)

select
    s.city_id,
    s.city_code,
    s.name_zh,
    s.name_en,
    s.province_name,
    s.province_en,
    s.year,
    s.score_100,
    s.rank_year,
    n.* exclude (city_id, year),
    g.* exclude (city_id, year)
from scored as s
left join numbers as n on s.city_id = n.city_id and s.year = n.year
left join groups as g on s.city_id = g.city_id and s.year = g.year
order by s.city_id, s.year
