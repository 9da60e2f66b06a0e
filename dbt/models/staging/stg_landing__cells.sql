with source as (
    select *, 'yearly' as family from {{ source('raw', 'cells') }}
    where part = 'body'
    union all by name
    select *, 'series' as family from {{ source('raw', 'series_cells') }}
    where part = 'body'
)

select
    source,
    data_year,
    vintage,
    family,
    file,
    sheet,
    row_no,
    col_no,
    {{ cell_address('row_no', 'col_no') }} as cell,
    source || '@' || vintage || ':' || file || '!'
    || coalesce(nullif(place, ''), sheet || '!' || {{ cell_address('row_no', 'col_no') }}) as source_cell_id,
    text,
    {{ bare_figure('text') }} as bare,
    {{ is_blank_mark('bare') }} as is_blank,
    {{ clean_number('bare') }} as number
from source
