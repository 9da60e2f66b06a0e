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

-- Counties are known by the name or code of the year, in sources about counties alone. Of a name that several units
-- bear the heading above, a province, says which is meant; where one province has two, the file needs codes.
county_names as (
    select
        c.county_id,
        c.county_code,
        c.name_zh,
        c.province_code,
        s.source,
        coalesce(c.valid_from, 0) as valid_from,
        coalesce(c.valid_to, 9999) as valid_to
    from {{ ref('county') }} as c
    inner join {{ ref('source') }} as s on s.unit_level = 'county'
),

namesakes as (
    select a.source, a.county_id, bool_or(a.province_code = b.province_code) as is_of_one_province
    from county_names as a
    inner join county_names as b
        on
            a.source = b.source and a.name_zh = b.name_zh and a.county_id <> b.county_id
            and a.valid_from <= b.valid_to and a.valid_to >= b.valid_from
    group by all
),

aliases as (
    select alias, city_id, source, kind, valid_from, valid_to, null as province_code from {{ ref('city_alias') }}
    union all
    select
        n.name_zh as alias, n.county_id, n.source, 'official' as kind, n.valid_from, n.valid_to,
        case when s.county_id is not null then n.province_code end as province_code
    from county_names as n
    left join namesakes as s on n.source = s.source and n.county_id = s.county_id
    where not coalesce(s.is_of_one_province, false)
    union all
    select county_code as alias, county_id, source, 'code' as kind, valid_from, valid_to, null as province_code
    from county_names
),

headed as (
    select
        d.*,
        last_value(c.province_code ignore nulls) over (
            partition by d.source, d.data_year, d.vintage, d.file, d.sheet order by d.row_no
        ) as heading
    from dated as d
    left join (
        select a.alias, s.source, any_value(p.province_code) as province_code
        from {{ ref('city_alias') }} as a
        inner join {{ ref('city') }} as p on a.city_id = p.city_id and p.is_province_unit
        inner join {{ ref('source') }} as s on s.unit_level = 'county'
        where a.kind <> 'code' and a.source is null
        group by all
    ) as c on d.source = c.source and d.city_text = c.alias
),

matched as (
    select
        d.*,
        by_name.city_id as id_by_name,
        by_code.city_id as id_by_code
    from headed as d
    left join aliases as by_name
        on
            d.city_text = by_name.alias
            and by_name.kind <> 'code'
            and (by_name.province_code is null or d.heading = by_name.province_code)
            and (by_name.source is null or d.source = by_name.source)
            and d.year between coalesce(by_name.valid_from, 0) and coalesce(by_name.valid_to, 9999)
    left join aliases as by_code
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
left join {{ ref('int_units') }} as c on coalesce(m.id_by_name, m.id_by_code) = c.city_id
left join {{ ref('source') }} as s on m.source = s.source
