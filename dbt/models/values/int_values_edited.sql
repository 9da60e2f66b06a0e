{{ config(materialized='view') }}
-- What is used beside what was printed. Policy `edited` carries the decisions of int_edits; `as_printed` none, so that
-- every edit can be undone in a variant of the index. A figure that is taken out has no row in `edited`. Most series
-- have no edit: they stand once, as `both`. Apart stand the two policies of every series (city and variable) with an
-- edit, of cities whose border moved, and of spliced variables, whose figures follow other series.
with apart as (
    select distinct city_id, variable_code from {{ ref('int_edits') }}
    where action in ('quarantine', 'replace', 'relink')
),

borders as (
    select distinct unnest([from_city_id, to_city_id]) as city_id from {{ ref('city_change') }}
),

figures as (
    select
        f.*,
        s.city_id is not null or f.level <> 'city' or b.city_id is not null
        or f.variable_code in (select variable_code from {{ ref('splice') }}) as is_apart
    from {{ ref('int_values_accepted') }} as f
    left join apart as s on f.city_id = s.city_id and f.variable_code = s.variable_code
    left join borders as b on f.city_id = b.city_id
)

select
    'both' as edit_policy,
    f.* exclude (is_apart),
    f.value as value_before_edit,
    null::varchar as edited_origin
from figures as f
where not f.is_apart
union all by name
select
    p.edit_policy,
    f.* exclude (is_apart, value, source_cell_id),
    f.value as value_before_edit,
    case
        when p.edit_policy = 'edited' and e.action = 'relink' then 'relinked'
        -- growth of the city itself stands in for a figure that no source prints
        when p.edit_policy = 'edited' and e.about = 'backcast' then 'donor_growth'
    end as edited_origin,
    case when p.edit_policy = 'edited' then coalesce(e.used_cell_id, f.source_cell_id) else f.source_cell_id end
        as source_cell_id,
    case when p.edit_policy = 'edited' and e.action is not null then e.used_value else f.value end as value
from figures as f
cross join (select unnest(['edited', 'as_printed']) as edit_policy) as p
left join {{ ref('int_edits') }} as e
    on
        f.source = e.source and f.city_id = e.city_id and f.year = e.year and f.variable_code = e.variable_code
        and f.level = 'city'
where f.is_apart and (p.edit_policy = 'as_printed' or e.action is null or e.used_value is not null)
