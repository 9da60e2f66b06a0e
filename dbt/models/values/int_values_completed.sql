{{ config(materialized='view') }}
-- Values that analyses use: breaks are bridged, and what no bridge reaches is left out. `value_unbridged`: before.
select
    v.* exclude (value, value_origin),
    v.value as value_unbridged,
    v.value * coalesce(b.factor, 1) as value,
    case
        when b.factor is not null and {{ origin_rank('v.value_origin') }} < {{ origin_rank("'relinked'") }}
            then 'relinked'
        else v.value_origin
    end as value_origin
from {{ ref('int_values_unbridged') }} as v
left join {{ ref('int_bridges') }} as b
    on
        v.edit_policy = 'edited' and v.city_id = b.city_id and v.year = b.year and v.variable_code = b.variable_code
where b.city_id is null or b.factor is not null
