-- One decision a cell: from what was printed (after reviewed corrections) to what is used, and why.
-- action: accept, quarantine (treated as missing), replace, relink (brought to another level), keep (a person said so),
-- pending (stands out, nobody decided: used as printed).
with figures as (
    select f.*, s.concept, s.origin, s.default_rank
    from {{ ref('int_values_accepted') }} as f
    inner join {{ ref('source') }} as s on f.source = s.source
    where f.level = 'city'
),

cases as (
    select * from {{ ref('int_edit_cases') }}
),

doubted as (
    select source, city_id, year, variable_code
    from cases
    where verdict = 'edit'
),

-- E2 to E5: another source of the same concept speaks for the figure where it prints another one that no rule doubts
replacements as (
    select
        c.source,
        c.city_id,
        c.year,
        c.variable_code,
        arg_min(o.value, (o.default_rank, o.source)) as other_value,
        arg_min(o.source_cell_id, (o.default_rank, o.source)) as other_cell
    from cases as c
    inner join figures as f using (source, city_id, year, variable_code)
    inner join figures as o
        on
            c.city_id = o.city_id and c.year = o.year and c.variable_code = o.variable_code
            and f.concept = o.concept and c.source <> o.source and o.fill_rule = ''
    anti join doubted as d
        on o.source = d.source and o.city_id = d.city_id and o.year = d.year and o.variable_code = d.variable_code
    where
        c.verdict = 'edit' and abs(o.value - f.value) > {{ edit_parameter('E1', 'tolerance') }} * abs(f.value)
        and (
            c.expected is null or o.value * c.expected <= 0 or f.value * c.expected <= 0
            or abs(ln(o.value / c.expected)) < abs(ln(f.value / c.expected)) / 2
        )
    group by all
),

of_cells as (
    select
        c.source,
        c.city_id,
        c.year,
        c.variable_code,
        c.rule,
        case
            when c.verdict in ('accept', 'keep') then c.verdict
            when c.verdict = 'suspect' then 'pending'
            when r.other_value is not null then 'replace'
            else 'quarantine'
        end as action,
        case
            when c.verdict <> 'edit' then f.value
            else r.other_value
        end as used_value,
        r.other_cell as used_cell_id,
        c.measured,
        c.limit_at,
        c.expected,
        c.about
    from cases as c
    inner join figures as f using (source, city_id, year, variable_code)
    left join replacements as r using (source, city_id, year, variable_code)
),

-- E6: the year of another definition is left out; its own definition is computed where both parts are known
own_definitions as (
    select
        variable_code,
        value as multiplier,
        split_part(against, '/', 1) as numerator,
        split_part(against, '/', 2) as denominator
    from {{ ref('edit_rule') }}
    where rule = 'E6' and parameter = 'own'
),

best as (
    select city_id, year, variable_code, arg_min(value, (default_rank, source)) as value
    from figures
    anti join doubted using (source, city_id, year, variable_code)
    where fill_rule = '' and value > 0
    group by all
),

other_definitions as (
    select
        f.source,
        f.city_id,
        f.year,
        f.variable_code,
        f.value,
        f.is_settled,
        b.share,
        o.multiplier * n.value / d.value as expected,
        abs(ln(o.multiplier * n.value / d.value / nullif(greatest(f.value, 0), 0))) as gap,
        o.numerator || ' / ' || o.denominator as about
    from {{ ref('int_series_breaks') }} as b
    inner join figures as f on b.source = f.source and b.variable_code = f.variable_code and b.break_year = f.year
    left join own_definitions as o on f.variable_code = o.variable_code
    left join best as n on f.city_id = n.city_id and f.year = n.year and o.numerator = n.variable_code
    left join best as d on f.city_id = d.city_id and f.year = d.year and o.denominator = d.variable_code
),

switched as (
    select
        source,
        city_id,
        year,
        variable_code,
        'E6' as rule,
        case
            when is_settled then 'keep'
            when gap <= ln({{ edit_parameter('E6', 'reach') }}) then 'replace'
            else 'quarantine'
        end as action,
        case
            when is_settled then value
            when gap <= ln({{ edit_parameter('E6', 'reach') }}) then expected
        end as used_value,
        null::varchar as used_cell_id,
        share as measured,
        {{ edit_parameter('E6', 'share') }} as limit_at,
        expected,
        about
    from other_definitions
),

-- E7: what the compiler filled is imputed here, or missing
fills as (
    select
        source,
        city_id,
        year,
        variable_code,
        'E7' as rule,
        case when is_settled then 'keep' else 'quarantine' end as action,
        case when is_settled then value end as used_value,
        null::varchar as used_cell_id,
        null::double as measured,
        null::double as limit_at,
        null::double as expected,
        fill_rule as about
    from figures
    where fill_rule <> ''
),

-- E8 on population: estimates that the next census did not confirm are rebased, its error of closure spread evenly
-- in logarithms over the years between the censuses
censuses as (
    select
        max(value) filter (parameter = 'census_before') as census_before,
        max(value) filter (parameter = 'census') as census,
        max(value) filter (parameter = 'closure') as closure_limit
    from {{ ref('edit_rule') }}
    where rule = 'E8'
),

