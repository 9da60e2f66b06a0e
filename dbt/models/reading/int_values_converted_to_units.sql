{{ config(materialized='view') }}
select
    c.source,
    c.data_year,
    c.vintage,
    c.family,
    c.file,
    c.sheet,
    c.cell,
    c.source_cell_id,
    r.city_id,
    r.level,
    r.year,
    h.variable_code,
    h.scope,
    h.unit as printed_unit,
    v.unit,
    c.text,
    h.factor,
    h.shift,
    c.is_blank or c.number is not null or a.reads is not null as is_number,
    case when c.number is not null then {{ litter('c.text', 'c.bare') }} end as litter,
    case when c.number is null and not c.is_blank then {{ figure_pattern('c.bare') }} end as pattern,
    case
        when c.is_blank then null
        when a.reads = 'figure' then {{ only_figure('c.bare') }}
        when a.reads = 'negative' then -{{ only_figure('c.bare') }}
        else c.number
    end * h.factor + h.shift as value
from {{ ref('stg_landing__cells') }} as c
inner join {{ ref('int_headers_mapped') }} as h
    on
        c.source = h.source
        and c.data_year = h.data_year
        and c.vintage = h.vintage
        and c.file = h.file
        and c.sheet = h.sheet
        and c.col_no = h.col_no
inner join {{ ref('int_rows_matched_to_cities') }} as r
    on
        c.source = r.source
        and c.data_year = r.data_year
        and c.vintage = r.vintage
        and c.file = r.file
        and c.sheet = r.sheet
        and c.row_no = r.row_no
inner join {{ ref('variable') }} as v on h.variable_code = v.variable_code
-- one year of a column in a file of several years, left out by a row of the header map
left join {{ ref('header_map') }} as i
    on
        c.data_year = 0
        and h.source = i.source
        and h.header_key = i.header_key
        and i.variable_code = 'ignore'
        and r.year between coalesce(i.year_from, 0) and coalesce(i.year_to, 9999)
left join {{ ref('figure_pattern') }} as a
    on
        c.number is null
        and not c.is_blank
        and c.source = a.source
        and coalesce(a.data_year, c.data_year) = c.data_year
        and coalesce(a.vintage, c.vintage) = c.vintage
        and {{ figure_pattern('c.bare') }} = a.pattern
where
    r.city_id is not null
    and h.variable_code <> 'ignore'
    -- read by int_texts_accepted and int_pilots_accepted
    and v.kind not in ('text', 'start_year')
    and i.header_key is null
