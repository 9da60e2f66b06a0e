-- Over the cities of the sample frame: every city with at least one figure of the indicator set.
with cells as (
    select
        s.index_code,
        r.city_id,
        y.year,
        s.indicator_code,
        v.value,
        v.value_observed,
        v.value_origin
    from {{ source('ops', 'index_spec') }} as s
    inner join (select distinct index_code, city_id from {{ ref('int_sample_cities_judged') }}) as r
        on s.index_code = r.index_code
    inner join (select distinct year from {{ ref('int_values_imputed') }}) as y on s.window_start <= y.year
    left join {{ ref('int_values_imputed') }} as v
        on
            s.indicator_code = v.indicator_code and s.edit_policy = v.edit_policy
            and r.city_id = v.city_id and y.year = v.year
)

select
    {{ context_keys('k') }},
    c.index_code,
    c.indicator_code,
    c.year::integer as year,
    count(*)::integer as n_city,
    (count(*) filter (where c.value is not null and not {{ is_imputed('c.value_origin') }}))::integer
        as n_observed,
    (count(c.value) filter (where {{ is_imputed('c.value_origin') }}))::integer as n_imputed,
    (count(*) filter (where c.value_origin = 'suspected_fill'))::integer as n_suspected_fill,
    (count(*) filter (where c.value = 0))::integer as n_zero,
    (count(*) filter (where c.value is null))::integer as n_missing,
    (count(c.value) filter (where {{ is_imputed('c.value_origin') }})) / count(*) as share_imputed
from cells as c
cross join {{ source('ops', 'run_context') }} as k
group by all
