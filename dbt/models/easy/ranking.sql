-- Which city leads, how sure is its rank, and did it move? What of it is under question?
with doubtful as (
    select distinct city_id, year, variable_code, action, unnest(indicator_codes) as indicator_code
    from {{ ref('int_edits_settled') }}
    where action in ('pending', 'withheld') and is_selected
),

by_indicator as (
    select
        d.city_id,
        d.year,
        any_value(k.weight) filter (d.action = 'pending') as weight,
        list(d.variable_code) filter (d.action = 'pending') as pending,
        list(d.variable_code) filter (d.action = 'withheld') as withheld
    from doubtful as d
    inner join {{ ref('mart_index_contribution') }} as k
        on d.city_id = k.city_id and d.year = k.year and d.indicator_code = k.indicator_code
    where {{ at_headline('k') }}
    group by d.city_id, d.year, d.indicator_code
),

weighted as (
    select
        city_id,
        year,
        len(list_distinct(flatten(list(pending)))) as n_pending,
        len(list_distinct(flatten(list(withheld)))) as n_withheld,
        sum(weight order by weight) as weight
    from by_indicator
    group by all
)

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
    coalesce(w.n_pending, 0)::integer as n_pending,
    coalesce(w.n_withheld, 0)::integer as n_withheld,
    100 * coalesce(w.weight, 0) as pending_weight_percent,
    r.is_provisional
from {{ ref('city_ranking') }} as r
inner join {{ ref('dim_city') }} as c on r.city_id = c.city_id and r.boundary_vintage = c.boundary_vintage
left join weighted as w on r.city_id = w.city_id and r.year = w.year
where {{ at_headline('r') }}
order by r.year, r.rank_year, r.city_id
