-- Which cities are hot or cold spots? Local Moran's I with the neighbours of the headline regression.
select
    m.city_id,
    c.name_zh,
    c.name_en,
    c.province_name,
    c.province_en,
    m.year,
    m.z,
    m.lag_z,
    m.i_local,
    m.p_perm as p,
    m.q_bh as q,
    m.quadrant,
    m.class_fdr as cluster,
    m.class_raw as cluster_unadjusted
from {{ ref('mart_lisa') }} as m
inner join {{ ref('dim_city') }} as c on m.city_id = c.city_id and m.boundary_vintage = c.boundary_vintage
where m.w_code = {{ headline_w() }} and {{ at_headline('m') }}
order by m.city_id, m.year
