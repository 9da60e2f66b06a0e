-- The indicators of every scored city and year, from the value to the points that it gives.
{{ config(materialized='view') }}
select
    w.city_id,
    w.name_zh,
    w.name_en,
    c.province_name,
    c.province_en,
    w.year,
    w.indicator_code,
    w.indicator_zh,
    w.indicator_en,
    d.dimension,
    d.direction,
    w.unit,
    w.value_raw,
    w.value_final,
    100 * w.z as z_100,
    w.weight,
    100 * w.contribution as contribution_100,
    w.value_origin,
    w.is_in_question,
    w.source,
    w.file,
    w.sheet,
    w.cell
from {{ ref('why_this_number') }} as w
inner join {{ ref('dim_city') }} as c on w.city_id = c.city_id and w.boundary_vintage = c.boundary_vintage
inner join {{ ref('dim_indicator') }} as d on w.index_code = d.index_code and w.indicator_code = d.indicator_code
where {{ at_headline('w') }}
order by w.city_id, w.year, w.indicator_code
