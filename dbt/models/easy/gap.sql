-- How far apart are two groups of cities, in points of the score, year by year, and what changed since the first year?
-- The interval of the change is drawn for the two groups of a scheme that lay furthest apart in the first year.
with levels as (
    select
        g.*,
        g.period::integer as year,
        g.period::integer = max(g.period::integer) over () as is_last,
        first_value(g.diff) over (partition by g.scheme, g.group_high, g.group_low order by g.period) as diff_first
    from {{ ref('mart_group_gradient') }} as g
    where g.measure = 'level' and {{ at_headline('g') }}
),

changes as (
    select l.scheme, l.group_high, l.group_low, sign(l.diff_first) as way, d.lo, d.hi, d.p
    from levels as l
    inner join {{ ref('mart_disparity_change') }} as d
        on
            l.scheme = d.scheme and l.basis = d.basis and l.index_code = d.index_code
            and l.weight_scheme = d.weight_scheme and d.measure = 'gap'
    where l.is_last
    qualify row_number() over (partition by l.scheme order by abs(l.diff_first) desc) = 1
)

select
    g.scheme,
    g.year,
    g.group_high,
    h.group_name_zh as group_high_zh,
    h.group_name_en as group_high_en,
    g.group_low,
    l.group_name_zh as group_low_zh,
    l.group_name_en as group_low_en,
    100 * g.mean_high as mean_high_100,
    100 * g.mean_low as mean_low_100,
    100 * g.diff as gap_100,
    100 * g.lo as gap_lo_100,
    100 * g.hi as gap_hi_100,
    g.p,
    g.ratio,
    100 * (g.diff - g.diff_first) as change_100,
    100 * case when c.way < 0 then -c.hi else c.lo end as change_lo_100,
    100 * case when c.way < 0 then -c.lo else c.hi end as change_hi_100,
    c.p as change_p,
    g.n_obs as n_city
from levels as g
left join changes as c
    on g.is_last and g.scheme = c.scheme and g.group_high = c.group_high and g.group_low = c.group_low
left join {{ group_names() }} as h on g.scheme = h.scheme and g.group_high = h.group_code
left join {{ group_names() }} as l on g.scheme = l.scheme and g.group_low = l.group_code
order by g.scheme, g.group_high, g.group_low, g.year
