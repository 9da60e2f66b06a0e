-- One row per figure of a current load that the gate left out: it is of a block at fault that no index uses.
with blocks as (
    select
        l.source,
        l.data_year,
        l.vintage,
        unnest(from_json(  -- noqa: AL03
            l.left_out,
            '[{"rule_id": "VARCHAR", "variable_code": "VARCHAR", "scope": "VARCHAR", "year": "DOUBLE",
            "province_id": "VARCHAR", "city_id": "VARCHAR", "why": "VARCHAR"}]'
        ), recursive := true)
    from {{ ref('stg_landing__loads') }} as l
    where l.is_current
)

select
    v.source_cell_id,
    v.source,
    v.city_id,
    v.year,
    v.variable_code,
    any_value(b.rule_id) as rule,
    any_value(b.why) as evidence
from blocks as b
inner join {{ ref('int_values_corrected') }} as v
    on
        b.source = v.source and b.data_year = v.data_year and b.vintage = v.vintage and b.year = v.year
        and list_contains(string_split(b.variable_code, ', '), v.variable_code)
        and coalesce(b.scope, v.scope) = v.scope and coalesce(b.city_id, v.city_id) = v.city_id
inner join {{ ref('int_units') }} as u
    on v.city_id = u.city_id and coalesce(b.province_id, u.province_code) = u.province_code
where not v.is_settled
group by all
