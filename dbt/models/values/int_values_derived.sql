-- What follows from printed variables: population on one basis per city, value added from shares, employees, true
-- zeros, robots allocated to cities.
with selected as (
    select * from {{ each_policy(ref('int_values_selected')) }}
),

-- an absent record of a register means zero once the register covers the year; a blank of a printed table does not
zeros as (
    select
        c.edit_policy,
        c.city_id,
        y.variable_code,
        y.year,
        0.0 as value,
        v.unit,
        y.source,
        'structural_zero' as value_origin
    from (
        select s.edit_policy, s.variable_code, s.year, min(s.source) as source, count(distinct s.city_id) as n_city
        from selected as s
        semi join {{ ref('variable') }} as k on s.variable_code = k.variable_code and k.zero_rule = 'structural_zero'
        semi join {{ ref('source') }} as r on s.source = r.source and r.kind = 'register'
        group by all
    ) as y
    inner join {{ ref('variable') }} as v on y.variable_code = v.variable_code
    inner join (
        select distinct edit_policy, city_id from selected
        where variable_code in ('gdp_nom', 'population_resident')
    ) as c on y.edit_policy = c.edit_policy
    where
        y.n_city >= 5
        -- a figure that is taken out is missing, not zero
        and not exists (
            select 1 from selected as s
            where s.city_id = c.city_id and s.variable_code = y.variable_code and s.year = y.year
        )
        -- a city with no record at all in a register is missing, not zero
        and exists (
            select 1 from selected as s
            where s.edit_policy = c.edit_policy and s.city_id = c.city_id and s.variable_code = y.variable_code
        )
),

-- Residents are the one denominator of every figure per head. Years between two printed points that no source prints
-- are log-linear between them: a stock that moves slowly is better known than any figure that is divided by it. Where
-- the border moved between the points they follow registered persons, whose figures show in which year.
people as (
    select
        edit_policy,
        city_id,
        unit,
        unnest(generate_series(first_year, last_year))::integer as year
    from (
        select edit_policy, city_id, unit, min(year) as first_year, max(year) as last_year
        from selected
        where variable_code = 'population_resident' and value > 0
        group by all
    ) as spans
),

points as (
    select
        p.*,
        s.* exclude (edit_policy, city_id, year, unit),
        last_value(case when s.value is not null then p.year end ignore nulls) over before_it as year_left,
        last_value(s.value ignore nulls) over before_it as value_left,
        last_value(s.source_cell_ids ignore nulls) over before_it as cells_left,
        first_value(case when s.value is not null then p.year end ignore nulls) over after_it as year_right,
        first_value(s.value ignore nulls) over after_it as value_right,
        first_value(s.source_cell_ids ignore nulls) over after_it as cells_right,
        first_value(s.source ignore nulls) over after_it as source_right,
        first_value(s.vintage ignore nulls) over after_it as vintage_right,
        first_value(s.source_cell_id ignore nulls) over after_it as cell_right
    from people as p
    left join selected as s
        on
            p.edit_policy = s.edit_policy and p.city_id = s.city_id and p.year = s.year
            and s.variable_code = 'population_resident' and s.value > 0
    window
        before_it as (
            partition by p.edit_policy, p.city_id order by p.year rows between unbounded preceding and 1 preceding
        ),
        after_it as (
            partition by p.edit_policy, p.city_id order by p.year rows between 1 following and unbounded following
        )
),

persons as (
    select edit_policy, city_id, year, value from selected
    where variable_code = 'population_registered' and value > 0
),

