-- A case, not a filter: only the labels are cleaned, not the figures beside them.
with labels as (
    select
        c.source,
        c.data_year,
        c.vintage,
        c.family,
        c.file,
        c.sheet,
        c.row_no,
        max(case when h.role = 'city' then {{ clean_label('c.text') }} end) as city_text,
        max(c.cell) filter (where h.role = 'city') as cell,
        max(case when h.role = 'code' then {{ clean_label('c.text') }} end) as code_text,
        max(c.number) filter (where h.role = 'year')::integer as row_year,
        count(c.number) filter (where h.role = 'value') as n_values
    from {{ ref('stg_landing__cells') }} as c
    inner join {{ ref('stg_landing__headers') }} as h
        on
            c.source = h.source
            and c.data_year = h.data_year
            and c.vintage = h.vintage
            and c.file = h.file
            and c.sheet = h.sheet
            and c.col_no = h.col_no
    group by all
),

dated as (
    select *, coalesce(row_year, nullif(data_year, 0)) as year from labels
),

matched as (
    select
        d.*,
        by_name.city_id as id_by_name,
        by_code.city_id as id_by_code
    from dated as d
    left join {{ ref('city_alias') }} as by_name
        on
            d.city_text = by_name.alias
            and by_name.kind <> 'code'
            and (by_name.source is null or d.source = by_name.source)
            and d.year between coalesce(by_name.valid_from, 0) and coalesce(by_name.valid_to, 9999)
    left join {{ ref('city_alias') }} as by_code
        on
            d.code_text = by_code.alias
            and by_code.kind = 'code'
            and (by_code.source is null or d.source = by_code.source)
            and d.year between coalesce(by_code.valid_from, 0) and coalesce(by_code.valid_to, 9999)
    -- an alias of this very source beats a general one
    qualify row_number() over (
        partition by d.source, d.data_year, d.vintage, d.file, d.sheet, d.row_no
        order by by_name.source nulls last, by_code.source nulls last
    ) = 1
)

select
    m.source,
    m.data_year,
    m.vintage,
    m.family,
    m.file,
    m.sheet,
    m.row_no,
    m.cell,
    m.city_text,
    m.code_text,
    m.year,
    m.n_values,
    coalesce(m.id_by_name, m.id_by_code) as city_id,
    c.level,
    case
        when c.level is not null then c.level
        -- a source that also lists county-level units: their rows are no error and are left out
        when m.n_values > 0 and s.lists_other_units then 'other'
        when m.n_values > 0 then 'unknown'
        else 'note'
    end as row_kind
from matched as m
left join {{ ref('city') }} as c on coalesce(m.id_by_name, m.id_by_code) = c.city_id
left join {{ ref('source') }} as s on m.source = s.source
