-- name: values
select city_id, year, variable_code, value, value_unbridged from int.int_values_completed
where edit_policy = 'edited' and year >= (select min(window_start) from ops.index_spec) and (
    variable_code in ('gdp_nom', 'emp_total', 'ip_cases_closed', 'gdp_court_nom')
    or variable_code like 'emp_sector_%' or variable_code like 'cpi_%'
)
union all by name -- the yearbook's two sectors that have names of their own
select v.city_id, v.year, s.variable_code, v.value, v.value_unbridged from int.int_values_completed as v
join (values ('emp_it_services', 'emp_sector_information'), ('emp_sci_tech', 'emp_sector_research'))
    as s (printed_code, variable_code) on v.variable_code = s.printed_code
where v.edit_policy = 'edited' and v.year >= (select min(window_start) from ops.index_spec)
    and s.variable_code not in (select variable_code from int.int_values_completed)
order by variable_code, city_id, year

-- name: investment
select a.city_id, a.year, a.variable_code, arg_min(a.value, (coalesce(p.rank, 100), a.source)) as value
from int.int_values_accepted as a left join seed.precedence as p using (variable_code, source)
where a.level = 'city' and a.variable_code in ('fai_nom', 'price_investment')
group by all order by a.variable_code, a.city_id, a.year

-- name: nation
select year, variable_code, max(value) as value from int.int_values_accepted
where level = 'nation' group by all order by 2, 1

-- name: deflator
select city_id, year, deflator from int.int_deflators_chained where edit_policy = 'edited' order by 1, 2

-- name: texts
select city_id, year, text from int.int_texts_accepted
where variable_code = 'work_report_text' order by city_id, year

-- name: keyword
select dict_version, group_name, term, is_active from seed.keyword order by 1, 2, 3

-- name: city
select city_id, province_code from seed.city order by 1

-- name: region
-- from the seeds: the dimensions of the marts are built after the engines
select m.city_id, m.group_code from seed.city_group as m
join seed.group_scheme as s on m.scheme = s.scheme and s.role = 'region' and s.is_main
where m.valid_to is null order by 1
