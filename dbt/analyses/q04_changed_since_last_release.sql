-- Whose score did the last data vintage move, and through what?
-- 最近一次数据更新改变了哪些城市的得分？原因为何？
-- Columns: index_code, vintage_old, vintage_new, basis_new, year, name_zh, name_en, score_old, score_new,
--   part_revision, part_bounds, part_weights, part_method, total_change
-- Note: No row in the first vintage of a warehouse: there is nothing to compare it with.
select
    r.index_code,
    r.vintage_old,
    r.vintage_new,
    r.basis_new,
    r.year,
    c.name_zh,
    c.name_en,
    r.score_old,
    r.score_new,
    r.part_revision,
    r.part_bounds,
    r.part_weights,
    r.part_method,
    r.total_change
from mart.mart_index_restatement as r
inner join mart.dim_city as c on r.city_id = c.city_id
where r.vintage_old <> r.vintage_new and r.basis_old = r.basis_new and abs(r.total_change) > 1e-12
order by abs(r.total_change) desc, r.index_code, r.city_id, r.year
limit 50
