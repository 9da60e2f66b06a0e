-- name: city
select city_id, province_code, admin_tier from mart.dim_city order by city_id

-- name: population
select city_id, year, value as population from int.int_values_completed
where edit_policy = 'edited' and variable_code = 'population' and value > 0
    and year >= (select min(window_start) from ops.index_spec) order by all
