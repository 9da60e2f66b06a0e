-- The second geography down to the printed cell; `value` is there for held figures too, `is_held` says not to use it.
select
    {{ context_keys('k') }},
    v.county_id,
    v.year::integer as year,
    v.variable_code,
    'county' as unit_level,
    v.unit,
    v.value,
    v.is_held,
    v.is_in_question,
    v.is_exact,
    v.n_part,
    v.source,
    v.vintage,
    v.file,
    v.sheet,
    v.cell,
    v.text,
    v.unit_printed,
    v.is_corrected,
    v.source_cell_id,
    v.source_cell_ids
from {{ ref('int_county_values') }} as v
cross join {{ source('ops', 'run_context') }} as k
