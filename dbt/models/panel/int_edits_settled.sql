-- The decisions of int_edits, and of figures under question the last one: a jump that a bridged break explains is
-- accepted; a figure that is used and whose use moves its city by more than `places`, or its score by more than
-- `spread` standard deviations of the year, is `withheld`: treated as missing until a person answers. The others
-- stay `pending`. Move: what leaving it out does, every indicator made of it being imputed from the years beside it,
-- to score and place in a quick index (entropy weights of all printed cells, one figure at a time): no circle through
-- the sample.
with chosen as (
    select edit_policy, city_id, year, variable_code, source, source_cell_ids
    from {{ ref('int_values_selected') }}
),

edits as (
    select
        e.*,
        f.source_cell_id,
        e.action = 'pending' and k.city_id is not null as is_bridged,
        coalesce(a.source = e.source or b.source = e.source, false) as is_selected,
        row_number() over (order by e.source, e.city_id, e.year, e.variable_code) as edit_no
    from {{ ref('int_edits') }} as e
    inner join {{ ref('int_values_accepted') }} as f
        on
            e.source = f.source and e.city_id = f.city_id and e.year = f.year and e.variable_code = f.variable_code
            and f.level = 'city'
    left join chosen as a
        on
            e.city_id = a.city_id and e.year = a.year and e.variable_code = a.variable_code
            and a.edit_policy <> 'as_printed'
            and (e.source = a.source or list_contains(a.source_cell_ids, f.source_cell_id))
    left join chosen as b
        on
            e.city_id = b.city_id and e.year = b.year and e.variable_code = b.variable_code
            and b.edit_policy <> 'edited' and list_contains(b.source_cell_ids, f.source_cell_id)
    left join (
        select distinct city_id, year, unnest([variable_code, against]) as variable_code
        from {{ ref('int_break_links') }}
        where abs(link) <= ln({{ edit_parameter('E8', 'reach') }})
    ) as k on e.city_id = k.city_id and e.year = k.year and e.variable_code = k.variable_code
),

touched as materialized (
    select distinct e.edit_no, e.city_id, e.year, p.indicator_code
    from edits as e
    inner join {{ reached_parts() }} as r on e.variable_code = r.variable_code
    inner join {{ ref('indicator_part') }} as p on r.part_code = p.variable_code
    where e.action = 'pending' and e.is_selected and not e.is_bridged
),

-- the years beside it that no other question touches
sound as (
    select v.city_id, v.indicator_code, v.year, v.value
    from {{ ref('int_indicators_constructed') }} as v
    anti join touched as t on v.city_id = t.city_id and v.indicator_code = t.indicator_code and v.year = t.year
    where v.edit_policy = 'edited' and v.value is not null
),

middles as (
    select indicator_code, year, median(value) as middle from sound
    group by all
),

before_it as (
    select t.*, s.year as year_before, s.value as value_before
    from touched as t
    asof left join sound as s on t.city_id = s.city_id and t.indicator_code = s.indicator_code and t.year > s.year
),

beside as (
    select b.*, s.year as year_after, s.value as value_after
    from before_it as b
    asof left join sound as s on b.city_id = s.city_id and b.indicator_code = s.indicator_code and b.year < s.year
),

imputed as (
    select
        b.*,
        i.interp_method = 'loglinear' and coalesce(least(b.value_before, b.value_after) > 0, true) as is_log,
        coalesce(b.value_before, b.value_after) as near,
        m.middle / n.middle as growth,
        m.middle - n.middle as step,
        (b.year - b.year_before) / (b.year_after - b.year_before) as position,
        case
            when position is not null and is_log then b.value_before * pow(b.value_after / b.value_before, position)
            when position is not null then b.value_before + (b.value_after - b.value_before) * position
            -- an edge: as the median city since the nearest year
            when is_log and growth > 0 then near * growth
            else near + step
        end as value
    from beside as b
    inner join {{ ref('indicator') }} as i on b.indicator_code = i.indicator_code
    left join middles as m on b.indicator_code = m.indicator_code and b.year = m.year
    left join middles as n
        on b.indicator_code = n.indicator_code and coalesce(b.year_before, b.year_after) = n.year
),

-- indexes that are not variants, if every indicator is there for enough cities
specs as (
    select s.*
    from {{ source('ops', 'index_spec') }} as s
    left join (
        select edit_policy, indicator_code, count(distinct city_id) as n_city
        from {{ ref('int_indicators_constructed') }}
        where value is not null
        group by all
    ) as v on s.indicator_code = v.indicator_code and s.edit_policy = v.edit_policy
    where s.variant_of = ''
    qualify
        min(coalesce(v.n_city, 0)) over (partition by s.index_code)
        >= s.min_city_share * (select count(distinct city_id) from {{ ref('int_indicators_constructed') }})
),

