-- One row per figure of a load that is judged which cannot be right, and what is done with it: what the rules of
-- editing propose (E1 to E5, city figures), then what only the gate sees, which is left out. A row in correction.csv
-- decides otherwise: `keep` for a figure that is right, `replace` with what the page should print.
with proposed as (
    select
        l.load_id,
        p.city_id,
        p.year,
        p.variable_code,
        p.scope,
        p.rule,
        p.printed_value,
        p.used_value,
        p.evidence,
        p.action,
        p.source_cell_id,
        false as is_of_gate
    from {{ ref('int_edits_proposed') }} as p
    inner join {{ ref('gate_load') }} as l using (source, data_year, vintage)
    where l.is_judged and p.action in ('quarantine', 'replace')
),

of_gate as (
    select
        c.load_id,
        v.city_id,
        v.year,
        v.variable_code,
        v.scope,
        c.rule_id as rule,
        v.value as printed_value,
        null::double as used_value,
        case c.rule_id
            when 'figure_agrees_with_other_sources' then printf('%s prints %.6g', c.evidence, c.held_against)
            when 'figure_follows_its_past'
                then
                    printf(
                        'its past and the other cities lead to %.6g, and nothing else of the city has moved',
                        c.held_against
                    )
            when 'zero_is_a_figure' then '0 where neither the column nor the city has been there'
            when 'figure_is_whole' then 'a decimal point in a column of whole numbers'
            else 'the one figure that breaks identity ' || c.evidence
        end as evidence,
        'quarantine' as action,
        v.source_cell_id,
        true as is_of_gate
    from {{ ref('gate_cell') }} as c
    inner join {{ ref('gate_load') }} as l using (load_id)
    inner join {{ ref('int_values_corrected') }} as v
        on
            l.source = v.source
            and l.data_year = v.data_year
            and l.vintage = v.vintage
            and c.cell_key = hash(v.source_cell_id)
)

select
    e.*,
    l.source,
    l.data_year,
    l.vintage,
    c.name_zh as city_name,
    v.file,
    v.sheet,
    v.cell,
    v.text,
    v.unit,
    -- how much of the indexes hangs on it, times how far it is moved
    case when e.scope = 'district' then 0 else coalesce(w.weight, 0) end
    * coalesce(abs(ln(nullif(greatest(e.used_value / nullif(e.printed_value, 0), 0), 0))), 1) as influence
from (
    from proposed
    union all by name
    from of_gate
) as e
inner join {{ ref('gate_load') }} as l using (load_id)
inner join {{ ref('int_values_corrected') }} as v using (source_cell_id)
left join {{ ref('int_units') }} as c on e.city_id = c.city_id
left join {{ ref('gate_weight') }} as w on e.variable_code = w.variable_code
qualify row_number() over (partition by e.load_id, e.source_cell_id order by e.is_of_gate, e.rule) = 1
