-- How unequal are the cities in each year: Gini, its Dagum parts over four regions, Theil and its nested shares?
-- 历年城市间差距多大：基尼系数、四大区域的Dagum分解、泰尔指数及其嵌套份额？
-- Columns: index_code, year, gini, gini_lo, gini_hi, share_within, share_between, share_overlap, theil_t,
--   share_between_region, share_between_province, share_within_province
select
    s.index_code,
    s.year,
    s.gini,
    s.gini_lo,
    s.gini_hi,
    d.share_w as share_within,
    d.share_nb as share_between,
    d.share_t as share_overlap,
    s.theil_t,
    t.share_between_region,
    t.share_between_province,
    t.share_within_province
from mart.mart_disparity_summary as s
left join mart.dim_group_scheme as r on r.role = 'region' and r.is_main
left join mart.mart_dagum_component as d
    on
        s.basis = d.basis
        and s.index_code = d.index_code
        and s.weight_scheme = d.weight_scheme
        and s.year = d.year
        and r.scheme = d.scheme
left join mart.mart_theil_nested as t
    on
        s.basis = t.basis
        and s.index_code = t.index_code
        and s.weight_scheme = t.weight_scheme
        and s.year = t.year
        and r.scheme = t.scheme
        and t.kind = 'T'
        and t.sample = 'all'
where s.basis in (select basis from mart.dim_index) and s.scheme = 'all' and not s.weighted
order by s.index_code, s.year
