-- Where each county-level unit leads to on the base boundary: forward over the changes of county_change.csv while it
-- ends before that year, back while it was founded after it. A unit that was split goes whole to the one that took the
-- larger part (`is_exact` is false). One that became a city of its own without counties leads to that city; one that
-- was founded later, from parts of others, leads nowhere.
with recursive steps as (
    select
        c.county_id,
        c.county_id as at_id,
        c.valid_from,
        c.valid_to,
        true as is_exact,
        0 as n_changes
    from {{ ref('county') }} as c
    union all
    select
        s.county_id,
        case when s.valid_from > k.boundary_vintage then e.old_county_id else e.new_county_id end as at_id,
        n.valid_from,
        n.valid_to,
        s.is_exact and e.kind <> 'split' as is_exact,
        s.n_changes + 1 as n_changes
    from steps as s
    cross join {{ source('ops', 'run_context') }} as k
    inner join {{ ref('county_change') }} as e
        on
            (s.valid_to < k.boundary_vintage and e.is_main and s.at_id = e.old_county_id and s.at_id <> e.new_county_id)
            or (
                s.valid_from > k.boundary_vintage and s.at_id = e.new_county_id and s.at_id <> e.old_county_id
                and e.kind not in ('merged', 'split')
            )
    left join {{ ref('county') }} as n
        on case when s.valid_from > k.boundary_vintage then e.old_county_id else e.new_county_id end = n.county_id
)

select
    s.county_id,
    s.n_changes,
    s.is_exact,
    case when s.valid_from > k.boundary_vintage then null else s.at_id end as base_county_id
from steps as s
cross join {{ source('ops', 'run_context') }} as k
qualify row_number() over (partition by s.county_id order by s.n_changes desc, s.at_id) = 1
