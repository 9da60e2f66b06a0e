-- "GDP of county X by year": figures of county-level units on the base boundary, without those that are held.
select
    p.county_id,
    c.name_zh,
    c.kind,
    c.parent_name_zh,
    c.parent_name_en,
    p.year,
    p.variable_code,
    v.name_zh as variable_zh,
    v.name_en as variable_en,
    p.unit,
    p.value,
    p.is_in_question,
    p.n_part,
    p.source,
    p.file,
    p.sheet,
    p.cell
from {{ ref('mart_county_panel') }} as p
inner join {{ ref('dim_county') }} as c on p.county_id = c.county_id
inner join {{ ref('variable') }} as v on p.variable_code = v.variable_code
where not p.is_held
order by p.county_id, p.variable_code, p.year
