select
    s.scheme,
    s.sort_no::integer as sort_no,
    s.role,
    s.is_main,
    s.is_split,
    s.is_regime,
    s.centre_group,
    s.outside_group,
    count(distinct g.group_code)::integer as n_group,
    count(distinct g.city_id)::integer as n_city,
    count(distinct g.city_id) = max(count(distinct g.city_id)) over () as is_partition
from {{ ref('group_scheme') }} as s
inner join {{ ref('city_group') }} as g on s.scheme = g.scheme
group by all
