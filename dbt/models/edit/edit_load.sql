-- One row per load that is accepted or described: what of it counts, whether it is judged here, and whether others are
-- held against it.
-- Judged are the yearly loads that wait for a verdict and those that are current: a figure that is in doubt stays so.
with landed as (
    select
        l.*,
        coalesce(b.level, s.unit_level, 'city') as level,
        row_number() over (partition by l.source, l.data_year order by l.load_order desc) = 1 as is_reference,
        row_number() over (partition by l.source, l.data_year, l.is_accepted order by l.load_order desc) = 1
        and l.is_accepted as is_current
    from {{ source('raw', 'landed') }} as l
    left join (
        -- the label rows that a source is about (counties for the county source) count as its cities
        select source, min(level) as level from {{ ref('row_count') }}
        group by source
    ) as b on l.source = b.source
    left join {{ ref('source') }} as s on l.source = s.source
)

select
    row_number() over (order by source, data_year, load_order) as load_id,
    source,
    data_year,
    vintage,
    level,
    is_waiting,
    is_reference,
    data_year > 0 and (is_waiting or is_current) as is_judged
from landed
