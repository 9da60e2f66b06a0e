-- One row per column of a load that waits (variable, scope, year) and rule across rows, years and sources that
-- applies to it: what is observed. `is_fault`: beyond its limit; one fault, one message: of a column at fault what
-- follows in the order of the rules is left out.
with figures as materialized (
    select
        *,
        case when value > 0 and value_last > 0 then ln(value / value_last) end as move
    from {{ ref('gate_figure') }}
    where print_no = 1
),

blocks as materialized (
    select
        load_id,
        any_value(source) as source,
        variable_code,
        scope,
        year,
        max(year_last) as year_last,
        count(value) as n_cities,
        count(move) as n_moves,
        median(move) as median_move,
        mad(move) as mad_move,
        count(*) filter (where move < ln({{ gate_parameter('fallen_to') }})) as n_fallen
    from figures
    group by all
),

prints as (
    select
        load_id,
        variable_code,
        scope,
        year,
        max(print_no) - 1 as n_reprints
    from {{ ref('gate_figure') }}
    group by all
),

-- ---- provinces whose figures stand beside the wrong cities, moved by a power of ten or repeat the last year
provinces as (
    select
        load_id,
        variable_code,
        scope,
        year,
        count(*) as n_provinces,
        count(*) filter (where is_displaced) as n_displaced,
        max_by(province_id, own_distance) filter (where is_displaced) as displaced_province,
        count(*) filter (where is_slipped) as n_slipped,
        max_by(province_id, n_power) filter (where is_slipped) as slipped_province,
        max_by(power, n_power) filter (where is_slipped) as power,
        count(*) filter (where is_repeated) as n_repeated,
        max_by(province_id, n_repeat) filter (where is_repeated) as repeated_province
    from {{ ref('gate_province') }}
    where n_now > 0
    group by all
),

-- ---- rows that fit the past of the rows beside them, whatever their provinces
runs as (
    select
        r.load_id,
        r.variable_code,
        r.scope,
        r.year,
        printf(
            'figures up to the row of %s fit the row %s them',
            coalesce(c.name_zh, r.last_city_id), case r.shift when 1 then 'above' else 'below' end
        ) as run
    from {{ ref('gate_run') }} as r
    left join {{ ref('int_units') }} as c on r.last_city_id = c.city_id
    where r.times_limit > 1
),

-- ---- the same figures as in another year of any source
repeats as (
    select
        f.load_id,
        f.variable_code,
        f.scope,
        f.year,
        r.source as repeated_source,
        r.year as repeated_year,
        count(*) as n_equal
    from figures as f
    inner join {{ ref('edit_reference') }} as r
        on
            f.city_id = r.city_id
            and f.variable_code = r.variable_code
            and f.scope = r.scope
            and f.value = r.value
            and f.year <> r.year
    where f.value <> 0
    group by f.load_id, f.variable_code, f.scope, f.year, r.source, r.year
    qualify
        row_number() over (
            partition by f.load_id, f.variable_code, f.scope, f.year order by count(*) desc, r.year, r.source
        ) = 1
),

-- ---- other sources
compared as (
    select
        load_id,
        variable_code,
        scope,
        year,
        other_source,
        count(*) as n_other,
        avg(is_apart::integer) as share_apart
    from {{ ref('edit_comparison') }}
    where is_comparable
    group by load_id, variable_code, scope, year, other_source
    qualify
        row_number() over (partition by load_id, variable_code, scope, year order by share_apart desc, other_source) = 1
),

-- ---- how the column moved in other years and sources
usual as (
    select
        b.load_id,
        b.variable_code,
        b.scope,
        b.year,
        count(*) as n_usual,
        min(u.median_move) as usual_move_low,
        max(u.median_move) as usual_move_high,
        max(u.mad) as usual_mad,
        max(u.share_repeat) as usual_repeat
    from blocks as b
    left join {{ ref('source') }} as g on b.source = g.source
    inner join {{ ref('edit_usual') }} as u
        on
            coalesce(g.unit_level, 'city') = u.unit_level
            and b.variable_code = u.variable_code
            and b.scope = u.scope
            and (b.source <> u.source or b.year <> u.year)
    where u.size = 0 and u.q99 is not null
    group by all
),

