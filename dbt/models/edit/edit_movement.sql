-- One row per figure that waits and has an earlier or later one: how far it stands from where its neighbours in time
-- and the other cities of its column lead one to expect it, and how far is usual for cities of its size. deviation:
-- ln(figure / expected) per square root of a year, the smaller one of both sides where the next year is known.
with moves as (
    select
        *,
        case when value > 0 and value_last > 0 then ln(value / value_last) end as move,
        case when value > 0 and value_next > 0 then ln(value_next / value) end as move_next
    from {{ ref('edit_figure') }}
    where print_no = 1 and (value_last is not null or value_next is not null)
),

sided as (
    select
        *,
        (move - median(move) over block) / sqrt(year - year_last) as deviation_last,
        (median(move_next) over block - move_next) / sqrt(year_next - year) as deviation_next,
        {{ size_of_city(
            'coalesce(move, move_next)', 'coalesce(value_last, value_next)', 'load_id, variable_code, scope, year'
        ) }}
            as size
    from moves
    window block as (partition by load_id, variable_code, scope, year)
),

usual as (
    select
        b.load_id,
        b.variable_code,
        b.scope,
        b.year,
        u.size,
        median(u.q99) as q99,
        median(u.q95) as q95,
        median(u.mad) as mad
    from (
        select
            load_id,
            source,
            variable_code,
            scope,
            year,
            max(year_last) as year_last,
            max(year_next) as year_next
        from moves
        group by all
    ) as b
    left join {{ ref('source') }} as g on b.source = g.source
    inner join {{ ref('edit_usual') }} as u
        on
            coalesce(g.unit_level, 'city') = u.unit_level
            and b.variable_code = u.variable_code
            and b.scope = u.scope
            and (b.source <> u.source or b.year <> u.year)
            -- a column without a past is not held against the very step that is in doubt
            and (b.year_last is not null or b.source <> u.source or b.year_next < u.year)
    where u.q99 is not null
    group by all
)

select
    s.load_id,
    s.data_year,
    s.cell_key,
    s.table_key,
    s.city_id,
    s.province_id,
    s.variable_code,
    s.scope,
    s.year,
    s.value,
    s.year_last,
    s.value_last,
    s.year_next,
    s.value_next,
    s.is_kept,
    s.has_ranks,
    s.move,
    s.deviation_last,
    s.size,
    case
        when s.deviation_next is null then s.deviation_last
        when s.deviation_last is null then s.deviation_next
        when s.deviation_last * s.deviation_next <= 0 then 0
        when s.deviation_last > 0 then least(s.deviation_last, s.deviation_next)
        else greatest(s.deviation_last, s.deviation_next)
    end as deviation,
    -- a column that nothing is known of is held against itself
    coalesce(u.q99, 2 * quantile_cont(abs(s.deviation_last), 0.95) over own) as usual_q99,
    coalesce(u.q95, quantile_cont(abs(s.deviation_last), 0.95) over own) as usual_q95,
    coalesce(u.mad, median(abs(s.deviation_last)) over own) as usual_mad,
    -- what a person looks at: beyond 99 of 100 figures, and beyond six typical moves where cities are few
    greatest(
        coalesce(u.q99, 2 * quantile_cont(abs(s.deviation_last), 0.95) over own),
        6 * coalesce(u.mad, median(abs(s.deviation_last)) over own)
    )
        as usual_limit
from sided as s
left join usual as u using (load_id, variable_code, scope, year, size)
window own as (partition by s.load_id, s.variable_code, s.scope, s.year)
