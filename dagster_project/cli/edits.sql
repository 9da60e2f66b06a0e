-- name: decisions
-- One decision often touches several years (a run, a price path): the year that it moves most stands for it.
select city_id, name_zh, name_en, variable_code, source, rule, action,
    arg_max(year, (influence, -year)) as year, string_agg(year::varchar, ' ' order by year) as years,
    arg_max(printed_value, (influence, -year)) as printed, arg_max(used_value, (influence, -year)) as used,
    arg_max(expected, (influence, -year)) as expected, any_value(unit) as unit,
    arg_max(printed_text, (influence, -year)) as printed_text, arg_max(file, (influence, -year)) as file,
    arg_max(sheet, (influence, -year)) as sheet, arg_max(cell, (influence, -year)) as cell,
    arg_max(evidence, (influence, -year)) as evidence, arg_max(index_code, (influence, -year)) as index_code,
    arg_max(score_change, (influence, -year)) as score_change,
    arg_max(rank_change, (influence, -year)) as rank_change, max(influence) as influence,
    any_value(reviewed_by) as reviewed_by
from mart.mart_edit
where is_selected and list_contains(?, action) and city_id = coalesce(?, city_id)
    and variable_code = coalesce(?, variable_code)
group by city_id, name_zh, name_en, variable_code, source, rule, action
order by influence desc, city_id, variable_code, year

-- name: counts
select count(*) filter (action in ('quarantine', 'replace', 'relink')) as edited,
    count(distinct (city_id, variable_code, rule, action))
        filter (action in ('quarantine', 'replace', 'relink')) as decisions,
    count(*) filter (action in ('pending', 'withheld')) as pending,
    count(*) filter (action = 'withheld') as withheld, count(*) filter (action = 'accept') as accepted,
    count(*) filter (rule = 'reviewed' or reviewed_by is not null) as reviewed
from mart.mart_edit where is_selected

-- name: moves
select m.* from mart.mart_edit_rank_move as m
where m.edit_policy = 'as_printed' and m.basis like 'frozen%'
    and m.year = (select max(i.window_end) from mart.dim_index as i where i.index_code = m.index_code)
order by m.index_code

-- name: variables
select distinct variable_code from mart.mart_edit order by 1
