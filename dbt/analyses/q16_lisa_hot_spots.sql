-- Which cities form hot and cold spots in the last year, after correction for many tests?
-- 经多重检验校正后，最近一年哪些城市构成热点与冷点？
-- Columns: index_code, year, name_zh, province_name, z, lag_z, quadrant, p_perm, q_bh, class_fdr, gi_class
-- Note: class_fdr is the class to map; rows where it says ns are significant only before the correction.
select
    m.index_code,
    m.year,
    c.name_zh,
    c.province_name,
    m.z,
    m.lag_z,
    m.quadrant,
    m.p_perm,
    m.q_bh,
    m.class_fdr,
    m.gi_class
from mart.mart_lisa as m
inner join mart.dim_city as c on m.city_id = c.city_id
where
    m.basis in (select basis from mart.dim_index)
    and m.w_code = 'queen_row'
    and m.year = (select max(year) from mart.mart_lisa)
    and (m.class_raw not in ('ns', 'island') or m.gi_class in ('hot', 'cold'))
order by m.index_code, m.q_bh, m.city_id
