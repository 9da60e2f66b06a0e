-- name: model
select y_code, w_code, fe, estimator, model_type, se_type from mart.dim_model_spec where model_id = $of

-- name: data
select term, role, city_id, year, value, segment from mart.mart_model_data where model_id = $of and basis = $basis

-- name: edge
select city_i, city_j, w from mart.mart_model_edge where model_id = $of and basis = $basis

-- name: link
select city_id_receiver as i, city_id_emitter as j from mart.mart_spatial_weight_edge where w_code = $code

-- name: matrix
select w_code, kind, params_json, normalisation from mart.dim_weight_matrix order by w_code

-- name: point
select city_id, centroid_lon, centroid_lat from mart.dim_city where centroid_lon is not null

-- name: coef
select 'coefficient' as kind, term, coef as published from mart.mart_panel_coef where model_id = $of and basis = $basis
union
select effect as kind, variable as term, point as published from mart.mart_panel_effect
where model_id = $of and basis = $basis and horizon = 'static'
