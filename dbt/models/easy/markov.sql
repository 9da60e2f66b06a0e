-- Who moves up and down from one year to the next, and do neighbours matter? Classes of the score over the mean of its
-- year; neighbours all: whatever the neighbours are.
select
    'all' as neighbours,
    m.state_from,
    m.state_to,
    m.n,
    m.n_row,
    100 * m.p as percent,
    100 * m.lo as percent_lo,
    100 * m.hi as percent_hi,
    m.thin
from {{ ref('mart_markov_transition') }} as m
where m.discretisation = 'relative' and m.scheme = 'all' and m.lag = 1 and {{ at_headline('m') }}
union all
select
    m.lag_state::varchar as neighbours,
    m.state_from,
    m.state_to,
    m.n,
    m.n_row,
    100 * m.p as percent,
    100 * m.lo as percent_lo,
    100 * m.hi as percent_hi,
    m.thin
from {{ ref('mart_markov_spatial_transition') }} as m
where
    m.discretisation = 'relative' and m.lag = 1 and m.lag_cuts = 'quantiles' and m.w_code = {{ headline_w() }}
    and {{ at_headline('m') }}
order by neighbours <> 'all', neighbours, state_from, state_to
