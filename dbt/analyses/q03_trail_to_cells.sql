-- From which printed cells is one indicator of one city computed, and were they corrected?
-- 某市某项指标由哪些印刷单元格算得？有无更正？
-- Columns: index_code, year, indicator_code, variable_code, value, unit, text, source, vintage, file, sheet, cell,
--   is_corrected, correction_reason, fill_rule
select
    s.index_code,
    s.year,
    s.indicator_code,
    s.variable_code,
    s.value,
    s.unit,
    v.text,
    s.source,
    v.vintage,
    s.file,
    s.sheet,
    s.cell,
    v.is_corrected,
    v.correction_reason,
    v.fill_rule
from mart.mart_indicator_source as s
inner join
    mart.mart_source_value as v
    on s.source_cell_id = v.source_cell_id and s.city_id = v.city_id and s.year = v.year
inner join mart.dim_city as c on s.city_id = c.city_id
inner join mart.dim_index as i on s.index_code = i.index_code and i.is_headline
where
    c.name_en = 'Hefei'
    and s.indicator_code = 'n2_broadband'
qualify s.year = max(s.year) over ()
order by s.index_code, s.variable_code, s.file, s.cell
