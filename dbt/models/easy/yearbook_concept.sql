-- Which concepts the landed editions print, in which years, for how many units, and where the meaning changed.
with breaks as (
    select variable_code, string_agg(year || ': ' || what_changed, '; ' order by year) as breaks
    from {{ ref('concept_break') }}
    group by all
),

years as (
    select
        unit_level,
        variable_code,
        scope,
        year,
        count(*) as n_unit
    from {{ ref('yearbook') }}
    group by all
)

select
    y.unit_level,
    y.variable_code,
    y.scope,
    v.name_zh as variable_zh,
    v.name_en as variable_en,
    v.unit,
    v.kind,
    min(y.year)::integer as first_year,
    max(y.year)::integer as last_year,
    string_agg(y.year::varchar, ' ' order by y.year) as years,
    string_agg(y.n_unit::varchar, ' ' order by y.year) as n_units,
    b.breaks
from years as y
inner join {{ ref('variable') }} as v on y.variable_code = v.variable_code
left join breaks as b on y.variable_code = b.variable_code
group by all
order by y.unit_level, y.variable_code, y.scope
