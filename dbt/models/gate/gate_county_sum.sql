-- One row per load of counties that waits, city, year and variable that adds up: what its counties print together
-- over what the first source of the same concept prints for the city. Landed figures of cities may be wrong too: one
-- sum says little, many say that a column of the counties is in another unit or of another thing.
with counties as (
    select f.load_id, f.city_id, f.year, f.variable_code, f.value
    from {{ ref('gate_figure') }} as f
    inner join {{ ref('source') }} as s on f.source = s.source and s.unit_level = 'county'
    where f.scope = 'city' and f.print_no = 1 and f.value is not null
),

cities as (
    select
        r.city_id,
        r.year,
        r.variable_code,
        arg_min(r.value, (s.default_rank, r.source, r.value)) as value
    from {{ ref('edit_reference') }} as r
    inner join {{ ref('source') }} as s on r.source = s.source and s.unit_level = 'city'
    where r.scope = 'city' and r.concept = 'first_print'
    group by all
),

{{ county_sums('counties', 'cities', 'f.load_id,') }}

from sums
