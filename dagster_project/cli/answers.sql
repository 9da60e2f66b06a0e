-- name: compare
select a.indicator_code, i.name_zh, i.name_en, i.unit, a.value_raw as value_a, b.value_raw as value_b, a.weight,
    100 * a.contribution as points_a, 100 * b.contribution as points_b, points_a - points_b as lead
from mart.why_this_number as a
join mart.why_this_number as b using (index_code, year, indicator_code)
join mart.dim_indicator as i on i.index_code = a.index_code and i.indicator_code = a.indicator_code
where a.index_code = ? and a.year = ? and a.city_id = ? and b.city_id = ?
order by abs(lead) desc, a.indicator_code

-- name: index
select index_code from mart.dim_index where is_headline

-- name: score
select score_100, rank_year, n_city from mart.city_ranking where index_code = ? and city_id = ? and year = ?

-- name: years
select min(year), max(year) from mart.city_ranking where index_code = ? and city_id = ?

-- name: dropped
select drop_reason from mart.mart_sample_city where city_id = ? and index_code = ? and not in_sample

-- name: run
select release, data_vintage, method_version, is_synthetic, year(started_at) as year
from mart.mart_run_manifest order by started_at desc limit 1
