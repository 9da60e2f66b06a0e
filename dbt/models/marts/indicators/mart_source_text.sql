-- Printed texts of which only the words are counted. Their numbers go on from those of the figures.
select
    {{ context_keys('k') }},
    (n.last_no + row_number() over (order by t.source_cell_id))::integer as cell_no,
    t.source_cell_id,
    t.city_id,
    t.year::integer as year,
    t.variable_code,
    t.source,
    t.vintage,
    t.file,
    t.sheet,
    t.cell,
    t.text
from {{ ref('int_texts_accepted') }} as t
cross join (select coalesce(max(cell_no), 0) as last_no from {{ ref('mart_source_value') }}) as n
cross join {{ source('ops', 'run_context') }} as k
