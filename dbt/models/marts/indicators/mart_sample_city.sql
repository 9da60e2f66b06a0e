with years as (
    select s.index_code, v.city_id, min(v.year) as first_year, max(v.year) as last_year
    from {{ source('ops', 'index_spec') }} as s
    inner join {{ ref('int_values_imputed') }} as v
        on
            s.indicator_code = v.indicator_code and s.edit_policy = v.edit_policy
            and v.value_observed is not null
    group by all
),

cores as (
    select m.city_id
    from {{ ref('dim_group_membership') }} as m
    inner join {{ ref('dim_group_scheme') }} as s
        on m.scheme = s.scheme and m.group_code = s.centre_group and s.role = 'centre' and s.is_main
    where m.valid_to is null
)

select
    {{ context_keys('k') }},
    c.index_code,
    c.city_id,
    n.name_zh,
    n.name_en,
    c.in_sample,
    c.drop_reason,
    g.city_id is not null as is_core,
    c.share_imputed_cells,
    y.first_year::integer as first_year,
    y.last_year::integer as last_year
from {{ ref('int_sample_cities_judged') }} as c
inner join {{ ref('city') }} as n on c.city_id = n.city_id
left join years as y on c.index_code = y.index_code and c.city_id = y.city_id
left join cores as g on c.city_id = g.city_id
cross join {{ source('ops', 'run_context') }} as k
