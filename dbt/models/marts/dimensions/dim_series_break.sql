select variable_code, area_code, break_year::integer as break_year, kind, treatment, note
from {{ ref('series_break') }}
