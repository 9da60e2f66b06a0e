-- noqa: disable=PRS,LT01
-- One row per column and concept that its words allow: what its figures say. `power`: the power of ten by which they
-- stand off the same concept in the editions before and after; `spread` and `shift`: median absolute deviation and
-- median of the log ratio to the nearer of them; `copy_share_equal`: share of cities for which the other copy of the
-- same edition prints the same; `rival`: a concept whose figures in that edition are nearer by far.
with loads as (
    select source, data_year, vintage from {{ source('raw', 'landed') }}
    -- the load that waits or, where none does, the one that counts
    qualify row_number() over (partition by source, data_year order by load_order desc) = 1
),

columns as (
    select
        w.head_id,
        h.source,
        h.data_year,
        h.vintage,
        h.file,
        h.sheet,
        h.col_no,
        w.variable_code,
        w.scope,
        w.place,
        u.factor,
        u.shift as unit_shift,
        u.canonical,
        s.unit_level,
        l.source is not null as is_reference
    from {{ ref('int_header_words') }} as w
    inner join {{ ref('int_header_names') }} as h using (head_id)
    inner join {{ ref('source') }} as s on h.source = s.source
    inner join {{ ref('unit') }} as u on w.unit = u.symbol
    left join loads as l on h.source = l.source and h.data_year = l.data_year and h.vintage = l.vintage
    where w.place <= 3
),

figures as materialized (
    select
        c.head_id,
        c.variable_code,
        r.city_id,
        -- rates that can be negative are compared by their size
        ln(abs(x.number * c.factor)) as figure
    from columns as c
    inner join {{ ref('stg_landing__cells') }} as x
        on
            c.source = x.source
            and c.data_year = x.data_year
            and c.vintage = x.vintage
            and c.file = x.file
            and c.sheet = x.sheet
            and c.col_no = x.col_no
    inner join {{ ref('int_rows_matched_to_cities') }} as r
        on
            c.source = r.source
            and c.data_year = r.data_year
            and c.vintage = r.vintage
            and c.file = r.file
            and c.sheet = r.sheet
            and x.row_no = r.row_no
            and r.row_kind in ('city', 'county')
    where x.number <> 0
),

-- a column of several pages is one
printed as materialized (
    select
        c.unit_level,
        c.source,
        c.data_year,
        c.variable_code,
        c.scope,
        f.city_id,
        min(f.figure) as figure
    from columns as c
    inner join figures as f using (head_id, variable_code)
    where c.place = 1 and c.is_reference
    group by all
),

levels as (
    select unit_level, source, data_year, variable_code, scope, median(figure) as level, count(*) as n_cities
    from printed
    group by all
),

-- log points by which a column may grow a year without another unit: twice what it did between editions, as growth was
-- faster before the first of them; shares and rates have no such drift
drifts as (
    select
        y.unit_level,
        y.variable_code,
        y.scope,
        if(
            any_value(v.kind = 'rate' and v.unit <> 'yuan'),
            0,
            least(
                coalesce(
                    {{ gate_parameter('head_growth') }} * abs(regr_slope(y.level, y.data_year))
                    + {{ gate_parameter('head_drift') }}, 1
                ),
                {{ gate_parameter('less_a_year') }}
            )
        ) as drift
    from levels as y
    inner join {{ ref('variable') }} as v on y.variable_code = v.variable_code
    group by all
),

own_levels as (
    select c.unit_level, c.source, c.data_year, c.vintage, c.variable_code, c.scope, median(f.figure) as level
    from columns as c
    inner join figures as f using (head_id, variable_code)
    where c.place = 1
    group by all
),

powers as (
    select
        o.source,
        o.data_year,
        o.vintage,
        o.variable_code,
        o.scope,
        count(*) as n_editions,
        median({{ beyond_drift('o.level - y.level', 'o.data_year - y.data_year', 'd.drift') }}) / ln(10) as power_exact,
        any_value(
            o.unit_level = 'city'
            and exp(o.level)
            > {{ usual_low('v.median_low', 'o.data_year') }}
            * if(o.scope = 'district', {{ gate_parameter('district_low') }}, 1)
            and exp(o.level) < v.median_high * if(o.scope = 'district', {{ gate_parameter('district_high') }}, 1)
        ) as is_usual
    from own_levels as o
    inner join {{ ref('variable') }} as v on o.variable_code = v.variable_code
    inner join (
        select unit_level, data_year, variable_code, scope, median(level) as level from levels
        group by all
    ) as y
        on
            o.unit_level = y.unit_level and o.variable_code = y.variable_code and o.scope = y.scope
            and o.data_year <> y.data_year
    inner join drifts as d
        on o.unit_level = d.unit_level and o.variable_code = d.variable_code and o.scope = d.scope
    group by all
),

