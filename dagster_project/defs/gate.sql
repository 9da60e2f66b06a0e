-- name: parameters
-- what the rules measure with; the numbers of fills belong to the rule of editing that flags their cells
select parameter, value from seed.gate_parameter
union all
select parameter, value from seed.edit_rule where rule = 'E7'
order by parameter

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

-- name: baseline
select rows_min, rows_max, coalesce(required_variables, '') as required, min_coverage, jump_limit_log
from seed.row_count
where source = ? and (? = 0 or ? between coalesce(year_from, 0) and coalesce(year_to, 9999))

-- name: usual
-- findings of the accepted earlier editions of a source, by rule: later ones would make a verdict hang on the order
select r.rule_id, min(r.n_unexpected) as fewest, max(r.n_unexpected) as most
from ops.validation_result as r
inner join raw.load as l on r.source = l.source and r.data_year = l.data_year and r.vintage = l.vintage
where r.source = ? and r.data_year < ? and l.is_accepted
group by r.rule_id

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
