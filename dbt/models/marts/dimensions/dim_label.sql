-- What every code of the marts is called. Names of its own come from seeds/label.csv; things that have a seed of their
-- own (indexes, indicators, variables, sources, provinces) keep their names there.
with labels as (
    select kind, code, name_en, name_zh, sort_no::integer as sort_no from {{ ref('label') }}
),

parts as (
    select distinct index_code, title_en, title_zh, part.code as part_code, part.kind as part_kind
    from {{ source('ops', 'index_spec') }},
        lateral (values ('part', dimension), ('tier', tier)) as part (kind, code)
),

named as (
    select 'index' as kind, index_code as code, title_en as name_en, title_zh as name_zh
    from parts
    union
    select
        'index' as kind,
        p.index_code || '_' || lower(p.part_code) as code,
        p.title_en || ': ' || o.name_en as name_en,
        p.title_zh || '：' || o.name_zh as name_zh
    from parts as p
    inner join labels as o on p.part_kind = o.kind and p.part_code = o.code
    union
    select 'indicator' as kind, indicator_code as code, upper(left(name_en, 1)) || name_en[2:] as name_en, name_zh
    from {{ ref('indicator') }}
    union
    select 'variable' as kind, variable_code as code, upper(left(name_en, 1)) || name_en[2:] as name_en, name_zh
    from {{ ref('variable') }}
    union
    select 'source' as kind, source as code, title_en, title_zh
    from {{ ref('source') }}
    union
    select 'province' as kind, province_code::varchar as code, province_en, province_zh
    from {{ ref('city') }}
    where level = 'city'
)

select kind, code, name_en, name_zh, sort_no from labels
union all by name
select *, row_number() over (partition by kind order by code)::integer as sort_no from named
