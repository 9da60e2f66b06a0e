-- Which cities have no score, and why not? Every reason, and the other indexes that have the city.
select
    c.city_id,
    c.city_code,
    c.name_zh,
    c.name_en,
    c.province_name,
    c.province_en,
    c.drop_reason,
    s.first_year,
    s.last_year,
    o.other_indexes
from {{ ref('dim_city') }} as c
left join (
    select m.* from {{ ref('mart_sample_city') }} as m
    inner join {{ ref('dim_index') }} as i on m.index_code = i.index_code and i.is_headline
) as s on c.city_id = s.city_id
left join (
    select m.city_id, string_agg(m.index_code, ' ' order by i.variant_of is not null, m.index_code) as other_indexes
    from {{ ref('mart_sample_city') }} as m
    inner join {{ ref('dim_index') }} as i on m.index_code = i.index_code and i.is_computed
    where m.in_sample
    group by all
) as o on c.city_id = o.city_id
where not c.in_sample
order by c.city_id
