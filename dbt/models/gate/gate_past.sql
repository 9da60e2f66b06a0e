-- One row per yearly load that waits for a verdict, column and city: the last figure before its year, whether the load
-- has the column or not, at most three years back.
with years as (
    select
        l.load_id,
        l.source,
        l.data_year as year,
        r.variable_code,
        r.scope,
        max(r.year) as year_last
    from {{ ref('edit_load') }} as l
    inner join (
        select distinct source, variable_code, scope, year from {{ ref('edit_reference') }}
        where data_year > 0
    ) as r
        on l.source = r.source and r.year between l.data_year - {{ gate_parameter('years_back') }} and l.data_year - 1
    where l.is_waiting and l.data_year > 0
    group by all
)

select
    y.load_id,
    y.year,
    y.variable_code,
    y.scope,
    y.year_last,
    r.city_id,
    r.value as value_last
from years as y
inner join {{ ref('edit_reference') }} as r
    on
        y.source = r.source
        and y.year_last = r.year
        and y.variable_code = r.variable_code
        and y.scope = r.scope
        and r.data_year > 0
