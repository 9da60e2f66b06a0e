-- How many cities are in each class of coordination with production relations, and which side lags?
-- 新质生产力与生产关系各协调等级有多少城市？哪一方滞后？
-- Columns: index_code, relations_code, year, class_10, n_city, mean_d, n_relations_lag, n_forces_lag
select
    index_code,
    relations_code,
    year,
    class_10,
    count(*) as n_city,
    avg(d) as mean_d,
    count(*) filter (where lead_lag = 'pr_lagging') as n_relations_lag,
    count(*) filter (where lead_lag = 'nqpf_lagging') as n_forces_lag
from mart.mart_coupling
where basis in (select basis from mart.dim_index) and form = 'corrected' and scale = 'minmax01'
group by index_code, relations_code, year, class_10
order by index_code, relations_code, year, mean_d
