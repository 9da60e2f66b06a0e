-- What editing (and the population that figures are divided by) does to the ranks of a headline index: places in the
-- index against places in its variant, over the cities that have both.
with pairs as (
    select distinct s.variant_of as index_code, s.index_code as variant_code, s.edit_policy, p.weight_scheme
    from {{ source('ops', 'index_spec') }} as s
    inner join {{ source('ops', 'index_spec') }} as p on s.variant_of = p.index_code
    where s.variant_of <> '' and s.edit_policy <> p.edit_policy
),

scores as (
    select
        p.index_code,
        p.variant_code,
        p.edit_policy,
        a.basis,
        a.year,
        a.city_id,
        a.score as score_a,
        b.score as score_b,
        rank() over (partition by p.variant_code, a.basis, a.year order by a.score desc) as rank_a,
        rank() over (partition by p.variant_code, a.basis, a.year order by b.score desc) as rank_b
    from pairs as p
    inner join {{ source('py', 'index_score') }} as a
        on p.index_code = a.index_code and p.weight_scheme = a.weight_scheme
    inner join {{ source('py', 'index_score') }} as b
        on
            p.variant_code = b.index_code and p.weight_scheme = b.weight_scheme and a.basis = b.basis
            and a.city_id = b.city_id and a.year = b.year
    where a.score is not null and b.score is not null
)

select
    {{ context_keys('k') }},
    s.index_code,
    s.variant_code,
    s.edit_policy,
    s.basis,
    s.year::integer as year,
    count(*)::integer as n_city,
    count(*) filter (where abs(s.rank_a - s.rank_b) > 10)::integer as n_moved_10,
    count(*) filter (where abs(s.rank_a - s.rank_b) > 20)::integer as n_moved_20,
    max(abs(s.rank_a - s.rank_b))::integer as largest_move,
    arg_max(s.city_id, (abs(s.rank_a - s.rank_b), s.city_id)) as largest_move_city_id,
    corr(s.rank_a, s.rank_b order by s.city_id) as rank_correlation
from scores as s
cross join {{ source('ops', 'run_context') }} as k
group by all
