-- Do centre and periphery differ in level and growth, and is the difference more than chance?
-- 中心与外围在水平和增长上是否有差异？差异是否显著？
-- Columns: index_code, scheme, measure, period, group_high, group_low, mean_high, mean_low, diff, lo, hi, p, p_perm
select
    index_code,
    scheme,
    measure,
    period,
    group_high,
    group_low,
    mean_high,
    mean_low,
    diff,
    lo,
    hi,
    p,
    p_perm
from mart.mart_group_gradient
where basis in (select basis from mart.dim_index)
order by index_code, scheme, measure, period, group_high, group_low
