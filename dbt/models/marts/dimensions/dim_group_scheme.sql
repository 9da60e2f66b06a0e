select
    s.scheme,
    s.sort_no::integer as sort_no,
    s.role,
    s.is_main,
    s.is_split,
    s.centre_group,
    s.outside_group,
    count(distinct g.group_code)::integer as n_group,
    count(distinct g.city_id)::integer as n_city,
    -- a scheme may also know cities that are no more
    count(distinct c.city_id) = (select count(*) from {{ ref('dim_city') }}) as is_partition
from {{ ref('group_scheme') }} as s
inner join {{ ref('city_group') }} as g on s.scheme = g.scheme
left join {{ ref('dim_city') }} as c on g.city_id = c.city_id
group by all
