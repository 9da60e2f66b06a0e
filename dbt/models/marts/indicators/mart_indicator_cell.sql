-- From an indicator value to the numbers of its printed cells (of an interpolated value: the cells of its two anchors).
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

cells as (
    select source_cell_id, cell_no from {{ ref('mart_source_value') }}
    union all
    select source_cell_id, cell_no from {{ ref('mart_source_text') }}
)

select
    {{ context_keys('k') }},
    t.index_code,
    t.city_id,
    t.year::integer as year,
    t.indicator_code,
    c.cell_no,
    t.value_origin
from traced as t
inner join cells as c on t.source_cell_id = c.source_cell_id
cross join {{ source('ops', 'run_context') }} as k
