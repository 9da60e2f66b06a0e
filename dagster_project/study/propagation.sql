-- name: panel
select index_code, city_id, year, indicator_code, value, is_imputed, is_provisional from int.int_panel_balanced
where index_code in {MAIN_INDEXES} or index_code in {OTHER_EDITIONS} order by all

-- name: windows
select distinct index_code, basis, window_start, window_end from py.index_bounds order by all

-- name: weighting
select weight_scheme, method, delta from seed.weight_scheme

-- name: data
select model_id, basis, city_id, year, term, value, segment from py.model_data
order by model_id, basis, city_id, year, term

-- name: edges
select model_id, city_i, city_j, w from py.model_edge order by all
