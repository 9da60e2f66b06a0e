-- The panel as a wide frame for a statistics program: one row per city and year, one column per indicator.
-- 宽表导出：每行一个城市年份，每列一个指标，供统计软件使用。
-- Columns: index_code, city_id, name_zh, name_en, province_name, year, score_100, rank_year, one column per indicator
-- Note: Values before winsorising and capping, in the units of dim_indicator. The columns follow from the data, by
--   name.
pivot (
    select
        v.index_code,
        v.city_id,
        r.name_zh,
        r.name_en,
        r.province_name,
        v.year,
        r.score_100,
        r.rank_year,
        v.indicator_code,
        v.value_raw
    from mart.mart_indicator_value as v
    inner join mart.city_ranking as r on v.index_code = r.index_code and v.city_id = r.city_id and v.year = r.year
    where v.is_headline
) on indicator_code
using first(value_raw)
order by index_code, city_id, year
