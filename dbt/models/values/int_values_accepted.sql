-- From here on only loads that passed the gate, in the vintage that is current. A fill that a compiler made without
-- saying so is found by rule (`fill_rule`, empty for none), and E7 takes it out: exact midpoints of many cities in one
-- year, repeats, runs of equal steps (population apart, which is interpolated between counts anyway), and what the
-- print that it copies leaves blank.
with accepted as materialized (
    select
        v.source,
        v.vintage,
        v.file,
        v.sheet,
        v.cell,
        v.source_cell_id,
        v.city_id,
        v.level,
        v.year,
        v.variable_code,
        v.unit,
        v.printed_unit,
        v.factor,
        v.text,
        v.value_printed,
        v.value,
        v.is_corrected,
        v.correction_action,
        v.is_settled,
        v.correction_reason,
        l.load_no
    from {{ ref('int_values_corrected') }} as v
    inner join {{ ref('stg_landing__loads') }} as l
        on v.source = l.source and v.data_year = l.data_year and v.vintage = l.vintage
    -- the second geography has a panel of its own; what is compared with the scores is never an input
    inner join {{ ref('source') }} as s on v.source = s.source and s.unit_level = 'city' and s.kind <> 'outside'
    anti join {{ ref('int_values_left_out') }} as o on v.source_cell_id = o.source_cell_id
    where
        l.is_current
        and v.value is not null
        and v.scope in ('city', 'built_up')
        -- the stock of capital needs investment from long before the window
        and (
            v.year >= {{ base_year() }} - {{ var('history_years') }}
            or (v.variable_code in ('fai_nom', 'price_investment') and v.year >= 2003)
            -- the employment that shares out robots is of one year for ever
            or v.variable_code like 'emp_base_%'
        )
        and v.level in ('city', 'county', 'nation')
),

printed as (
    select a.city_id, a.variable_code, a.year, a.value
    from accepted as a
    inner join {{ ref('source') }} as s on a.source = s.source
    where s.kind = 'printed' and a.level = 'city'
),

compiled as (
    select
        a.*,
        s.origin in (
            select origin from {{ ref('source') }}
            where kind = 'printed'
        ) as is_copy
    from accepted as a
    inner join {{ ref('source') }} as s on a.source = s.source
    inner join {{ ref('variable') }} as v on a.variable_code = v.variable_code and not v.is_constant
    where s.kind = 'compilation' and a.level = 'city'
),

-- one unit of the last printed digit, in the unit of the value: a filled midpoint is rounded to it
steps as (
    select
        source,
        variable_code,
        year,
        max(factor) * pow(10, -max(length(rtrim(regexp_extract(text, '\.(\d+)$', 1), '0')))) as step
    from compiled
    group by all
),

neighbours as (
    select
        source,
        city_id,
        variable_code,
        year,
        value,
        is_copy,
        case when lag(year) over series = year - 1 then lag(value) over series end as value_before,
        case when lead(year) over series = year + 1 then lead(value) over series end as value_after
    from compiled
    window series as (partition by source, city_id, variable_code order by year)
),

marked as (
    select
        n.*,
        abs(n.value - (n.value_before + n.value_after) / 2) <= 0.5 * s.step + 1e-9 * abs(n.value) as is_midpoint,
        -- a city that hardly moves is near the midpoint by chance: only wide moves are evidence
        abs(n.value_after - n.value_before) >= 4 * s.step as is_wide,
        -- and one of few digits repeats by rounding
        case when abs(n.value) >= 1000 * s.step then n.value = n.value_before end as is_repeat
    from neighbours as n
    left join steps as s using (source, variable_code, year)
),

shares as (
    select
        source,
        variable_code,
        year,
        avg(is_midpoint::integer) filter (where is_wide) as share_midpoint,
        avg(is_repeat::integer) as share_repeat,
        median(avg(is_repeat::integer)) over (partition by source, variable_code) as usual_repeat
    from marked
    group by source, variable_code, year
),

