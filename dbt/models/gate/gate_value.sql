{{ config(materialized='view') }}
-- One row per figure of a load, with the names and bands of its unit and variable; without columns that no rule asks.
select
    v.* exclude (
        family, level, source_cell_id, printed_unit, factor, shift, value_printed, is_settled, correction_action,
        correction_reason
    ),
    c.name_zh as city_name,
    c.province_code as province_id,
    b.kind,
    b.min_rho,
    {{ usual_low('k.band_low', 'v.year') }} as band_low,
    k.band_high,
    {{ usual_low('k.median_low', 'v.year') }} as median_low,
    k.median_high
from {{ ref('int_values_corrected') }} as v
left join {{ ref('source') }} as s on v.source = s.source
left join {{ ref('int_units') }} as c on v.city_id = c.city_id
left join {{ ref('variable') }} as b on v.variable_code = b.variable_code
left join {{ ref('int_bands') }} as k
    on v.variable_code = k.variable_code and coalesce(s.unit_level, 'city') = k.unit_level
where
    (v.data_year > 0 or v.year >= {{ gate_parameter('first_year') }})
    and v.level = coalesce(
        (
            select min(n.level) from {{ ref('row_count') }} as n
            where n.source = v.source
        ), s.unit_level
    )
