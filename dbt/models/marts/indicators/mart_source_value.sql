-- Every candidate, selected or not, down to the cell it was printed in.
select
    {{ context_keys('k') }},
    (row_number() over (order by a.source_cell_id))::integer as cell_no,
    a.source_cell_id,
    a.city_id,
    a.year::integer as year,
    a.variable_code,
    a.unit,
    a.source,
    s.concept,
    a.vintage,
    a.file,
    a.sheet,
    a.cell,
    a.text,
    a.printed_unit as unit_printed,
    a.value_printed,
    a.value,
    a.is_corrected,
    a.correction_reason,
    nullif(a.fill_rule, '') as fill_rule,
    case
        when e.action in ('quarantine', 'withheld') then null
        when e.action is not null then e.used_value
        else a.value
    end as used_value,
    e.rule as edit_rule,
    e.action as edit_action,
    e.evidence as edit_evidence,
    coalesce(x.source_cell_id is not null, false) as is_selected
from {{ ref('int_values_accepted') }} as a
inner join {{ ref('source') }} as s on a.source = s.source
left join {{ ref('int_edits_settled') }} as e on a.source_cell_id = e.source_cell_id and a.level = 'city'
left join {{ ref('int_values_selected') }} as x
    on a.source_cell_id = x.source_cell_id and x.edit_policy <> 'as_printed'
cross join {{ source('ops', 'run_context') }} as k
