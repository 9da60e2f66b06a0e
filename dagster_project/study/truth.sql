-- name: truth
from ops.synthetic_truth where kind <> 'fault' order by all

-- name: edit
select source, city_id, year, variable_code, value as printed_value, e.used_value, e.rule, e.action
from int.int_edits as e inner join int.int_values_accepted as f using (source, city_id, year, variable_code)
where f.level = 'city' and exists (select 1 from ops.synthetic_truth)
union all
-- a break that a person declared is no find of the rule
select source, city_id, year, variable_code, printed_value, used_value,
    if(is_declared, 'reviewed', 'E8'), 'relink'
from int.int_edits_of_breaks where exists (select 1 from ops.synthetic_truth)
order by all

-- name: n_values
select count(*) as n from int.int_values_accepted where level = 'city'
