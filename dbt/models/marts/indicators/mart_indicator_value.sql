-- a figure behind the value stands out and waits for a person
with questions as (
    select distinct city_id, year, unnest(indicator_codes) as indicator_code
    from {{ ref('int_edits_settled') }}
    where action = 'pending' and is_selected
)

select
    {{ context_keys('k') }},
    r.basis,
    p.index_code,
    p.city_id,
    p.year::integer as year,
    p.indicator_code,
    i.unit,
    p.value as value_raw,
    r.value_final,
    r.z,
    p.value_origin,
    q.city_id is not null as is_in_question,
    r.is_winsorised,
    r.is_capped,
    r.out_of_base_range,
    p.deflator_level,
    p.population_basis,
    p.source_cell_id,
    len(p.source_cell_ids)::integer as n_cell
from {{ ref('int_panel_balanced') }} as p
inner join {{ source('py', 'index_value') }} as r
    on
        p.index_code = r.index_code
        and p.city_id = r.city_id
        and p.year = r.year
        and p.indicator_code = r.indicator_code
inner join {{ ref('indicator') }} as i on p.indicator_code = i.indicator_code
left join questions as q on p.city_id = q.city_id and p.year = q.year and p.indicator_code = q.indicator_code
cross join {{ source('ops', 'run_context') }} as k
