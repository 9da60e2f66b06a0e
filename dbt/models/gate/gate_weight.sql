-- One row per kind of unit and variable that an index or a control uses: the share of the indicators that it goes into.
-- Of cities those count that a published index can be made of, given what has landed; a variable that is derived counts
-- as what it is derived from. Figures of urban districts go into none.
with derived as (
    select *
    from (
        values
        -- int_values_derived
        ('population', 'population_resident'), ('population', 'population_registered'),
        ('va_secondary_nom', 'va_secondary_nom'), ('va_secondary_nom', 'secondary_share'),
        ('va_tertiary_nom', 'va_tertiary_nom'), ('va_tertiary_nom', 'tertiary_share'),
        ('emp_total', 'emp_total'), ('emp_total', 'emp_urban_units'), ('fdi_nom', 'fdi_usd'),
        ('robot_density', 'robots_'), ('robot_density', 'emp_base_'),
        -- int_deflators_chained
        ('deflator', 'gdp_real_index'), ('deflator', 'gdp_nom')
    ) as derived (variable_code, printed_code)  -- noqa: AL05
),

parts as (
    select p.indicator_code, p.variable_code, coalesce(d.printed_code, p.variable_code) as printed_code
    from (
        select indicator_code, variable_code from {{ ref('indicator_part') }}
        union
        select indicator_code, 'deflator' as variable_code from {{ ref('indicator_part') }}
        where is_deflated
    ) as p
    left join derived as d using (variable_code)
),

landed as (
    select distinct variable_code from {{ ref('int_values_corrected') }}
    union
    -- read by int_texts_accepted
    select variable_code from {{ ref('variable') }}
    where kind = 'text'
),

missing as (
    select
        p.indicator_code,
        p.variable_code
    from parts as p
    left join landed as l
        on
            p.printed_code = l.variable_code
            or (ends_with(p.printed_code, '_') and starts_with(l.variable_code, p.printed_code))
    group by p.indicator_code, p.variable_code
    having count(l.variable_code) = 0
),

indexes as (
    select i.index_code, i.indicator_code
    from {{ source('ops', 'index_spec') }} as i
    where i.index_code not in (
        select o.index_code from {{ source('ops', 'index_spec') }} as o
        inner join missing using (indicator_code)
    )
),

used as (
    select p.* from parts as p
    where
        p.indicator_code in (select i.indicator_code from indexes as i)
        or starts_with(p.indicator_code, 'c_')
        or not exists (from indexes)
)

select
    'city' as unit_level,
    printed_code as variable_code,
    count(distinct indicator_code) / (select count(*) from {{ ref('indicator') }}) as weight
from used
group by all
union all
-- what specs/county.yml names
select
    'county' as unit_level,
    variable_code,
    weight
from (
    values
    ('population_registered', 0.6), ('gdp_nom', 0.5), ('va_tertiary_nom', 0.1), ('industrial_firms', 0.1),
    ('loans_balance_nom', 0.1), ('secondary_students', 0.1), ('fiscal_revenue', 0.1), ('fiscal_expenditure', 0.1),
    ('savings_household_nom', 0.1)
) as counties (variable_code, weight)  -- noqa: AL05
