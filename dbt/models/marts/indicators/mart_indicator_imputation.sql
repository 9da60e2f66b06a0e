select
    {{ context_keys('k') }},
    i.fill_policy,
    i.city_id,
    i.year::integer as year,
    i.indicator_code,
    i.value_origin as method,
    i.n_gap::integer as n_gap,
    i.anchor_year_left::integer as anchor_year_left,
    i.anchor_year_right::integer as anchor_year_right,
    i.anchor_value_left,
    i.anchor_value_right,
    i.value
from {{ ref('int_values_imputed') }} as i
cross join {{ source('ops', 'run_context') }} as k
where i.n_gap is not null and i.edit_policy = 'edited'
