-- The bridge from an indicator value to its printed cells (of an interpolated value: the cells of its two anchors).
with traced as (
    select
        index_code,
        city_id,
        year,
        indicator_code,
        value_origin,
        unnest(source_cell_ids) as source_cell_id
    from {{ ref('int_panel_balanced') }}
),

-- figures, and texts of which only the words are counted
cells as (
    select
        source_cell_id,
        variable_code,
        source,
        file,
        sheet,
        cell,
        text,
        printed_unit as unit_printed,
        value,
        unit,
        city_id as cell_city_id,
        year as cell_year
    from {{ ref('int_values_accepted') }}
    union all by name
    select source_cell_id, variable_code, source, file, sheet, cell, text, 'text' as unit
    from {{ ref('int_texts_accepted') }}
)

select
    {{ context_keys('k') }},
    t.index_code,
    t.city_id,
    t.year::integer as year,
    t.indicator_code,
    t.source_cell_id,
    t.value_origin,
    a.variable_code,
    a.source,
    a.file,
    a.sheet,
    a.cell,
    a.text,
    a.unit_printed,
    a.value,
    a.unit,
    case when e.action = 'quarantine' then null when e.action is not null then e.used_value else a.value end
        as used_value,
    e.rule as edit_rule,
    e.action as edit_action,
    case when e.rule is not null then {{ edit_evidence('e') }} end as edit_evidence
from traced as t
inner join cells as a on t.source_cell_id = a.source_cell_id
left join {{ ref('int_edits') }} as e
    on a.source = e.source and a.cell_city_id = e.city_id and a.cell_year = e.year and a.variable_code = e.variable_code
cross join {{ source('ops', 'run_context') }} as k
