-- From here on only loads that passed the gate, in the vintage that is current.
select
    v.source,
    v.vintage,
    v.file,
    v.sheet,
    v.cell,
    v.source_cell_id,
    v.city_id,
    v.level,
    v.year,
    v.variable_code,
    v.unit,
    v.printed_unit,
    v.factor,
    v.text,
    v.value_printed,
    v.value,
    v.is_corrected,
    v.correction_action,
    v.is_settled,
    v.correction_reason,
    l.load_no
from {{ ref('int_values_corrected') }} as v
inner join {{ ref('stg_landing__loads') }} as l
    on v.source = l.source and v.data_year = l.data_year and v.vintage = l.vintage
-- the second geography has a panel of its own
inner join {{ ref('source') }} as s on v.source = s.source and s.unit_level = 'city'
where
    l.is_current
    and v.value is not null
    and v.scope in ('city', 'built_up')
    -- the stock of capital needs investment from long before the window
    and (
        v.year >= {{ base_year() }} - {{ var('history_years') }}
        or (v.variable_code in ('fai_nom', 'price_investment') and v.year >= 2003)
        -- the employment that shares out robots is of one year for ever
        or v.variable_code like 'emp_base_%'
    )
    and v.level in ('city', 'county', 'nation')
