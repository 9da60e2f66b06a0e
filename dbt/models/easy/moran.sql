-- Are neighbours alike? Moran's I of the scores of a year, with the neighbours of the headline regression.
select
    m.year,
    m.value as moran_i,
    m.expected,
    m.z,
    m.p_perm as p,
    m.p_holm,
    m.n_perm,
    m.n_obs as n_city
from {{ ref('mart_moran_global') }} as m
where m.statistic = 'moran' and m.w_code = {{ headline_w() }} and {{ at_headline('m') }}
order by m.year
