-- name: scores
select basis, index_code, weight_scheme, city_id, year, score, share_imputed_weight from py.index_score
where score is not null order by 1, 2, 3, 4, 5

-- name: indicators
select indicator_code, city_id, year, value from int.int_values_imputed
where edit_policy = 'edited' and value is not null order by 1, 2, 3

-- name: contributions
select basis, index_code, indicator_code, weight, city_id, year, contribution from py.index_contribution
where index_code in {RELATIONS} and {OWN_WEIGHTS} order by 1, 2, 3, 5, 6

-- name: breaks
select distinct s.index_code, p.indicator_code, b.break_year as year,
    s.edit_policy in ('edited', 'registered') as is_bridged
from int.int_breaks as b
join seed.indicator_part as p on b.variable_code = p.variable_code
join ops.index_spec as s on p.indicator_code = s.indicator_code
where b.treatment = 'split' and b.area_code = 'all' order by all

-- name: city
select city_id, province_code, admin_tier, centroid_lon, centroid_lat from seed.city
where centroid_lon is not null order by city_id
