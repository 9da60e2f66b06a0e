-- Which cities lead in the last year, and did they move?
-- 最近一年哪些城市领先？名次有无变动？
-- Columns: index_code, year, rank_year, name_zh, name_en, province_name, score_100, rank_p05, rank_p95, rank_change
select
    r.index_code,
    r.year,
    r.rank_year,
    r.name_zh,
    r.name_en,
    r.province_name,
    r.score_100,
    r.rank_p05,
    r.rank_p95,
    r.rank_change
from mart.city_ranking as r
inner join mart.dim_index as i on r.index_code = i.index_code and i.is_headline
where r.year = (select max(last.year) from easy.ranking as last)
order by r.index_code, r.rank_year
limit 20
