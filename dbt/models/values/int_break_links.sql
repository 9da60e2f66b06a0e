-- Cities whose change left the usual spread in the year of a break, and by how much more than expected: than the cities
-- of their province without a break, of the nation where they are few.
with broken as (
    select c.*
    from {{ ref('int_changes') }} as c
    inner join {{ ref('int_breaks') }} as b
        on
            c.variable_code = b.variable_code and c.year = b.break_year and b.area_code in ('all', c.province_code)
            and b.treatment in ('bridge', 'split')
),

usual as (
    select
        variable_code,
        year,
        province_code,
        median(step) as step
    from broken
    where not is_beyond
    group by grouping sets ((variable_code, year, province_code), (variable_code, year))
    having province_code is null or count(*) >= {{ edit_parameter('E9', 'min_cities') }}
)

select
    b.variable_code,
    b.city_id,
    b.year,
    b.against,
    b.step - coalesce(p.step, n.step, b.step - b.deviation) as link
from broken as b
left join usual as p on b.variable_code = p.variable_code and b.year = p.year and b.province_code = p.province_code
left join usual as n on b.variable_code = n.variable_code and b.year = n.year and n.province_code is null
-- a figure that comes back in the next year is no new level
where b.is_beyond and coalesce(b.deviation_after / b.deviation > 0.5, true)
