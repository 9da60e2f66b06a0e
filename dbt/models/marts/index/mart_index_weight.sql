-- Headline weights carry a standard error and an interval from drawing cities again; the other schemes have none.
select
    {{ context_keys('k') }},
    w.basis,
    w.index_code,
    w.weight_scheme,
    w.indicator_code,
    w.year::integer as year,
    w.dimension,
    w.entropy,
    w.redundancy,
    w.weight,
    w.dimension_weight,
    b.weight_se,
    b.weight_p05,
    b.weight_p95,
    w.delta,
    w.skewness,
    w.flag
from {{ source('py', 'index_weight') }} as w
left join {{ source('py', 'index_weight_bootstrap') }} as b
    on
        w.basis = b.basis
        and w.index_code = b.index_code
        and w.weight_scheme = b.weight_scheme
        and w.indicator_code = b.indicator_code
cross join {{ source('ops', 'run_context') }} as k
