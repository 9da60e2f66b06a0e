select
    v.data_vintage,
    v.cut_date,
    lag(v.data_vintage) over (order by v.created_at) as parent_vintage,
    v.n_files::integer as n_files,
    k.is_synthetic,
    case when k.is_synthetic then 'SYNTHETIC demo data: no figure says anything about China' else '' end as notes
from {{ source('ops', 'vintage') }} as v
cross join {{ source('ops', 'run_context') }} as k