measured as (
    select
        b.* exclude (source),
        v.kind,
        r.* exclude (load_id, variable_code, scope, year),
        n.run,
        p.n_reprints,
        e.repeated_source,
        e.repeated_year,
        -- a constant, such as an area, may repeat
        case
            when
                b.n_cities >= {{ gate_parameter('min_filled') }}
                and coalesce(u.usual_repeat, 0) < {{ gate_parameter('constant_share') }}
                then coalesce(e.n_equal, 0) / b.n_cities
        end as share_equal,
        c.other_source,
        case when c.n_other >= {{ gate_parameter('min_filled') }} then c.share_apart end as share_apart,
        u.n_usual,
        u.usual_move_low,
        u.usual_move_high,
        u.usual_mad,
        -- a year's spread over the widest one that is usual, and a year's median move outside the usual range
        case
            when u.n_usual >= 1 and b.n_moves >= {{ gate_parameter('min_moves') }}
                then
                    b.mad_move / sqrt(b.year - b.year_last)
                    / greatest(
                        case
                            when u.n_usual >= 2 then {{ gate_parameter('max_spread') }} else
                                {{ gate_parameter('max_spread_of_one') }}
                        end
                        * u.usual_mad, {{ gate_parameter('min_spread') }}
                    )
        end as times_spread,
        case
            when u.n_usual >= 2 and b.n_moves >= {{ gate_parameter('min_moves') }}
                then
                    greatest(
                        u.usual_move_low - b.median_move / (b.year - b.year_last),
                        b.median_move / (b.year - b.year_last) - u.usual_move_high, 0
                    )
                    / greatest({{ gate_parameter('min_level') }}, {{ gate_parameter('max_level') }} * u.usual_mad)
        end as times_level,
        -- nothing is known of the column: that a stock falls in most cities is news enough
        case
            when v.kind = 'stock' and u.n_usual is null and b.n_moves >= {{ gate_parameter('min_moves') }}
                then b.n_fallen / ({{ gate_parameter('fallen_share') }} * b.n_moves)
        end as times_fallen
    from blocks as b
    left join {{ ref('variable') }} as v using (variable_code)
    left join provinces as r using (load_id, variable_code, scope, year)
    left join runs as n using (load_id, variable_code, scope, year)
    left join prints as p using (load_id, variable_code, scope, year)
    left join repeats as e using (load_id, variable_code, scope, year)
    left join compared as c using (load_id, variable_code, scope, year)
    left join usual as u using (load_id, variable_code, scope, year)
),

-- in the order in which the rules speak
ruled as (
    select
        load_id,
        variable_code,
        scope,
        year,
        coalesce(slipped_province, displaced_province, repeated_province) as province_id,
        unnest([  -- noqa: AL03
            struct_pack(
                position := 1, rule_id := 'province_is_in_its_unit', observed := n_slipped::double,
                why := 'all of province ' || slipped_province || ' moves by 10 to the power ' || power::integer
            ),
            struct_pack(
                position := 2, rule_id := 'province_stands_in_its_place',
                observed := (n_displaced + (run is not null)::integer)::double,
                why
                := coalesce('the figures of province ' || displaced_province || ' fit its cities in another order', run)
            ),
            struct_pack(
                position := 3, rule_id := 'block_is_of_its_year', observed := share_equal,
                why := printf(
                    '%.1f %% of the figures are those of %s %d', 100 * share_equal, repeated_source, repeated_year
                )
            ),
            struct_pack(
                position := 4, rule_id := 'province_is_of_its_year', observed := n_repeated::double,
                why := printf('the figures of province %s are those of %d', repeated_province, year_last)
            ),
            struct_pack(
                position := 5, rule_id := 'block_agrees_with_other_sources', observed := share_apart,
                why := printf(
                    '%.0f %% of the figures are more than 5 %% from those of %s', 100 * share_apart, other_source
                )
            ),
            struct_pack(
                position := 6, rule_id := 'block_moves_as_usual',
                observed := greatest(times_spread, times_level, times_fallen),
                why := printf(
                    'since %d the median city moves by %+.0f %%, and the middle half of them differ by %.0f %%',
                    year_last, 100 * (exp(median_move) - 1), 100 * (exp(mad_move) - 1)
                )
            ),
            struct_pack(
                position := 7, rule_id := 'figure_is_printed_once', observed := n_reprints::double,
                why := 'the same city stands in it more than once'
            )
        ], recursive := true)
    from measured
)

select
    r.* exclude (position),
    r.variable_code || '/' || r.scope || '/' || r.year as block,
    r.observed > g.limit_at as is_fault
from ruled as r
inner join {{ ref('gate_rule') }} as g using (rule_id)
where r.observed is not null
qualify
    r.observed <= g.limit_at
    or r.position = min(r.position) filter (where r.observed > g.limit_at) over (
        partition by r.load_id, r.variable_code, r.scope, r.year
    )
