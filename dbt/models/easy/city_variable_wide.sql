-- One line a city and year, a column for each variable that the landed files have: a PIVOT, which no contract can list.
{{ config(contract={'enforced': false}, post_hook="{{ describe_columns(easy_variable_words()) }}") }}
with cells as (
    select city_id, year, variable_code, value from {{ ref('city_variable') }}
),

numbers as (
    pivot cells on variable_code
    using any_value(value)
    group by city_id, year
)

select
    n.city_id,
    c.city_code,
    c.name_zh,
    c.name_en,
    c.province_name,
    c.province_en,
    n.* exclude (city_id)
from numbers as n
inner join {{ ref('dim_city') }} as c on n.city_id = c.city_id
order by n.city_id, n.year
