-- One row per kind of unit and variable that an index or a control uses: the share of the indicators that it goes into.
-- Of cities those count that a published index can be made of, given what has landed; a variable that is derived counts
-- as what it is derived from. Figures of urban districts go into none.
with parts as (
    select p.indicator_code, p.variable_code, coalesce(derived_parts.printed_code, p.variable_code) as printed_code
    from (
        select indicator_code, variable_code from {{ ref('indicator_part') }}
        union
        select indicator_code, 'deflator' as variable_code from {{ ref('indicator_part') }}
        where is_deflated
    ) as p
    left join {{ derived_parts() }} on p.variable_code = derived_parts.part_code and derived_parts.is_weighed
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
select
    'county' as unit_level,
    variable_code,
    weight
from {{ source('raw', 'county_weight') }}
