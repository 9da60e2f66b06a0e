-- A correction fires only while the file still prints what the reviewer saw (`expect`). `keep` leaves the figure as
-- it is printed: a person has looked at it, and no rule of the gate or of the edits speaks about it again. A
-- replacement is typed as the page should have printed it, in the unit of its column, and passes the same rules as any
-- other figure, unless its status is `confirmed`.
select
    v.* exclude (value, is_number),
    v.value as value_printed,
    k.action as correction_action,
    k.reason as correction_reason,
    k.action is not null as is_corrected,
    -- no rule may speak about it again: kept as printed, or typed and confirmed
    coalesce(k.action = 'keep' or k.status = 'confirmed', false) as is_settled,
    case
        when k.action = 'drop' then null
        when k.action = 'replace' then k.value * v.factor + v.shift
        when k.action = 'scale' then (v.value - v.shift) * k.value + v.shift
        when k.action is null and q.source_cell_id is not null then q.value
        else v.value -- keep
    end as value,
    case when k.action is null then q.reading end as reading,
    v.is_number or k.action is not null or q.source_cell_id is not null as is_number
from {{ ref('int_values_converted_to_units') }} as v
left join {{ ref('correction') }} as k
    on
        v.source = k.source
        and v.year = k.year
        and v.city_id = k.city_id
        and v.variable_code = k.variable_code
        and v.scope = k.scope
        and (k.vintage is null or v.vintage = k.vintage)
        and k.status <> 'withdrawn'
        and {{ bare_figure('v.text') }} = {{ bare_figure('k.expect') }}
left join {{ ref('int_figures_reread') }} as q on v.source_cell_id = q.source_cell_id
