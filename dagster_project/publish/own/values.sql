-- name: first
-- An indicator stands in several indexes: that of the headline first, its relations, other whole ones, then variants.
select i.index_code, i.indicator_code from mart.dim_indicator as i join mart.dim_index as x using (index_code)
where x.is_computed
order by i.index_code <> $index, i.index_code <> $relations, x.variant_of is not null, x.n_indicator desc, i.index_code

-- name: indicator
select city_id, year, value_raw as value from mart.mart_indicator_value
where index_code = $of and basis = $basis and indicator_code = $code and value_raw is not null

-- name: score
select s.city_id, s.year, s.score_100 as value from mart.mart_index_score as s
join mart.dim_index as x on x.index_code = s.index_code and x.weight_scheme = s.weight_scheme
where s.index_code = $of and s.basis = $basis and s.score is not null

-- name: variable
select city_id, year, value from easy.city_variable where variable_code = $code and value is not null

-- name: facts
select index_code, indicator_code, name_zh, name_en, unit, dimension, direction, cap_high,
    contains(transform, 'winsor') as is_winsorised
from mart.dim_indicator where index_code = $of and indicator_code = $code

-- name: cities
select city_id, name_zh, name_en from mart.dim_city
