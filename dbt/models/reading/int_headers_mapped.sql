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
),

-- Of two rows for one header the narrower range of years wins: so a person leaves out (`ignore`) one year of a column.
-- A file of several years takes the widest row; single years of it are left out where the cells are read.
mapped as (
    select
        h.*,
        m.variable_code,
        m.scope,
        m.reason,
        m.unit as map_unit,
        -- what an `ignore` row of fewer years leaves out
        case when m.variable_code = 'ignore' then lead(m.variable_code) over ranges end as variable_left_out
    from deduplicated as h
    left join {{ ref('header_map') }} as m
        on
            h.source = m.source
            and h.header_key = m.header_key
            and (h.data_year = 0 or h.data_year between coalesce(m.year_from, 0) and coalesce(m.year_to, 9999))
            -- a row that contradicts the scope printed in the header does not count: the header is listed as unknown
            and (
                coalesce(h.header_scope, m.scope) = m.scope
                or (m.scope = 'built_up' and h.header_scope = 'district' and contains(h.header_key, '建成区'))
            )
    window
        ranges as (
            partition by h.source, h.data_year, h.vintage, h.file, h.sheet, h.col_no
            order by
                (coalesce(m.year_to, 9999) - coalesce(m.year_from, 0)) * case when h.data_year = 0 then -1 else 1 end
        )
    qualify row_number() over ranges = 1
),

-- A key that ends in /* leaves out what else stands in a table; the longest counts, and a row of its own comes first.
left_out as (
    select
        h.* exclude (variable_code, scope, reason),
        coalesce(h.variable_code, t.variable_code) as variable_code,
        coalesce(h.scope, h.header_scope, t.scope) as scope,
        coalesce(h.reason, t.reason) as reason
    from mapped as h
    left join {{ ref('header_map') }} as t
        on
            h.variable_code is null
            and h.source = t.source
            and t.variable_code = 'ignore'
            and ends_with(t.header_key, '/*')
            and starts_with(h.header_key, rtrim(t.header_key, '*'))
            and h.data_year between coalesce(t.year_from, 0) and coalesce(t.year_to, 9999)
            and (h.data_year > 0 or t.year_to is null)  -- a file of several years: only a row without years
    qualify row_number() over (
        partition by h.source, h.data_year, h.vintage, h.file, h.sheet, h.col_no
        order by length(t.header_key) desc nulls last, t.year_from desc nulls last
    ) = 1
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
    h.variable_code,
    h.scope,
    h.reason,
    h.variable_left_out,
    coalesce(h.header_unit, h.map_unit) as unit,
    u.factor,
    u.shift,
    h.variable_code is not null as is_known,
    h.variable_code is null or h.variable_code = 'ignore' or u.symbol is not null as is_unit_known,
    h.variable_code is null or h.variable_code = 'ignore' or u.symbol is null
    or u.canonical = v.unit as is_unit_consistent
from left_out as h
left join {{ ref('variable') }} as v on h.variable_code = v.variable_code
left join {{ ref('unit') }} as u on coalesce(h.header_unit, h.map_unit) = u.symbol
