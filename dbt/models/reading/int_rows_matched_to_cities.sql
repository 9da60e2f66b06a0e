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
        count(c.number) filter (where h.role = 'value') as n_values,
        sum(hash(c.col_no, c.number)) filter (where h.role = 'value') as figures
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
    left join {{ ref('source') }} as s on d.source = s.source
    left join aliases as by_name
        on
            d.city_text = by_name.alias
            and by_name.kind <> 'code'
            and (by_name.province_code is null or d.heading = by_name.province_code)
            and (by_name.source is null or d.source = by_name.source)
            -- a county-level city that became a district is printed for some years
            and d.year between coalesce(by_name.valid_from, 0)
            and coalesce(by_name.valid_to, 9999) + case when s.unit_level = 'county' then 2 else 0 end
    left join aliases as by_code
        on
            d.code_text = by_code.alias
            and by_code.kind = 'code'
            and (by_code.source is null or d.source = by_code.source)
            and d.year between coalesce(by_code.valid_from, 0) and coalesce(by_code.valid_to, 9999)
    -- an alias of this very source beats a general one
    qualify row_number() over (
        partition by d.source, d.data_year, d.vintage, d.file, d.sheet, d.row_no
        order by by_name.source nulls last, by_code.source nulls last, by_name.valid_to desc nulls first
    ) = 1
),

-- ---- names that machines misread: the tables of a yearbook list the cities in one order, so neighbours tell them
repeated as (
    select
        m.* exclude (id_by_name, id_by_code, figures),
        s.has_dictionary,
        s.lists_other_units,
        s.unit_level,
        coalesce(m.id_by_name, m.id_by_code) as city_id,
        s.has_dictionary and m.id_by_name is not null and row_number() over (
            partition by m.source, m.data_year, m.vintage, m.file, m.sheet, m.id_by_name, m.figures order by m.row_no
        ) > 1 as is_same
    from matched as m
    left join {{ ref('source') }} as s on m.source = s.source
),

-- a page that is printed twice
printed as (
    select
        * exclude (is_same),
        is_same and count(*) filter (where is_same and n_values > 0) over (
            partition by source, data_year, vintage, file, sheet
        ) >= {{ gate_parameter('min_cities') }} as is_repeated
    from repeated
),

-- one row of two under one name, where the other tables do not print it
neighbours as (
    select
        *,
        count(city_id) over (partition by source, data_year, vintage, file, sheet, city_id) > 1 as is_twice,
        lag(city_id) over down as above_id,
        lead(city_id) over down as below_id,
        lag(city_text) over down as above_text,
        lead(city_text) over down as below_text
    from printed
    where has_dictionary and not is_repeated and (n_values > 0 or city_id is not null)
    window down as (partition by source, data_year, vintage, file, sheet order by row_no)
),

steps as (
    select unit_level, above_id, city_id, below_id, count(*) as n_tables
    from neighbours
    where city_id is not null and not is_twice
    group by all
    union all
    -- for a file that stands alone: yearbooks follow the codes
    select
        'city' as unit_level,
        lag(city_id) over (order by city_code) as above_id,
        city_id,
        lead(city_id) over (order by city_code) as below_id,
        0 as n_tables
    from {{ ref('city') }}
    where level in ('province', 'city') and valid_to is null and (level = 'province' or ends_with(name_zh, '市'))
),

misread as (
    select * from neighbours
    where city_id is null
    union all
    select n.* from neighbours as n
    anti join steps as t
        on
            n.unit_level = t.unit_level and n.city_id = t.city_id
            and (n.above_id = t.above_id or n.below_id = t.below_id)
    where n.is_twice
),

fitting as (
    select
        m.source,
        m.data_year,
        m.vintage,
        m.file,
        m.sheet,
        m.row_no,
        t.city_id,
        any_value(n.alias) as name,
        sum(t.n_tables) as n_tables,
        -- both neighbours, or the one that the first or last row has; or one and most of the signs
        bool_or(
            (m.above_id = t.above_id or m.above_text is null) and (m.below_id = t.below_id or m.below_text is null)
        ) as is_between,
        min(n.n_wrong) as n_wrong,
        max(length(m.city_text)) as n_signs
    from misread as m
    inner join steps as t
        on
            m.unit_level = t.unit_level and (m.above_id = t.above_id or m.below_id = t.below_id)
            and t.city_id is distinct from m.city_id
    inner join (
        select
            m2.city_text,
            a.city_id,
            min(levenshtein(m2.city_text, a.alias)) as n_wrong,
            arg_min(a.alias, levenshtein(m2.city_text, a.alias)) as alias
        from (select distinct city_text from misread) as m2
        cross join aliases as a
        where a.kind in ('official', 'former') and abs(length(a.alias) - length(m2.city_text)) <= 2
        group by all
    ) as n on m.city_text = n.city_text and t.city_id = n.city_id
    inner join {{ ref('int_units') }} as u on t.city_id = u.city_id and m.year >= coalesce(u.valid_from, 0)
    anti join neighbours as o
        on
            m.source = o.source and m.data_year = o.data_year and m.vintage = o.vintage and m.file = o.file
            and m.sheet = o.sheet and t.city_id = o.city_id
    group by all
),

placed as (
    select *
    from fitting
    -- a sign in common besides the last, two where one neighbour is missing
    where n_wrong < n_signs - case when is_between then 1 else 2 end
    window
        near as (
            partition by source, data_year, vintage, file, sheet, row_no
            order by n_wrong, is_between desc, n_tables desc
        )
    -- two that fit alike are asked
    qualify row_number() over near = 1 and coalesce(lead(n_wrong) over near, 99) > n_wrong
),

settled as (
    select
        p.* replace (
            case when p.is_repeated then null else coalesce(f.city_id, p.city_id) end as city_id
        ),
        case
            when f.city_id is not null
                then
                    printf(
                        'read as %s, which %s between %s and %s', f.name,
                        case
                            when f.n_tables = 0 then 'the roster has'
                            else f.n_tables::varchar || ' other tables print'
                        end,
                        coalesce(n.above_text, 'the head'), coalesce(n.below_text, 'the end')
                    )
        end as evidence
    from printed as p
    left join placed as f using (source, data_year, vintage, file, sheet, row_no)
    left join neighbours as n using (source, data_year, vintage, file, sheet, row_no)
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
    m.city_id,
    m.evidence,
    c.level,
    case
        when m.is_repeated then 'note'
        when c.level is not null then c.level
        -- a source that also lists county-level units: their rows are no error and are left out
        when m.n_values > 0 and m.lists_other_units then 'other'
        when m.n_values > 0 then 'unknown'
        else 'note'
    end as row_kind
from settled as m
left join {{ ref('int_units') }} as c on m.city_id = c.city_id
