-- What the index sees: cities of the sample, every year of the base window, later years where there is a value.
-- A figure of a load that its sidecar calls provisional is marked: it is scored, but shapes no bound and no weight.
with provisional as (
    select distinct v.edit_policy, v.indicator_code, v.city_id, v.year
    from (
        select edit_policy, indicator_code, city_id, year, unnest(coalesce(source_cell_ids, donor_cell_ids)) as cell
        from {{ ref('int_values_imputed') }}
    ) as v
    semi join (
        select a.source_cell_id
        from {{ ref('int_values_accepted') }} as a
        semi join {{ ref('stg_landing__loads') }} as l
            on a.source = l.source and a.vintage = l.vintage and l.maturity = 'provisional'
    ) as a on v.cell = a.source_cell_id
)

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
    {{ is_imputed("coalesce(v.value_origin, 'donor_growth')") }} as is_imputed,
    p.city_id is not null as is_provisional
from {{ source('ops', 'index_spec') }} as s
inner join {{ ref('int_indexes_judged') }} as j on s.index_code = j.index_code and j.is_computed
inner join {{ ref('int_values_imputed') }} as v
    on s.indicator_code = v.indicator_code and s.edit_policy = v.edit_policy
inner join {{ ref('int_sample_cities_judged') }} as c
    on s.index_code = c.index_code and v.city_id = c.city_id and c.in_sample
inner join {{ ref('int_indicator_weights') }} as w
    on s.index_code = w.index_code and s.indicator_code = w.indicator_code
left join provisional as p
    on
        v.edit_policy = p.edit_policy and v.indicator_code = p.indicator_code and v.city_id = p.city_id
        and v.year = p.year
where
    v.year >= s.window_start
    -- an indicator of small weight is carried along with the province; after the window only what is printed counts
    and (v.value is not null or (w.is_minor and v.value_donor is not null and v.year <= s.window_end))
