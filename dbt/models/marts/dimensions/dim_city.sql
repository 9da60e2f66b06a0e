with headline as (
    select index_code from {{ ref('int_indexes_judged') }}
    where is_headline
)

select
    c.city_id,
    k.boundary_vintage::integer as boundary_vintage,
    c.city_code::varchar as city_code,
    c.name_zh,
    c.name_en,
    c.name_short_zh,
    case
        when count(*) over (partition by k.boundary_vintage, c.name_en) = 1 then c.name_en
        else c.name_en || ' (' || c.province_en || ')'
    end as name_short_en,
    c.province_code::varchar as province_code,
    c.province_zh as province_name,
    c.province_en,
    c.admin_tier,
    c.region,
    c.centroid_lon::double as centroid_lon,
    c.centroid_lat::double as centroid_lat,
    c.area_km2::double as area_km2,
    coalesce(s.in_sample, false) as in_sample,
    case
        when s.city_id is null then 'no figures in the landed sources'
        else s.drop_reason
    end as drop_reason
from {{ ref('city') }} as c
cross join {{ source('ops', 'run_context') }} as k
left join headline as h on true
left join {{ ref('int_sample_cities_judged') }} as s on c.city_id = s.city_id and h.index_code = s.index_code
where c.level = 'city' and (c.valid_to is null or c.valid_to >= k.boundary_vintage)
