-- name: scores
select case index_code when $index then 'composite' else index_code[length($index) + 2:] end as part, city_id, year,
    score_100 as score, rank_year as rank
from mart.mart_index_score
where spec_code = $index and basis = $basis and weight_scheme = $scheme and score is not null
    and year between $first and $last
    and (index_code = $index or index_code[length($index) + 2:] in (select dimension from mart.dim_indicator
        where index_code = $index))
order by part, city_id, year

-- name: ranges
select city_id, year, rank_p05, rank_p95 from mart.mart_index_uncertainty
where index_code = $index and basis = $basis and rank_p05 is not null and year between $first and $last

-- name: cities
select c.city_id, c.city_code, c.name_en, c.name_zh, c.province_en, c.province_name,
    c.name_short_en, c.name_short_zh, s.in_sample
from mart.dim_city as c join mart.mart_sample_city as s using (city_id)
where s.index_code = $index and c.boundary_vintage = (select max(boundary_vintage) from mart.dim_city)
order by c.city_id

-- name: groups
select city_id, scheme, group_code from mart.dim_group_membership
where valid_from <= $last and coalesce(valid_to, 9999) >= $last order by city_id, scheme

-- name: paths
select city_id, path from mart.mart_city_path where @slice and year = $last

-- name: z
select city_id, year, indicator_code, z from mart.mart_indicator_value
where index_code = $index and basis = $basis and year between $first and $last

-- name: values
select v.indicator_code, v.city_id, city.name_en, city.name_zh, v.unit, v.year, v.value_raw as value
from mart.mart_indicator_value as v join city using (city_id)
where v.index_code = $index and v.basis = $basis and v.year between $first and $last

-- name: indicators
select indicator_code as code, tier, dimension, direction, unit, formula_sql, transform, provenance
from mart.dim_indicator where index_code = $index order by tier, indicator_code

-- name: places
select indicator_code, city_id, round(100 * (rank() over (partition by indicator_code order by z) + (count(*) over (partition by indicator_code, z) - 1) / 2 - 1)
    / greatest(1, count(*) over (partition by indicator_code) - 1))::integer as place
from mart.mart_indicator_value
where index_code = $index and basis = $basis and year = $last and z is not null
order by indicator_code, city_id
