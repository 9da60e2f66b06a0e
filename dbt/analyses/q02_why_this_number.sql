-- Why is the score of Hefei what it is, and which cells say so?
-- 合肥的得分由何构成？各数字出自哪个单元格？
-- Columns: index_code, year, indicator_code, indicator_zh, value_raw, unit, z, weight, contribution, value_origin,
--   file, sheet, cell, text
select
    w.index_code,
    w.year,
    w.indicator_code,
    w.indicator_zh,
    w.value_raw,
    w.unit,
    w.z,
    w.weight,
    w.contribution,
    w.value_origin,
    w.file,
    w.sheet,
    w.cell,
    w.text
from mart.why_this_number as w
inner join mart.dim_index as i on w.index_code = i.index_code and i.is_headline
where
    w.name_en = 'Hefei'
    and w.year = (select max(last.year) from easy.ranking as last)
order by w.index_code, w.contribution desc
