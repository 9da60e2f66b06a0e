-- Every figure that the landed editions of the yearbook print, of cities and of county-level units, in whole cities and
-- urban districts: as printed, and as it may be used. The copies of an edition are one observation: the tables are what
-- was printed, wide sheets are put together from them.
with prints as (
    select
        v.*,
        s.unit_level,
        o.rule as rule_of_block,
        o.evidence as evidence_of_block,
        row_number() over (
            printed
            order by o.rule is not null, v.data_year, not contains(l.files, ', '), s.default_rank, v.source_cell_id
        ) as print_no,
        count(*) over printed as n_print,
        max(coalesce(v.value, v.value_printed)) over printed as highest,
        min(coalesce(v.value, v.value_printed)) over printed as lowest
    from {{ ref('int_values_corrected') }} as v
    inner join {{ ref('stg_landing__loads') }} as l
        on v.source = l.source and v.data_year = l.data_year and v.vintage = l.vintage and l.is_current
    inner join {{ ref('source') }} as s on v.source = s.source and v.level = s.unit_level and s.has_dictionary
    left join {{ ref('int_values_left_out') }} as o on v.source_cell_id = o.source_cell_id
    where coalesce(v.value, v.value_printed) is not null
    window printed as (partition by v.city_id, v.year, v.variable_code, v.scope)
),

judged as (
    select
        p.*,
        case
            when p.n_print > 1
                then p.highest - p.lowest <= {{ var('agree_tolerance') }} * greatest(abs(p.highest), abs(p.lowest))
        end as prints_agree,
        b.variable_code is not null as is_break,
        coalesce(p.rule_of_block, e.rule, d.rule, case when p.is_corrected then 'reviewed' end) as rule,
        case
            when p.rule_of_block is not null then 'quarantine'
            when e.action is not null then e.action
            -- figures of whole cities have the rules of editing; of others only the gate speaks
            when d.rule is not null and p.is_settled then 'keep'
            when d.rule is not null and p.unit_level = 'city' and p.scope <> 'district' then 'pending'
            when d.rule is not null then 'quarantine'
            when p.correction_action = 'drop' then 'quarantine'
            when p.correction_action = 'keep' then 'keep'
            when p.is_corrected then 'replace'
        end as action,
        case when e.action in ('replace', 'relink') then e.used_value else p.value end as decided_value,
        coalesce(p.evidence_of_block, e.evidence, d.evidence, p.correction_reason) as evidence
    from prints as p
    left join {{ ref('concept_break') }} as b on p.variable_code = b.variable_code and p.year = b.year
    left join {{ ref('int_edits_settled') }} as e
        on
            p.source = e.source and p.city_id = e.city_id and p.year = e.year and p.variable_code = e.variable_code
            and p.unit_level = 'city' and p.scope <> 'district'
    left join {{ ref('edit_doubt') }} as d on p.source_cell_id = d.source_cell_id
    where p.print_no = 1
)

select
    j.unit_level,
    j.city_id as unit_id,
    u.name_zh,
    coalesce(c.name_en, h.name_en) as city_en,
    coalesce(c.province_en, h.province_en) as province_en,
    j.year::integer as year,
    (case when j.data_year > 0 then j.data_year else j.year end + 1)::integer as edition_year,
    j.variable_code,
    v.name_zh as variable_zh,
    v.name_en as variable_en,
    j.scope,
    j.unit,
    j.value_printed as printed_value,
    case when coalesce(j.action, '') not in ('quarantine', 'withheld') then nullif(j.decided_value, j.value_printed) end
        as replaced_value,
    case when coalesce(j.action, '') not in ('quarantine', 'withheld') then j.decided_value end as used_value,
    j.rule,
    j.action,
    j.evidence,
    j.n_print::integer as n_print,
    j.prints_agree,
    j.is_break,
    j.source,
    j.file,
    j.sheet,
    j.cell
from judged as j
inner join {{ ref('int_units') }} as u on j.city_id = u.city_id
inner join {{ ref('variable') }} as v on j.variable_code = v.variable_code
left join {{ ref('city') }} as c on j.city_id = c.city_id and j.unit_level = 'city'
left join {{ ref('city') }} as h on u.parent_city_id = h.city_id and j.unit_level = 'county'
order by j.unit_level, j.variable_code, j.scope, j.year, j.city_id
