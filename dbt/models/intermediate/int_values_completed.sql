-- Adds what follows from printed variables: population on one basis per city, value added from shares, true zeros,
-- robots allocated to cities.
with selected as (
    select * from {{ ref('int_values_selected') }}
),

-- an absent record of a register means zero once the register covers the year
zeros as (
    select
        c.city_id,
        y.variable_code,
        y.year,
        0.0 as value,
        v.unit,
        y.source,
        'structural_zero' as value_origin
    from (
        select variable_code, year, min(source) as source, count(distinct city_id) as n_city
        from selected
        group by all
    ) as y
    inner join {{ ref('variable') }} as v on y.variable_code = v.variable_code and v.zero_rule = 'structural_zero'
    cross join (
        select distinct city_id from selected
        where variable_code in ('gdp_nom', 'population_resident')
    ) as c
    where
        y.n_city >= 5
        and not exists (
            select 1 from selected as s
            where s.city_id = c.city_id and s.variable_code = y.variable_code and s.year = y.year
        )
        -- a city with no record at all in a register is missing, not zero
        and exists (
            select 1 from selected as s
            where s.city_id = c.city_id and s.variable_code = y.variable_code
        )
),

-- resident population where a city's series is nearly complete, else registered: one basis per city, gaps stay gaps
basis as (
    select
        city_id,
        case
            when
                count(*) filter (where variable_code = 'population_resident')
                >= {{ var('min_observed_share') }}
                * greatest(count(*) filter (where variable_code = 'population_registered'), 1)
                then 'population_resident'
            else 'population_registered'
        end as population_basis
    from selected
    where variable_code in ('population_resident', 'population_registered')
    group by all
),

population as (
    select
        s.* exclude (variable_code),
        'population' as variable_code,
        replace(b.population_basis, 'population_', '') as population_basis
    from selected as s
    inner join basis as b on s.city_id = b.city_id and s.variable_code = b.population_basis
),

-- sector value added from the printed share where it is not printed itself
shares as (
    select
        g.* exclude (variable_code, value, value_origin, source_cell_ids, source_cell_id),
        case s.variable_code
            when 'secondary_share' then 'va_secondary_nom' else 'va_tertiary_nom'
        end as variable_code,
        g.value * s.value / 100 as value,
        s.source_cell_id,
        list_concat(s.source_cell_ids, g.source_cell_ids) as source_cell_ids,
        case
            when {{ origin_rank('g.value_origin') }} > {{ origin_rank('s.value_origin') }}
                then g.value_origin
            else s.value_origin
        end as value_origin
    from selected as g
    inner join selected as s on g.city_id = s.city_id and g.year = s.year
    where
        g.variable_code = 'gdp_nom' and s.variable_code in ('secondary_share', 'tertiary_share')
        and not exists (
            select 1 from selected as x
            where
                x.city_id = g.city_id
                and x.variable_code
                = case s.variable_code when 'secondary_share' then 'va_secondary_nom' else 'va_tertiary_nom' end
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
        b.city_id,
        'robot_density' as variable_code,
        r.year,
        sum(b.employed / t.employed_city * r.robots / n.employed_nation order by b.industry) * 10000 as value,
        'units_per_10k' as unit,
        'robot' as source,
        min(r.vintage) as vintage,
        'robot' as chosen_source,
        true as is_chosen,
        '' as fill_rule,
        false as is_corrected,
        min(b.source_cell_id) as source_cell_id,
        list(b.source_cell_id order by b.industry) as source_cell_ids,
        'observed' as value_origin
    from base as b
    inner join robots as r on b.industry = r.industry
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
    where t.employed_city > 0 and r.year >= {{ var('base_year') }}
    group by all
)

select * from selected
union all by name
select * from zeros
union all by name
select * from population
union all by name
select * from shares
union all by name
select * from robot_density
