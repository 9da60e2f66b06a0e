{# Cells of current loads whose column holds a variable of one kind and whose row is a city: c, h, v, r and l. #}
{% macro current_cells_of_kind(kind) -%}
    from {{ ref('stg_landing__cells') }} as c
    inner join {{ ref('int_headers_mapped') }} as h
        on
            c.source = h.source
            and c.data_year = h.data_year
            and c.vintage = h.vintage
            and c.file = h.file
            and c.sheet = h.sheet
            and c.col_no = h.col_no
    inner join {{ ref('variable') }} as v on h.variable_code = v.variable_code and v.kind = '{{ kind }}'
    inner join {{ ref('int_rows_matched_to_cities') }} as r
        on
            c.source = r.source
            and c.data_year = r.data_year
            and c.vintage = r.vintage
            and c.file = r.file
            and c.sheet = r.sheet
            and c.row_no = r.row_no
            and r.row_kind = 'city'
    inner join {{ ref('stg_landing__loads') }} as l
        on c.source = l.source and c.data_year = l.data_year and c.vintage = l.vintage and l.is_current
{%- endmacro %}
