-- One row per source, year, variable and scope that loads may be held against, and size of city (1 to 3; 0 for all):
-- how far its figures moved since the last year, how many stood still and how many are zero. Figures of counties say
-- nothing about those of cities: `unit_level` keeps them apart.
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
from {{ ref('gate_step') }} as t
left join {{ ref('source') }} as s on t.source = s.source
group by grouping sets (
    (t.source, t.year, t.variable_code, t.scope, t.size), (t.source, t.year, t.variable_code, t.scope)
)
