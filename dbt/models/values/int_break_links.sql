-- Cities whose change left the usual spread in the year of a break, and by how much more than expected: than the cities
-- of their province without a break, of the nation where they are few. A border that moved so many people that they
-- show breaks every sum of the city, in the year near it in which the sum leaves the expected most (the sources follow
-- a border in different years): all its figures then have the border of the later year.
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
),

moves as (
    select effective_year, from_city_id as city_id, -1 as direction from {{ ref('city_change') }}
    where event_type = 'transfer' and effective_year > {{ base_year() }}
    union all
    select effective_year, to_city_id as city_id, 1 as direction from {{ ref('city_change') }}
    where event_type = 'transfer' and effective_year > {{ base_year() }}
),

sums as (
    select
        v.variable_code,
        v.city_id,
        c.province_code,
        v.year,
        lag(v.year) over series as year_before,
        ln(v.value) - lag(ln(v.value)) over series as step
    from {{ ref('int_values_unbridged') }} as v
    inner join {{ ref('city') }} as c on v.city_id = c.city_id
    left join {{ ref('variable') }} as k on v.variable_code = k.variable_code
    -- indicators take `population`, which is made of printed residents
    where
        v.edit_policy = 'edited' and v.value > 0 and coalesce(k.harmonise, 'sum') = 'sum'
        and v.variable_code <> 'population_resident'
    window series as (partition by v.variable_code, v.city_id order by v.year)
),

expected as (
    select variable_code, year, year_before, province_code, median(step) as step
    from sums
    where not {{ border_moved('sums.city_id', 'sums.year', 1) }}
    group by grouping sets ((variable_code, year, year_before, province_code), (variable_code, year, year_before))
    having province_code is null or count(*) >= {{ edit_parameter('E9', 'min_cities') }}
),

shown as (
    select
        s.variable_code,
        s.city_id,
        s.year,
        m.effective_year,
        m.direction,
        m.direction * (s.step - coalesce(p.step, n.step)) as moved
    from sums as s
    inner join moves as m on s.city_id = m.city_id and s.year between m.effective_year - 1 and m.effective_year + 1
    left join expected as p using (variable_code, year, year_before, province_code)
    left join expected as n
        on
            s.variable_code = n.variable_code and s.year = n.year and s.year_before = n.year_before
            and n.province_code is null
    where s.year - s.year_before <= 3
    qualify row_number() over (partition by s.city_id, m.effective_year, s.variable_code order by moved desc) = 1
),

of_borders as (
    -- a sum that leaves the expected far more than the people has other reasons too
    select
        variable_code,
        city_id,
        year,
        null::varchar as against,
        direction * greatest(least(moved, {{ edit_parameter('E8', 'border_reach') }} * people), 0) as link
    from (
        select
            *,
            max(moved) filter (where variable_code in ('population', 'population_registered'))
                over (partition by city_id, effective_year) as people
        from shown
    ) as beside_people
    where people > {{ edit_parameter('E8', 'border') }}
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
where
    b.is_beyond and coalesce(b.deviation_after / b.deviation > 0.5, true)
    and not exists (
        select 1 from of_borders as o
        where o.variable_code = b.variable_code and o.city_id = b.city_id and o.year = b.year
    )
union all
select * from of_borders
