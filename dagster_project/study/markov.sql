-- name: scores
with windows as ({WINDOWS})
select s.index_code, s.basis, s.weight_scheme, s.city_id, s.year, s.score, s.share_imputed_weight,
    s.year between w.window_start and w.window_end as in_base
from (select * from py.index_score where {OWN_WEIGHTS} and score is not null) as s
join mart.dim_index as i on s.index_code = i.index_code and s.basis = i.basis and i.is_headline
join windows as w on s.index_code = w.index_code
order by s.city_id, s.year

-- name: city
select city_id, city_code, province_code, admin_tier, centroid_lon, centroid_lat from mart.dim_city
where in_sample order by city_id
