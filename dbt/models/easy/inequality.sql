-- How unequal are the scores of a year, and how much of it lies between groups? Scheme all: no groups.
select
    s.scheme,
    s.year,
    s.n as n_city,
    100 * s.mean as mean_100,
    100 * s.median as median_100,
    s.cv,
    s.gini,
    s.gini_lo,
    s.gini_hi,
    s.theil_t as theil,
    s.theil_t_lo as theil_lo,
    s.theil_t_hi as theil_hi,
    d.share_w as within_percent,
    d.share_nb as between_percent,
    d.share_t as overlap_percent
from (
    select k.scheme, a.* exclude (scheme)
    from {{ ref('mart_disparity_summary') }} as a
    cross join (
        select 'all' as scheme
        union all
        select distinct scheme from {{ ref('mart_dagum_component') }}
    ) as k
    where a.scheme = 'all' and not a.weighted
) as s
left join {{ ref('mart_dagum_component') }} as d
    on
        s.scheme = d.scheme and s.year = d.year and s.index_code = d.index_code and s.basis = d.basis
        and s.weight_scheme = d.weight_scheme
where {{ at_headline('s') }} and (s.scheme = 'all' or d.scheme is not null)
order by s.scheme <> 'all', s.scheme, s.year
