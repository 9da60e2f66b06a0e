-- Which ranks hardly depend on the choices of method, and which do?
-- 哪些名次几乎不受方法选择影响？哪些受影响很大？
-- Columns: index_code, year, rank_year, name_zh, rank_p05, rank_p50, rank_p95, interval_width, p_top20
select
    u.index_code,
    u.year,
    u.rank_year,
    c.name_zh,
    u.rank_p05,
    u.rank_p50,
    u.rank_p95,
    u.rank_p95 - u.rank_p05 as interval_width,
    u.p_top20
from mart.mart_index_uncertainty as u
inner join mart.dim_city as c on u.city_id = c.city_id
inner join mart.dim_index as i on u.index_code = i.index_code and u.basis = i.basis and i.is_headline
qualify u.year = max(u.year) over (partition by u.index_code)
order by u.index_code, interval_width desc, u.rank_year
