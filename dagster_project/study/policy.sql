-- name: scores
with headline as (
    select basis, index_code, weight_scheme, city_id, year, score from py.index_score
    where {HEADLINE} and score is not null
),
coordinated as (
    select basis, index_code, city_id, year, d, lead_lag from py.coupling
    where form = 'corrected' and scale = 'minmax01'
),
windows as ({WINDOWS})
select a.basis, pair.index_code, pair.relations_code, a.weight_scheme, a.city_id, a.year, a.score as u,
    b.score as p, c.d, (c.lead_lag = 'pr_lagging')::double as pr_lagging,
    a.year between w.window_start and w.window_end as in_base
from ({PAIRS}) as pair
join headline as a on pair.index_code = a.index_code and pair.basis = a.basis
join headline as b
    on pair.relations_code = b.index_code and a.basis = b.basis and a.city_id = b.city_id and a.year = b.year
join coordinated as c
    on pair.index_code = c.index_code and a.basis = c.basis and a.city_id = c.city_id and a.year = c.year
join windows as w on pair.index_code = w.index_code
join seed.city as place on a.city_id = place.city_id and place.centroid_lon is not null
order by 1, 2, 5, 6

-- name: values
select basis, index_code, city_id, year, indicator_code, z from py.index_value
where {SIDES} order by 1, 2, 3, 4, 5

-- name: weights
select basis, index_code, indicator_code, weight from py.index_weight
where {HEADLINE} and year is null order by 1, 2, 3

-- name: city
select city_id, province_code, centroid_lon, centroid_lat from seed.city
where centroid_lon is not null order by city_id

-- name: features
select variable_code, city_id, year, value from int.int_values_completed
where edit_policy = 'edited' and value > 0 and year >= (select min(window_start) from ops.index_spec)
    and variable_code in ('population', 'gdp_nom', 'secondary_share', 'tertiary_share')
order by 1, 2, 3

-- name: threshold
select * from py.threshold_result

-- name: barrier
select * from py.border_barrier where barrier_code = 'province'

-- name: block
select * from py.block_spillover where scheme = {CENTRE}

-- name: boundary
select * from py.regional_boundary where method = 'ring' and synergy_class = 'all'

-- name: segmentation
select city_id, year, seg from py.market_segmentation where neighbour_rule = 'contiguous'
order by 1, 2

-- name: segmentation_pair
select year, same_province, count(*) as n,
    avg(v_ij order by unit_i, unit_j) as v
from py.market_segmentation_pair
group by all order by 1, 2

-- name: dagum
select * from py.dagum_component where scheme = {REGION}

-- name: network
select * from py.network_summary

-- name: network_city
select index_code, basis, city_id, year, out_degree from py.network_city order by all
