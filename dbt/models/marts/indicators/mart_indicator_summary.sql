-- Ordered before it is added up, by the one thread of a statement: two builds give the same last digit.
-- Year 0 pools all years. Skewness and kurtosis are the sample forms (kurtosis: excess).
with cells as (
    select v.*, s.score, ln(g.value) as gdp
    from {{ ref('mart_indicator_value') }} as v
    left join {{ ref('dim_index') }} as i on v.index_code = i.index_code
    left join {{ ref('mart_index_score') }} as s
        on
            v.index_code = s.index_code and v.basis = s.basis and v.city_id = s.city_id and v.year = s.year
            and i.weight_scheme = s.weight_scheme
    left join {{ ref('int_indicators_constructed') }} as g
        on
            v.city_id = g.city_id and v.year = g.year and g.indicator_code = 'q2_gdppc' and g.edit_policy = 'edited'
            and g.value > 0
    order by v.city_id, v.year
),

pooled as (
    select * from cells
    union all by name
    select * replace (0 as year) from cells
)

select
    data_vintage,
    method_version,
    boundary_vintage,
    basis,
    index_code,
    indicator_code,
    year::integer as year,
    count(value_raw)::integer as n,
    avg(value_raw) as mean,
    stddev_samp(value_raw) as sd,
    min(value_raw) as min,
    quantile_cont(value_raw, [0.01, 0.5, 0.99])[1] as p01,
    quantile_cont(value_raw, [0.01, 0.5, 0.99])[2] as p50,
    quantile_cont(value_raw, [0.01, 0.5, 0.99])[3] as p99,
    max(value_raw) as max,
    case when stddev_samp(value_raw) > 0 then skewness(value_raw) end as skewness,
    case when stddev_samp(value_raw) > 0 then kurtosis(value_raw) end as kurtosis,
    case when stddev_samp(value_raw) > 0 then corr(z, score) end as corr_with_score,
    case when stddev_samp(value_raw) > 0 then corr(z, gdp) end as corr_with_gdp
from pooled
group by all
