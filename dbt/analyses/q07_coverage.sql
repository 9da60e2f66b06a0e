-- For how many cities is each indicator observed, imputed or missing in each year?
-- 各指标各年有多少城市为实测、插补或缺失？
-- Columns: index_code, indicator_code, name_zh, year, n_city, n_observed, n_imputed, n_missing, share_imputed
select
    v.index_code,
    v.indicator_code,
    i.name_zh,
    v.year,
    v.n_city,
    v.n_observed,
    v.n_imputed,
    v.n_missing,
    v.share_imputed
from mart.mart_indicator_coverage as v
inner join mart.dim_indicator as i on v.index_code = i.index_code and v.indicator_code = i.indicator_code
inner join mart.dim_index as x on v.index_code = x.index_code and x.is_headline
order by v.index_code, v.indicator_code, v.year
