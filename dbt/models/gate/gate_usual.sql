-- One row per source, year, variable and scope that loads may be held against, and size of city (1 to 3; 0 for all):
-- how far
-- its figures moved since the last year, how many stood still and how many are zero.
select
    source,
    year,
    variable_code,
    scope,
    coalesce(size, 0) as size,
    count(*) as n_cities,
    quantile_cont(abs(deviation), 0.95) as q95,
    quantile_cont(abs(deviation), 0.99) as q99,
    median(abs(deviation)) as mad,
    median(move) as median_move,
    avg((value = value_last)::integer) filter (where value <> 0) as share_repeat,
    avg((value = 0)::integer) as share_zero
from {{ ref('gate_step') }}
group by grouping sets ((source, year, variable_code, scope, size), (source, year, variable_code, scope))
