-- Which city leads, how sure is its rank, and did it move? What of it is under question?
with doubtful as (
    select distinct
        e.city_id,
        e.year,
        e.variable_code,
        p.indicator_code
    from {{ ref('mart_edit') }} as e
    inner join {{ ref('indicator_part') }} as p
        on
            case e.variable_code
                when 'population_resident' then 'population'
                when 'secondary_share' then 'va_secondary_nom'
                when 'tertiary_share' then 'va_tertiary_nom'
                else e.variable_code
            end = p.variable_code
    where e.action = 'pending' and e.is_selected
),

pending as (
    select
        k.city_id,
        k.year,
        d.variable_codes,
        k.weight
    from {{ ref('mart_index_contribution') }} as k
    inner join (
        select
            city_id,
            year,
            indicator_code,
            list(variable_code) as variable_codes
        from doubtful
        group by all
    ) as d on k.city_id = d.city_id and k.year = d.year and k.indicator_code = d.indicator_code
    where {{ at_headline('k') }}
),

weighted as (
    select
        city_id,
        year,
        len(list_distinct(flatten(list(variable_codes)))) as n_pending,
        sum(weight order by weight) as weight
    from pending
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
    100 * coalesce(w.weight, 0) as pending_weight_percent,
    r.is_provisional
from {{ ref('city_ranking') }} as r
inner join {{ ref('dim_city') }} as c on r.city_id = c.city_id and r.boundary_vintage = c.boundary_vintage
left join weighted as w on r.city_id = w.city_id and r.year = w.year
where {{ at_headline('r') }}
order by r.year, r.rank_year, r.city_id
