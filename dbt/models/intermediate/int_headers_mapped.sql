{{ config(materialized='view') }}
-- noqa: disable=PRS,LT01
-- (the linter cannot read lambdas of two arguments)
with known as (
    select
        (select list(symbol) from {{ ref('unit') }}) as units,
        (select list(qualifier) from {{ ref('header_qualifier') }}) as qualifiers
),

keyed as (
    select
        h.*,
        -- the unit is the last bracket that is not a qualifier; a unit note of the table serves all its columns
        coalesce(
            list_last(list_filter(h.brackets, lambda b: not list_contains(k.qualifiers, b))), h.unit_note
        ) as header_unit,
        array_to_string(
            list_filter(
                string_split(
                    list_reduce(
                        list_prepend(
                            h.header_text,
                            list_filter(h.brackets, lambda b: not list_contains(k.qualifiers, b))
                        ),
                        lambda rest, b: replace(rest, '(' || b || ')', '')
                    ),
                    '/'
                ),
                lambda segment: segment <> '' and not regexp_matches(segment, '^(计量)?单位:')
            ),
            '/'
        ) as header_key_raw
    from {{ ref('stg_landing__headers') }} as h
    cross join known as k
    where h.role = 'value'
),

deduplicated as (
    select
        *,
        array_to_string(
            list_filter(
                string_split(header_key_raw, '/'),
                lambda segment, i: i = 1 or segment <> string_split(header_key_raw, '/')[i - 1]
            ),
            '/'
        ) as header_key
    from keyed
)

select
    h.source,
    h.data_year,
    h.vintage,
    h.file,
    h.sheet,
    h.col_no,
    h.header_path,
    h.header_key,
    h.header_unit,
    m.variable_code,
    m.scope,
    m.reason,
    coalesce(h.header_unit, m.unit) as unit,
    u.factor,
    m.variable_code is not null as is_known,
    m.variable_code is null or m.variable_code = 'ignore' or u.symbol is not null as is_unit_known,
    m.variable_code is null or m.variable_code = 'ignore' or u.symbol is null
    or u.canonical = v.unit as is_unit_consistent
from deduplicated as h
left join {{ ref('header_map') }} as m
    on
        h.source = m.source
        and h.header_key = m.header_key
        and (h.data_year = 0 or h.data_year between coalesce(m.year_from, 0) and coalesce(m.year_to, 9999))
left join {{ ref('variable') }} as v on m.variable_code = v.variable_code
left join {{ ref('unit') }} as u on coalesce(h.header_unit, m.unit) = u.symbol
