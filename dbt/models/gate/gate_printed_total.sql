{{ config(materialized='view') }}
-- One row per figure that a load prints for a whole province.
select
    v.source,
    v.data_year,
    v.vintage,
    c.province_code as province_id,
    c.name_zh as province_name,
    v.city_id,
    v.year,
    v.variable_code,
    v.scope,
    v.value,
    v.file,
    v.sheet,
    v.cell
from {{ ref('int_values_corrected') }} as v
inner join {{ ref('city') }} as c on v.city_id = c.city_id
where (v.data_year > 0 or v.year >= {{ gate_parameter('first_year') }}) and v.level = 'province'