pairs as (
    select c.head_id, c.variable_code, y.source as other_source, y.data_year as other_year, y.scope
    from columns as c
    inner join levels as y
        on
            c.unit_level = y.unit_level and c.variable_code = y.variable_code and c.scope = y.scope
            and (c.source <> y.source or c.data_year <> y.data_year)
    -- the nearest edition before and after, of the same kind of copy where there is one, and the other copy
    qualify
        row_number() over (
            partition by c.head_id, c.variable_code, sign(y.data_year - c.data_year)
            order by abs(y.data_year - c.data_year), y.source <> c.source
        ) = 1
),

compared as (
    select
        p.head_id,
        p.variable_code,
        p.other_source,
        p.other_year,
        count(*) as n_cities,
        median(f.figure - y.figure) as shift,
        mad(f.figure - y.figure) as spread,
        corr(f.figure, y.figure) as correlation,
        avg((abs(f.figure - y.figure) < {{ gate_parameter('same_figure') }})::double) as share_equal
    from pairs as p
    inner join figures as f using (head_id, variable_code)
    inner join printed as y
        on
            p.other_source = y.source and p.other_year = y.data_year and p.variable_code = y.variable_code
            and p.scope = y.scope and f.city_id = y.city_id
    group by all
),

-- what the same concept usually spreads from one edition to the next
usual as (
    select w.variable_code, w.scope, median(c.spread) as usual_spread, count(*) as n_usual
    from compared as c
    inner join columns as w using (head_id, variable_code)
    where w.is_reference and c.other_year <> w.data_year and c.n_cities >= {{ gate_parameter('min_cities') }}
    group by all
),

-- A column whose figures do not fit its concept, or that no words explain, is held against every column of the nearest
-- edition of its source: exchanged and shifted columns show themselves so.
odd as materialized (
    select distinct c.head_id, c.other_source, c.other_year, c.spread
    from compared as c
    inner join columns as w using (head_id, variable_code)
    left join usual as u using (variable_code, scope)
    where
        w.place = 1 and c.other_year <> w.data_year
        and c.spread > least(
            greatest(
                {{ gate_parameter('head_times_usual') }} * u.usual_spread, {{ gate_parameter('head_spread') }} / 2.5
            ),
            {{ gate_parameter('head_spread') }}
        )
    qualify row_number() over (partition by c.head_id order by c.spread, c.other_year) = 1
),

-- in a table of its own: joined by the city alone, as a planner may choose, it would be hundreds of millions of rows
odd_figures as materialized (
    select o.head_id, o.other_source, o.other_year, o.spread, w.variable_code, w.scope, f.city_id, f.figure
    from odd as o
    inner join columns as w on o.head_id = w.head_id and w.place = 1
    inner join figures as f on o.head_id = f.head_id and w.variable_code = f.variable_code
),

rivals as (
    select
        o.head_id,
        y.variable_code,
        y.scope,
        mad(o.figure - y.figure) as spread
    from odd_figures as o
    inner join printed as y
        on o.other_source = y.source and o.other_year = y.data_year and o.city_id = y.city_id
    where y.variable_code <> o.variable_code or y.scope <> o.scope
    group by o.head_id, y.variable_code, y.scope, o.spread
    having
        count(*) >= {{ gate_parameter('min_cities_of_rival') }}
        and mad(o.figure - y.figure)
        < {{ gate_parameter('rival_share') }} * least(o.spread, {{ gate_parameter('head_spread') }})
        -- near to a constant is near to nothing
        and corr(o.figure, y.figure) > {{ gate_parameter('head_correlation') }}
    qualify row_number() over (partition by o.head_id order by mad(o.figure - y.figure)) = 1
),

