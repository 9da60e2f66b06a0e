-- Which figures that are used, or would be, were edited or stand out, why, and what does the edit move?
select
    e.city_id,
    e.name_zh,
    e.name_en,
    c.province_name,
    c.province_en,
    e.year,
    e.variable_code,
    coalesce(v.name_zh, '地区生产总值平减指数') as variable_zh,
    coalesce(v.name_en, 'deflator of gross domestic product') as variable_en,
    e.source,
    e.rule,
    e.action,
    e.printed_text,
    e.printed_value,
    e.used_value,
    e.unit,
    e.evidence,
    e.file,
    e.sheet,
    e.cell,
    case when i.is_headline then e.score_change end as score_change,
    case when i.is_headline then e.rank_change end as rank_change
from {{ ref('mart_edit') }} as e
inner join {{ ref('dim_city') }} as c on e.city_id = c.city_id and e.boundary_vintage = c.boundary_vintage
left join {{ ref('variable') }} as v on e.variable_code = v.variable_code
left join {{ ref('dim_index') }} as i on e.index_code = i.index_code
where e.is_selected
order by e.city_id, e.year, e.variable_code, e.source, e.rule
