with landed as (
    select distinct city_id from {{ ref('int_values_accepted') }}
    where level = 'county'
)

select
    c.event_id,
    c.effective_year::integer as effective_year,
    c.event_type,
    c.from_city_id,
    c.to_city_id,
    c.county_city_id,
    c.document,
    case
        when c.event_type = 'merge' then 'summed in all years'
        when c.event_type = 'transfer' and l.city_id is not null then 'moved with landed county figures'
        when c.event_type = 'transfer' then 'break: no county figures landed'
        else 'name or code only'
    end as treatment,
    c.note,
    c.source
from {{ ref('city_change') }} as c
left join landed as l on c.county_city_id = l.city_id
