-- Extra candidates: a late series brought to the level of an early one by the city's own ratio over the overlap.
with series as (
    select * from {{ ref('int_values_harmonised_to_base_boundary') }}
    where value is not null
),

ratios as (
    select
        e.edit_policy,
        s.variable_code,
        e.city_id,
        s.early_source,
        s.late_source,
        s.overlap_to,
        avg(e.value order by e.year) / avg(l.value order by l.year) as ratio,
        count(*) as n_overlap
    from {{ ref('splice') }} as s
    inner join series as e
        on
            s.variable_code = e.variable_code and s.early_source = e.source
            and e.year between s.overlap_from and s.overlap_to
    inner join series as l
        on
            e.edit_policy = l.edit_policy and e.city_id = l.city_id and e.year = l.year
            and s.variable_code = l.variable_code and s.late_source = l.source
    group by all
)

select
    v.edit_policy,
    'spliced' as source,
    v.vintage,
    v.city_id,
    v.year,
    v.variable_code,
    v.unit,
    v.value as value_as_printed,
    v.edited_origin,
    v.fill_rule,
    v.is_corrected,
    v.source_cell_id,
    v.source_cell_ids,
    v.is_harmonised,
    case when v.source = r.late_source then v.value * r.ratio else v.value end as value
from ratios as r
inner join series as v
    on
        r.edit_policy = v.edit_policy and r.city_id = v.city_id and r.variable_code = v.variable_code
        and (
            (r.early_source = v.source and r.overlap_to >= v.year)
            or (r.late_source = v.source and r.overlap_to < v.year)
        )
