select
    r.run_id,
    r.release,
    r.data_vintage,
    r.method_version,
    r.params_hash,
    r.seed::integer as seed,
    r.is_synthetic,
    r.git_commit,
    r.python_version,
    r.package_json,
    r.blas,
    coalesce(r.depth, 'default') as depth,
    r.depth_json,
    r.started_at,
    null::timestamp as ended_at,
    case when r.run_id = k.run_id then 'built' else 'ended' end as status
from {{ source('ops', 'run_log') }} as r
cross join {{ source('ops', 'run_context') }} as k
