-- One row per value on the other side of a break, brought to the level that holds (E8).
-- is_declared: every break that moves the variable stands in series_break.csv, so that the rule found none of them.
select
    v.source,
    v.city_id,
    v.year,
    v.variable_code,
    v.value_unbridged as printed_value,
    v.value as used_value,
    v.unit,
    v.source_cell_id,
    coalesce(b.is_declared, true) as is_declared
from {{ ref('int_values_completed') }} as v
left join (
    select
        unnest([variable_code, against]) as variable_code,
        bool_and(decided_by <> 'rule E8') as is_declared
    from {{ ref('int_breaks') }}
    left join (
        select variable_code, against from {{ ref('edit_rule') }}
        where rule = 'E8' and parameter = 'over'
    ) as o using (variable_code)
    where treatment <> 'keep'
    group by all
) as b on v.variable_code = b.variable_code
where v.edit_policy = 'edited' and v.value <> v.value_unbridged
