select
    g.city_id,
    g.scheme,
    coalesce(g.valid_from, 0)::integer as valid_from,
    g.valid_to::integer as valid_to,
    g.group_code,
    g.group_name_zh,
    g.group_name_en,
    g.source
from {{ ref('city_group') }} as g
