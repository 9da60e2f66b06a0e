-- Which path of policy does each city follow in the last year, how close is the call, and from whom may it learn?
-- 最近一年各城市走哪条路径？判定有多稳？可向谁学习？
-- Columns: index_code, year, city_id, name_zh, path, subtype, rule_fired, margin, margin_input, p_path, benchmark_zh,
--   years_in_path, caveats
-- Note: margin counts standard deviations to the nearest cut that would change the call; p_path is the share of draws
--   with the same path.
select
    p.index_code,
    p.year,
    p.city_id,
    c.name_zh,
    p.path,
    p.subtype,
    p.rule_fired,
    p.margin,
    p.margin_input,
    p.p_path,
    b.name_zh as benchmark_zh,
    p.years_in_path,
    p.caveats
from mart.mart_city_path as p
inner join mart.dim_city as c on p.city_id = c.city_id
left join mart.dim_city as b on p.benchmark_city_id = b.city_id
where
    p.basis in (select basis from mart.dim_index)
    and p.year = (select max(last.year) from mart.mart_city_path as last)
order by p.index_code, p.path, p.p_path desc, p.city_id
