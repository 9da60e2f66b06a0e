-- name: parameters
-- what the rules measure with; the numbers of fills belong to the rule of editing that flags their cells
select parameter, value from seed.gate_parameter
union all
select parameter, value from seed.edit_rule where rule = 'E7'
order by parameter

-- name: identities
select i.* from seed.identity as i inner join seed.source as s on coalesce(i.unit_level, s.unit_level) = s.unit_level
where s.source = ?

-- name: last
-- the last accepted figure of the same source: of the year before, or some years back
select v.city_id, v.variable_code, v.scope, v.value as value_last, v.data_year as year_last
from reading.int_values_corrected as v
join raw.load as l on v.source = l.source and v.data_year = l.data_year and v.vintage = l.vintage
where
    v.source = ? and v.data_year < ?
    and v.data_year >= ? - (select value from seed.gate_parameter where parameter = 'years_back')
    and l.is_accepted and v.value is not null
qualify row_number() over (
    partition by v.city_id, v.variable_code, v.scope order by v.data_year desc, l.load_no desc
) = 1

-- name: years
-- years of a multi-year source that its baseline speaks of
select
    coalesce(max(year_from), (select value from seed.gate_parameter where parameter = 'first_year')),
    coalesce(max(year_to), 9999)
from seed.row_count where source = ? and ? = 0

-- name: weights
select w.variable_code, w.weight from gate.gate_weight as w
inner join seed.source as s on coalesce(s.unit_level, 'city') = w.unit_level
where s.source = ?
order by w.variable_code

-- name: baseline
-- the row of the seed; of a yearbook without one, the roster of its year, and of what indicators are divided by that
-- which all editions before and after print
with load as (select ?::varchar as source, ?::integer as data_year),

seeded as (
    select n.* from seed.row_count as n
    inner join load as l on n.source = l.source
    where l.data_year = 0 or l.data_year between coalesce(n.year_from, 0) and coalesce(n.year_to, 9999)
),

yearbook as (
    select s.unit_level, l.data_year, o.source as other_source
    from load as l
    inner join seed.source as s on l.source = s.source and s.has_dictionary
    inner join seed.source as o on s.unit_level = o.unit_level and o.has_dictionary
    where l.data_year > 0
),

roster as (
    select y.unit_level, count(*) as n_units
    from (select distinct unit_level, data_year from yearbook) as y
    inner join reading.int_units as u on y.unit_level = u.level
    where ends_with(u.name_zh, '市') and y.data_year between coalesce(u.valid_from, 0) and coalesce(u.valid_to, 9999)
    group by all
),

editions as (
    select distinct h.data_year, h.data_year > y.data_year as is_later, h.variable_code
    from yearbook as y
    inner join gate.gate_header as h on y.other_source = h.source and h.data_year <> y.data_year
    inner join (select distinct variable_code from seed.indicator_part where part = 'denominator') as p
        on h.variable_code = p.variable_code
),

throughout as (
    select variable_code from editions
    group by all
    having count(distinct data_year) = (select count(distinct data_year) from editions)
    and count(distinct is_later) = 2
)

select rows_min, rows_max, coalesce(required_variables, '') as required, min_coverage, jump_limit_log from seeded
union all by name
select
    floor(0.96 * n_units)::integer as rows_min,
    ceil(1.02 * n_units)::integer as rows_max,
    coalesce((select string_agg(variable_code, ' ' order by variable_code) from throughout), '') as required,
    0.5 as min_coverage,
    1.0 as jump_limit_log
from roster
where not exists (from seeded)

-- name: usual
-- findings of the accepted earlier editions of a source, by rule: later ones would make a verdict hang on the order
select r.rule_id, min(r.n_unexpected) as fewest, max(r.n_unexpected) as most
from ops.validation_result as r
inner join raw.load as l on r.source = l.source and r.data_year = l.data_year and r.vintage = l.vintage
where r.source = ? and r.data_year < ? and l.is_accepted
group by r.rule_id
order by r.rule_id

-- name: loads
-- every load that was judged, as the index of the Data Docs lists it
select
    concat_ws('_', source, coalesce(nullif(data_year, 0)::varchar, 'series'), vintage) as name, source, data_year,
    is_accepted,
    count(*) filter (not r.passed and r.severity = 'error') as errors,
    count(*) filter (not r.passed and r.severity = 'warn') as warnings,
    strftime(max(r.checked_at), '%Y-%m-%d %H:%M UTC') as checked_at
from (from raw.load union all by name from raw.series_load) as l
inner join ops.validation_result as r using (source, data_year, vintage)
group by all
