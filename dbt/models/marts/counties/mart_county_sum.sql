select
    {{ context_keys('k') }},
    s.city_id,
    s.year::integer as year,
    s.variable_code,
    v.unit,
    s.source,
    s.n_printed::integer as n_printed,
    s.n_listed::integer as n_listed,
    s.of_counties,
    s.of_city,
    s.ratio,
    case
        when not s.is_broken then 'holds'
        when s.ratio > 1 then 'more than the city'
        else 'less than the city'
    end as verdict
from {{ ref('int_county_sums') }} as s
inner join {{ ref('variable') }} as v on s.variable_code = v.variable_code
cross join {{ source('ops', 'run_context') }} as k
