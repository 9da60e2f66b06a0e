-- Indicator = multiplier x sum of numerators / sum of denominators; money in prices of the base year where said.
with parts as (
    select
        p.indicator_code,
        p.part,
        p.role,
        p.variable_code,
        v.city_id,
        v.year,
        case when p.is_deflated then v.value / d.deflator else v.value end as value,
        v.value_origin,
        v.population_basis,
        v.source_cell_id,
        case when p.is_deflated then list_concat(v.source_cell_ids, d.source_cell_ids) else v.source_cell_ids end
            as source_cell_ids,
        v.variable_code as used_variable,
        case when p.is_deflated then d.deflator_level end as deflator_level
    from {{ ref('indicator_part') }} as p
    inner join {{ ref('int_values_completed') }} as v on p.variable_code = v.variable_code
    left join {{ ref('int_deflators_chained') }} as d on v.city_id = d.city_id and v.year = d.year
    where not p.is_deflated or d.deflator is not null
),

needed as (
    select
        indicator_code,
        count(*) filter (where part = 'numerator') as n_numerator,
        count(*) filter (where part = 'denominator') as n_denominator
    from {{ ref('indicator_part') }}
    group by all
),

summed as (
    select
        indicator_code,
        city_id,
        year,
        sum(value order by variable_code) filter (where part = 'numerator') as numerator,
        sum(value order by variable_code) filter (where part = 'denominator') as denominator,
        count(*) filter (where part = 'numerator') as n_numerator,
        count(*) filter (where part = 'denominator') as n_denominator,
        arg_max(value_origin, {{ origin_rank('value_origin') }}) as value_origin,
        arg_min(source_cell_id, (role <> 'content', part, variable_code)) as source_cell_id,
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
)

select
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
from computed
where value is not null
