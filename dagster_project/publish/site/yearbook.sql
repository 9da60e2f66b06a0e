-- name: concepts
select variable_code as code, scope, unit_level as level, variable_en as en, variable_zh as zh, name('unit', unit) as unit,
    coalesce(breaks, '') as breaks
from easy.yearbook_concept order by code, level, scope

-- name: counts
select variable_code as code, scope, unit_level as level, year, count(*) as n, bool_or(is_break) as is_break
from easy.yearbook group by all

-- name: figures
select unit_id as city_id, variable_code || '.' || scope as key, list(year order by year) as years,
    list(used_value order by year) as "values"
from easy.yearbook where unit_level = 'city' group by all order by all
