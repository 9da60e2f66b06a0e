-- name: base
select s.city_id, c.city_code, c.name_en, c.name_zh, c.province_code, c.province_en, s.year, s.rank_year,
    s.share_imputed_weight, s.is_provisional::tinyint as is_provisional
from mart.mart_index_score as s join mart.dim_city as c using (city_id)
where s.index_code = $index and s.basis = $basis and s.weight_scheme = $scheme
order by s.city_id, s.year

-- name: controls
select v.variable_code as variable, v.city_id, v.year, v.value from easy.city_variable as v
where 'control_' || v.variable_code in (
    select column_name from duckdb_columns() where schema_name = 'easy' and table_name = 'panel_wide'
) and v.variable_code not in (select unnest($known::varchar[]))

-- name: control_names
select variable_code, any_value(variable_en), any_value(variable_zh), any_value(unit) from easy.city_variable group by 1

-- name: groups
select scheme, city_id, valid_from, valid_to, group_code, group_name_en, group_name_zh
from mart.dim_group_membership order by all

-- name: d
select city_id, year, d from mart.mart_coupling
where index_code = $index and basis = $basis and weight_scheme = $scheme and form = 'corrected' and scale = 'minmax01'

-- name: scores
select case when length(index_code) > 26 then 's_' else 'score_' end || index_code as variable, city_id, year,
    score_100 as value
from mart.mart_index_score
where basis = $basis and weight_scheme = $scheme and score is not null and spec_code in (select unnest([$index, (select x_codes[1] from mart.dim_model_spec where model_id = $model)]))

-- name: indicators
select indicator_code as variable, city_id, year, any_value(value_raw) as value,
    100 * arg_min(z, index_code <> $index) as z
from mart.mart_indicator_value
where basis = $basis and index_code in (select unnest([$index, (select x_codes[1] from mart.dim_model_spec where model_id = $model)])) group by all

-- name: named
select indicator_code, any_value(name_en), any_value(name_zh), any_value(unit) from mart.dim_indicator
where index_code in (select unnest([$index, (select x_codes[1] from mart.dim_model_spec where model_id = $model)])) group by 1
