{#
  Rules E1 to E5 of statistical editing over a relation of figures; parameters stand in the seed edit_rule.

  `cells` has one row per world, source, city_id, year and variable_code: value, is_settled (a person kept it),
  is_fill (the compiler filled it), is_judged (false: neighbours only), concept, origin, rank. A world is one state of
  knowledge: the accepted loads, or these and one load that waits. Gives common table expressions; the last one,
  `edit_cases`, has one row per cell that a rule speaks of:
    verdict   edit (the rule decides), accept (E1 speaks for a figure that a later rule would take out) or suspect
    measured, limit_at   what the rule measured, and its limit; for E2 in the unit of the ratio, else in the metric
    expected  what the neighbours lead one to expect, in the unit of the variable

  Metric of a variable: logarithm; for percents the logarithm of the share over the rest, which counts as ten points
  more than it is (99 and 100 are near each other); asinh(2 x / median of the city) where a figure may be negative.
  A zero counts as a thousandth of the city's median. The national path (cumulated median change of the cities) is
  taken out first, so that a change that all cities share is nobody's slip.
  r_t = y_t less the line between its neighbours; d_t = y_t - y_t-1; spread = 1.4826 times the median absolute value,
  of the whole variable or of the year, whichever is larger.
#}
{% macro edit_cases(cells) %}
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
        {%- for rule, names in {'E3': ['mad', 'floor', 'neighbours', 'level'], 'E4': ['mad', 'floor', 'levels', 'years', 'visit_mad', 'visit_years'], 'E5': ['mad', 'floor', 'reach', 'boundary_years']}.items() %}
        {%- for name in names %}
        max(p.value) filter (p.rule = '{{ rule }}' and p.parameter = '{{ name }}') as {{ rule | lower }}_{{ name }},
        {%- endfor %}
        {%- endfor %}
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
    from {{ ref('edit_rule') }}
    where rule = 'E2'
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
),

-- the metric, and the national path taken out of it
edit_middle as (
    select series, median(abs(value)) as middle from edit_agreed
    group by all
),

edit_metric as materialized (
    select
        a.*,
        l.is_share,
        l.is_signed,
        m.middle,
        b.series is not null and not a.is_settled and not a.is_agreed as is_beyond,
        case
            when l.is_signed and m.middle > 0 then asinh(2 * a.value / m.middle)
            when l.is_share then ln(greatest(least(a.value, 100), 0.01) / (110 - greatest(least(a.value, 100), 0.01)))
            when a.value > 0 then ln(a.value)
            when a.value = 0 and m.middle > 0 then ln(0.001 * m.middle)
        end as y_printed
    from edit_agreed as a
    inner join edit_limit as l using (variable_code)
    inner join edit_middle as m using (series)
    left join edit_beyond as b using (series, year)
),

edit_path as materialized (
    select world, variable_code, year, sum(change) over (partition by world, variable_code order by year) as path
    from (
        select world, variable_code, year, case when count(*) >= 30 then median(change) else 0 end as change
        from (
            select world, variable_code, year, y_printed - lag(y_printed) over s as change
            from edit_metric
            where not is_beyond and not is_fill and y_printed is not null
            window s as (partition by series order by year)
            qualify lag(year) over s = year - 1
        )
        group by all
    )
),

-- the path of every year that is printed: of the last year before it where it has none of its own
edit_path_at as materialized (
    select m.world, m.variable_code, m.year, p.path
    from (select distinct world, variable_code, year from edit_metric) as m
    asof left join edit_path as p
        on m.world = p.world and m.variable_code = p.variable_code and m.year >= p.year
),

edit_line as materialized (
    select
        m.* exclude (origin),
        coalesce(p.path, 0) as path,
        m.y_printed - coalesce(p.path, 0) as y
    from edit_metric as m
    inner join edit_path_at as p using (world, variable_code, year)
    where m.y_printed is not null and not m.is_fill and not m.is_beyond
),

-- a source that does not print a year borrows the figure of another source of its concept as a neighbour
edit_borrowed as (
    select world, city_id, variable_code, concept, year, arg_min(y, (rank, source)) as y
    from edit_line
    semi join (
        select world, variable_code, concept from edit_line
        group by all
        having min(source) <> max(source)
    ) as several using (world, variable_code, concept)
    group by all
),

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
),

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
),

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

