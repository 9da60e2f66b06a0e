{{ config(materialized='view') }}
-- Units whose border moved, by the year from which figures show it: what jumps there is no slip.
with changes as (
    select from_city_id as old_id, to_city_id as new_id, effective_year
    from {{ ref('city_change') }}
    where event_type in ('merge', 'transfer')
    union all
    select old_county_id, new_county_id, effective_year
    from {{ ref('county_change') }}
    where kind in ('merged', 'split', 'founded')
)

select distinct unnest([old_id, new_id]) as city_id, effective_year from changes
