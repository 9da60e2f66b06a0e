-- What the rules E1 to E5 would do with a load before it is accepted. One state of knowledge: of each source and year
-- the load that waits, else the accepted one. Figures are in the canonical unit, after reviewed corrections.
with landed as (
    select
        v.source,
        v.data_year,
        v.vintage,
        v.city_id,
        v.year,
        v.variable_code,
        v.scope,
        v.value,
        v.is_settled,
        v.source_cell_id,
        s.concept,
        s.origin,
        s.default_rank
    from {{ ref('int_values_corrected') }} as v
    inner join {{ ref('edit_load') }} as n
        on v.source = n.source and v.data_year = n.data_year and v.vintage = n.vintage and n.is_reference
    inner join {{ ref('source') }} as s on v.source = s.source
    where
        v.value is not null and v.level = 'city' and v.scope in ('city', 'built_up')
        and v.year >= {{ base_year() }} - {{ var('history_years') }}
    -- a figure that is printed twice is the gate's matter
    qualify row_number() over (
        partition by v.source, v.city_id, v.year, v.variable_code order by v.data_year, v.source_cell_id
    ) = 1
),

figures as (
    select
        'landed' as world,
        source,
        city_id,
        year,
        variable_code,
        value,
        is_settled,
        false as is_fill,
        true as is_judged,
        concept,
        origin,
        default_rank as rank
    from landed
),

{{ edit_cases('figures') }},

replacements as (
    select
        c.source,
        c.city_id,
        c.year,
        c.variable_code,
        arg_min(o.value, (o.default_rank, o.source)) as other_value
    from edit_cases as c
    inner join landed as f using (source, city_id, year, variable_code)
    inner join landed as o
        on
            c.city_id = o.city_id and c.year = o.year and c.variable_code = o.variable_code
            and f.concept = o.concept and c.source <> o.source
    anti join (
        from edit_cases
        where verdict = 'edit'
    ) as d
        on o.source = d.source and o.city_id = d.city_id and o.year = d.year and o.variable_code = d.variable_code
    where c.verdict = 'edit' and abs(o.value - f.value) > {{ edit_parameter('E1', 'tolerance') }} * abs(f.value)
    group by all
),

decided as (
    select
        c.*,
        case
            when c.verdict in ('accept', 'keep') then c.verdict
            when c.verdict = 'suspect' then 'pending'
            when r.other_value is not null then 'replace'
            else 'quarantine'
        end as action,
        r.other_value
    from edit_cases as c
    left join replacements as r using (source, city_id, year, variable_code)
)

select
    f.source,
    f.data_year,
    f.vintage,
    f.city_id,
    f.year,
    f.variable_code,
    f.scope,
    d.rule,
    f.value as printed_value,
    case when d.verdict = 'edit' then d.other_value else f.value end as used_value,
    {{ edit_evidence('d') }} as evidence,
    d.action,
    f.source_cell_id
from decided as d
inner join landed as f using (source, city_id, year, variable_code)
