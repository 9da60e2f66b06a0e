{# Units of what is counted or measured: no figure in them is below zero. #}
{% macro counted_units() -%}
    (
        select canonical from {{ ref('unit') }} where not regexp_matches(dimension, 'money|share|index|text|year')
    )
{%- endmacro %}

{# Parameters of the rules, and E1 and E2: a second source, and bounds of a figure. See edit_rules.sql. #}
{% macro edit_bounds(cells) %}
edit_parameter as materialized (
    select
        v.variable_code,
        r.rule,
        r.parameter,
        arg_max(r.value, r.variable_code <> '*') as value
    from {{ ref('edit_rule') }} as r
    inner join {{ ref('variable') }} as v on r.variable_code in ('*', v.variable_code)
    where r.rule in ('E1', 'E3', 'E4', 'E5')
    group by all
),

edit_limit as materialized (
    select
        p.variable_code,
        max(p.value) filter (p.rule = 'E3' and p.parameter = 'mad') as e3_mad,
        max(p.value) filter (p.rule = 'E3' and p.parameter = 'floor') as e3_floor,
        max(p.value) filter (p.rule = 'E3' and p.parameter = 'neighbours') as e3_neighbours,
        max(p.value) filter (p.rule = 'E3' and p.parameter = 'level') as e3_level,
        max(p.value) filter (p.rule = 'E4' and p.parameter = 'mad') as e4_mad,
        max(p.value) filter (p.rule = 'E4' and p.parameter = 'floor') as e4_floor,
        max(p.value) filter (p.rule = 'E4' and p.parameter = 'levels') as e4_levels,
        max(p.value) filter (p.rule = 'E4' and p.parameter = 'years') as e4_years,
        max(p.value) filter (p.rule = 'E4' and p.parameter = 'visit_mad') as e4_visit_mad,
        max(p.value) filter (p.rule = 'E4' and p.parameter = 'visit_years') as e4_visit_years,
        max(p.value) filter (p.rule = 'E5' and p.parameter = 'mad') as e5_mad,
        max(p.value) filter (p.rule = 'E5' and p.parameter = 'floor') as e5_floor,
        max(p.value) filter (p.rule = 'E5' and p.parameter = 'reach') as e5_reach,
        max(p.value) filter (p.rule = 'E5' and p.parameter = 'boundary_years') as e5_boundary_years,
        max(p.value) filter (p.rule = 'E5' and p.parameter = 'cities_mad') as e5_cities_mad,
        max(p.value) filter (p.rule = 'E5' and p.parameter = 'cities_floor') as e5_cities_floor,
        max(v.unit) = 'percent' as is_share,
        coalesce(max(v.band_low) < 0, false) as is_signed
    from edit_parameter as p
    inner join {{ ref('variable') }} as v on p.variable_code = v.variable_code
    group by all
),

-- E1: two sources of different origin agree
edit_agreement as (
    select c.world, c.source, c.city_id, c.year, c.variable_code
    from {{ cells }} as c
    inner join {{ cells }} as o
        on
            c.world = o.world and c.city_id = o.city_id and c.year = o.year and c.variable_code = o.variable_code
            and c.origin <> o.origin
    inner join edit_parameter as t on c.variable_code = t.variable_code and t.rule = 'E1' and t.parameter = 'tolerance'
    where c.value <> 0 and o.value <> 0 and not o.is_fill
    group by all
    -- a fill is no print of its own
    having
        bool_or(abs(o.value / c.value - 1) <= t.value)
        and (not any_value(c.is_fill) or min(o.origin) <> max(o.origin))
),

edit_agreed as materialized (
    select
        c.*,
        a.source is not null as is_agreed,
        hash(c.world, c.source, c.city_id, c.variable_code) as series
    from {{ cells }} as c
    left join edit_agreement as a using (world, source, city_id, year, variable_code)
    where c.variable_code in (select variable_code from edit_parameter where rule = 'E1')
),

-- E2: ratio of a figure to its reference (median of three years and all sources), or to the median city of the year
edit_bound as (
    select
        variable_code,
        against,
        max(value) filter (parameter = 'low') as low,
        max(value) filter (parameter = 'high') as high,
        max(value) filter (parameter = 'usual_low') as usual_low,
        max(value) filter (parameter = 'usual_high') as usual_high,
        max(value) filter (parameter = 'persistent') as persistent,
        max(value) filter (parameter = 'middle_high') as middle_high,
        max(value) filter (parameter = 'middle_from') as middle_from,
        max(value) filter (parameter = 'middle_to') as middle_to,
        max(value) filter (parameter = 'middle_jump') as middle_jump
    from (
        select variable_code, against, parameter, value
        from {{ ref('edit_rule') }}
        where rule = 'E2'
        union all
        -- what is counted or measured is not below zero
        select distinct v.variable_code, null, 'low', 0
        from {{ cells }} as c
        inner join {{ ref('variable') }} as v on c.variable_code = v.variable_code
        where c.value < 0 and v.unit in {{ counted_units() }}
    )
    group by all
),

edit_reference as (
    select world, city_id, variable_code, year, median(value) as value
    from (
        select world, city_id, variable_code, unnest([year - 1, year, year + 1]) as year, value
        from {{ cells }}
        where value > 0 and variable_code in (select against from edit_bound)
    )
    group by all
    union all
    select world, '*', variable_code, year, median(value)
    from {{ cells }}
    where variable_code in (select variable_code from edit_bound where against = 'median city')
    group by all
    having count(*) >= 30
),

edit_ratio as (
    select
        a.world,
        a.series,
        a.city_id,
        a.year,
        b.*,
        a.value / case when b.against is null then 1 else r.value end as ratio,
        lag(ratio) over near as ratio_before,
        lead(ratio) over near as ratio_after,
        case when b.middle_high is not null and count(ratio) over cities >= 30 then median(ratio) over cities end as middle
    from edit_agreed as a
    inner join edit_bound as b on a.variable_code = b.variable_code
    left join edit_reference as r
        on
            a.world = r.world and a.year = r.year
            and r.variable_code = case b.against when 'median city' then a.variable_code else b.against end
            and r.city_id = case b.against when 'median city' then '*' else a.city_id end
    window
        near as (partition by a.series, b.against order by a.year),
        cities as (partition by a.world, b.variable_code, b.against, a.year)
),

-- a city far above the median one is out where its series leaps: what comes and goes is no level of its own
edit_leap as (
    select
        *,
        case
            when max(leap) over (partition by world, city_id, variable_code, against) > ln(middle_jump)
                then least(greatest(middle_high * middle, middle_from), middle_to)
        end as year_high
    from (
        select
            *,
            abs(ln(ratio / middle) - lag(ln(ratio / middle)) over (partition by series, against order by year)) as leap
        from edit_ratio
        where ratio > 0 or middle is null
    )
),

edit_beyond as materialized (
    select
        series,
        year,
        arg_max(coalesce(against, ''), abs(ln(abs(ratio) + 1e-9))) as against,
        arg_max(ratio, abs(ln(abs(ratio) + 1e-9))) as ratio,
        arg_max(
            case
                when ratio > high then high when ratio < low then low when ratio > year_high then year_high
                when ratio > usual_high then usual_high else usual_low
            end,
            abs(ln(abs(ratio) + 1e-9))
        ) as limit_at
    from edit_leap
    where
        ratio < low or ratio > high or ratio > year_high
        -- a level that the city has in a year beside it too is the city's own
        or (ratio < usual_low and coalesce(least(ratio_before, ratio_after) >= usual_low * persistent, true))
        or (ratio > usual_high and coalesce(greatest(ratio_before, ratio_after) <= usual_high / persistent, true))
    group by all
)
{% endmacro %}
