-- name: concepts
select variable_code as code, scope, unit_level as level, variable_en as en, variable_zh as zh, name('unit', unit) as unit,
    coalesce(breaks, '') as breaks
from easy.yearbook_concept order by code, level, scope

-- name: counts
select variable_code as code, scope, unit_level as level, year, count(*) as n, bool_or(is_break) as is_break
from easy.yearbook group by all

-- name: figures
select unit_id as city_id, variable_code || '.' || scope as key, year, used_value as y
from easy.yearbook where unit_level = 'city' order by all
