-- One row per described load: what of it counts, whether it is judged here, and whether others are held against it.
-- Judged are yearly loads that wait for a verdict, the newest edition of each source, of which no later year speaks
-- yet, and all loads of counties: no rule of editing does it in the place of the gate.
with landed as (
    select
        l.*,
        coalesce(b.level, s.unit_level, 'city') as level,
        row_number() over (partition by l.source, l.data_year order by l.load_order desc) = 1 as is_reference,
        max(l.data_year) over (partition by l.source) as newest_year
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
    is_reference and data_year > 0 and data_year = newest_year as is_newest,
    data_year > 0 and (is_waiting or is_newest or level = 'county') as is_judged
from landed
