-- noqa: disable=PRS,LT01
-- (the linter cannot read lambdas of two arguments)
-- One row per value column of a source that has a dictionary: the words of its own head (leaf), those above it (file,
-- table, upper heads), the scope and the units that are printed.
with cut as (
    select
        h.source,
        h.data_year,
        h.vintage,
        h.file,
        h.sheet,
        h.col_no,
        h.header_path,
        -- a page that continues a table prints its unit on the first page alone
        case
            when count(h.unit_note) over (partition by h.source, h.data_year, h.vintage, h.file, h.sheet) > 0
                then h.unit_note
            else max(h.unit_note) over (partition by h.source, h.data_year, h.vintage, h.file)
        end as unit_note,
        regexp_replace(regexp_extract(h.file, '[^/]*$'), '\.[A-Za-z]+$', '') as file_name,
        list_filter(
            {{ header_segments("regexp_replace(h.header_path, '\\(([^()<>（）]*)[>＞》]', '(\\1)', 'g')") }},
            lambda segment: not regexp_matches(segment, '^\(?(计量)?单位[:.]')
        ) as segments
    from {{ ref('stg_landing__headers') }} as h
    inner join {{ ref('source') }} as s on h.source = s.source and s.has_dictionary
    where h.role = 'value'
),

named as (
    select
        *,
        list_filter(
            segments,
            lambda segment: not {{ is_scope_name('segment') }} and not regexp_full_match(segment, '\([^()]*\)')
        ) as names,
        lower(regexp_replace(header_path, '[^A-Za-z ]', ' ', 'g')) as english
    from cut
),

split as (
    select
        *,
        case
            when {{ is_scope_name('segments[-1]') }} and regexp_matches(segments[-1], '全|地') then 'city'
            when {{ is_scope_name('segments[-1]') }} then 'district'
            when regexp_matches(names[-1], '[^(]市辖区$') then 'district'
            when regexp_matches(names[-1], '[^(]全市$') then 'city'
            when regexp_matches(english, 'total +city *$') then 'city'
            when regexp_matches(english, 'districts? *under *city *$') then 'district'
        end as scope_leaf,
        case
            when contains(names[1], '(全市)') or contains(file_name, '(全市)') then 'city'
            when contains(names[1], '(市辖区)') or contains(file_name, '(市辖区)') then 'district'
        end as scope_table,
        regexp_replace({{ plain_words('names[-1]') }}, '(全市|市辖区)$', '') as leaf,
        {{ plain_words("file_name || array_to_string(names[:-2], '')") }} as above_words,
        flatten(
            list_transform(
                list_reverse(segments), lambda segment: list_reverse(regexp_extract_all(segment, '\(([^()]*)\)', 1))
            )
        ) as brackets,
        list_reverse(regexp_extract_all(coalesce(names[-1], ''), '\(([^()]*)\)', 1)) as own_brackets
    from named
)

select
    source,
    data_year,
    vintage,
    file,
    sheet,
    col_no,
    header_path,
    coalesce(leaf, '') as leaf,
    -- 'of which' belongs to the column at its left, and so does a sector that follows another one that is a part
    coalesce(above_words, '')
    || case
        when regexp_matches(leaf, '^其[中巾]|^女生') then coalesce(lag(leaf) over sheet_columns, '')
        when contains(leaf, '产业') and regexp_matches(lag(leaf) over sheet_columns, '^其[中巾].*产业')
            then coalesce(lag(leaf, 2) over sheet_columns, '')
        else ''
    end as above,
    english,
    scope_leaf,
    scope_table,
    f.col_no is not null as has_figures,
    list_filter(list_append(brackets, unit_note), lambda bracket: bracket is not null) as units,
    own_brackets as own_units,
    row_number() over (order by source, data_year, vintage, file, sheet, col_no) as head_id
from split
left join (
    select distinct source, data_year, vintage, file, sheet, col_no from {{ ref('stg_landing__cells') }}
    where number is not null
) as f using (source, data_year, vintage, file, sheet, col_no)
window sheet_columns as (partition by source, data_year, vintage, file, sheet order by col_no)
