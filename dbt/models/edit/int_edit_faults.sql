-- What is wrong with the seeds of editing: one sentence a row. A run with any of them ends before a load is judged.
with known as (
    select k.rule, k.parameter, k.is_required
    from (
        values
        ('E1', 'tolerance', true),
        ('E2', 'low', false), ('E2', 'high', false), ('E2', 'usual_low', false), ('E2', 'usual_high', false),
        ('E2', 'persistent', false), ('E2', 'middle_high', false), ('E2', 'middle_from', false),
        ('E2', 'middle_to', false), ('E2', 'middle_jump', false),
        ('E3', 'mad', true), ('E3', 'floor', true), ('E3', 'neighbours', true), ('E3', 'level', true),
        ('E3', 'counties', true),
        ('E4', 'mad', true), ('E4', 'floor', true), ('E4', 'levels', true), ('E4', 'years', true),
        ('E4', 'visit_mad', true), ('E4', 'visit_years', true),
        ('E5', 'mad', true), ('E5', 'floor', true), ('E5', 'reach', true), ('E5', 'boundary_years', true),
        ('E5', 'cities_mad', true), ('E5', 'cities_floor', true),
        ('E6', 'match', true), ('E6', 'share', true), ('E6', 'usual', true), ('E6', 'reach', true),
        ('E6', 'own', false), ('E6', 'other', false),
        ('E7', 'midpoint_share', true), ('E7', 'repeat_share', true), ('E7', 'repeat_unusual', true),
        ('E8', 'mad', true), ('E8', 'level', true), ('E8', 'share', true), ('E8', 'usual', true), ('E8', 'reach', true),
        ('E8', 'over', false),
        ('E8', 'border', true), ('E8', 'border_reach', true), ('E8', 'counted', false),
        ('E8', 'census_before', false), ('E8', 'census', false), ('E8', 'closure', false),
        ('E9', 'step_low', true), ('E9', 'step_high', true), ('E9', 'province_gap', true), ('E9', 'min_cities', true),
        ('E9', 'growth_gap', true),
        ('pending', 'places', true), ('pending', 'spread', true)
    ) as k (rule, parameter, is_required)
),

rules as (
    select
        r.*,
        'edit_rule.csv: '
        || coalesce(r.rule, '?')
        || ' '
        || coalesce(r.variable_code, '?')
        || coalesce(' over ' || r.against, '')
        || ' ' || coalesce(r.parameter, '?') as here
    from {{ ref('edit_rule') }} as r
),

named as (
    select
        here,
        unnest(
            string_split(replace(case when against = 'median city' then null else against end, '@before', ''), '/')
        ) as variable_code
    from rules
),

decisions as (
    select
        k.*,
        coalesce(c.name_zh, k.city_id) || ' (' || k.city_id || ') ' || k.year::varchar || ' ' || k.variable_code
        || ' (' || k.scope || ') in ' || k.source as place,
        'correction.csv: ' || k.action || ' of ' || place as here
    from {{ ref('correction') }} as k
    left join {{ ref('int_units') }} as c on k.city_id = c.city_id
    where k.status <> 'withdrawn'
),

-- years that a source has landed, and the cells that it prints for them
landed as (
    select distinct source, year from {{ ref('int_values_corrected') }}
)

select
    r.here || ': no such rule or parameter. Known: ' || coalesce(
        (
            select string_agg(n.rule || ' ' || n.parameter, ', ' order by n.rule, n.parameter) from known as n
            where n.rule = r.rule
        ),
        (select string_agg(distinct w.rule, ', ' order by w.rule) from known as w)
    ) || '.' as sentence
from rules as r
anti join known as k on r.rule = k.rule and r.parameter = k.parameter
union all
select r.here || ': no such variable; see variable.csv, or write * for all.'
from rules as r
anti join {{ ref('variable') }} as v on r.variable_code = v.variable_code
where r.variable_code is distinct from '*'
union all
select n.here || ': ' || n.variable_code || ' is no variable; see variable.csv.'
from named as n
anti join {{ ref('variable') }} as v on n.variable_code = v.variable_code
where n.variable_code is not null
union all
select r.here || ': the value is missing.'
from rules as r
where r.value is null
union all
select r.here || ': the row stands twice.'
from rules as r
group by r.here
having count(*) > 1
union all
select 'edit_rule.csv: rule ' || k.rule || ' has no row for * and ' || k.parameter || ': it cannot be applied.'
from known as k
anti join rules as r on k.rule = r.rule and k.parameter = r.parameter and r.variable_code = '*'
where k.is_required
union all
select 'edit_rule.csv: rule ' || k.rule || ' has no row at all: a limit or a definition is needed.'
from (
    select distinct rule from known
    where rule = 'E2'
) as k
anti join rules as r on k.rule = r.rule
union all
select d.here || ': the action must be keep, replace, scale or drop, not ''' || d.action || '''.'
from decisions as d
where d.action not in ('keep', 'replace', 'scale', 'drop')
union all
select d.here || ': ' || d.action || ' needs a value: the figure as the page should print it, or the factor.'
from decisions as d
where d.action in ('replace', 'scale') and d.value is null
union all
select d.here || ': no such source; see source.csv.'
from decisions as d
anti join {{ ref('source') }} as s on d.source = s.source
union all
select
    'correction.csv: two decisions (' || string_agg(d.action, ', ' order by d.action) || ') for one cell, ' || d.place
    || ', while it prints ''' || trim(d.expect) || '''. Keep one row, or write status withdrawn.'
from decisions as d
group by d.place, trim(d.expect), coalesce(d.vintage, '')
having count(*) > 1
union all
select
    d.here || ': no such cell. The source prints that year, but no figure there' || coalesce(
        ': it has ' || (
            select string_agg(distinct x.scope, ', ') from {{ ref('int_values_corrected') }} as x
            where
                x.source = d.source and x.city_id = d.city_id and x.year = d.year and x.variable_code = d.variable_code
        ) || ' of this variable', ''
    ) || '. Mend source, city, year, variable and scope, or take the row out.'
from decisions as d
inner join landed as l on d.source = l.source and d.year = l.year
anti join {{ ref('int_values_corrected') }} as v
    on
        d.source = v.source and d.city_id = v.city_id and d.year = v.year and d.variable_code = v.variable_code
        and d.scope = v.scope
where d.status <> 'where_printed' and d.vintage is null
union all
-- a typed figure passes the same rules as a printed one
select
    'correction.csv: '
    || v.correction_action
    || ' of '
    || c.name_zh
    || ' ('
    || v.city_id
    || ') '
    || v.year::varchar
    || ' '
    || v.variable_code
    || ' in '
    || v.source
    || ' gives '
    || {{ figure('v.value') }}
    || ' '
    || v.unit
    || ', which rule '
    || p.rule
    || ' would take out: ' || p.evidence || '. The value is typed in the unit of the column ('
    || coalesce(v.printed_unit, v.unit) || '). If it is right, write status confirmed.'
from {{ ref('int_edits_proposed') }} as p
inner join
    {{ ref('int_values_corrected') }} as v
    on p.source_cell_id = v.source_cell_id and p.variable_code = v.variable_code
inner join {{ ref('int_units') }} as c on v.city_id = c.city_id
where p.action in ('quarantine', 'replace') and v.correction_action in ('replace', 'scale')
