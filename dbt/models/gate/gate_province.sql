-- One row per column that waits and province: how many of its figures are there, repeat the last year, or stand beside
-- the wrong city. own_distance: how far a figure stands from its own city's last one, as the median of the province;
-- set_distance: the same when both are sorted, so small where the right figures stand in the wrong rows.
with cities as (
    select
        coalesce(f.load_id, p.load_id) as load_id,
        coalesce(f.year, p.year) as year,
        coalesce(f.variable_code, p.variable_code) as variable_code,
        coalesce(f.scope, p.scope) as scope,
        coalesce(f.province_id, c.province_code) as province_id,
        f.row_no,
        f.value,
        p.year_last,
        p.value_last,
        f.has_ranks,
        -- a column without a past is held against the next accepted year
        ln(f.value / nullif(f.value_held, 0)) as move,
        f.value_held
    from (
        select
            *,
            case
                when value > 0 and value_last > 0 then value_last
                when value > 0 and value_next > 0 and year_last is null then value_next
            end as value_held
        from {{ ref('gate_figure') }}
        where print_no = 1
    ) as f
    full join {{ ref('gate_past') }} as p
        on
            f.load_id = p.load_id
            and f.year = p.year
            and f.variable_code = p.variable_code
            and f.scope = p.scope
            and f.city_id = p.city_id
    left join {{ ref('int_units') }} as c on p.city_id = c.city_id
),

centred as (
    select
        *,
        median(move) over block as block_move,
        mad(move) over block as block_mad,
        count(value) over block as n_column,
        count(value_last) over block as n_column_last,
        count(*) filter (where value <> 0 and value = value_last) over block as n_column_repeat,
        count(*) filter (where value <> 0 and value_last is not null) over block as n_column_compared
    from cities
    window block as (partition by load_id, variable_code, scope, year)
),

provinces as (
    select
        load_id,
        year,
        variable_code,
        scope,
        province_id,
        any_value(year_last) as year_last,
        any_value(block_mad) as block_mad,
        any_value(n_column) as n_column,
        any_value(n_column_last) as n_column_last,
        (any_value(n_column_repeat) - count(*) filter (where value <> 0 and value = value_last))
        / nullif(any_value(n_column_compared) - count(*) filter (where value <> 0 and value_last is not null), 0)
            as share_repeat_elsewhere,
        bool_and(has_ranks) as has_ranks,
        count(value) as n_now,
        count(value_last) as n_last,
        count(move) as n_both,
        count(*) filter (where value <> 0 and value_last is not null) as n_compared,
        count(*) filter (where value <> 0 and value = value_last) as n_repeat,
        min(row_no) as first_row,
        max(row_no) as last_row,
        median(move - block_move) as shift,
        median(abs(move - block_move)) as own_distance,
        mode(round((move - block_move) / ln(10))) as power,
        {{ gate_parameter('slip_tolerance') }} as tolerance,
        list(move - block_move) filter (where move is not null) as moves,
        list(ln(value) order by value) filter (where move is not null) as sorted_now,
        list(ln(value_held) + block_move order by value_held) filter (where move is not null) as sorted_last,
        list(value order by row_no) filter (where value is not null) as in_print
    from centred
    group by all
),

measured as (
    select
        * exclude (in_print, tolerance),
        -- cities that moved by that power of ten against the rest of the column
        len(list_filter(moves, lambda move: abs(move - power * ln(10)) <= tolerance)) as n_power,
        list_median(list_transform(list_zip(sorted_now, sorted_last), lambda pair: abs(pair[1] - pair[2])))
            as set_distance,
        len(list_distinct(in_print)) >= {{ gate_parameter('min_sorted') }}
        and (in_print = list_sort(in_print) or in_print = list_reverse_sort(in_print)) as is_sorted
    from provinces
),

usual as (
    select
        b.load_id,
        b.variable_code,
        b.scope,
        b.year,
        -- a heavy tail counts like a wide middle
        greatest(median(u.mad), median(u.q95) / 3) * sqrt(any_value(b.gap)) as usual_move,
        max(u.share_repeat) as usual_repeat
    from (
        select
            f.load_id,
            f.source,
            f.variable_code,
            f.scope,
            f.year,
            coalesce(max(f.year - f.year_last), max(f.year_next - f.year)) as gap
        from {{ ref('gate_figure') }} as f
        group by all
    ) as b
    left join {{ ref('source') }} as g on b.source = g.source
    inner join {{ ref('edit_usual') }} as u
        on
            coalesce(g.unit_level, 'city') = u.unit_level
            and b.variable_code = u.variable_code
            and b.scope = u.scope
            and (b.source <> u.source or b.year <> u.year)
    where u.size = 0 and u.mad is not null
    group by all
),

scaled as (
    select
        m.*,
        u.usual_move,
        u.usual_repeat,
        greatest(u.usual_move, m.block_mad, {{ gate_parameter('min_mad') }}) as scale,
        -- where no other year is known a column must speak louder
        case
            when u.usual_move is null then {{ gate_parameter('displaced_unknown') }}
            else {{ gate_parameter('displaced') }}
        end as displaced,
        {{ gate_parameter('run_step') }} as step
    from measured as m
    left join usual as u using (load_id, variable_code, scope, year)
),

ordered as (
    select
        * exclude (moves, sorted_now, sorted_last, step),
        -- by how many usual moves the figures fit the past better in the order of their size; one counts at most some
        list_sum(list_transform(moves, lambda move: least(abs(move) / scale, step)))
        - list_sum(list_transform(
            list_zip(sorted_now, sorted_last),
            lambda pair: least(abs(pair[1] - pair[2]) / scale, step)
        )) as order_gain
    from scaled
)

select
    * exclude (usual_repeat, scale, displaced),
    -- the right figures in the wrong rows
    has_ranks and (
        (
            n_both >= {{ gate_parameter('min_displaced') }}
            and (
                (
                    own_distance > displaced * scale
                    and set_distance < {{ gate_parameter('displaced_set') }} * own_distance
                )
                or order_gain > (
                    {{ gate_parameter('max_gain') }} + {{ gate_parameter('max_gain_of_city') }} * n_both
                ) * displaced / {{ gate_parameter('displaced') }}
            )
        )
        or (is_sorted and coalesce(own_distance > {{ gate_parameter('sorted_far') }} * scale, true))
    ) as is_displaced,
    power <> 0
    and n_both >= {{ gate_parameter('min_cities') }}
    and n_power >= {{ gate_parameter('province_slip_share') }} * n_both
        as is_slipped,
    -- how probable so many repeats are by chance, at the share of repeats elsewhere
    n_compared >= {{ gate_parameter('min_cities') }}
    and n_repeat >= {{ gate_limit('block_is_of_its_year') }} * n_compared
    and n_repeat * ln(greatest(share_repeat_elsewhere, coalesce(usual_repeat, 0), {{ gate_parameter('min_repeat') }}))
    < ln({{ gate_parameter('repeat_chance') }}) as is_repeated,
    n_last >= {{ gate_parameter('min_empty') }} and n_now = 0
    and n_column > {{ gate_parameter('rest_of_column') }} * n_column_last as is_empty
from ordered
