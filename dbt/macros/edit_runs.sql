{# E4: some years on another level. See edit_rules.sql. #}
{% macro edit_runs() %}
-- E4: a run enters and leaves with jumps of opposite sign and comes back to the level before
edit_third as materialized (
    select
        world, variable_code, series, city_id, year, y, is_judged, is_settled, is_agreed, is_safe, limit_d, limit_visit,
        level, limit_r, limit_r_suspect, e3_neighbours, y_before, year_before, y - y_before as jump
    from (
        select * from edit_again
        anti join (from edit_again where is_spike_again) using (series)
        union all by name
        select * replace (lag(y) over s as y_before, lag(year) over s as year_before)
        from edit_again
        semi join (from edit_again where is_spike_again) using (series)
        where not is_spike_again
        window s as (partition by series order by year)
    )
),

edit_pair as (
    select
        a.series,
        a.year as year_from,
        b.year_before as year_to,
        a.jump,
        a.limit_d,
        (a.y_before + b.y) / 2 as base
    from edit_third as a
    inner join edit_limit as l using (variable_code)
    inner join edit_third as b
        on a.series = b.series and b.year > a.year and b.year - a.year <= l.e4_years and b.year - b.year_before <= 2
    where
        a.year - a.year_before <= 2 and abs(a.jump) > a.limit_d and abs(b.jump) > b.limit_d and a.jump * b.jump < 0
        and abs(b.y - a.y_before) <= ln(l.e4_levels)
        and abs(base + a.jump - a.level) >= l.e3_level * abs(base - a.level)
),

-- every year of the run stands off the base, and no fewer years outside stand nearer to the base than to the run
edit_run as materialized (
    select p.series, p.year_from, p.year_to, any_value(p.jump) as jump, any_value(p.limit_d) as limit_d, any_value(p.base) as base
    from edit_pair as p
    inner join edit_third as t using (series)
    group by all
    having
        bool_and(t.year not between p.year_from and p.year_to or abs(t.y - p.base) >= abs(p.jump) / 2)
        and count(*) filter (t.year not between p.year_from and p.year_to and abs(t.y - p.base) < abs(t.y - p.base - p.jump))
        >= count(*) filter (t.year between p.year_from and p.year_to)
),

edit_in_run as materialized (
    select t.series, t.year, t.is_safe, t.is_settled, r.year_from, r.year_to, r.jump, r.limit_d, r.base
    from edit_run as r
    inner join edit_third as t on r.series = t.series and t.year between r.year_from and r.year_to
    qualify row_number() over (partition by t.series, t.year order by r.year_to - r.year_from, r.year_from) = 1
),

-- a level that comes and goes: in and out of it by more than the usual moves of the variable and of the city, and back
-- to where it was
edit_there_and_back as materialized (
    select
        a.series, a.year as year_from, b.year_before as year_to, a.jump, (a.y_before + b.y) / 2 as base,
        least(abs(a.jump), abs(b.jump)) as least_jump, a.limit_visit, l.e4_visit_mad
    from edit_third as a
    inner join edit_limit as l using (variable_code)
    inner join edit_third as b on a.series = b.series and b.year > a.year and b.year - a.year <= l.e4_visit_years
    where
        a.year - a.year_before = 1 and b.year - b.year_before = 1 and a.jump * b.jump < 0
        and abs(a.jump) > a.limit_visit and abs(b.jump) > b.limit_visit
        and abs(b.y - a.y_before) <= l.e3_neighbours * least(abs(a.jump), abs(b.jump))
        and abs(base + a.jump - a.level) >= l.e3_level * abs(base - a.level)
),

edit_visit as (
    select v.*, greatest(v.limit_visit, v.e4_visit_mad * o.d_own) as limit_at
    from edit_there_and_back as v
    inner join (
        select series, 1.4826 * median(abs(d)) as d_own from edit_measured
        where series in (select series from edit_there_and_back)
        group by all
    ) as o using (series)
    where v.least_jump > v.e4_visit_mad * o.d_own
    qualify row_number() over (partition by v.series, v.year_from order by v.year_to) = 1
)
{% endmacro %}
