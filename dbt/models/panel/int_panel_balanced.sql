-- What the index sees: cities of the sample, every year of the base window, later years where there is a value.
select
    s.index_code,
    v.city_id,
    v.year,
    v.indicator_code,
    coalesce(v.value, v.value_donor) as value,
    coalesce(v.value_origin, 'donor_growth') as value_origin,
    v.source_cell_id,
    coalesce(v.source_cell_ids, v.donor_cell_ids) as source_cell_ids,
    v.deflator_level,
    v.population_basis,
    {{ is_imputed("coalesce(v.value_origin, 'donor_growth')") }} as is_imputed
from {{ source('ops', 'index_spec') }} as s
inner join {{ ref('int_indexes_judged') }} as j on s.index_code = j.index_code and j.is_computed
inner join {{ ref('int_values_imputed') }} as v
    on s.indicator_code = v.indicator_code and s.edit_policy = v.edit_policy
inner join {{ ref('int_sample_cities_judged') }} as c
    on s.index_code = c.index_code and v.city_id = c.city_id and c.in_sample
inner join {{ ref('int_indicator_weights') }} as w
    on s.index_code = w.index_code and s.indicator_code = w.indicator_code
where
    v.year >= s.window_start
    -- an indicator of small weight is carried along with the province; after the window only what is printed counts
    and (v.value is not null or (w.is_minor and v.value_donor is not null and v.year <= s.window_end))
