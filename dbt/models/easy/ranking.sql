-- Which city leads, how sure is its rank, and did it move?
select
    r.year,
    r.city_id,
    c.city_code,
    r.name_zh,
    r.name_en,
    r.province_name,
    c.province_en,
    r.score_100,
    r.rank_year,
    r.n_city,
    round(r.rank_p05, 2) as rank_p05,
    round(r.rank_p95, 2) as rank_p95,
    r.score_change,
    r.rank_change,
    100 * r.share_imputed_weight as imputed_weight_percent,
    r.is_provisional
from {{ ref('city_ranking') }} as r
inner join {{ ref('dim_city') }} as c on r.city_id = c.city_id and r.boundary_vintage = c.boundary_vintage
where {{ at_headline('r') }}
order by r.year, r.rank_year, r.city_id
