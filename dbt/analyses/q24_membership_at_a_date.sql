-- Which group did each city belong to in a given year?
-- 某一年份各城市属于哪个分组？
-- Columns: city_id, name_zh, scheme, group_code, group_name_zh, valid_from, valid_to, source
-- Note: valid_from 0 means from the beginning, an empty valid_to until today. Write your year in place of 2016.
select
    g.city_id,
    c.name_zh,
    g.scheme,
    g.group_code,
    g.group_name_zh,
    g.valid_from,
    g.valid_to,
    g.source
from mart.dim_group_membership as g
inner join mart.dim_city as c on g.city_id = c.city_id
where g.valid_from <= 2016 and coalesce(g.valid_to, 9999) >= 2016
order by g.scheme, g.group_code, g.city_id
