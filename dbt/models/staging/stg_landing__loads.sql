-- One row per accepted load; the newest accepted vintage of a source and year is the current one.
with source as (
    select *, 'yearly' as family from {{ source('raw', 'load') }}
    union all by name
    select *, 'series' as family from {{ source('raw', 'series_load') }}
)

select
    *,
    row_number() over (partition by source, data_year order by load_no desc) = 1 as is_current
from source
where is_accepted
