-- The panel as a wide frame for a statistics program: one row per city and year, one column per indicator.
-- 宽表导出：每行一个城市年份，每列一个指标，供统计软件使用。
-- Columns: index_code, city_id, name_zh, name_en, province_name, year, score_100, rank_year, one column per indicator
-- Note: Values before winsorising and capping, in the units of dim_indicator. The columns follow from the data, by
--   name.
pivot (
    select
        w.index_code,
        w.city_id,
        w.name_zh,
        w.name_en,
        r.province_name,
        w.year,
        r.score_100,
        r.rank_year,
        w.indicator_code,
        w.value_raw
    from mart.why_this_number as w
    inner join mart.city_ranking as r on w.index_code = r.index_code and w.city_id = r.city_id and w.year = r.year
    inner join mart.dim_index as i on w.index_code = i.index_code and i.is_headline
) on indicator_code
using first(value_raw)
order by index_code, city_id, year