population as (
    select
        edit_policy,
        city_id,
        year,
        unit,
        'population' as variable_code,
        'resident' as population_basis,
        coalesce(
            value,
            value_left * pow(value_right / value_left, (year - year_left) / (year_right - year_left))
            * coalesce(
                persons / persons_left
                * pow(persons_left / persons_right, (year - year_left) / (year_right - year_left)), 1
            )
        ) as value,
        case when value is null then 'intercensal' else value_origin end as value_origin,
        coalesce(source, source_right) as source,
        coalesce(vintage, vintage_right) as vintage,
        coalesce(fill_rule, '') as fill_rule,
        coalesce(is_corrected, false) as is_corrected,
        coalesce(source_cell_id, cell_right) as source_cell_id,
        coalesce(source_cell_ids, list_sort(list_distinct(list_concat(cells_left, cells_right)))) as source_cell_ids
    from (
        select p.*, n.value as persons, l.value as persons_left, r.value as persons_right
        from (
            select
                *,
                case
                    when exists (
                        select 1 from {{ ref('int_borders') }} as h
                        where
                            h.city_id = points.city_id and h.effective_year > points.year_left
                            and h.effective_year <= points.year_right
                    ) then city_id
                end as moved_id
            from points
        ) as p
        asof left join persons as n on p.edit_policy = n.edit_policy and p.moved_id = n.city_id and p.year >= n.year
        asof left join persons as l
            on p.edit_policy = l.edit_policy and p.moved_id = l.city_id and p.year_left >= l.year
        asof left join persons as r
            on p.edit_policy = r.edit_policy and p.moved_id = r.city_id and p.year_right <= r.year
    )
),

-- what does not change between changes of the boundary is carried to the years that nobody prints
constants as (
    select
        y.edit_policy,
        y.city_id,
        y.year,
        k.* exclude (edit_policy, city_id, year, value_origin),
        'constant_carried' as value_origin
    from (
        select distinct s.edit_policy, s.city_id, v.variable_code, t.year
        from selected as s
        inner join {{ ref('variable') }} as v on s.variable_code = v.variable_code and v.is_constant
        cross join (select distinct year from selected) as t
    ) as y
    inner join selected as k
        on y.edit_policy = k.edit_policy and y.city_id = k.city_id and y.variable_code = k.variable_code
    anti join selected as o
        on
            y.edit_policy = o.edit_policy and y.city_id = o.city_id and y.variable_code = o.variable_code
            and y.year = o.year
    -- the nearest year, the earlier of two
    qualify row_number() over (
        partition by y.edit_policy, y.city_id, y.variable_code, y.year order by abs(k.year - y.year), k.year
    ) = 1
),

