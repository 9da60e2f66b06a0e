select
    weight_scheme,
    title_zh,
    title_en,
    formula,
    delta,
    is_headline,
    is_weighted_sum,
    is_comparable_over_time,
    reference
from {{ ref('weight_scheme') }}
