-- Which indicators moved the score of Hefei since the year before?
-- 与上年相比，哪些指标推动了合肥得分的变化？
-- Columns: index_code, year, indicator_code, indicator_zh, contribution_before, contribution, contribution_change
select
    w.index_code,
    w.year,
    w.indicator_code,
    w.indicator_zh,
    b.contribution as contribution_before,
    w.contribution,
    w.contribution - b.contribution as contribution_change
from mart.why_this_number as w
inner join mart.why_this_number as b
    on
        w.index_code = b.index_code
        and w.city_id = b.city_id
        and w.indicator_code = b.indicator_code
        and w.year = b.year + 1
inner join mart.dim_index as i on w.index_code = i.index_code and i.is_headline
where
    w.name_en = 'Hefei'
    and w.year = (select max(last.year) from easy.ranking as last)
order by w.index_code, abs(w.contribution - b.contribution) desc
