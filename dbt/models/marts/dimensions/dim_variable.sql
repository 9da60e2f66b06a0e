select
    variable_code,
    name_zh,
    name_en,
    unit,
    kind,
    harmonise as harmonisation,
    weight_variable,
    zero_rule,
    band_low,
    band_high,
    note
from {{ ref('variable') }}
