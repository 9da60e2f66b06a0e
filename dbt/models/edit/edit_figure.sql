-- One row per figure of a load that is judged, with the last and the next figure of the same city in the nearest other
-- years of its source. Slim, for there are many: `cell_key` leads to the cell.
with figures as (
    select
        l.load_id,
        l.source,
        l.data_year,
        hash(v.source_cell_id) as cell_key,
        h.table_key,
        regexp_extract(v.cell, '\d+$')::integer as row_no,
        v.city_id,
        c.province_code as province_id,
        v.year,
        v.variable_code,
        v.scope,
        v.value,
        coalesce(v.is_settled, false) as is_kept,
        not regexp_matches(v.text, '\.\d*[1-9]') as is_whole,
        v.value < 0 and v.unit in {{ counted_units() }} as is_impossible,
        b.zero_rule,
        -- growth and indexes of several parts have no ranks that last
        not starts_with(v.unit, 'index') and coalesce(b.min_rho, 0) >= 0 as has_ranks,
        -- a figure that is printed twice counts once
        row_number() over (
            partition by l.load_id, v.city_id, v.variable_code, v.scope, v.year order by v.file, v.sheet, v.cell
        ) as print_no
    from {{ ref('int_values_corrected') }} as v
    inner join {{ ref('edit_load') }} as l
        on
            v.source = l.source
            and v.data_year = l.data_year
            and v.vintage = l.vintage
            and v.level = l.level
    left join (
        select
            source,
            data_year,
            vintage,
            variable_code,
            scope,
            any_value(hash(file, sheet, split_part(header_path, ' / ', 1))) as table_key
        from {{ ref('int_headers_mapped') }}
        group by all
    ) as h
        on
            v.source = h.source
            and v.data_year = h.data_year
            and v.vintage = h.vintage
            and v.variable_code = h.variable_code
            and v.scope = h.scope
    left join {{ ref('int_units') }} as c on v.city_id = c.city_id
    left join {{ ref('variable') }} as b on v.variable_code = b.variable_code
    where l.is_judged
),

-- the nearest other years in which the source has the column
years as (
    select
        b.load_id,
        b.source,
        b.variable_code,
        b.scope,
        b.year,
        max(a.year) filter (where a.year < b.year) as year_last,
        min(a.year) filter (where a.year > b.year) as year_next
    from (
        select distinct
            load_id,
            source,
            variable_code,
            scope,
            year
        from figures
    ) as b
    inner join (
        select distinct source, variable_code, scope, year from {{ ref('edit_reference') }}
        where data_year > 0
    ) as a
        on
            b.source = a.source
            and b.variable_code = a.variable_code
            and b.scope = a.scope
            and b.year <> a.year
            and abs(b.year - a.year) <= {{ gate_parameter('years_back') }}
    group by all
)

select
    f.*,
    -- of a city that has a figure there
    case when p.value is not null then y.year_last end as year_last,
    p.value as value_last,
    y.year_next,
    a.value as value_next
from figures as f
left join years as y
    on f.load_id = y.load_id and f.variable_code = y.variable_code and f.scope = y.scope and f.year = y.year
left join {{ ref('edit_reference') }} as p
    on
        y.source = p.source
        and p.data_year > 0
        and y.year_last = p.year
        and f.city_id = p.city_id
        and f.variable_code = p.variable_code
        and f.scope = p.scope
left join {{ ref('edit_reference') }} as a
    on
        y.source = a.source
        and a.data_year > 0
        and y.year_next = a.year
        and f.city_id = a.city_id
        and f.variable_code = a.variable_code
        and f.scope = a.scope
