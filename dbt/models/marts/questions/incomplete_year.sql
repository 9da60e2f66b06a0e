-- Which years of a city have some indicators but no score, and what is missing? Nothing of them may be summed.
select
    {{ context_keys('s') }},
    s.basis,
    s.index_code,
    s.weight_scheme,
    s.year,
    s.city_id,
    c.name_zh,
    c.name_en,
    any_value(i.n_indicator) as n_indicator,
    (count(*) filter (where k.z is null))::integer as n_missing,
    coalesce(sum(w.weight order by w.indicator_code) filter (where k.z is null), 0) as missing_weight,
    string_agg(w.indicator_code, ' ' order by w.indicator_code) filter (where k.z is null) as missing_indicators
from {{ ref('mart_index_score') }} as s
inner join {{ ref('dim_index') }} as i
    on
        s.index_code = i.index_code and s.basis = i.basis and s.weight_scheme = i.weight_scheme
        and i.variant_of is null
inner join {{ ref('dim_city') }} as c on s.city_id = c.city_id and s.boundary_vintage = c.boundary_vintage
inner join {{ ref('mart_index_weight') }} as w
    on s.index_code = w.index_code and s.basis = w.basis and s.weight_scheme = w.weight_scheme
left join {{ ref('mart_index_contribution') }} as k
    on
        s.basis = k.basis
        and s.index_code = k.index_code
        and s.weight_scheme = k.weight_scheme
        and s.city_id = k.city_id
        and s.year = k.year
        and w.indicator_code = k.indicator_code
where s.score is null
group by all
