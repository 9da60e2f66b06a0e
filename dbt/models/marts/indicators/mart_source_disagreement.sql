-- Two sources that print the same variable for the same city and year and differ by more than 1 %.
with candidates as (
    select f.*, s.concept
    from {{ ref('int_values_accepted') }} as f
    inner join {{ ref('source') }} as s on f.source = s.source
    where f.level = 'city' and f.year >= {{ base_year() }}
)

select
    {{ context_keys('k') }},
    a.city_id,
    a.year::integer as year,
    a.variable_code,
    a.unit,
    a.source as source_a,
    b.source as source_b,
    a.concept as concept_a,
    b.concept as concept_b,
    a.value as value_a,
    b.value as value_b,
    b.value / nullif(a.value, 0) - 1 as relative_difference,
    a.source_cell_id as source_cell_id_a,
    b.source_cell_id as source_cell_id_b
from candidates as a
inner join candidates as b
    on a.city_id = b.city_id and a.year = b.year and a.variable_code = b.variable_code and a.source < b.source
cross join {{ source('ops', 'run_context') }} as k
where abs(b.value - a.value) > {{ var('agree_tolerance') }} * greatest(abs(a.value), abs(b.value))
