-- Which city leads, how sure is its rank, and did it move? Headline indexes, frozen basis, own weights.
with scores as (
    select
        s.*,
        count(*) over (partition by s.index_code, s.year) as n_city
    from {{ ref('mart_index_score') }} as s
    inner join {{ ref('dim_index') }} as i
        on
            s.index_code = i.index_code and s.basis = i.basis and s.weight_scheme = i.weight_scheme
            and i.variant_of is null
    where s.score is not null
)

select
    {{ context_keys('s') }},
    s.basis,
    s.index_code,
    s.weight_scheme,
    s.year,
    s.city_id,
    c.name_zh,
    c.name_en,
    c.province_name,
    s.score_100,
    s.rank_year,
    s.n_city::integer as n_city,
    u.rank_p05,
    u.rank_p95,
    s.score_100 - b.score_100 as score_change,
    b.rank_year - s.rank_year as rank_change,
    s.share_imputed_weight,
    s.is_provisional
from scores as s
inner join {{ ref('dim_city') }} as c on s.city_id = c.city_id and s.boundary_vintage = c.boundary_vintage
left join scores as b on s.index_code = b.index_code and s.city_id = b.city_id and s.year = b.year + 1
left join {{ ref('mart_index_uncertainty') }} as u
    on s.basis = u.basis and s.index_code = u.index_code and s.city_id = u.city_id and s.year = u.year
