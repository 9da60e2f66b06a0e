-- The figures of easy.yearbook that may be used, a column a concept and scope that is printed.
{{
    config(
        materialized='view', contract={'enforced': false}, post_hook="{{ describe_columns(easy_yearbook_words()) }}"
    )
}}
-- depends_on: {{ ref('yearbook_concept') }}
select
    unit_level,
    unit_id,
    any_value(name_zh) as name_zh,
    any_value(city_en) as city_en,
    any_value(province_en) as province_en,
    year{{ yearbook_figures() }}
from {{ ref('yearbook') }}
group by unit_level, unit_id, year
