select
    year::integer as year,
    year between {{ base_year() }} and {{ base_window_end() }} as is_in_base_window,
    year between 2020 and 2022 as is_covid,
    year in (2020) as is_census_year
from (select distinct year from {{ ref('int_values_completed') }}) as years
where year >= {{ base_year() }}
