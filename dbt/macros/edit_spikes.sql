{# E3: a figure off the line between its neighbours. See edit_rules.sql. #}
{% macro edit_spikes() %}
edit_first as materialized (
    select
        *,
        lag(y) over s as y_before,
        lag(year) over s as year_before,
        lead(y) over s as y_after,
        lead(year) over s as year_after,
        coalesce(lag(is_agreed) over s or lead(is_agreed) over s, false) as is_beside_agreed
    from (
        select world, variable_code, series, city_id, year, y, is_judged, is_settled, is_agreed, is_settled or is_agreed as is_safe
        from edit_line
        where is_judged
        union all
        select o.world, o.variable_code, o.series, o.city_id, b.year, b.y, false, false, false, false
        from (select distinct world, variable_code, series, city_id, concept from edit_line where is_judged) as o
        inner join edit_borrowed as b using (world, city_id, variable_code, concept)
        anti join edit_line as l on o.series = l.series and b.year = l.year
    )
    window s as (partition by series order by year)
),

edit_measured as materialized (
    select
        *,
        case
            when year - year_before <= 2 and year_after - year <= 2
                then y - y_before - (y_after - y_before) * (year - year_before) / (year_after - year_before)
        end as r,
        case when year - year_before = 1 then y - y_before end as d,
        median(y) over (partition by series) as level
    from edit_first
),

edit_spread_all as (
    select world, variable_code, 1.4826 * median(abs(r)) as r_all, 1.4826 * median(abs(d)) as d_all
    from edit_measured
    where is_judged
    group by all
),

edit_spread as materialized (
    select
        m.world,
        m.variable_code,
        m.year,
        greatest(any_value(a.r_all), 1.4826 * median(abs(m.r))) as r_spread,
        greatest(any_value(a.d_all), 1.4826 * median(abs(m.d))) as d_spread
    from edit_measured as m
    inner join edit_spread_all as a using (world, variable_code)
    where m.is_judged
    group by all
),

-- E3: a spike stands off the line between its neighbours, which agree with each other, and is not itself the place
-- where the city usually is
edit_judged as materialized (
    select
        m.*,
        l.e3_neighbours,
        l.e3_level,
        greatest(l.e3_mad * s.r_spread, ln(l.e3_floor)) as limit_r,
        l.e3_mad * s.r_spread as limit_r_suspect,
        greatest(l.e4_mad * s.d_spread, ln(l.e4_floor)) as limit_d,
        greatest(l.e4_visit_mad * s.d_spread, ln(l.e4_floor)) as limit_visit,
        coalesce(
            abs(m.r) > limit_r and abs(m.y_after - m.y_before) <= l.e3_neighbours * abs(m.r)
            and (m.is_beside_agreed or abs(m.y - m.level) >= l.e3_level * abs(m.y - m.r - m.level)), false
        ) as looks_spiky,
        looks_spiky and not m.is_safe as is_spike
    from edit_measured as m
    inner join edit_limit as l using (variable_code)
    left join edit_spread as s using (world, variable_code, year)
),

-- of spikes side by side the larger goes first; the others of its series are looked at again without it
edit_spike as (
    select series, year, abs(r) as size from edit_judged
    where is_spike
),

edit_taken as materialized (
    select s.series, s.year
    from edit_spike as s
    anti join edit_spike as o on s.series = o.series and o.year between s.year - 1 and s.year + 1 and s.size < o.size
),

edit_second as materialized (
    select * from edit_judged
    anti join edit_taken using (series)
    union all by name
    select * replace (
        lag(y) over s as y_before,
        lag(year) over s as year_before,
        lead(y) over s as y_after,
        lead(year) over s as year_after
    )
    from edit_judged
    semi join edit_taken using (series)
    anti join edit_taken using (series, year)
    window s as (partition by series order by year)
),

edit_again as materialized (
    select
        *,
        case
            when year - year_before <= 2 and year_after - year <= 2
                then y - y_before - (y_after - y_before) * (year - year_before) / (year_after - year_before)
        end as r_again,
        coalesce(
            not is_safe and abs(r_again) > limit_r and abs(y_after - y_before) <= e3_neighbours * abs(r_again)
            and (is_beside_agreed or abs(y - level) >= e3_level * abs(y - r_again - level)), false
        ) as is_spike_again
    from edit_second
)
{% endmacro %}