-- printed by the yearbook of that year with a row for the city and a column for the variable, but no number
blank_in_print as (
    select distinct r.city_id, r.year, h.variable_code
    from {{ ref('int_rows_matched_to_cities') }} as r
    inner join {{ ref('int_headers_mapped') }} as h
        on
            r.source = h.source
            and r.data_year = h.data_year
            and r.vintage = h.vintage
            and r.file = h.file
            and r.sheet = h.sheet
    inner join {{ ref('source') }} as s on r.source = s.source
    inner join {{ ref('stg_landing__loads') }} as l
        on r.source = l.source and r.data_year = l.data_year and r.vintage = l.vintage and l.is_current
    where
        s.kind = 'printed' and r.row_kind = 'city' and h.scope = 'city' and h.variable_code <> 'ignore'
    except
    select city_id, year, variable_code from printed
    except
    select city_id, year, variable_code from {{ ref('int_values_left_out') }}
),

-- equal non-zero steps, three or more in a row, each of at least a hundred units of what the column resolves;
-- of a thousand where rounding makes them differ by one unit
resolved as (
    select
        c.source,
        c.variable_code,
        any_value(s.step) * pow(10, quantile_disc(
            length(regexp_extract(printf('%.0f', abs(c.value) / s.step), '0*$')), 0.25
        )) as unit
    from compiled as c
    inner join (
        select source, variable_code, min(step) as step from steps
        group by all
    ) as s
        using (source, variable_code)
    where c.value <> 0 and c.variable_code not like 'population%'
    group by all
),

paced as (
    select
        n.source,
        n.city_id,
        n.variable_code,
        n.year,
        r.unit,
        n.value - n.value_before as pace,
        coalesce(
            abs(pace) >= 100 * r.unit
            and abs(pace - lag(pace) over series)
            <= case when abs(pace) >= 1000 * r.unit then 1.01 else 0.01 end * r.unit
            and lag(n.year) over series = n.year - 1, false
        ) as is_same
    from neighbours as n
    inner join resolved as r using (source, variable_code)
    window series as (partition by n.source, n.city_id, n.variable_code order by n.year)
),

-- a figure that the yearbook prints too is no fill
equal_steps as (
    select c.source, c.city_id, c.variable_code, c.year
    from (
        select
            p.source,
            p.city_id,
            p.variable_code,
            -- the two ends of a run may be printed, unless the yearbook leaves a year of it blank
            min(p.year) - case when count(b.year) > 0 then 2 else 1 end as first_year,
            max(p.year) - case when count(b.year) > 0 then 0 else 1 end as last_year
        from (
            select
                *, sum((not is_same)::integer) over (
                    partition by source, city_id, variable_code order by year
                ) as run
            from paced
        ) as p
        left join blank_in_print as b using (city_id, variable_code, year)
        where p.is_same
        group by p.source, p.city_id, p.variable_code, p.run
        having count(*) >= 2
    ) as r
    inner join compiled as c
        on
            r.source = c.source and r.city_id = c.city_id and r.variable_code = c.variable_code
            and c.year between r.first_year and r.last_year
    anti join printed as book
        on
            c.city_id = book.city_id and c.variable_code = book.variable_code and c.year = book.year
            and abs(c.value - book.value) <= 1e-9 * abs(c.value)
)

select
    a.*,
    coalesce(
        case
            when m.is_midpoint and s.share_midpoint >= {{ edit_parameter('E7', 'midpoint_share') }} then 'midpoint'
            when
                m.is_repeat
                and (
                    s.share_repeat >= {{ edit_parameter('E7', 'repeat_share') }}
                    -- or fewer, in a series whose figures hardly ever repeat
                    or a.variable_code not like 'population%'
                    and s.share_repeat >= greatest({{ edit_parameter('E7', 'repeat_unusual') }}, 10 * s.usual_repeat)
                    and book.city_id is null
                )
                then 'repeat'
            when b.city_id is not null and m.is_copy then 'blank_in_print'
            when e.city_id is not null then 'equal_steps'
        end, ''
    ) as fill_rule
from accepted as a
left join marked as m using (source, city_id, variable_code, year)
left join shares as s using (source, variable_code, year)
left join blank_in_print as b using (city_id, variable_code, year)
left join equal_steps as e using (source, city_id, variable_code, year)
left join (
    select distinct city_id, variable_code, year
    from printed
) as book using (city_id, variable_code, year)
