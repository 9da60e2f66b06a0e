-- One row per figure that waits and figure of the same city, year and concept in another accepted source.
-- `is_comparable`: in other years both sources print nearly the same, and the other one does not fill this year.
with others as (
    select
        f.load_id,
        f.source,
        f.city_id,
        f.variable_code,
        f.scope,
        f.year,
        r.source as other_source,
        f.value,
        r.value as value_other,
        abs(r.value - f.value) > {{ gate_parameter('apart') }} * greatest(abs(r.value), abs(f.value)) as is_apart,
        f.cell_key
    from {{ ref('edit_figure') }} as f
    inner join {{ ref('source') }} as s on f.source = s.source
    inner join {{ ref('edit_reference') }} as r
        on
            f.city_id = r.city_id
            and f.variable_code = r.variable_code
            and f.scope = r.scope
            and f.year = r.year
            and s.concept = r.concept
            and f.source <> r.source
    where f.print_no = 1 and f.value is not null
),

pairs as (
    select
        a.source,
        b.source as other_source,
        a.variable_code,
        a.scope,
        a.year,
        avg(
            (abs(b.value - a.value) > {{ gate_parameter('apart') }} * greatest(abs(a.value), abs(b.value)))::integer
        ) as share_apart
    from {{ ref('edit_reference') }} as a
    inner join {{ ref('edit_reference') }} as b
        on
            a.city_id = b.city_id
            and a.variable_code = b.variable_code
            and a.scope = b.scope
            and a.year = b.year
            and a.concept = b.concept
            and a.source <> b.source
    group by all
),

neighbours as (
    select
        source,
        variable_code,
        scope,
        year,
        value,
        case when lag(year) over series = year - 1 then lag(value) over series end as value_last,
        case when lead(year) over series = year + 1 then lead(value) over series end as value_next
    from {{ ref('edit_reference') }}
    window series as (partition by source, city_id, variable_code, scope order by year)
),

fills as (
    select
        source,
        variable_code,
        scope,
        year,
        avg((value = value_last)::integer) filter (where value <> 0) >= {{ edit_parameter('E7', 'repeat_share') }}
        or avg((abs(value - (value_last + value_next) / 2) <= 0.0005 * abs(value))::integer) filter (
            where abs(value_next - value_last) > 0.01 * abs(value)
        ) >= {{ edit_parameter('E7', 'midpoint_share') }} as is_filled
    from neighbours
    group by all
),

blocks as (
    select distinct
        load_id,
        source,
        other_source,
        variable_code,
        scope,
        year
    from others
),

usual as (
    select
        b.load_id,
        b.other_source,
        b.variable_code,
        b.scope,
        b.year,
        median(p.share_apart) as usual_apart,
        coalesce(bool_or(i.is_filled), false) as is_filled
    from blocks as b
    left join pairs as p
        on
            b.source = p.source
            and b.other_source = p.other_source
            and b.variable_code = p.variable_code
            and b.scope = p.scope
            and b.year <> p.year
    left join fills as i
        on
            b.other_source = i.source
            and b.variable_code = i.variable_code
            and b.scope = i.scope
            and b.year = i.year
    group by all
)

select
    o.*,
    u.usual_apart,
    u.usual_apart <= {{ gate_parameter('max_usual_apart') }} and not u.is_filled as is_comparable
from others as o
left join usual as u using (load_id, other_source, variable_code, scope, year)