-- Sector value added on the level of the selected GDP: as printed where both are of one concept, else the printed
-- share (or the share inside the sector's own source) of the selected GDP. A first-print level never meets a
-- revised one.
sectors as (
    select
        g.edit_policy,
        g.city_id,
        g.year,
        k.va_code as variable_code,
        g.unit,
        g.source as gdp_source,
        g.value as gdp,
        g.value_origin as gdp_origin,
        g.source_cell_ids as gdp_cells,
        va.value as va,
        va.value_origin as va_origin,
        va.source_cell_id as va_cell,
        va.source_cell_ids as va_cells,
        va.source as va_source,
        share.value as share,
        share.value_origin as share_origin,
        share.source_cell_id as share_cell,
        share.source_cell_ids as share_cells,
        own.value as own_gdp,
        own.source_cell_ids as own_cells,
        g.vintage,
        g.is_corrected,
        coalesce(va_concept.concept, '') = coalesce(gdp_concept.concept, '') as is_one_concept
    from selected as g
    cross join (
        values ('va_secondary_nom', 'secondary_share'), ('va_tertiary_nom', 'tertiary_share')
    ) as k (va_code, share_code)
    left join selected as va
        on
            g.edit_policy = va.edit_policy and g.city_id = va.city_id and g.year = va.year
            and k.va_code = va.variable_code
    left join selected as share
        on
            g.edit_policy = share.edit_policy and g.city_id = share.city_id and g.year = share.year
            and k.share_code = share.variable_code
    left join {{ each_policy(ref('int_values_harmonised_to_base_boundary')) }} as own
        on
            va.edit_policy = own.edit_policy and va.source = own.source and va.city_id = own.city_id
            and va.year = own.year
            and own.variable_code = 'gdp_nom'
    left join {{ ref('source') }} as gdp_concept on g.source = gdp_concept.source
    left join {{ ref('source') }} as va_concept on va.source = va_concept.source
    where g.variable_code = 'gdp_nom'
),

ruled as (
    select
        *,
        case
            when is_one_concept and va is not null then 'printed'
            when share is not null then 'share'
            when va is not null and own_gdp > 0 then 'own_share'
            when va is not null then 'printed'
        end as rule
    from sectors
),

rules as (
    select
        *,
        case rule when 'share' then share_origin else va_origin end as part_origin
    from ruled
),

value_added as (
    select
        edit_policy,
        city_id,
        variable_code,
        year,
        case rule when 'printed' then va when 'share' then gdp * share / 100 else gdp * va / own_gdp end as value,
        unit,
        case rule when 'printed' then va_source else gdp_source end as source,
        vintage,
        '' as fill_rule,
        is_corrected,
        case rule when 'share' then share_cell else va_cell end as source_cell_id,
        case rule
            when 'printed' then va_cells
            when 'share' then list_sort(list_distinct(list_concat(share_cells, gdp_cells)))
            else list_sort(list_distinct(list_concat(list_concat(va_cells, own_cells), gdp_cells)))
        end as source_cell_ids,
        case
            when rule <> 'printed' and {{ origin_rank('gdp_origin') }} > {{ origin_rank('part_origin') }}
                then gdp_origin
            else part_origin
        end as value_origin
    from rules
    where rule is not null
),

-- foreign investment in yuan, at the mean exchange rate of the year
foreign_investment as (
    select
        s.* replace ('fdi_nom' as variable_code, s.value * x.cny_per_usd as value, 'yuan10k' as unit)
    from selected as s
    inner join {{ ref('exchange_rate') }} as x on s.year = x.year
    where s.variable_code = 'fdi_usd'
),

-- employees: those of urban units where nothing prints all of them
employees as (
    select s.* replace ('emp_total' as variable_code)
    from selected as s
    where
        s.variable_code = 'emp_urban_units'
        and not exists (
            select 1 from selected as t
            where t.variable_code = 'emp_total'
        )
),

-- shift-share: national robots per worker of an industry, weighted by the city's employment shares of 2010
base as (
    select
        city_id,
        replace(variable_code, 'emp_base_', '') as industry,
        max(value) as employed,
        min(source_cell_id) as source_cell_id
    from {{ ref('int_values_accepted') }}
    where variable_code like 'emp_base_%' and year = 2010
    group by all
),

robots as (
    select
        year,
        replace(variable_code, 'robots_', '') as industry,
        max(value) as robots,
        min(source_cell_id) as source_cell_id,
        min(vintage) as vintage
    from {{ ref('int_values_accepted') }}
    where variable_code like 'robots_%' and level = 'nation'
    group by all
),

robot_density as (
    select
        p.edit_policy,
        b.city_id,
        'robot_density' as variable_code,
        r.year,
        sum(b.employed / t.employed_city * r.robots / n.employed_nation order by b.industry) * 10000 as value,
        'units_per_10k' as unit,
        'robot' as source,
        min(r.vintage) as vintage,
        '' as fill_rule,
        false as is_corrected,
        min(b.source_cell_id) as source_cell_id,
        list(b.source_cell_id order by b.industry) as source_cell_ids,
        'observed' as value_origin
    from base as b
    inner join robots as r on b.industry = r.industry
    cross join (select distinct edit_policy from selected) as p
    inner join
        (
            select city_id, sum(employed order by industry) as employed_city from base
            group by all
        ) as t
        on b.city_id = t.city_id
    inner join
        (
            select industry, sum(employed order by city_id) as employed_nation from base
            group by all
        ) as n
        on b.industry = n.industry
    where t.employed_city > 0 and r.year >= {{ base_year() }}
    group by all
)

select * from zeros
union all by name
select * from population
union all by name
select * exclude (value_as_printed) from constants
union all by name
select * exclude (value_as_printed) from foreign_investment
union all by name
select * exclude (value_as_printed) from employees
union all by name
select * from value_added
union all by name
select * from robot_density
