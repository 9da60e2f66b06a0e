-- name: segmentation_pair
select unit_i, unit_j, year, v_ij from py.market_segmentation_pair order by 3, 1, 2

-- name: synergy
select basis, index_code, city_id, arg_min(d, year) as d from py.coupling
where form = 'corrected' and scale = 'minmax01' group by all order by 1, 2, 3
