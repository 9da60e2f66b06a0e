{{ config(materialized='view') }}
-- What is selected and what is derived of it, which stands in for a printed figure of the same key.
select * exclude (value_as_printed) from {{ each_policy(ref('int_values_selected')) }}
anti join {{ ref('int_values_derived') }} using (edit_policy, city_id, variable_code, year)
union all by name
select * from {{ ref('int_values_derived') }}
