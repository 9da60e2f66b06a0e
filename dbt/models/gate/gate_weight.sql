-- One row per variable that an index uses: the share of the indicators that it goes into. Figures of urban districts go
-- into none.
select
    variable_code,
    count(distinct indicator_code) / (select count(*) from {{ ref('indicator') }}) as weight
from {{ ref('indicator_part') }}
group by all
