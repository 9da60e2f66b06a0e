with source as (
    select *, 'yearly' as family from {{ source('raw', 'header') }}
    union all by name
    select *, 'series' as family from {{ source('raw', 'series_header') }}
),

cleaned as (
    select
        source,
        data_year,
        vintage,
        family,
        file,
        sheet,
        col_no,
        role,
        path as header_path,
        {{ header_text('path') }} as header_text,
        {{ unit_note('path') }} as unit_note
    from source
)

select
    *,
    coalesce(regexp_extract_all(header_text, '\(([^()]*)\)', 1), []) as brackets,
    {{ header_scope('header_text') }} as header_scope
from cleaned
