-- Which printed figures were corrected, from what to what, and why?
-- 更正了哪些印刷数字？原文、改后数值与理由是什么？
-- Columns: name_zh, year, variable_code, unit, text, value, correction_reason, source, file, sheet, cell, is_selected
-- Note: The small demo covers few cities and years; a correction of another city does not show there.
select
    c.name_zh,
    v.year,
    v.variable_code,
    v.unit,
    v.text,
    v.value,
    v.correction_reason,
    v.source,
    v.file,
    v.sheet,
    v.cell,
    v.is_selected
from mart.mart_source_value as v
inner join mart.dim_city as c on v.city_id = c.city_id
where v.is_corrected
order by v.year, v.variable_code, c.city_id, v.source_cell_id
