-- name: values
select county_id as city_id, year, variable_code, value, is_in_question from int.int_county_values
where not is_held order by all

-- name: city
select county_id as city_id, county_code as city_code, province_code, kind as admin_tier, centroid_lon,
    centroid_lat, area_km2
from mart.dim_county where county_id = base_county_id order by 1

-- name: weighting
select weight_scheme, method from seed.weight_scheme

-- name: groups
-- a unit that is under no city lies in the regions of its province
select c.county_id as city_id, m.scheme, m.group_code, m.valid_from, m.valid_to
from mart.dim_county as c
join (
    from mart.dim_group_membership
    union all by name
    select distinct 'CN' || d.province_code as city_id, m.scheme, m.group_code, m.valid_from, m.valid_to
    from mart.dim_group_membership as m join mart.dim_city as d on m.city_id = d.city_id
    where d.city_id <> 'CN' || d.province_code
        and m.scheme in (select scheme from mart.dim_group_scheme where role = 'region')
) as m on c.parent_city_id = m.city_id
where c.county_id = c.base_county_id order by all
