with gate as (
    select
        'gate/' || source || '/' || data_year || '/' || vintage || '/' || suite || '/' || rule_id as check_id,
        run_id,
        severity,
        observed,
        'no unexpected element of ' || n_checked as expected,
        0.0 as tolerance,
        passed,
        -- the error of a load that is used: a person took it
        if(
            severity = 'error' and not passed,
            source || if(data_year > 0, ' ' || data_year, '') || ', accepted by a person (accepted_by): ' || sentence,
            sentence
        ) as message
    from {{ source('ops', 'validation_result') }}
),

indexes as (
    select
        'index_computed/' || j.index_code as check_id,
        k.run_id,
        case when s.variant_of = '' then 'warn' else 'info' end as severity,
        j.n_city_in_sample::varchar || ' cities' as observed,
        'at least ' || j.min_cities::varchar || ' cities' as expected,
        0.0 as tolerance,
        j.is_computed as passed,
        case when j.is_computed then 'computed' else 'skipped: ' || j.skip_reason end as message
    from {{ ref('int_indexes_judged') }} as j
    inner join (select distinct index_code, variant_of from {{ source('ops', 'index_spec') }}) as s
        on j.index_code = s.index_code
    cross join {{ source('ops', 'run_context') }} as k
),

identities as (
    select
        'identity/' || c.rule || '/' || c.index_code || '/' || c.basis || '/' || c.weight_scheme as check_id,
        k.run_id,
        'error' as severity,
        c.observed::varchar as observed,
        c.expected::varchar as expected,
        c.tolerance,
        abs(c.observed - c.expected) <= c.tolerance as passed,
        c.note as message
    from {{ source('py', 'index_check') }} as c
    cross join {{ source('ops', 'run_context') }} as k
),

deflators as (
    select
        'deflator_move/' || d.city_id || '/' || d.year as check_id,
        k.run_id,
        'warn' as severity,
        printf('%.3f', d.deflator / p.deflator - 1) as observed,
        '-0.10 to 0.15' as expected,
        0.0 as tolerance,
        false as passed,
        c.name_zh || ' ' || c.name_en || ' ' || d.year
        || ': yearly move of the implicit GDP deflator outside the usual range' as message
    from {{ ref('int_deflators_chained') }} as d
    inner join {{ ref('int_deflators_chained') }} as p
        on d.edit_policy = p.edit_policy and d.city_id = p.city_id and d.year = p.year + 1
    inner join {{ ref('city') }} as c on d.city_id = c.city_id
    cross join {{ source('ops', 'run_context') }} as k
    where d.edit_policy = 'edited' and d.deflator / p.deflator - 1 not between -0.10 and 0.15
),

-- a core city that is left out of a headline index that is computed: the index stands, its reader has to know
core_cities as (
    select
        'core_city/' || s.index_code || '/' || s.city_id as check_id,
        k.run_id,
        'warn' as severity,
        'left out' as observed,
        'in the sample' as expected,
        0.0 as tolerance,
        false as passed,
        c.name_zh || ' ' || c.name_en || ' is left out of ' || s.index_code || ': ' || s.drop_reason as message
    from {{ ref('int_sample_cities_judged') }} as s
    inner join {{ ref('city') }} as c on s.city_id = c.city_id and c.is_core36
    inner join {{ ref('int_indexes_judged') }} as j on s.index_code = j.index_code and j.is_computed
    inner join (select distinct index_code, variant_of from {{ source('ops', 'index_spec') }}) as i
        on s.index_code = i.index_code and i.variant_of = ''
    cross join {{ source('ops', 'run_context') }} as k
    where not s.in_sample
),

-- residents of a year with a count, on the same borders, that are not those counted
counted as (
    select
        'census/' || v.city_id || '/' || v.year as check_id,
        k.run_id,
        'warn' as severity,
        printf('%.0f', v.value) as observed,
        printf('%.0f', n.value) as expected,
        {{ edit_parameter('E8', 'counted') }} as tolerance,
        false as passed,
        printf(
            '%s %s %d: residents of %s differ from the census by %+.1f %%',
            c.name_zh, c.name_en, v.year, v.source, 100 * (v.value / n.value - 1)
        ) as message
    from {{ ref('int_values_completed') }} as v
    inner join {{ ref('int_values_accepted') }} as n
        on v.city_id = n.city_id and v.year = n.year and n.variable_code = 'population_resident' and n.level = 'city'
    inner join {{ ref('source') }} as s on n.source = s.source and s.kind = 'count'
    inner join {{ ref('city') }} as c on v.city_id = c.city_id
    cross join {{ source('ops', 'run_context') }} as k
    where
        v.edit_policy = 'edited' and v.variable_code = 'population_resident'
        and abs(v.value / n.value - 1) > {{ edit_parameter('E8', 'counted') }}
)

select * from gate
union all
select * from counted
union all
select * from indexes
union all
select * from identities
union all
select * from deflators
union all
select * from core_cities
