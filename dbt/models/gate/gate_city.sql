-- One row per city of a load whose figures as a whole fit the past of another city (two rows, or two names, exchanged)
-- or
-- are those of another city of the same load (a row printed for two).
-- Distances are medians over the columns, each in typical moves of its column.
with moves as (
    select
        load_id,
        city_id,
        year,
        variable_code,
        scope,
        value,
        (move - median(move) over block)
        / greatest(usual_mad * sqrt(year - year_last), {{ gate_parameter('min_mad') }}) as z,
        median(move) over block as block_move,
        greatest(usual_mad * sqrt(year - year_last), {{ gate_parameter('min_mad') }}) as scale
    from {{ ref('gate_movement') }}
    where move is not null and has_ranks
    window block as (partition by load_id, variable_code, scope, year)
),

odd as (
    select
        load_id,
        city_id,
        year,
        count(*) as n_columns,
        median(abs(z)) as own_distance
    from moves
    group by all
    having count(*) >= {{ gate_parameter('min_columns') }} and median(abs(z)) > {{ gate_parameter('odd_row') }}
),

others as (
    select
        o.load_id,
        o.city_id,
        o.year,
        p.city_id as other_city_id,
        count(*) as n_common,
        median(abs(ln(m.value / p.value_last) - m.block_move) / m.scale) as other_distance
    from odd as o
    inner join moves as m using (load_id, city_id, year)
    inner join {{ ref('gate_past') }} as p
        on
            m.load_id = p.load_id
            and m.year = p.year
            and m.variable_code = p.variable_code
            and m.scope = p.scope
            and m.city_id <> p.city_id
    where p.value_last > 0
    group by all
    having count(*) >= {{ gate_parameter('min_columns') }}
),

-- two rows that print the same figures in nearly all columns
equal as (
    select
        a.load_id,
        a.city_id,
        a.year,
        b.city_id as other_city_id,
        count(*) as n_equal
    from {{ ref('gate_figure') }} as a
    inner join {{ ref('gate_figure') }} as b
        on
            a.load_id = b.load_id
            and a.year = b.year
            and a.variable_code = b.variable_code
            and a.scope = b.scope
            and a.value = b.value
            and a.city_id < b.city_id
    where a.print_no = 1 and b.print_no = 1 and a.value <> 0
    group by all
    having count(*) >= {{ gate_parameter('min_columns') }}
),

sizes as (
    select
        load_id,
        city_id,
        year,
        count(value) as n_columns
    from {{ ref('gate_figure') }}
    where print_no = 1 and value <> 0
    group by all
),

nearest as (
    select
        o.load_id,
        o.city_id,
        o.year,
        o.n_columns,
        o.own_distance,
        a.other_city_id,
        a.other_distance,
        a.n_common
    from odd as o
    inner join others as a on o.load_id = a.load_id and o.city_id = a.city_id and o.year = a.year
    where a.other_distance <= 0.5 * o.own_distance and a.other_distance <= {{ gate_parameter('near_row') }}
    qualify
        row_number() over (partition by o.load_id, o.city_id, o.year order by a.other_distance, a.other_city_id) = 1
)

-- a city that happens to look like another's past stands alone: in an exchange the other one is displaced too
select
    n.load_id,
    n.city_id,
    n.year,
    n.n_columns,
    n.own_distance,
    n.other_city_id,
    n.other_distance,
    false as is_copy
from nearest as n
inner join odd as m on n.load_id = m.load_id and n.year = m.year and n.other_city_id = m.city_id
union all
select
    e.load_id,
    e.city_id,
    e.year,
    s.n_columns,
    null as own_distance,
    e.other_city_id,
    null as other_distance,
    true as is_copy
from equal as e
inner join sizes as s on e.load_id = s.load_id and e.city_id = s.city_id and e.year = s.year
where e.n_equal >= 0.8 * s.n_columns
