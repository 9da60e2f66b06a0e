with parts as (
    select
        indicator_code,
        list(variable_code || ' (' || role || ')' order by part desc, variable_code) as raw_columns,
        string_agg(
            variable_code
            || case when not is_deflated then '' when kind = 'rate' then ' / price of persons' else ' / deflator' end,
            ' + '
            order by variable_code
        ) filter (where part = 'numerator') as numerator,
        string_agg(
            variable_code
            || case when not is_deflated then '' when kind = 'rate' then ' / price of persons' else ' / deflator' end,
            ' + '
            order by variable_code
        ) filter (where part = 'denominator') as denominator
    from {{ ref('indicator_part') }}
    left join (select variable_code, kind from {{ ref('variable') }}) using (variable_code)
    group by all
)

select
    s.index_code,
    i.indicator_code,
    k.method_version,
    s.dimension,
    s.tier,
    i.name_zh,
    i.name_en,
    i.unit,
    i.direction::integer as direction,
    i.multiplier::varchar
    || ' * ('
    || p.numerator
    || ')'
    || coalesce(' / (' || p.denominator || ')', '') as formula_sql,
    p.raw_columns,
    i.transform,
    case when i.is_winsorised then 0.01 end::double as winsor_low,
    case when i.is_winsorised then 0.99 end::double as winsor_high,
    i.cap_high::double as cap_high,
    i.interp_method,
    i.provenance,
    i.note
from {{ source('ops', 'index_spec') }} as s
inner join {{ ref('indicator') }} as i on s.indicator_code = i.indicator_code
inner join parts as p on i.indicator_code = p.indicator_code
cross join {{ source('ops', 'run_context') }} as k