-- printed twice in one sheet, figure by figure
repeats as (
    select b.head_id, min(a.col_no) as repeats_col_no
    from columns as a
    inner join columns as b
        on
            a.source = b.source and a.data_year = b.data_year and a.vintage = b.vintage and a.file = b.file
            and a.sheet = b.sheet and a.variable_code = b.variable_code and a.scope = b.scope and a.col_no < b.col_no
    inner join figures as f on a.head_id = f.head_id and a.variable_code = f.variable_code
    inner join figures as g on b.head_id = g.head_id and b.variable_code = g.variable_code and f.city_id = g.city_id
    where a.place = 1 and b.place = 1
    group by b.head_id, a.head_id
    having
        avg((abs(f.figure - g.figure) < {{ gate_parameter('same_figure') }})::double)
        > {{ gate_parameter('repeated_share') }}
),

sides as (
    select
        c.head_id,
        c.variable_code,
        max({{ beyond_drift('c.shift', 'w.data_year - c.other_year', 'd.drift') }} / ln(10))
        filter (where c.other_year < w.data_year) as power_before,
        max({{ beyond_drift('c.shift', 'w.data_year - c.other_year', 'd.drift') }} / ln(10))
        filter (where c.other_year > w.data_year) as power_after,
        arg_min(c.other_source, c.spread) filter (where c.other_year <> w.data_year) as other_source,
        arg_min(c.other_year, c.spread) filter (where c.other_year <> w.data_year) as other_year,
        arg_min(c.n_cities, c.spread) filter (where c.other_year <> w.data_year) as n_cities,
        arg_min(c.shift, c.spread) filter (where c.other_year <> w.data_year) as shift,
        min(c.spread) filter (where c.other_year <> w.data_year) as spread,
        arg_min(c.correlation, c.spread) filter (where c.other_year <> w.data_year) as correlation,
        max(c.other_source) filter (where c.other_year = w.data_year) as copy_source,
        max(c.share_equal) filter (where c.other_year = w.data_year) as copy_share_equal
    from compared as c
    inner join columns as w using (head_id, variable_code)
    inner join drifts as d
        on w.unit_level = d.unit_level and w.variable_code = d.variable_code and w.scope = d.scope
    where c.n_cities >= {{ gate_parameter('min_cities') }}
    group by all
)

select
    c.head_id,
    c.variable_code,
    c.scope,
    p.n_editions,
    -- neighbours that disagree, or one alone, are settled by the level in all editions; at the level of the usual city
    -- two editions with one misprint do not prove a third one wrong
    case
        when p.is_usual and abs(p.power_exact) >= 2 then 0
        else list_first(
            list_sort(
                list_transform(
                    list_filter(
                        [
                            round(s.power_before), round(s.power_after),
                            case when p.n_editions >= 2 and (s.power_before is null or s.power_after is null) then 0 end
                        ],
                        lambda power: power is not null
                    ),
                    lambda power: {'off': abs(power - p.power_exact), 'power': power::integer}
                )
            )
        ).power
    end as power,
    s.n_cities,
    s.other_source,
    s.other_year,
    s.shift,
    s.spread,
    s.correlation,
    u.usual_spread,
    s.copy_source,
    s.copy_share_equal,
    coalesce(
        s.spread
        <= greatest({{ gate_parameter('head_times_usual') }} * u.usual_spread, {{ gate_parameter('head_spread') }})
        or s.copy_share_equal >= {{ gate_parameter('copy_share') }},
        false
    ) as is_confirmed,
    r.variable_code as rival_code,
    r.scope as rival_scope,
    r.spread as rival_spread,
    d.repeats_col_no
from columns as c
left join sides as s on c.head_id = s.head_id and c.variable_code = s.variable_code
left join powers as p
    on
        c.source = p.source and c.data_year = p.data_year and c.vintage = p.vintage
        and c.variable_code = p.variable_code and c.scope = p.scope
left join usual as u on c.variable_code = u.variable_code and c.scope = u.scope
left join rivals as r on c.head_id = r.head_id and c.place = 1
left join (
    select head_id, min(repeats_col_no) as repeats_col_no from repeats
    group by all
) as d on c.head_id = d.head_id and c.place = 1
