{# Full-width digits and signs to ASCII; ideographic and no-break blanks to plain blanks. #}
{% macro to_half_width(text) -%}
    translate({{ text }}, '０１２３４５６７８９．，－（）％：／　' || chr(160), '0123456789.,-()%:/  ')
{%- endmacro %}

{# A label as it is matched: half width, no whitespace at all. #}
{% macro clean_label(text) -%}
    nullif(regexp_replace({{ to_half_width(text) }}, '\s+', '', 'g'), '')
{%- endmacro %}

{# What yearbooks print for "no figure". #}
{% macro is_blank_mark(text) -%}
    regexp_full_match(trim({{ to_half_width(text) }}), '(|-+|—+|–+|…+|\.{2,}|\.|\*+|/|NA|N/A|NaN|nan|null|None)')
{%- endmacro %}

{# A printed number, or null. Thousands groups are closed only where they are groups of three: '1 1.44' stays text. #}
{% macro clean_number(text) -%}
try_cast(
    case
        when regexp_full_match(trim({{ to_half_width(text) }}), '[+-]?\d{1,3}([, ]\d{3})+(\.\d+)?')
            then regexp_replace(trim({{ to_half_width(text) }}), '[, ]', '', 'g')
        when regexp_full_match(trim({{ to_half_width(text) }}), '[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?')
            then trim({{ to_half_width(text) }})
    end as double
)
{%- endmacro %}

{# Spreadsheet address of a cell: row 7, column 28 is AB7. #}
{% macro cell_address(row_no, col_no) -%}
case
    when {{ col_no }} <= 26 then chr((64 + {{ col_no }})::integer)
    when {{ col_no }} <= 702
        then chr((64 + ({{ col_no }} - 1) // 26)::integer) || chr((65 + ({{ col_no }} - 1) % 26)::integer)
    else chr((64 + ({{ col_no }} - 703) // 676 + 1)::integer)
        || chr((65 + (({{ col_no }} - 703) // 26) % 26)::integer)
        || chr((65 + ({{ col_no }} - 703) % 26)::integer)
end || {{ row_no }}::varchar
{%- endmacro %}

{#
  Header path without its English part and blanks, brackets still in place: one string, segments joined by '/'.
  A path with no Chinese character at all (column names of a compiled file) only loses its blanks.
#}
{% macro header_text(path) -%}
case
    when not regexp_matches({{ path }}, '[一-鿿]') then lower({{ clean_label(path) }})
    else array_to_string(
        list_filter(
            list_transform(
                string_split({{ to_half_width(path) }}, ' / '),
                lambda segment: regexp_replace(
                    regexp_replace(regexp_replace(segment, '[A-Za-z]{4,}.*$', ''), '\s+', '', 'g'),
                    '^\d+[-—–]\d+', ''
                )
            ),
            lambda segment: segment <> '' and not regexp_full_match(segment, '[\(\)\d.,%]*')
        ),
        '/'
    )
end
{%- endmacro %}
