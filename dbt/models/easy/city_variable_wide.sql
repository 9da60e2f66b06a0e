-- The figures of easy.city_variable, a column for each variable that the files have: a view, as yearbook_wide is.
{{
    config(
        materialized='view', contract={'enforced': false}, post_hook="{{ describe_columns(easy_variable_words()) }}"
    )
}}
{% set key = 'city_id, year' %}
select
    n.city_id,
    c.city_code,
    c.name_zh,
    c.name_en,
    c.province_name,
    c.province_en,
    n.* exclude (city_id)
from (
    select {{ key }}, variable_code, value from {{ ref('city_variable').include(database=false) }}
) {{ wide_columns(ref('city_variable'), easy_variable_words(), 'any_value(value)', 'variable_code', key) }} as n
inner join {{ ref('dim_city') }} as c on n.city_id = c.city_id
order by n.city_id, n.year
