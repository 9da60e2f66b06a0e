-- Indicator = multiplier x sum of numerators / sum of denominators; money in prices of the base year where said.
-- Policies: `edited` is the headline, `as_printed` takes no edit, `registered` divides by registered persons,
-- `unbridged` crosses the breaks of series.
with every_policy as (
    select 'edited' as edit_policy, 'edited' as value_policy, 'population' as population_code
    union all
    select 'as_printed' as edit_policy, 'as_printed' as value_policy, 'population' as population_code
    union all
    select 'unbridged' as edit_policy, 'edited' as value_policy, 'population' as population_code
    union all
    select 'registered' as edit_policy, 'edited' as value_policy, 'population_registered' as population_code
),

policies as (
    select * from every_policy
    where
        edit_policy in ('edited', 'as_printed')
        or edit_policy in (
            select edit_policy from {{ source('ops', 'index_spec') }}
            where not coalesce(is_left_out, false)
        )
),

parts as (
    select
        k.edit_policy,
        p.indicator_code,
        p.part,
        p.place,
        v.city_id,
        v.year,
        case when k.edit_policy = 'unbridged' then v.value_unbridged else v.value end
        / case
            when not p.is_deflated then 1
            when u.kind = 'rate' then d.deflator_of_persons
            else d.deflator
        end as value,
        v.value_origin,
        case when v.variable_code = 'population_registered' then 'registered' else v.population_basis end
            as population_basis,
        v.source_cell_id,
        case when p.is_deflated then list_concat(v.source_cell_ids, d.source_cell_ids) else v.source_cell_ids end
            as source_cell_ids,
        case
            when not p.is_deflated then null
            when u.kind = 'rate' then 'province'
            else d.deflator_level
        end as deflator_level
    from (
        select
            *,
            row_number() over (partition by indicator_code order by role <> 'content', part, variable_code) as place
        from {{ ref('indicator_part') }}
    ) as p
    cross join policies as k
    inner join {{ ref('int_values_completed') }} as v
        on
            k.value_policy = v.edit_policy
            and v.variable_code = case p.variable_code when 'population' then k.population_code else p.variable_code end
    left join {{ ref('variable') }} as u on p.variable_code = u.variable_code
    left join {{ ref('int_deflators_chained') }} as d
        on v.edit_policy = d.edit_policy and v.city_id = d.city_id and v.year = d.year
    where
        p.part <> 'engine' and (not p.is_deflated or d.deflator is not null)
),

needed as (
    select
        indicator_code,
        count(*) filter (where part = 'numerator') as n_numerator,
        count(*) filter (where part = 'denominator') as n_denominator
    from {{ ref('indicator_part') }}
    where part <> 'engine'
    group by all
),

summed as (
    select
        edit_policy,
        indicator_code,
        city_id,
        year,
        sum(value) filter (where part = 'numerator') as numerator, -- of two at most: in any order the same
        sum(value) filter (where part = 'denominator') as denominator,
        count(*) filter (where part = 'numerator') as n_numerator,
        count(*) filter (where part = 'denominator') as n_denominator,
        arg_max(value_origin, {{ origin_rank('value_origin') }}) as value_origin,
        arg_min(source_cell_id, place) as source_cell_id,
        list_sort(list_distinct(flatten(list(source_cell_ids)))) as source_cell_ids,
        max(deflator_level) as deflator_level,
        max(population_basis) as population_basis
    from parts
    group by all
),

computed as (
    select
        s.*,
        i.valid_low,
        i.valid_high,
        i.cap_high,
        i.multiplier
        * case when n.n_denominator = 0 then s.numerator else s.numerator / nullif(s.denominator, 0) end as value
    from summed as s
    inner join needed as n
        on
            s.indicator_code = n.indicator_code
            and s.n_numerator = n.n_numerator
            and s.n_denominator = n.n_denominator
    inner join {{ ref('indicator') }} as i on s.indicator_code = i.indicator_code
),

-- indicators that an engine of python_models computed; their cells are those of the city's own raw columns
engine_cells as (
    select
        p.indicator_code,
        v.city_id,
        v.year,
        arg_min(v.source_cell_id, (p.role <> 'content', v.variable_code)) as source_cell_id,
        list_sort(list_distinct(list(v.source_cell_id))) as source_cell_ids,
        arg_max(v.value_origin, {{ origin_rank('v.value_origin') }}) as value_origin
    from {{ ref('indicator_part') }} as p
    inner join (
        select city_id, year, variable_code, source_cell_id, value_origin from {{ ref('int_values_completed') }}
        where edit_policy = 'edited'
        union all by name
        select city_id, year, variable_code, source_cell_id, 'observed' as value_origin
        from {{ ref('int_texts_accepted') }}
    ) as v on p.variable_code = v.variable_code
    where p.part = 'engine'
    group by all
),

-- engines work on edited values, bridged and not; other variants take what the bridged ones give
engine as (
    select
        k.edit_policy,
        e.indicator_code,
        e.city_id,
        e.year,
        coalesce(c.value_origin, 'observed') as value_origin,
        c.source_cell_id,
        coalesce(c.source_cell_ids, []) as source_cell_ids,
        i.valid_low,
        i.valid_high,
        e.value
    from {{ source('py', 'engine_indicator') }} as e
    inner join policies as k on e.edit_policy = case k.edit_policy when 'unbridged' then 'unbridged' else 'edited' end
    inner join {{ ref('indicator') }} as i on e.indicator_code = i.indicator_code
    left join engine_cells as c
        on e.indicator_code = c.indicator_code and e.city_id = c.city_id and e.year = c.year
),

together as (
    select * from computed
    union all by name
    select * from engine
)

select
    edit_policy,
    indicator_code,
    city_id,
    year,
    value_origin,
    source_cell_id,
    source_cell_ids,
    deflator_level,
    population_basis,
    value as value_computed,
    -- impossible values become missing; a cap is applied later and flagged
    case
        when value < valid_low or value > valid_high then null
        else value
    end as value,
    case when value < valid_low or value > valid_high then 'invalid' end as invalid_reason
from together
where value is not null
