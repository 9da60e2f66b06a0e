-- One row per figure that a load may be held against: of the newest load of each source and year.
select
    l.load_id,
    l.source,
    l.data_year,
    s.concept,
    v.city_id,
    v.variable_code,
    v.scope,
    v.year,
    v.value
from {{ ref('int_values_corrected') }} as v
inner join {{ ref('edit_load') }} as l
    on
        v.source = l.source
        and v.data_year = l.data_year
        and v.vintage = l.vintage
        and v.level = l.level
left join {{ ref('source') }} as s on v.source = s.source
where l.is_reference and v.value is not null
qualify
    row_number() over (
        partition by l.load_id, v.city_id, v.variable_code, v.scope, v.year order by v.file, v.sheet, v.cell
    ) = 1
