-- The second geography: accepted figures of county-level units, as printed and corrected, on the boundaries of their
-- year. A figure in doubt is left out: no rule of editing speaks of counties.
select v.*
from {{ ref('int_values_corrected') }} as v
inner join {{ ref('stg_landing__loads') }} as l
    on v.source = l.source and v.data_year = l.data_year and v.vintage = l.vintage and l.is_current
inner join {{ ref('source') }} as s on v.source = s.source and s.unit_level = 'county'
anti join {{ ref('edit_doubt') }} as t on v.source_cell_id = t.source_cell_id
anti join {{ ref('int_values_left_out') }} as o on v.source_cell_id = o.source_cell_id
where v.level = 'county' and v.scope = 'city' and v.value is not null
qualify row_number() over (
    partition by v.source, v.city_id, v.year, v.variable_code order by v.data_year desc, v.source_cell_id
) = 1
