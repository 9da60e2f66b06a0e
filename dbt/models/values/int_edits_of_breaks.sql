-- One row per value on the other side of a break, brought to the level that holds or left out (E8).
-- is_declared: every break that moves the variable stands in series_break.csv, so that the rule found none of them.
select
    v.source,
    v.city_id,
    v.year,
    v.variable_code,
    v.value as printed_value,
    v.value * f.factor as used_value,
    f.link,
    v.unit,
    v.source_cell_id,
    coalesce(b.is_declared, true) as is_declared
from {{ ref('int_values_unbridged') }} as v
inner join {{ ref('int_bridges') }} as f using (city_id, year, variable_code)
left join (
    select variable_code, bool_and(is_declared) as is_declared
    from (
        select unnest([k.variable_code, r.against]) as variable_code, k.decided_by <> 'rule E8' as is_declared
        from {{ ref('int_breaks') }} as k
        left join {{ ref('edit_rule') }} as r
            on k.variable_code = r.variable_code and r.rule = 'E8' and r.parameter = 'over'
        where k.treatment <> 'keep'
    ) as moved
    group by variable_code
) as b on v.variable_code = b.variable_code
where v.edit_policy = 'edited' and used_value is distinct from v.value
