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
    -- the rules of editing are about cities: of a county a spike is a question
    coalesce(
        least(p.value, before, after) > 0 and (
            p.value > {{ edit_parameter('E3', 'counties') }} * greatest(before, after)
            or p.value * {{ edit_parameter('E3', 'counties') }} < least(before, after)
        ) and before + after is not null, false
    ) as is_in_question,
    p.n_part,
    p.source,
    p.file,
    p.sheet,
    p.cell
from (
    select *, lag(value) over near as before, lead(value) over near as after from {{ ref('mart_county_panel') }}
    where not is_held
    window near as (partition by county_id, variable_code order by year)
) as p
inner join {{ ref('dim_county') }} as c on p.county_id = c.county_id
inner join {{ ref('variable') }} as v on p.variable_code = v.variable_code
order by p.county_id, p.variable_code, p.year
