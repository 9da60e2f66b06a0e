-- What is used beside what was printed. Policy `edited` carries the decisions of int_edits; `as_printed` none, so that
-- every edit can be undone in a variant of the index. A figure that is taken out has no row in `edited`.
select
    p.edit_policy,
    f.* exclude (value, source_cell_id),
    f.value as value_before_edit,
    case
        when p.edit_policy = 'edited' and e.action = 'relink' then 'relinked'
        -- growth of the city itself stands in for a figure that no source prints
        when p.edit_policy = 'edited' and e.about = 'backcast' then 'donor_growth'
    end as edited_origin,
    case when p.edit_policy = 'edited' then coalesce(e.used_cell_id, f.source_cell_id) else f.source_cell_id end
        as source_cell_id,
    case when p.edit_policy = 'edited' and e.action is not null then e.used_value else f.value end as value
from {{ ref('int_values_accepted') }} as f
cross join (select unnest(['edited', 'as_printed']) as edit_policy) as p
left join {{ ref('int_edits') }} as e
    on
        f.source = e.source and f.city_id = e.city_id and f.year = e.year and f.variable_code = e.variable_code
        and f.level = 'city'
where p.edit_policy = 'as_printed' or e.action is null or e.used_value is not null
