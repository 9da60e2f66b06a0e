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

-- Sector value added on the level of the selected GDP: as printed where both are of one concept, else the printed
-- share (or the share inside the sector's own source) of the selected GDP. A first-print level never meets a
-- revised one.
sectors as (
    select
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
        g.chosen_source,
        g.is_corrected,
        coalesce(va_concept.concept, '') = coalesce(gdp_concept.concept, '') as is_one_concept
    from selected as g
    cross join (
        values ('va_secondary_nom', 'secondary_share'), ('va_tertiary_nom', 'tertiary_share')
    ) as k (va_code, share_code)
    left join selected as va on g.city_id = va.city_id and g.year = va.year and k.va_code = va.variable_code
    left join selected as share
        on g.city_id = share.city_id and g.year = share.year and k.share_code = share.variable_code
    left join {{ ref('int_values_harmonised_to_base_boundary') }} as own
        on
            va.source = own.source and va.city_id = own.city_id and va.year = own.year
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
        city_id,
        variable_code,
        year,
        case rule when 'printed' then va when 'share' then gdp * share / 100 else gdp * va / own_gdp end as value,
        unit,
        case rule when 'printed' then va_source else gdp_source end as source,
        vintage,
        chosen_source,
        true as is_chosen,
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
    where t.employed_city > 0 and r.year >= {{ base_year() }}
    group by all
)

select * from selected
anti join value_added using (city_id, variable_code, year)
union all by name
select * from zeros
union all by name
select * from population
union all by name
select * from foreign_investment
union all by name
select * from value_added
union all by name
select * from robot_density
