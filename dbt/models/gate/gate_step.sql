-- One row per figure that loads may be held against and that has an earlier one at most three years back: how far it
-- moved against the other cities of its column, per square root of a year. size: third of the cities by their earlier
-- figure.
with steps as (
    select
        source,
        data_year,
        city_id,
        variable_code,
        scope,
        year,
        value,
        lag(value) over series as value_last,
        year - lag(year) over series as gap
    from {{ ref('gate_reference') }}
    window series as (partition by source, city_id, variable_code, scope order by year)
),

moves as (
    select
        *,
        case when value > 0 and value_last > 0 then ln(value / value_last) end as move
    from steps
    where gap <= {{ gate_parameter('years_back') }}
)

select
    *,
    (move - median(move) over block) / sqrt(gap) as deviation,
    {{ size_of_city('move', 'value_last', 'source, variable_code, scope, year') }} as size
from moves
window block as (partition by source, variable_code, scope, year)
