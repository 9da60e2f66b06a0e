select
    effective_year,
    old_county_id,
    new_county_id,
    kind,
    is_main,
    old_name_zh,
    new_name_zh,
    source
from {{ ref('county_change') }}
