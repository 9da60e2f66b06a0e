-- name: panel
select index_code, city_id, year, indicator_code, value, is_imputed from int.int_panel_balanced
where index_code in {MAIN_INDEXES} or index_code in {OTHER_EDITIONS}
order by index_code, city_id, year, indicator_code

-- name: spec
select s.index_code, s.indicator_code, s.dimension, lower(s.tier) as tier, s.variant_of, s.edit_policy,
    w.method
from ops.index_spec as s join seed.weight_scheme as w using (weight_scheme)
order by s.index_code, s.indicator_code

-- name: indicator
select indicator_code, direction, cap_high, is_winsorised from seed.indicator order by 1

-- name: bounds
select * from py.index_bounds order by index_code, basis, indicator_code

-- name: weight
select basis, index_code, weight_scheme, indicator_code, year, weight, {OWN_WEIGHTS} as is_headline
from py.index_weight where index_code in {MAIN_INDEXES} order by all

-- name: score
select basis, index_code, weight_scheme, city_id, year, score, {OWN_WEIGHTS} as is_headline
from py.index_score where index_code in {MAIN_INDEXES} order by all

-- name: outside
select indicator_code as external_code, city_id, year, value from int.int_indicators_constructed
where edit_policy = 'edited' and value is not null and year >= (select min(window_start) from ops.index_spec)
union all
select 'latent_' || name, city_id, year, value from ops.synthetic_truth where kind = 'latent'
order by 1, 2, 3

-- name: measure
select * from int.int_outside_measures order by external_code, unit_id, year

-- name: size
select variable_code, city_id, year, value from int.int_values_completed
where edit_policy = 'edited' and variable_code in ('population', 'gdp_nom') order by all

-- name: province
select city_id, province_code from seed.city order by 1

-- name: context
select data_vintage from ops.run_context

-- name: previous
-- what made the headline scores of a release, out of its published file
select k.data_vintage, v.index_code, v.basis, v.city_id, v.year, v.indicator_code, v.value_raw as value, w.weight,
    b.min_value, b.max_value, b.winsor_low_value, b.winsor_high_value, i.direction, i.cap_high
from mart.mart_indicator_value as v
join mart.mart_index_bounds as b using (index_code, basis, indicator_code)
join mart.mart_index_weight as w
    on w.index_code = v.index_code and w.basis = v.basis and w.indicator_code = v.indicator_code
join mart.dim_index as x on x.index_code = w.index_code and x.weight_scheme = w.weight_scheme
join mart.dim_indicator as i on i.index_code = v.index_code and i.indicator_code = v.indicator_code
cross join ops.run_context as k
where v.index_code in (select index_code from mart.dim_index where variant_of is null or variant_of = '')
order by v.index_code, v.basis, v.city_id, v.year, v.indicator_code
