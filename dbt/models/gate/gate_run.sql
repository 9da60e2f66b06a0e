-- One row per column of a load that is judged: the strongest evidence that figures of rows one after the other belong
-- to the row above or below (cells that slipped, from whatever row to whatever row). A figure adds by how much better
-- it fits the past of the row beside it than its own, in usual moves; evidence is the largest sum over a run (CUSUM).
with rows as (
    select
        f.load_id,
        f.variable_code,
        f.scope,
        f.year,
        f.city_id,
        f.row_no,
        case when f.value > 0 then ln(f.value) end as figure,
        case
            when f.value_last > 0 then ln(f.value_last)
            when f.value_next > 0 and f.year_last is null then ln(f.value_next)
        end as held
    from {{ ref('gate_figure') }} as f
    where f.print_no = 1 and f.has_ranks
),

columns as (
    select
        r.load_id,
        r.variable_code,
        r.scope,
        r.year,
        median(r.figure - r.held) as block_move,
        any_value(p.scale) as scale
    from rows as r
    inner join (
        select
            load_id,
            variable_code,
            scope,
            year,
            max(greatest(usual_move, block_mad, {{ gate_parameter('min_mad') }})) as scale
        from {{ ref('gate_province') }}
        group by all
    ) as p using (load_id, variable_code, scope, year)
    group by all
    having count(r.figure - r.held) >= {{ gate_parameter('min_moves') }}
),

fits as (
    select
        r.*,
        d.shift,
        abs(r.figure - r.held - c.block_move) / c.scale as own,
        case d.shift when 1 then lag(r.held) over printed else lead(r.held) over printed end as held_beside,
        abs(r.figure - held_beside - c.block_move) / c.scale as beside
    from rows as r
    inner join columns as c using (load_id, variable_code, scope, year)
    cross join (values (1), (-1)) as d (shift)
    window
        printed as (partition by r.load_id, r.variable_code, r.scope, r.year, d.shift order by r.row_no, r.city_id)
),

summed as (
    select
        *,
        sum(coalesce(
            case
                when beside > {{ gate_parameter('run_fit') }}
                    then
                        least(greatest(own - beside, -{{ gate_parameter('run_step') }}), 0)
                        - {{ gate_parameter('run_miss') }}
                else
                    least(greatest(own - beside, -{{ gate_parameter('run_step') }}), {{ gate_parameter('run_step') }})
            end, 0
        )) over printed as total
    from fits
    window printed as (partition by load_id, variable_code, scope, year, shift order by row_no, city_id)
),

risen as (
    select
        *,
        total - least(coalesce(min(total) over before, 0), 0) as evidence
    from summed
    window
        before as (
            partition by load_id, variable_code, scope, year, shift order by row_no, city_id
            rows between unbounded preceding and 1 preceding
        )
)

select
    load_id,
    variable_code,
    scope,
    year,
    max(evidence) as evidence,
    arg_max(city_id, evidence) as last_city_id,
    arg_max(shift, evidence) as shift
from risen
group by all