counted as (
    select
        f.source,
        f.city_id,
        f.year,
        ln(f.value) as people,
        k.census_before,
        k.census,
        k.closure_limit,
        (people - lag(people) over s) / (f.year - lag(f.year) over s) as growth
    from figures as f
    cross join censuses as k
    anti join (
        from cases
        where verdict = 'edit'
    ) as c
        on f.source = c.source and f.city_id = c.city_id and f.year = c.year and f.variable_code = c.variable_code
    where
        f.variable_code = 'population_resident' and f.value > 0 and f.year between k.census_before and k.census
    window s as (partition by f.source, f.city_id order by f.year)
),

closures as (
    select
        source,
        city_id,
        any_value(census_before) as census_before,
        any_value(census) as census,
        any_value(closure_limit) as closure_limit,
        max(people) filter (year = census) - (
            arg_max(people, year) filter (year < census)
            + median(growth) filter (year < census) * (any_value(census) - max(year) filter (year < census))
        ) as closure
    from counted
    group by all
    having
        count(*) filter (year > census_before and year < census) >= 3
        and count(*) filter (year in (census_before, census)) = 2
),

rebased as (
    select
        f.source,
        f.city_id,
        f.year,
        f.variable_code,
        'E8' as rule,
        case when f.is_settled then 'keep' else 'relink' end as action,
        case
            when f.is_settled then f.value
            else f.value * exp(k.closure * (f.year - k.census_before) / (k.census - k.census_before))
        end as used_value,
        null::varchar as used_cell_id,
        k.closure as measured,
        k.closure_limit as limit_at,
        null::double as expected,
        k.census::integer::varchar as about
    from closures as k
    inner join figures as f
        on
            k.source = f.source and k.city_id = f.city_id and f.variable_code = 'population_resident'
            and k.census_before < f.year and k.census > f.year
    where
        abs(k.closure) > k.closure_limit
        and not {{ border_moved('k.city_id', 'k.census', 1) }}
),

-- E9: nominal GDP on the level of the latest year, and the growth that stands in for a printed one
relinked as (
    select
        f.source,
        f.city_id,
        f.year,
        f.variable_code,
        coalesce(c.rule, 'E9') as rule,
        case when c.rule is null then 'relink' else 'replace' end as action,
        p.gdp_used as used_value,
        null::varchar as used_cell_id,
        p.price_step as measured,
        p.usual_step as limit_at,
        null::double as expected,
        case when c.rule is null then b.broken_years else 'backcast' end as about
    from {{ ref('int_price_steps') }} as p
    inner join figures as f
        on p.source = f.source and p.city_id = f.city_id and p.year = f.year and f.variable_code = 'gdp_nom'
    left join (
        select k.source, k.city_id, k.year, string_agg(q.year::varchar, ' ' order by q.year) as broken_years
        from {{ ref('int_price_steps') }} as k
        inner join {{ ref('int_price_steps') }} as q
            on k.source = q.source and k.city_id = q.city_id and k.year < q.year
        where q.is_broken or q.gdp is null
        group by all
    ) as b on p.source = b.source and p.city_id = b.city_id and p.year = b.year
    left join (
        from cases
        where verdict = 'edit' and variable_code = 'gdp_nom'
    ) as c
        on p.source = c.source and p.city_id = c.city_id and p.year = c.year
    where p.gdp_used is not null and (p.gdp is null or abs(p.gdp_used / p.gdp - 1) > 1e-9)
    union all by name
    select
        f.source,
        f.city_id,
        f.year,
        f.variable_code,
        'E9' as rule,
        'replace' as action,
        100 * p.growth_used as used_value,
        null as used_cell_id,
        p.price_step as measured,
        p.usual_step as limit_at,
        null as expected,
        null as about
    from {{ ref('int_price_steps') }} as p
    inner join figures as f
        on p.source = f.source and p.city_id = f.city_id and p.year = f.year and f.variable_code = 'gdp_real_index'
    where p.growth_used is not null and (p.growth is null or p.is_growth_off)
),

-- the newest accepted edition has no later year that speaks of it: what only the gate sees there is left out
newest as (
    select source, max(data_year) as data_year from {{ ref('stg_landing__loads') }}
    where data_year > 0
    group by source
),

of_gate as (
    select
        f.source,
        f.city_id,
        f.year,
        f.variable_code,
        'gate' as rule,
        'quarantine' as action,
        null::double as used_value,
        null::varchar as used_cell_id,
        null::double as measured,
        null::double as limit_at,
        null::double as expected,
        g.rule || ': ' || g.evidence as about
    from {{ ref('edit_doubt') }} as g
    inner join {{ ref('edit_load') }} as l using (load_id)
    inner join newest as n on l.source = n.source and l.data_year = n.data_year
    inner join figures as f using (source_cell_id)
    where not f.is_settled
),

together as (
    select * from of_cells
    union all by name
    select * from of_gate
    union all by name
    select * from switched
    union all by name
    select * from fills
    union all by name
    select * from rebased
    union all by name
    select * from relinked
)

-- one decision a cell: a person's first, then what gives a value, then what takes one out, then what only speaks of it
select * exclude (priority)
from (
    select
        *,
        case
            when action = 'keep' then 0
            when rule in ('E6', 'E9') or about = 'backcast' then 1
            when action = 'replace' then 2
            when action = 'quarantine' then 3
            when action = 'relink' then 4
            when action = 'accept' then 5
            else 6
        end as priority
    from together
) as ordered
qualify row_number() over (partition by source, city_id, year, variable_code order by priority, rule) = 1
