-- One row per source, year, variable and scope that loads may be held against, and size of city (1 to 3, thirds of the
-- cities by their earlier figure; 0 for all): how far its figures moved since the last year that is near enough,
-- against the other cities of the column and per square root of a year, how many stood still and how many are zero.
-- Figures of counties say nothing about those of cities: `unit_level` keeps them apart.
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
    from {{ ref('edit_reference') }}
    window series as (partition by source, city_id, variable_code, scope order by year)
),

moves as (
    select
        *,
        case when value > 0 and value_last > 0 then ln(value / value_last) end as move
    from steps
    where gap <= {{ gate_parameter('years_back') }}
),

deviations as (
    select
        *,
        (move - median(move) over block) / sqrt(gap) as deviation,
        {{ size_of_city('move', 'value_last', 'source, variable_code, scope, year') }} as size
    from moves
    window block as (partition by source, variable_code, scope, year)
)

select
    t.source,
    coalesce(any_value(s.unit_level), 'city') as unit_level,
    t.year,
    t.variable_code,
    t.scope,
    coalesce(t.size, 0) as size,
    count(*) as n_cities,
    quantile_cont(abs(deviation), 0.95) as q95,
    quantile_cont(abs(deviation), 0.99) as q99,
    median(abs(deviation)) as mad,
    median(move) as median_move,
    avg((value = value_last)::integer) filter (where value <> 0) as share_repeat,
    avg((value = 0)::integer) as share_zero
from deviations as t
left join {{ ref('source') }} as s on t.source = s.source
group by grouping sets (
    (t.source, t.year, t.variable_code, t.scope, t.size), (t.source, t.year, t.variable_code, t.scope)
)
