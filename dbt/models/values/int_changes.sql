-- Yearly changes of the variables that indicators are made of, and of those with a declared break: one series a city,
-- in logarithms, against the change of the median city of the year. Value added of the tertiary sector is taken over
-- that of the secondary one, since a census moves the border between them. GDP and population have rules of their own
-- (E8 and E9 of int_edits).
with levels as (
    select
        v.variable_code,
        v.city_id,
        c.province_code,
        v.year,
        r.against,
        ln(v.value / coalesce(a.value, 1)) as level
    from {{ ref('int_values_unbridged') }} as v
    inner join (
        (
            select variable_code from {{ ref('indicator_part') }}
            union
            select variable_code from {{ ref('series_break') }}
        )
        intersect
        select variable_code from {{ ref('variable') }}
        where variable_code not in ('gdp_nom', 'population_registered') and coalesce(band_low, 0) >= 0
    ) as p on v.variable_code = p.variable_code
    inner join {{ ref('city') }} as c on v.city_id = c.city_id
    left join {{ ref('edit_rule') }} as r
        on r.rule = 'E8' and r.parameter = 'over' and v.variable_code = r.variable_code
    left join {{ ref('int_values_unbridged') }} as a
        on v.edit_policy = a.edit_policy and v.city_id = a.city_id and v.year = a.year and r.against = a.variable_code
    anti join {{ ref('edit_rule') }} as o on o.rule = 'E8' and o.parameter = 'over' and v.variable_code = o.against
    where v.edit_policy = 'edited' and v.value > 0 and (r.against is null or a.value > 0)
),

steps as (
    select
        *,
        level - lag(level) over series as step,
        case when lead(year) over series = year + 1 then lead(level) over series - lag(level) over series end
            as two_steps
    from levels
    window series as (partition by variable_code, city_id order by year)
    qualify lag(year) over series = year - 1
),

deviations as (
    select
        *,
        step - median(step) over (partition by variable_code, year) as deviation,
        two_steps - median(two_steps) over (partition by variable_code, year) as deviation_after
    from steps
    where not {{ border_moved('steps.city_id', 'steps.year', 0) }}
),

spreads as (
    select variable_code, {{ edit_parameter('E8', 'mad') }} * 1.4826 * median(abs(deviation)) as limit_at
    from deviations
    group by all
)

select
    d.*,
    s.limit_at,
    abs(d.deviation) > s.limit_at as is_beyond
from deviations as d
inner join spreads as s using (variable_code)
where s.limit_at > 0
