{#
  Full-width signs to ASCII, other brackets to round ones, every kind of blank to a plain one and of minus to a hyphen;
  signs without width (the last two) go. None of them is plain ASCII or Chinese: a text of these alone, as nearly all
  are, stays as it is. Each `translate` makes its table anew, which costs more than all the rest.
#}
{% macro to_half_width(text) -%}
    case when not regexp_matches({{ text }}, '[^ -~一-鿿]') then {{ text }} else translate({{ text }},
        '！＂＃＄％＆（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ＼＾＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｜～［］〔〕【】−　' || chr(160) || chr(8194) || chr(8195) || chr(8201) || chr(8202) || chr(8239)
        || chr(8203) || chr(8204) || chr(8205) || chr(8288) || chr(173) || chr(65279),
        '!"#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ\^_`abcdefghijklmnopqrstuvwxyz|~()()()-       ') end
{%- endmacro %}

{# A figure in a sentence: four digits, all of those before the point, no exponent. #}
{% macro figure(x) -%}
    coalesce(
        case
            when abs({{ x }}) >= 1000 then format('{:,}', try_cast(round({{ x }}) as bigint))
            when abs({{ x }}) between 1e-9 and 1e-4
                then rtrim(printf('%.12f', round({{ x }}, 3 - floor(log10(abs({{ x }})))::integer)), '0')
        end,
        printf('%.4g', {{ x }})
    )
{%- endmacro %}

{# A label as it is matched: half width, no whitespace at all. #}
{% macro clean_label(text) -%}
    nullif(regexp_replace({{ to_half_width(text) }}, '\s+|^[.·‘’''"*\-]+|[.·‘’''"\-]+$', '', 'g'), '')
{%- endmacro %}

{#
  A figure without what a machine or a typist left around it: white space, line breaks and other signs that nobody sees
  (_x000D_ is a line break that a program wrote in letters), apostrophes and signs of a foot note. None of these is part
  of the figure. A text of digits and points alone, as nearly all are, stays as it is.
#}
{% macro bare_figure(text) -%}
    case
        when regexp_full_match({{ text }}, '[0-9.]+') then {{ text }}
        else regexp_replace(
            {{ to_half_width(text) }},
            '^([\s\x00-\x1f''‘’`"]|_x000[0-9A-Fa-f]_)+|([\s\x00-\x1f''‘’`"*†‡※①-⑳⑴-⒇❶-❿¹²³⁴-⁹]|_x000[0-9A-Fa-f]_)+$', '', 'g'
        )
    end
{%- endmacro %}

{# What stands around a figure and is taken off, in words, from the text and its bare figure; null where nothing does. #}
{% macro litter(text, bare) -%}
    case
        when {{ text }} = {{ bare }} and not regexp_matches({{ text }}, '[, ]') then null
        else nullif(concat_ws(
            ' and ',
            case when regexp_matches({{ text }}, '[†‡※①-⑳⑴-⒇❶-❿¹²³⁴-⁹]|[*＊]\s*$') then 'signs of a note' end,
            case when regexp_matches({{ text }}, '[''‘’`"＇]') then 'apostrophes' end,
            case when regexp_matches({{ text }}, '[\n\r\t\x00-\x1f]|_x000') then 'line breaks' end,
            case when regexp_matches({{ bare }}, '\d[, ]\d') then 'thousands signs' end,
            case when regexp_matches({{ text }}, '[０-９．，－＋]') then 'signs of full width' end,
            case when regexp_matches({{ text }}, '(^|[^0-9])[  　\x{2002}-\x{200d}\x{feff}]|[  　\x{2002}-\x{200d}\x{feff}]([^0-9]|$)') then 'blanks' end
        ), '')
    end
{%- endmacro %}

{# The form of a text that is no figure, each run of digits with its points, signs and groups as #: (#), #元, #.#. #}
{% macro figure_pattern(bare) -%}
    regexp_replace(regexp_replace({{ bare }}, '[+-]?\d+(,\d{3})*(\.\d+)?', '#', 'g'), '\s+', ' ', 'g')
{%- endmacro %}

{# The number of the one figure that a text holds, whatever stands beside it. #}
{% macro only_figure(bare) -%}
    try_cast(replace(regexp_extract({{ bare }}, '[+-]?\d+(,\d{3})*(\.\d+)?'), ',', '') as double)
{%- endmacro %}

{# What yearbooks print for "no figure", in a bare figure. None of it begins with a digit: figures need no pattern. #}
{% macro is_blank_mark(bare) -%}
    case
        when ascii({{ bare }}) between ascii('0') and ascii('9') then false
        else regexp_full_match({{ bare }}, '(|-+|—+|–+|…+|\.{2,}|\.|\*+|/|NA|N/A|NaN|nan|null|None)')
    end
{%- endmacro %}

{# The number of a bare figure, or null. Groups of digits are closed only where they are of three: '1 1.44' stays text. #}
{% macro clean_number(bare) -%}
try_cast(
    case
        when regexp_full_match({{ bare }}, '[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?') then {{ bare }}
        when regexp_full_match({{ bare }}, '[+-]?\d{1,3}([, '']\d{3})+(\.\d+)?')
            then regexp_replace({{ bare }}, '[, '']', '', 'g')
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
  Header path without its English part, its blanks and its unit note, brackets still in place: segments joined by '/'.
  A path with no Chinese character at all (column names of a compiled file) only loses its blanks.
#}
{% macro header_text(path) -%}
case
    when not regexp_matches({{ path }}, '[一-鿿]') then lower({{ clean_label(path) }})
    else array_to_string(
        list_filter(
            {{ header_segments(path) }},
            lambda segment: not regexp_matches(segment, '^\(?(计量)?单位:')
        ),
        '/'
    )
end
{%- endmacro %}

{# Chinese segments of a header path; of those in English only an abbreviation (FDI) or a year is kept. #}
{% macro header_segments(path) -%}
list_filter(
    list_transform(
        string_split({{ to_half_width(path) }}, ' / '),
        lambda segment: case
            when regexp_matches(segment, '[一-鿿]') then {{ chinese_part('segment') }}
            else regexp_extract(trim(segment), '^([A-Z][A-Z0-9&.]*|(19|20)\d\d)$')
        end
    ),
    lambda segment: regexp_full_match(segment, '(19|20)\d\d')
        or not regexp_full_match(segment, '[\(\)\d.,%]*')
)
{%- endmacro %}

{#
  What one segment says in Chinese. Read from the inside out: English brackets such as (10 000 yuan) go; then English
  behind the Chinese (of its brackets only (%) stays), with the abbreviations that lead it (GRP Growth Rate); English
  between the Chinese; blanks; the table number and the mark of a continued table; '单位:' inside brackets or at the end.
  An abbreviation that is part of a word stays: 第二产业占GDP的比重, R&D人员.
#}
{% macro chinese_part(segment) -%}
{%- set word = '(?:[A-Z][A-Z0-9&.]*\s+)*(?:[A-Za-z][A-Za-z&,.:-]*[a-z]{2}|[A-Z]{4})' -%}
{%- set text -%}
regexp_replace({{ segment }},
    '\([^()一-鿿]*[a-z]{3}[^()一-鿿]*\)|\(\s*\d[\d\sO,]*[A-Za-z][^()一-鿿]*\)|\((sq|cu)\.\s*k?m[^()]*\)'
    || '|\s\d[\d\sO,]*[a-z]{2}[a-z.\s-]*', ' ', 'g')
{%- endset -%}
{%- set text -%}
regexp_replace({{ text }}, '(\s|[)%]){{ word }}[^一-鿿]*?((\([%‰]\))[^一-鿿]*)?$', '\1\3')
{%- endset -%}
{%- set text -%}
regexp_replace({{ text }}, '([一-鿿])[A-Z]?[a-z]{2}[^一-鿿]*$', '\1')
{%- endset -%}
{%- set text -%}
regexp_replace({{ text }}, '\s{{ word }}[^一-鿿()]*', ' ', 'g')
{%- endset -%}
{%- set text -%}
regexp_replace(regexp_replace({{ text }}, '\s+', '', 'g'), '^表?\d+[-—–]\d+', '')
{%- endset -%}
regexp_replace(
    regexp_replace({{ text }}, '\(续表?[一二三四五六七八九十\d]*\)|续表[一二三四五六七八九十\d]*', ''),
    '([^量(])\(?(计量)?单位:([^()]+)\)?$', '\1(\3)'
)
{%- endmacro %}

{# The unit that a note such as 单位:万元 (10 000 yuan) gives to all columns of its table. #}
{% macro unit_note(path) -%}
nullif(
    regexp_extract(
        list_first(
            list_filter(
                {{ header_segments(path) }},
                lambda segment: regexp_matches(segment, '^\(?(计量)?单位:')
            )
        ),
        '单位:([^()]+)', 1
    ), ''
)
{%- endmacro %}

{# The scope that a header says itself: its last segment, else its title in brackets; null when it says none. #}
{% macro header_scope(header_text) -%}
case
    when regexp_matches({{ header_text }}, '(^|/)市辖区$') then 'district'
    when regexp_matches({{ header_text }}, '(^|/)全市$') then 'city'
    when contains({{ header_text }}, '(市辖区)') and not contains({{ header_text }}, '(全市)') then 'district'
    when contains({{ header_text }}, '(全市)') and not contains({{ header_text }}, '(市辖区)') then 'city'
end
{%- endmacro %}

{# A part of an id source@vintage:file!sheet!cell: source, file, sheet or cell; null where there is no id. #}
{% macro cell_part(id, part) -%}
    {%- set places = {'sheet': -2, 'cell': -1} -%}
    {%- if part == 'source' -%}
        split_part({{ id }}, '@', 1)
    {%- elif part in places -%}
        split_part({{ id }}, '!', {{ places[part] }})
    {%- else -%}
        array_to_string(string_split(substr({{ id }}, strpos({{ id }}, ':') + 1), '!')[:-3], '!')
    {%- endif -%}
{%- endmacro %}

{#
  The Chinese and Latin letters of a text and %, ‰, &: what words are looked for in. Numbering such as (1), ⑵, (三) goes,
  and signs that reading machines take for a like one are put right where they are no Chinese word of a header.
#}
{% macro plain_words(text) -%}
regexp_replace(
    regexp_replace(
        replace(translate({{ text }}, '釆採査増笫巿冇屮', '采采查增第市市中'), 'PM2.5', '细颗粒物'),
        '\(([0-9]+|[lI一二三四五六七八九十]+)\)|[⑴-⒇①-⑳㈠-㈩]', '', 'g'
    ), '[^一-鿿A-Za-z&‰%]', '', 'g'
)
{%- endmacro %}

{# Whether a segment of a header names a scope and nothing else, old or misread: 全市, 全冇, 地区, 市辖区, 再辖区, 市区. #}
{% macro is_scope_name(segment) -%}
regexp_full_match(regexp_replace({{ segment }}, '[^一-鿿]', '', 'g'), '全.?|.?辖区|市区|全辖市|地区')
{%- endmacro %}

{# A unit without the signs that printers set differently: 千册、件, 千册.件. #}
{% macro plain_unit(unit) -%}
regexp_replace(lower({{ to_half_width(unit) }}), '[、.,·\s]', '', 'g')
{%- endmacro %}
