-- name: run
select release, data_vintage, is_synthetic from mart.mart_run_manifest order by started_at desc limit 1

-- name: scores
select index_code, count(distinct city_id), min(year), max(year) from mart.mart_index_score
where index_code = spec_code and score is not null group by 1 order by 1

-- name: lacking
-- indicators that no source prints for the first year after the last score of the headline index, and of how many cities
with lacking as (
    select y.index_code, y.year, y.city_id, unnest(string_split(y.missing_indicators, ' ')) as indicator_code
    from mart.incomplete_year as y join mart.dim_index as i using (index_code) where i.is_headline
        and y.year > (select max(s.year) from mart.mart_index_score as s
            where s.index_code = y.index_code and s.score is not null)
    qualify dense_rank() over (order by y.year) = 1
), counted as (
    select index_code, year, indicator_code, count(*) as n from lacking group by all
)
select index_code, year,
    string_agg(indicator_code || ' lacks for ' || n || ' cities', ', ' order by n desc, indicator_code)
from counted group by all

-- name: failed
select severity, message, check_id like 'core_city/%' from mart.mart_check_result
where not passed and severity in ('error', 'warn') order by severity, check_id
