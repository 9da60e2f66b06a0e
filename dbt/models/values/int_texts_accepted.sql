-- Texts of accepted loads (work reports): one row per city, year and text variable. Texts are no figures and are
-- counted elsewhere.
select
    c.source,
    c.vintage,
    c.file,
    c.sheet,
    c.cell,
    r.city_id,
    r.year,
    h.variable_code,
    c.text,
    c.source_cell_id
from {{ ref('stg_landing__cells') }} as c
inner join {{ ref('int_headers_mapped') }} as h
    on
        c.source = h.source
        and c.data_year = h.data_year
        and c.vintage = h.vintage
        and c.file = h.file
        and c.sheet = h.sheet
        and c.col_no = h.col_no
inner join {{ ref('variable') }} as v on h.variable_code = v.variable_code and v.kind = 'text'
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
where r.row_kind = 'city' and not c.is_blank
qualify
    row_number() over (
        partition by r.city_id, r.year, h.variable_code order by l.load_no desc, c.source_cell_id
    ) = 1
