-- What the index sees: cities of the sample, every year of the base window, later years where there is a value.
select
    s.index_code,
    v.city_id,
    v.year,
    v.indicator_code,
    v.value,
    v.value_origin,
    v.source_cell_id,
    v.source_cell_ids,
    v.deflator_level,
    v.population_basis,
    {{ is_imputed('v.value_origin') }} as is_imputed
from {{ source('ops', 'index_spec') }} as s
inner join {{ ref('int_indexes_judged') }} as j on s.index_code = j.index_code and j.is_computed
inner join {{ ref('int_values_imputed') }} as v
    on s.indicator_code = v.indicator_code and s.fill_policy = v.fill_policy
inner join {{ ref('int_sample_cities_judged') }} as c
    on s.index_code = c.index_code and v.city_id = c.city_id and c.in_sample
where v.value is not null and v.year >= s.window_start
