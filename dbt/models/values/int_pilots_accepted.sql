-- First years as a pilot of accepted loads: one row per policy and city that a source lists, empty for never. A date is
-- no figure: no boundary, edit or gap changes it. Of several years of a file each repeats the date.
select
    h.variable_code as policy_code,
    r.city_id,
    nullif(max(c.number * h.factor + h.shift), 0)::integer as start_year
from {{ ref('stg_landing__cells') }} as c
inner join {{ ref('int_headers_mapped') }} as h
    on
        c.source = h.source
        and c.data_year = h.data_year
        and c.vintage = h.vintage
        and c.file = h.file
        and c.sheet = h.sheet
        and c.col_no = h.col_no
inner join {{ ref('variable') }} as v on h.variable_code = v.variable_code and v.kind = 'start_year'
inner join {{ ref('int_rows_matched_to_cities') }} as r
    on
        c.source = r.source
        and c.data_year = r.data_year
        and c.vintage = r.vintage
        and c.file = r.file
        and c.sheet = r.sheet
        and c.row_no = r.row_no
inner join {{ ref('stg_landing__loads') }} as l
    on c.source = l.source and c.data_year = l.data_year and c.vintage = l.vintage and l.is_current
where r.row_kind = 'city' and c.number is not null
group by h.variable_code, r.city_id
