select
    l.source,
    l.data_year::integer as data_year,
    l.vintage,
    l.load_no::integer as load_no,
    l.is_current,
    l.files,
    l.producer,
    l.title,
    l.licence,
    l.accessed,
    l.maturity,
    l.supersedes,
    l.accepted_by,
    l.accepted_reason,
    l.n_cells::integer as n_cells,
    l.is_synthetic
from {{ ref('stg_landing__loads') }} as l
