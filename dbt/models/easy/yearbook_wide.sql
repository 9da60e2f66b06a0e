-- The figures of easy.yearbook that may be used, a column a concept and scope that is printed. A PIVOT over named
-- columns can be a view; its tables go without the name of the file, which the published one does not share.
{{
    config(
        materialized='view', contract={'enforced': false}, post_hook="{{ describe_columns(easy_yearbook_words()) }}"
    )
}}
{% set key = 'unit_level, unit_id, name_zh, city_en, province_en, year' %}
select *
from (
    select
        {{ key }},
        variable_code || case when scope = 'district' then '_district' else '' end as name,
        used_value
    from {{ ref('yearbook').include(database=false) }}
) {{ wide_columns(ref('yearbook_concept'), easy_yearbook_words(), 'max(used_value)', 'name', key) }}
