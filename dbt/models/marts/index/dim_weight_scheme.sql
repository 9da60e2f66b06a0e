select *
from {{ ref('weight_scheme') }}
