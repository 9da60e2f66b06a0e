-- How much each indicator weighs in an index, told before the sample is judged: an indicator of small weight
-- (`minor_weight`) may not expel a city. Flat entropy weights over the cities that have every indicator in every year
-- of the window, on values winsorised and scaled as the index does it (python_models.index is the home of the formula;
-- the published weights are its own).
with cells as (
    select
        s.index_code,
        s.indicator_code,
        v.city_id,
        v.year,
        v.value,
        i.direction,
        i.is_winsorised,
        i.cap_high
    from {{ source('ops', 'index_spec') }} as s
    inner join {{ ref('int_values_imputed') }} as v
        on
            s.indicator_code = v.indicator_code and s.edit_policy = v.edit_policy
            and v.year between s.window_start and s.window_end
    inner join {{ ref('indicator') }} as i on s.indicator_code = i.indicator_code
    where v.value is not null
),

whole as (
    select c.index_code, c.city_id
    from cells as c
    group by all
    having
        count(*) = (
            select count(distinct s.indicator_code) * (any_value(s.window_end) - any_value(s.window_start) + 1)
            from {{ source('ops', 'index_spec') }} as s
            where s.index_code = c.index_code
        )
),

capped as (
    select c.*, least(c.value, coalesce(c.cap_high, c.value)) as capped
    from cells as c
    inner join whole as w on c.index_code = w.index_code and c.city_id = w.city_id
),

{{ quick_entropies('capped') }}

select
    s.index_code,
    s.indicator_code,
    e.redundancy / sum(e.redundancy) over (partition by s.index_code) as weight,
    coalesce(weight < {{ var('minor_weight') }}, false) as is_minor
from {{ source('ops', 'index_spec') }} as s
left join entropies as e on s.index_code = e.index_code and s.indicator_code = e.indicator_code
