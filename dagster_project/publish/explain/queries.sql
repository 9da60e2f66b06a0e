-- name: indexes
select index_code, title_zh, title_en, basis, weight_scheme, is_headline
from mart.dim_index where is_computed order by not is_headline, variant_of is not null, index_code

-- name: years
select s.index_code, list(s.year order by s.year) as years
from mart.mart_index_score as s
join mart.dim_index as i on s.index_code = i.index_code and s.basis = i.basis and s.weight_scheme = i.weight_scheme
where s.city_id = ? and s.score is not null
group by s.index_code, i.variant_of order by i.variant_of is not null, s.index_code

-- name: parts
select index_code, year, score, score_100, rank_year, share_imputed_weight, is_provisional, out_of_base_range,
    count(*) over (partition by index_code, year) as n_cities
from mart.mart_index_score
where spec_code = ? and basis = ? and weight_scheme = ? and year in (?, ?) and score is not null
qualify city_id = ?
order by length(index_code), index_code, year

-- name: interval
select rank_p05, rank_p50, rank_p95, p_top20, score_p05, score_p95, n_draws
from mart.mart_index_uncertainty where index_code = ? and basis = ? and city_id = ? and year = ?

-- name: cells
select c.indicator_code, i.name_zh, i.name_en, i.unit, i.direction, i.dimension, i.tier, v.value_raw as value,
    v.value_final, v.value_origin, v.is_winsorised, v.is_capped, v.out_of_base_range, c.z, c.weight, c.contribution,
    c.obstacle_degree, b.contribution as contribution_before, u.value_raw as value_before
from mart.mart_index_contribution as c
join mart.dim_indicator as i using (index_code, indicator_code)
join mart.mart_indicator_value as v using (index_code, basis, city_id, year, indicator_code)
left join mart.mart_index_contribution as b
    on c.index_code = b.index_code and c.basis = b.basis and c.city_id = b.city_id
    and c.indicator_code = b.indicator_code and b.year = c.year - 1
left join mart.mart_indicator_value as u
    on c.index_code = u.index_code and c.basis = u.basis and c.city_id = u.city_id
    and c.indicator_code = u.indicator_code and u.year = c.year - 1
where c.index_code = ? and c.basis = ? and c.city_id = ? and c.year = ?
order by c.contribution desc, c.indicator_code

-- name: sources
-- and the figures that are left out until a person answers: an imputed value stands on the cells of other years
select indicator_code, variable_code, source, file, sheet, cell, text, value, unit, edit_action
from mart.mart_indicator_source
where index_code = $index and city_id = $city and year = $year
union all
select unnest(string_split(indicators, ' ')) as indicator_code, variable_code, source, file, sheet, cell, printed_text,
    printed_value, unit, action
from mart.mart_edit where city_id = $city and year = $year and action = 'withheld'
order by indicator_code, edit_action = 'withheld' nulls first, variable_code, source, file, cell

-- name: dropped
select drop_reason from mart.mart_sample_city where index_code = ? and city_id = ? and not in_sample

-- name: missing
select missing_indicators from mart.incomplete_year where index_code = ? and city_id = ? and year = ?