cells as (
    select
        s.index_code,
        s.dimension,
        s.weight_scheme,
        s.indicator_code,
        s.window_end,
        v.city_id,
        v.year,
        least(v.value, coalesce(i.cap_high, v.value)) as capped,
        i.direction,
        i.is_winsorised,
        i.cap_high
    from specs as s
    inner join {{ ref('int_indicators_constructed') }} as v
        on s.indicator_code = v.indicator_code and s.edit_policy = v.edit_policy and s.window_start <= v.year
    inner join {{ ref('indicator') }} as i on s.indicator_code = i.indicator_code
    where v.value is not null
),

of_window as (
    from cells
    where year <= window_end
),

{{ quick_entropies('of_window') }},

weights as (
    select
        s.index_code,
        s.indicator_code,
        l.low,
        l.high,
        case s.weight_scheme when 'two_stage_equal' then s.dimension else '' end as part,
        e.redundancy / sum(e.redundancy) over (partition by s.index_code, part)
        / case when part = '' then 1 else n.n_dimension end as weight
    from specs as s
    inner join entropies as e using (index_code, indicator_code)
    inner join limits as l using (index_code, indicator_code)
    inner join (
        select index_code, count(distinct dimension) as n_dimension
        from specs
        group by all
    ) as n using (index_code)
    where l.high > l.low
),

scaled_cells as (
    select
        c.index_code,
        c.indicator_code,
        c.city_id,
        c.year,
        w.weight,
        w.low,
        w.high,
        c.direction,
        c.cap_high,
        case
            when c.direction > 0 then greatest(least(c.capped, w.high), w.low) - w.low
            else w.high - greatest(least(c.capped, w.high), w.low)
        end / (w.high - w.low) as z
    from cells as c
    inner join weights as w using (index_code, indicator_code)
),

-- what a city lacks in a year counts as its own middle
grid as (
    select y.index_code, y.city_id, y.year, w.indicator_code, w.weight
    from (select distinct index_code, city_id, year from scaled_cells) as y
    inner join weights as w using (index_code)
),

scores as materialized (
    select
        g.index_code,
        g.city_id,
        g.year,
        sum(g.weight * coalesce(c.z, m.z) order by g.indicator_code) as score
    from grid as g
    left join scaled_cells as c using (index_code, city_id, year, indicator_code)
    left join (
        select index_code, city_id, indicator_code, median(z) as z
        from scaled_cells
        group by all
    ) as m using (index_code, city_id, indicator_code)
    group by all
    having count(*) = count(coalesce(c.z, m.z))
),

changes as (
    select
        t.edit_no,
        c.index_code,
        t.city_id,
        t.year,
        sum(
            c.weight * (
                case
                    when c.direction > 0
                        then greatest(least(t.value, coalesce(c.cap_high, c.high), c.high), c.low) - c.low
                    else c.high - greatest(least(t.value, coalesce(c.cap_high, c.high), c.high), c.low)
                end / (c.high - c.low) - c.z
            ) order by t.indicator_code
        ) as score_change
    from imputed as t
    inner join scaled_cells as c using (city_id, year, indicator_code)
    where t.value is not null
    group by all
),

-- few: made before they meet all cities of their year
moved as materialized (
    select m.*, s.score
    from changes as m
    inner join scores as s using (index_code, city_id, year)
),

ranked as (
    select
        m.* exclude (score),
        y.spread,
        1 + count(*) filter (o.score > m.score) as rank_with,
        1 + count(*) filter (o.score > m.score + m.score_change and o.city_id <> m.city_id) as rank_without
    from moved as m
    inner join scores as o on m.index_code = o.index_code and m.year = o.year
    inner join (
        select index_code, year, stddev(score) as spread from scores
        group by all
    ) as y on m.index_code = y.index_code and m.year = y.year
    group by all
),

judged as (
    select
        *,
        rank_with - rank_without as rank_change,
        bool_or(
            abs(rank_with - rank_without) > {{ edit_parameter('pending', 'places') }}
            or abs(score_change) > {{ edit_parameter('pending', 'spread') }} * spread
        ) over (partition by edit_no) as is_influential
    from ranked
    qualify row_number() over (partition by edit_no order by abs(score_change) / spread desc, index_code) = 1
),

settled as (
    select
        e.* replace (
            case when e.is_bridged then 'bridged' when j.is_influential then 'withheld' else e.action end as action,
            case when j.is_influential then null else e.used_value end as used_value
        ),
        j.index_code,
        j.score_change,
        j.rank_change
    from edits as e
    left join judged as j using (edit_no)
)

select
    s.* exclude (edit_no, is_bridged) replace (case s.action when 'bridged' then 'accept' else s.action end as action),
    t.indicator_codes,
    {{ edit_evidence('s') }} as evidence
from settled as s
left join (
    select edit_no, list(indicator_code order by indicator_code) as indicator_codes from touched
    group by all
) as t using (edit_no)
