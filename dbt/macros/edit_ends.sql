{# E5: the first or last year of a series, and figures of a series too short to have ends. See edit_rules.sql. #}
{% macro edit_ends() %}
-- E5: the first or last year stands off the line of the three years next to it
edit_fourth as materialized (
    select
        world, variable_code, series, city_id, year, y, is_judged, is_settled, is_agreed, is_safe, limit_d, limit_r,
        limit_r_suspect, e3_neighbours,
        lag(y) over s as y_before,
        lag(year) over s as year_before,
        lead(y) over s as y_after,
        lead(year) over s as year_after,
        lag(y, 2) over s as y_before_2,
        lag(year, 2) over s as year_before_2,
        lag(y, 3) over s as y_before_3,
        lag(year, 3) over s as year_before_3,
        lead(y, 2) over s as y_after_2,
        lead(year, 2) over s as year_after_2,
        lead(y, 3) over s as y_after_3,
        lead(year, 3) over s as year_after_3
    from edit_third
    anti join (from edit_in_run where not is_safe) using (series, year)
    window s as (partition by series order by year)
),

edit_ends as (
    select
        e.world, e.variable_code, e.series, e.city_id, e.year, e.y, e.is_judged, false as is_start,
        e.year_after is null as is_end,
        year_before_3 as t1, y_before_3 as y1, year_before_2 as t2, y_before_2 as y2, year_before as t3, y_before as y3
    from edit_fourth as e
    inner join edit_limit as l using (variable_code)
    where e.year - e.year_before_3 <= l.e5_reach
    union all by name
    select
        e.world, e.variable_code, e.series, e.city_id, e.year, e.y, e.is_judged, true as is_start,
        e.year_before is null as is_end,
        year_after as t1, y_after as y1, year_after_2 as t2, y_after_2 as y2, year_after_3 as t3, y_after_3 as y3
    from edit_fourth as e
    inner join edit_limit as l using (variable_code)
    where e.year_after_3 - e.year <= l.e5_reach
),

edit_off as materialized (
    select
        *,
        (t1 + t2 + t3) / 3 as t_mean,
        (t1 - t_mean) ** 2 + (t2 - t_mean) ** 2 + (t3 - t_mean) ** 2 as t_square,
        y - (y1 + y2 + y3) / 3 - (year - t_mean) / t_square * (
            (t1 - t_mean) * y1 + (t2 - t_mean) * y2 + (t3 - t_mean) * y3
        ) as off,
        sqrt(4 / 3 + (year - t_mean) ** 2 / t_square) as leverage
    from edit_ends
),

edit_off_all as (
    select world, variable_code, is_start, 1.4826 * median(abs(off) / leverage) as spread_all
    from edit_off
    where is_judged
    group by all
),

edit_off_year as (
    select world, variable_code, is_start, year, 1.4826 * median(abs(off) / leverage) as spread_year
    from edit_off
    where is_judged
    group by all
),

edit_edge as materialized (
    select
        o.*,
        greatest(l.e5_mad * o.leverage * greatest(a.spread_all, y.spread_year), ln(l.e5_floor)) as limit_off
    from edit_off as o
    inner join edit_limit as l using (variable_code)
    inner join edit_off_all as a using (world, variable_code, is_start)
    inner join edit_off_year as y using (world, variable_code, is_start, year)
    where
        o.is_end
        and greatest(o.y1, o.y2, o.y3) - least(o.y1, o.y2, o.y3) <= l.e3_neighbours * abs(o.off)
        -- a boundary that moved is no slip
        and not {{ border_moved('o.city_id', 'o.year', 'l.e5_boundary_years') }}
),

-- a figure with fewer than three years beside it, against the other cities of its source and year; sums a resident
edit_short as materialized (
    select world, source, variable_code, year, series
    from edit_line
    where series in (select series from edit_line group by all having count(*) < 4)
),

edit_beside_cities as (
    select
        m.*,
        s.series is not null as is_short,
        l.e5_cities_mad,
        l.e5_cities_floor,
        m.y - case when v.harmonise = 'sum' then ln(r.value) else 0 end as level,
        level - median(level) over cities as off
    from edit_line as m
    inner join (select distinct world, source, variable_code, year from edit_short) as g
        using (world, source, variable_code, year)
    inner join edit_limit as l using (variable_code)
    inner join {{ ref('variable') }} as v using (variable_code)
    left join edit_short as s using (series, year)
    left join edit_reference as r
        on
            m.world = r.world and m.city_id = r.city_id and m.year = r.year
            and r.variable_code = 'population_resident'
    where not m.is_share and not m.is_signed and m.value > 0
    window cities as (partition by m.world, m.source, m.variable_code, m.year)
),

edit_apart as (
    select
        *,
        greatest(e5_cities_mad * 1.4826 * median(abs(off)) over cities, ln(e5_cities_floor)) as limit_off
    from edit_beside_cities
    window cities as (partition by world, source, variable_code, year)
    qualify count(level) over cities >= 30
)
{% endmacro %}
