-- One row per figure of a load that waits which cannot be right, and what is done with it: what the rules of
-- editing propose (E1 to E5, city figures), then what is in doubt besides, which is left out. A column that is refused
-- as a whole is not told again cell by cell. A row in correction.csv decides otherwise: `keep` for a figure that is
-- right, `replace` with what the page should print.
with edits as (
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
        p.source_cell_id
    from {{ ref('int_edits_proposed') }} as p
    inner join {{ ref('edit_load') }} as l using (source, data_year, vintage)
    where l.is_waiting and l.data_year > 0 and p.action in ('quarantine', 'replace')
    union all by name
    select
        d.*,
        null as used_value,
        'quarantine' as action
    from {{ ref('edit_doubt') }} as d
    semi join (
        from {{ ref('edit_load') }}
        where is_waiting
    ) as l on d.load_id = l.load_id
    anti join (
        from {{ ref('gate_column') }}
        where is_fault
    ) as c
        on d.load_id = c.load_id and d.variable_code = c.variable_code and d.scope = c.scope and d.year = c.year
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
    case when e.scope = 'district' then 0 else coalesce(w.weight, 0) end as index_weight,
    index_weight * coalesce(abs(ln(nullif(greatest(e.used_value / nullif(e.printed_value, 0), 0), 0))), 1) as influence
from edits as e
inner join {{ ref('edit_load') }} as l using (load_id)
inner join {{ ref('int_values_corrected') }} as v using (source_cell_id)
left join {{ ref('int_units') }} as c on e.city_id = c.city_id
left join {{ ref('gate_weight') }} as w on l.level = w.unit_level and e.variable_code = w.variable_code
qualify row_number() over (partition by e.load_id, e.source_cell_id order by e.rule) = 1
