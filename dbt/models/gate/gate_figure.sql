-- One row per figure of a load that waits for a verdict.
select f.*
from {{ ref('edit_figure') }} as f
inner join {{ ref('edit_load') }} as l on f.load_id = l.load_id and l.is_waiting
