-- The bridge from an indicator value to its printed cells, with what is printed there. A view: a cell stands behind the
-- values of many indexes, and its texts once in the file.
{{ config(materialized='view') }}
select
    b.data_vintage,
    b.method_version,
    b.boundary_vintage,
    b.index_code,
    b.city_id,
    b.year,
    b.indicator_code,
    c.source_cell_id,
    b.value_origin,
    c.variable_code,
    c.source,
    c.file,
    c.sheet,
    c.cell,
    c.text,
    c.unit_printed,
    c.value,
    c.unit,
    c.used_value,
    c.edit_rule,
    c.edit_action,
    c.edit_evidence
from {{ ref('mart_indicator_cell') }} as b
inner join (
    select
        cell_no, source_cell_id, variable_code, source, file, sheet, cell, text, unit_printed, value, unit,
        used_value, edit_rule, edit_action, edit_evidence
    from {{ ref('mart_source_value') }}
    union all by name
    select cell_no, source_cell_id, variable_code, source, file, sheet, cell, text, 'text' as unit
    from {{ ref('mart_source_text') }}
) as c on b.cell_no = c.cell_no