edit_found as (
    select series, year, 'E2' as rule, ratio as measured, limit_at, null::double as y_expected, against as about, true as is_decision
    from edit_beyond
    union all by name
    select series, year, 'E3' as rule, r as measured, limit_r as limit_at, y - r as y_expected, '' as about, true as is_decision
    from edit_judged
    anti join edit_second using (series, year)
    union all by name
    select series, year, 'E3' as rule, r_again as measured, limit_r as limit_at, y - r_again as y_expected, '' as about, true as is_decision
    from edit_again
    where is_spike_again or (looks_spiky and is_safe)
    union all by name
    select series, year, 'E4' as rule, jump as measured, limit_d as limit_at, base as y_expected, year_from::varchar || '-' || year_to::varchar as about, true as is_decision
    from edit_in_run
    union all by name
    select series, year, 'E5' as rule, off as measured, limit_off as limit_at, y - off as y_expected, '' as about, true as is_decision
    from edit_edge
    where abs(off) > limit_off
    union all by name
    -- what stands out and is left: smaller spikes, spikes beside which the neighbours disagree, and jumps that nothing
    -- takes back
    select series, year, 'E3' as rule, y - line as measured, limit_r_suspect as limit_at, line as y_expected, '' as about, false as is_decision
    from (
        select *, y_before + (y_after - y_before) * (year - year_before) / (year_after - year_before) as line
        from edit_fourth
        where year - year_before <= 2 and year_after - year <= 2
    )
    where
        abs(y - line) > limit_r
        or (abs(y - line) > limit_r_suspect and abs(y_after - y_before) <= e3_neighbours * abs(y - line))
    union all by name
    select series, year, 'E4' as rule, y - y_before as measured, limit_d as limit_at, y_before as y_expected, '' as about, false as is_decision
    from edit_fourth
    where abs(y - y_before) > limit_d
    union all by name
    select series, year, 'E4' as rule, v.jump as measured, limit_at, base as y_expected, year_from::varchar || '-' || year_to::varchar as about, false as is_decision
    from edit_visit as v
    inner join (select series, year from edit_third where not is_safe) as t using (series)
    where t.year between v.year_from and v.year_to
),

edit_cases as materialized (
    select
        m.world,
        m.source,
        m.city_id,
        m.year,
        m.variable_code,
        f.rule,
        f.measured,
        f.limit_at,
        nullif(f.about, '') as about,
        case
            when m.is_settled then 'keep'
            when not f.is_decision then 'suspect'
            when m.is_agreed then 'accept'
            else 'edit'
        end as verdict,
        f.y_expected + p.path as y,
        case
            when m.is_signed then sinh(y) * m.middle / 2
            when m.is_share then least(110 / (1 + exp(-y)), 100)
            else exp(y)
        end as expected
    from edit_found as f
    inner join edit_metric as m using (series, year)
    asof left join edit_path as p
        on m.world = p.world and m.variable_code = p.variable_code and m.year >= p.year
    where m.is_judged
    qualify row_number() over (partition by f.series, f.year order by not f.is_decision, f.rule, f.about desc, abs(f.measured) desc) = 1
)
{% endmacro %}

{# A parameter that holds for all variables, as a scalar subquery. #}
{% macro edit_parameter(rule, parameter) -%}
    (select value from {{ ref('edit_rule') }} where rule = '{{ rule }}' and parameter = '{{ parameter }}' and variable_code = '*')
{%- endmacro %}

{# What a rule saw, in one sentence. Columns of int_edits, or of edit_cases with an action. #}
{% macro edit_evidence(t) -%}
case {{ t }}.action
    when 'accept' then 'a source of other origin agrees; '
    when 'bridged' then 'in the year of a break that is bridged (dim_series_break); '
    when 'withheld' then 'left out until a person answers; '
    when 'keep' then 'kept by a reviewed row; ' else ''
end || case {{ t }}.rule
    when 'E2'
        then
            case
                when {{ t }}.about is null then 'the figure'
                when {{ t }}.about = 'median city' then 'the ratio to the median city'
                else 'the ratio to ' || {{ t }}.about
            end || printf(' is %.4g, the limit %.4g', {{ t }}.measured, {{ t }}.limit_at)
    when 'E3'
        then printf('the years beside it lead to %.4g; r = %.2f, limit %.2f', {{ t }}.expected, {{ t }}.measured, {{ t }}.limit_at)
    when 'E4'
        then
            printf('jump of %.2f in logarithms, limit %.2f; ', {{ t }}.measured, {{ t }}.limit_at)
            || coalesce('years ' || {{ t }}.about || ' stand off the level before and after, ', 'the level before was ')
            || printf('%.4g', {{ t }}.expected)
    when 'E5'
        then printf('the three years next to it lead to %.4g; %.2f off their line, limit %.2f', {{ t }}.expected, {{ t }}.measured, {{ t }}.limit_at)
    when 'E6'
        then printf('%.0f %% of the cities satisfy another definition in this year', 100 * {{ t }}.measured)
    when 'E7'
        then
            'filled by the compiler: ' || case {{ t }}.about
                when 'midpoint' then 'the middle of the years beside it, as in half of the cities'
                when 'repeat' then 'the figure of the year before, as in a fifth of the cities'
                when 'equal_steps' then 'in a run of equal steps'
                else 'the yearbook of the year leaves it blank'
            end
    when 'E8'
        then
            case
                when {{ t }}.about is null
                    then printf('changes by %.2f more than the median city in the year of a break, limit %.2f', {{ t }}.measured, {{ t }}.limit_at)
                else printf('the census of %s counts %.1f %% more than the estimates lead to', {{ t }}.about, 100 * (exp({{ t }}.measured) - 1))
            end
    when 'gate' then {{ t }}.about
    when 'E9'
        then
            coalesce('the price steps of ' || {{ t }}.about || ' are replaced: level of the latest year, carried back by printed growth', 'growth is what nominal GDP leaves over the usual price')
end
{%- endmacro %}

{# Whether the border of a unit moved within so many years: what jumps there is no slip. #}
{% macro border_moved(city, year, within) -%}
    exists (
        select 1 from {{ ref('int_borders') }} as h
        where {{ city }} = h.city_id and abs(h.effective_year - {{ year }}) <= {{ within }}
    )
{%- endmacro %}
