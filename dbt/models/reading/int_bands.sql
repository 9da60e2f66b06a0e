{{ config(materialized='view') }}
-- What is plausible for a cell and usual for the median unit, by geography: those of variable.csv are of cities.
select 'city' as unit_level, variable_code, band_low, band_high, median_low, median_high
from {{ ref('variable') }}
union all
select 'county' as unit_level, variable_code, band_low, band_high, median_low, median_high
from {{ ref('county_band') }}
