-- One row per column of a load, without the evidence of its meaning: that moves with every edition that lands, the
-- verdict does not.
select
    source,
    data_year,
    vintage,
    file,
    sheet,
    col_no,
    header_path,
    header_key,
    header_unit,
    variable_code,
    scope,
    reason,
    variable_left_out,
    unit,
    is_known,
    is_unit_known,
    is_unit_consistent,
    verdict,
    words_code,
    words_scope,
    rival_code,
    rival_scope
from {{ ref('int_headers_mapped') }}
