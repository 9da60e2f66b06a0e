-- How much do production relations change the city itself and the others, in each regression?
-- 生产关系对本市和其他城市的直接、间接与总效应各为多少？
-- Columns: model_id, title, variable, horizon, direct, direct_p, indirect, indirect_p, total, total_lo, total_hi,
--   any_flag
select
    e.model_id,
    s.title,
    e.variable,
    e.horizon,
    max(e.point) filter (where e.effect = 'direct') as direct,
    max(e.p) filter (where e.effect = 'direct') as direct_p,
    max(e.point) filter (where e.effect = 'indirect') as indirect,
    max(e.p) filter (where e.effect = 'indirect') as indirect_p,
    max(e.point) filter (where e.effect = 'total') as total,
    max(e.lo) filter (where e.effect = 'total') as total_lo,
    max(e.hi) filter (where e.effect = 'total') as total_hi,
    string_agg(distinct nullif(e.flag, ''), '; ') as any_flag
from mart.mart_panel_effect as e
inner join mart.dim_model_spec as s on e.model_id = s.model_id
where list_contains(s.x_codes, e.variable)
group by e.model_id, s.title, e.variable, e.horizon, s.is_headline
order by s.is_headline desc, e.model_id, e.variable, e.horizon
