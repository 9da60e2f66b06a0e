-- What the estimator saw. The origin of an indicator's figure is that of the year it is of.
select
    {{ context_keys('k') }},
    d.basis::varchar as basis,
    d.index_code::varchar as index_code,
    d.weight_scheme::varchar as weight_scheme,
    d.model_id::varchar as model_id,
    d.city_id::varchar as city_id,
    d.year::integer as year,
    d.term::varchar as term,
    d.role::varchar as role,
    d.value::double as value,
    d.unit::varchar as unit,
    d.source::varchar as source,
    d.code::varchar as code,
    d.lag_years::integer as lag_years,
    d.segment::integer as segment,
    v.value_origin,
    d.n_obs::integer as n_obs
from {{ source('py', 'model_data') }} as d
cross join {{ source('ops', 'run_context') }} as k
left join {{ ref('int_values_imputed') }} as v
    on
        d.source = 'indicator' and d.code = v.indicator_code and d.city_id = v.city_id
        and d.year - d.lag_years = v.year and v.edit_policy = 'edited'
