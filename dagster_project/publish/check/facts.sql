-- name: variables
select distinct variable_code, unit from easy.city_variable

-- name: indicators
select indicator_code, any_value(unit) from mart.mart_indicator_value group by indicator_code

-- name: indexes
select s.index_code, max(s.basis), any_value(s.weight_scheme) from mart.mart_index_score as s
join mart.dim_index as i on s.spec_code = i.index_code and s.weight_scheme = i.weight_scheme
where s.basis like 'frozen%' and s.score is not null group by s.index_code

-- name: values
select city_id, year, value, value_as_printed, value_origin from easy.city_variable
where variable_code = ? and value is not null

-- name: raw
select city_id, year, any_value(value_raw order by index_code <> $2, basis not like 'frozen%', index_code),
    null, any_value(value_origin)
from mart.mart_indicator_value where indicator_code = $1 and value_raw is not null group by city_id, year

-- name: scores
select s.city_id, s.year, s.score_100, s.rank_year, u.rank_p05, u.rank_p95, s.share_imputed_weight, s.is_provisional
from mart.mart_index_score as s
left join mart.mart_index_uncertainty as u using (index_code, basis, city_id, year)
where s.index_code = ? and s.basis = ? and s.weight_scheme = ? and s.score is not null

-- name: tables
select table_name from duckdb_tables() where schema_name = 'easy'

-- name: inequality
select year, {name} from easy.inequality where scheme = (select min(scheme) from easy.inequality)

-- name: moran
select year, moran_i from easy.moran

-- name: effects
select last_year, points_per_unit from easy.effects where is_of_interest and effect = ?
