-- One row per city of a load whose figures, all of them or those of one table, fit the past of another city (rows or
-- names exchanged), or are those of another city of the same load (a row printed for two) or of another year.
-- Distances are medians over the columns, each in typical moves of its column. `table_key` is 0 for the whole row.
-- A table that is all of a load is held to the limits of a table: nothing else of the row speaks for or against it.
-- Among thousands of counties some are like any other by chance: those of one province alone are held to each other.
with moves as (
    select
        load_id,
        table_key,
        city_id,
        case when s.unit_level = 'county' then province_id end as area,
        year,
        variable_code,
        scope,
        value,
        (move - median(move) over block)
        / greatest(usual_mad * sqrt(year - year_last), {{ gate_parameter('min_mad') }}) as z,
        median(move) over block as block_move,
        greatest(usual_mad * sqrt(year - year_last), {{ gate_parameter('min_mad') }}) as scale
    from {{ ref('edit_movement') }}
    inner join {{ ref('edit_load') }} using (load_id)
    left join {{ ref('source') }} as s using (source)
    -- what an accepted source prints for the city too stands in its row
    anti join (
        select load_id, cell_key from {{ ref('edit_comparison') }}
        where is_comparable and not is_apart
    ) using (load_id, cell_key)
    where is_waiting and move is not null and has_ranks
    window block as (partition by load_id, variable_code, scope, year)
),

areas as (
    select * replace (0 as table_key) from moves
    qualify min(table_key) over (partition by load_id) is distinct from max(table_key) over (partition by load_id)
    union all
    select * from moves
    where table_key is not null
),

-- both scopes of a variable move together: it speaks once
spoken as (
    select
        *,
        row_number() over (
            partition by load_id, city_id, year, table_key, variable_code order by abs(z)
        ) = 1 as is_least
    from areas
),

odd as (
    select
        load_id,
        city_id,
        year,
        table_key,
        any_value(area) as area,
        case when count(distinct scope) = 1 then any_value(scope) end as scope,
        count(*) as n_columns,
        median(abs(z)) as own_distance,
        string_agg(distinct variable_code, ', ' order by variable_code) filter (where table_key <> 0) as columns
    from spoken as areas
    -- a border that moved is no exchange of rows
    where not {{ border_moved('areas.city_id', 'areas.year', edit_parameter('E5', 'boundary_years')) }}
    group by all
    having
        case
            when table_key = 0
                then
                    count(*) >= {{ gate_parameter('min_columns') }}
                    and median(abs(z)) > {{ gate_parameter('odd_row') }}
            -- few columns must speak louder; of two both
            else
                count(*) >= {{ gate_parameter('min_table_columns') }}
                and quantile_disc(abs(z), 0.5) filter (where is_least) > {{ gate_parameter('odd_table_row') }}
        end
),

others as (
    select
        o.load_id,
        o.city_id,
        o.year,
        o.table_key,
        p.city_id as other_city_id,
        count(*) as n_common,
        median(abs(ln(m.value / p.value_last) - m.block_move) / m.scale) as other_distance
    from odd as o
    -- in an exchange the other city is displaced too
    inner join odd as q
        on
            o.load_id = q.load_id and o.year = q.year and o.table_key = q.table_key and o.city_id <> q.city_id
            and o.area is not distinct from q.area
    inner join areas as m
        on o.load_id = m.load_id and o.city_id = m.city_id and o.year = m.year and o.table_key = m.table_key
    inner join {{ ref('gate_past') }} as p
        on
            m.load_id = p.load_id
            and m.year = p.year
            and m.variable_code = p.variable_code
            and m.scope = p.scope
            and q.city_id = p.city_id
    where p.value_last > 0
    group by o.load_id, o.city_id, o.year, o.table_key, o.n_columns, p.city_id
    having count(*) >= least(o.n_columns, {{ gate_parameter('min_columns') }})
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
        o.*,
        a.other_city_id,
        a.other_distance,
        a.n_common
    from odd as o
    inner join others as a
        on
            o.load_id = a.load_id and o.city_id = a.city_id and o.year = a.year and o.table_key = a.table_key
    where
        a.other_distance <= {{ gate_parameter('nearer_row') }} * o.own_distance
        and a.other_distance <= {{ gate_parameter('near_row') }}
    qualify
        row_number() over (
            partition by o.load_id, o.city_id, o.year, o.table_key order by a.other_distance, a.other_city_id
        ) = 1
)

-- a city looks like another's past by chance: in an exchange that one stands in a wrong place too, and where one table
-- alone speaks, or of counties, in the place of this one
select
    n.load_id,
    n.city_id,
    n.year,
    n.columns,
    case when n.columns is not null then n.scope end as scope,
    n.n_columns,
    n.own_distance,
    n.other_city_id,
    n.other_distance,
    false as is_copy
from nearest as n
inner join nearest as b
    on
        n.load_id = b.load_id and n.year = b.year and n.table_key = b.table_key and n.other_city_id = b.city_id
        and ((n.table_key = 0 and n.area is null) or n.city_id = b.other_city_id)
union all
select
    e.load_id,
    e.city_id,
    e.year,
    null as columns,
    null as scope,
    s.n_columns,
    null as own_distance,
    e.other_city_id,
    null as other_distance,
    true as is_copy
from equal as e
inner join sizes as s on e.load_id = s.load_id and e.city_id = s.city_id and e.year = s.year
where e.n_equal >= {{ gate_parameter('copied_share') }} * s.n_columns
union all
-- the row of another year
select
    f.load_id,
    f.city_id,
    f.year,
    null as columns,
    null as scope,
    count(*) as n_columns,
    null as own_distance,
    f.city_id as other_city_id,
    null as other_distance,
    true as is_copy
from {{ ref('gate_figure') }} as f
where f.print_no = 1 and f.value <> 0 and f.value_last is not null
group by f.load_id, f.city_id, f.year
having
    count(*) >= {{ gate_parameter('min_columns') }}
    and count(*) filter (where f.value = f.value_last) >= {{ gate_parameter('copied_share') }} * count(*)
