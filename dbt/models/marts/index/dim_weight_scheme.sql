select
    weight_scheme,
    title_zh,
    title_en,
    formula,
    delta,
    weight_scheme in (select weight_scheme from {{ ref('dim_index') }} where is_headline) as is_headline,
    is_weighted_sum,
    is_comparable_over_time,
    reference
from {{ ref('weight_scheme') }}
