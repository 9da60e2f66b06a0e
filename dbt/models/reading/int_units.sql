{{ config(materialized='view') }}
-- Every unit that a row may speak of: those of city.csv, and the county-level units of the second geography.
select city_id, level, name_zh, province_code, parent_city_id, valid_from, valid_to
from {{ ref('city') }}
union all
select county_id, 'county' as level, name_zh, province_code, parent_city_id, valid_from, valid_to
from {{ ref('county') }}
anti join {{ ref('city') }} on county_id = city_id
