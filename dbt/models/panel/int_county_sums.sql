-- What the counties of a city print together beside the figure of the city that is used, by source, year and variable
-- that adds up. Where that cannot be (docs/counties.md#sums), the figures of the counties are held; those of the
-- city stay as they are.
with cities as (
    select
        e.city_id,
        e.year,
        e.variable_code,
        arg_min(e.value, (s.default_rank, e.source, e.value)) as value
    from {{ ref('int_values_edited') }} as e
    inner join {{ ref('source') }} as s on e.source = s.source
    where e.edit_policy <> 'as_printed' and e.level = 'city' and s.concept = 'first_print'
    group by all
),

{{ county_sums(ref('int_county_figures'), 'cities', 'f.source,') }}

from sums
