-- Why is this score what it is? Each part of it with the cell that its main figure was printed in.
-- Headline indexes, frozen basis, own weights. All other cells of a value: mart_indicator_source.
-- Only cities and years that have a score: the contributions of each sum to it. The others: incomplete_year.
{{ config(materialized='view') }}
select
    {{ context_keys('v') }},
    v.basis,
    v.index_code,
    k.weight_scheme,
    v.year,
    v.city_id,
    c.name_zh,
    c.name_en,
    v.indicator_code,
    d.name_zh as indicator_zh,
    d.name_en as indicator_en,
    v.value_raw,
    v.unit,
    v.value_final,
    v.z,
    k.weight,
    k.contribution,
    v.value_origin,
    v.is_in_question,
    {{ cell_part('v.source_cell_id', 'source') }} as source,
    {{ cell_part('v.source_cell_id', 'file') }} as file,
    {{ cell_part('v.source_cell_id', 'sheet') }} as sheet,
    {{ cell_part('v.source_cell_id', 'cell') }} as cell,
    m.text,
    m.unit_printed,
    m.is_corrected,
    v.n_cell
from {{ ref('mart_indicator_value') }} as v
inner join {{ ref('dim_index') }} as i
    on v.index_code = i.index_code and v.basis = i.basis and i.variant_of is null
inner join {{ ref('mart_index_contribution') }} as k
    on
        v.basis = k.basis
        and v.index_code = k.index_code
        and v.city_id = k.city_id
        and v.year = k.year
        and v.indicator_code = k.indicator_code
        and i.weight_scheme = k.weight_scheme
inner join {{ ref('mart_index_score') }} as s
    on
        k.basis = s.basis
        and k.index_code = s.index_code
        and k.weight_scheme = s.weight_scheme
        and k.city_id = s.city_id
        and k.year = s.year
        and s.score is not null
inner join {{ ref('dim_city') }} as c on v.city_id = c.city_id and v.boundary_vintage = c.boundary_vintage
inner join {{ ref('dim_indicator') }} as d on v.index_code = d.index_code and v.indicator_code = d.indicator_code
left join {{ ref('mart_source_value') }} as m on v.source_cell_id = m.source_cell_id
