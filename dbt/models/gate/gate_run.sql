-- One row per column of a load that waits: the strongest evidence that figures of rows one after the other belong
-- to the row above or below (cells that slipped, from whatever row to whatever row). A figure adds by how much better
-- it fits the past of the row beside it than its own, at most some, since one slip makes no run; evidence is the
-- largest sum over a run (CUSUM). by_move counts in usual moves, by_scope in log-likelihoods (Student's t of two
-- degrees, heavy tails): there a figure that moved as the other scope of its city did fits its own past as well as the
-- two usually go together, so a run of few rows shows where a column moves much.
-- A column without a past is held against the other scope of the same row. The largest of many chance runs grows with
-- the logarithm of the rows, and so does the limit.
with pairs as (
    select
        f.load_id,
        f.variable_code,
        f.scope,
        f.year,
        f.city_id,
        f.row_no,
        case when f.value > 0 then ln(f.value) end as figure,
        count(coalesce(f.year_last, f.year_next)) over (partition by f.load_id, f.variable_code, f.scope, f.year) > 0
            as has_past,
        case
            when f.value_last > 0 then ln(f.value_last)
            when f.value_next > 0 and f.year_last is null then ln(f.value_next)
        end as held_past,
        -- a small whole number says no more than its last digit
        case when f.value > 0 and f.value = floor(f.value) then 1 / f.value else 0 end as grain,
        case when k.value > 0 then ln(k.value) end as other_figure,
        case
            when k.value > 0 and k.value_last > 0 then ln(k.value / k.value_last)
            when k.value > 0 and k.value_next > 0 and k.year_last is null then ln(k.value / k.value_next)
        end as other_move
    from {{ ref('gate_figure') }} as f
    left join {{ ref('gate_figure') }} as k
        on
            f.load_id = k.load_id
            and f.variable_code = k.variable_code
            and f.scope <> k.scope
            and f.year = k.year
            and f.city_id = k.city_id
            and k.print_no = 1
    where f.print_no = 1 and f.has_ranks
    -- one other scope
    qualify row_number() over (
        partition by f.load_id, f.variable_code, f.scope, f.year, f.city_id order by k.scope
    ) = 1
),

rows as (
    select
        *,
        case when has_past then held_past else other_figure end as held,
        case when has_past then figure - held_past - other_move end as apart
    from pairs
),

columns as (
    select
        r.load_id,
        r.variable_code,
        r.scope,
        r.year,
        median(r.figure - r.held) as block_move,
        greatest(ln(count(r.figure - r.held) / {{ gate_parameter('run_rows') }}), 0) as allowance,
        -- a heavy tail counts like a wide middle; a column without a past must speak louder
        coalesce(
            any_value(p.scale),
            greatest(mad(r.figure - r.held), {{ half_range('r.figure - r.held') }} / 3, {{ gate_parameter('min_mad') }})
            * {{ gate_parameter('displaced_unknown') }} / {{ gate_parameter('displaced') }}
        ) as scale,
        count(r.apart) >= {{ gate_parameter('min_moves') }} as has_scopes,
        median(r.apart) as apart_move,
        greatest(mad(r.apart), {{ half_range('r.apart') }} / 3, {{ gate_parameter('min_mad') }}) as apart_scale
    from rows as r
    left join (
        select
            load_id,
            variable_code,
            scope,
            year,
            max(greatest(usual_move, block_mad, {{ gate_parameter('min_mad') }})) as scale
        from {{ ref('gate_province') }}
        where usual_move is not null or block_mad is not null
        group by all
    ) as p using (load_id, variable_code, scope, year)
    group by all
    having count(r.figure - r.held) >= {{ gate_parameter('min_moves') }}
),

fits as (
    select
        r.*,
        d.shift,
        c.allowance,
        c.has_scopes,
        abs(r.figure - r.held - c.block_move) / greatest(c.scale, r.grain) as own,
        case d.shift when 1 then lag(r.held) over printed else lead(r.held) over printed end as held_beside,
        abs(r.figure - held_beside - c.block_move) / greatest(c.scale, r.grain) as beside,
        {{ log_density('beside') }} - ln(c.scale) as beside_likelihood,
        -- null for a figure without a past
        {{ log_density('own') }} - ln(c.scale) as alone,
        greatest(
            alone,
            case
                when alone is not null
                    then {{ log_density('(r.apart - c.apart_move) / c.apart_scale') }} - ln(c.apart_scale)
            end
        ) as own_likelihood
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
        )) over printed as moves,
        sum(
            least(coalesce(beside_likelihood - own_likelihood, 0), {{ gate_parameter('run_step') }})
        ) filter (where has_scopes) over printed as likelihoods
    from fits
    window printed as (partition by load_id, variable_code, scope, year, shift order by row_no, city_id)
),

risen as (
    select
        *,
        moves - least(coalesce(min(moves) over before, 0), 0) as by_move,
        coalesce(likelihoods - least(coalesce(min(likelihoods) over before, 0), 0), 0) as by_scope
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
    max(by_move) as by_move,
    max(by_scope) as by_scope,
    max(evidence) as times_limit,
    arg_max(city_id, evidence) as last_city_id,
    arg_max(shift, evidence) as shift
from (
    select
        *,
        greatest(
            by_move / ({{ gate_parameter('max_run') }} + allowance),
            by_scope / ({{ gate_parameter('max_run_by_scope') }} + allowance)
        ) as evidence
    from risen
)
group by all
