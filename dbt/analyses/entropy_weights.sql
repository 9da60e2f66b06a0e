-- Entropy weights a second time, from the published scaled values: what mart_index_weight says of the headline scheme.
-- p = z / sum z over the complete rows of the window, e = -sum p ln p / ln M, weight = (1 - e) / sum (1 - e).
with cells as (
    select
        v.index_code,
        v.basis,
        v.city_id,
        v.year,
        v.indicator_code,
        v.z,
        count(v.z) over (partition by v.index_code, v.basis, v.city_id, v.year) as n_there
    from mart.mart_indicator_value as v
    inner join mart.mart_index_bounds as b
        on
            v.index_code = b.index_code
            and v.basis = b.basis
            and v.indicator_code = b.indicator_code
            and v.year between b.window_start and b.window_end
),

sizes as (
    select
        index_code,
        basis,
        count(*) as n_indicator
    from mart.mart_index_bounds
    group by all
),

shares as (
    select
        c.index_code,
        c.basis,
        c.indicator_code,
        c.z / sum(c.z) over (partition by c.index_code, c.basis, c.indicator_code) as p
    from cells as c
    inner join sizes as s on c.index_code = s.index_code and c.basis = s.basis and c.n_there = s.n_indicator
),

entropies as (
    select
        index_code,
        basis,
        indicator_code,
        -sum(case when p > 0 then p * ln(p) else 0 end) / ln(count(*)) as entropy
    from shares
    group by all
)

select
    index_code,
    basis,
    indicator_code,
    entropy,
    (1 - entropy) / sum(1 - entropy) over (partition by index_code, basis) as weight
from entropies
order by index_code, basis, indicator_code
