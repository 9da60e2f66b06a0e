select
    c.county_id,
    c.county_code,
    c.name_zh,
    c.name_short_zh,
    c.name_pinyin,
    c.kind,
    c.parent_city_id,
    p.name_zh as parent_name_zh,
    p.name_en as parent_name_en,
    c.province_code,
    c.centroid_lon,
    c.centroid_lat,
    c.area_km2,
    c.valid_from,
    c.valid_to,
    h.base_county_id,
    h.is_exact,
    k.boundary_vintage
from {{ ref('county') }} as c
cross join {{ source('ops', 'run_context') }} as k
inner join {{ ref('int_county_chains') }} as h on c.county_id = h.county_id
inner join {{ ref('city') }} as p on c.parent_city_id = p.city_id
