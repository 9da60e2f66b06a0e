{{ config(materialized='view') }}
-- One row per labelled row of a load. The label rows that a source is about (counties for the county source) count as
-- its cities; cities that stand above their counties do not.
select
    r.* replace (
        case when r.row_kind = b.level then 'city' when r.row_kind = 'city' then 'other' else r.row_kind end as row_kind
    )
from {{ ref('int_rows_matched_to_cities') }} as r
inner join (
    select
        s.source,
        coalesce(min(n.level), any_value(s.unit_level)) as level
    from {{ ref('source') }} as s
    left join {{ ref('row_count') }} as n on s.source = n.source
    group by all
) as b on r.source = b.source
where r.data_year > 0 or coalesce(r.year, 9999) >= {{ gate_parameter('first_year') }}
