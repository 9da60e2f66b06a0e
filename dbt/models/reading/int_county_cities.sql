{{ config(materialized='view') }}
-- The city whose figures hold a county-level unit, by span of years. A county that moved belongs to its old city until
-- the statistical year that city_change.csv names: the yearbook follows a change late.
with moved as (
    select county_city_id as county_id, from_city_id, effective_year
    from {{ ref('city_change') }}
    where event_type = 'transfer' and county_city_id is not null
)

select
    c.county_id,
    c.parent_city_id as city_id,
    greatest(coalesce(c.valid_from, 0), coalesce(m.effective_year, 0)) as year_from,
    coalesce(c.valid_to, 9999) as year_to
from {{ ref('county') }} as c
left join moved as m on c.county_id = m.county_id
union all
select c.county_id, m.from_city_id, coalesce(c.valid_from, 0) as year_from, m.effective_year - 1 as year_to
from {{ ref('county') }} as c
inner join moved as m on c.county_id = m.county_id and coalesce(c.valid_from, 0) < m.effective_year
