{#
  Comments for the columns that a pivot made, from (column_name, comment) rows of a query: no contract can list them,
  since they follow the indicators and variables that a warehouse has.
#}
{% macro describe_columns(words) -%}
    {%- if execute -%}
        {%- for row in run_query(words).rows %}
            comment on column {{ this }}."{{ row[0] }}" is '{{ row[1] | replace("'", "''") }}';
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# What the columns of easy.panel_wide are: indicators, controls, dimensions, groups. #}
{% macro easy_panel_words() -%}
    select distinct
        c.column_name,
        case
            when starts_with(c.column_name, 'raw_') then
                p.indicator_zh || ' ' || p.indicator_en || ', value as constructed. Unit: ' || p.unit || '.'
            when starts_with(c.column_name, 'z_') then
                p.indicator_zh || ' ' || p.indicator_en || ', scaled so that higher is better. Unit: points (0 to 100).'
            when starts_with(c.column_name, 'control_') then
                v.variable_zh || ' ' || v.variable_en || ', not in the index. Unit: ' || v.unit || '.'
            when c.column_name = 'score_relations' then
                'Score of the index of production relations that the headline is paired with. Unit: points (0 to 100).'
            when starts_with(c.column_name, 'score_') then
                'Score of the dimension ' || substr(c.column_name, 7) || '. Unit: points (0 to 100).'
            else 'Group of the city in the scheme ' || substr(c.column_name, 7) || ', see mart.dim_group_membership.'
        end as words
    from duckdb_columns() as c
    left join (
        select distinct indicator_code, indicator_zh, indicator_en, unit from {{ ref('panel_long') }}
    ) as p on c.column_name in ('raw_' || p.indicator_code, 'z_' || p.indicator_code)
    left join (
        select distinct variable_code, variable_zh, variable_en, unit from {{ ref('city_variable') }}
    ) as v on c.column_name = 'control_' || v.variable_code
    where
        c.database_name = current_database() and c.schema_name = '{{ this.schema }}' and c.table_name = '{{ this.name }}'
        and c.column_name <> 'score_100'
        and regexp_matches(c.column_name, '^(raw|z|control|score|group)_')
    order by all
{%- endmacro %}

{# What the columns of easy.city_variable_wide are. #}
{% macro easy_variable_words() -%}
    select distinct variable_code, variable_zh || ' ' || variable_en || '. Unit: ' || unit || '.' as words
    from {{ ref('city_variable') }}
    order by all
{%- endmacro %}

{# PIVOT of a table by the first column of the query `words`; nothing where the table is not there or empty. #}
{% macro wide_columns(table, words, value, name, key) -%}
    {%- set names = run_query(words).columns[0].values() if execute and load_relation(table) is not none else [] -%}
    {%- if names | length > 0 -%}
        pivot ({{ value }} for {{ name }} in ('{{ names | join("', '") }}') group by {{ key }})
    {%- endif -%}
{%- endmacro %}

{# What the columns of easy.yearbook_wide are. #}
{% macro easy_yearbook_words() -%}
    select distinct
        variable_code || case when scope = 'district' then '_district' else '' end as column_name,
        variable_zh || ' ' || variable_en
        || case when scope = 'district' then ', urban districts' else '' end || '. Unit: ' || unit || '.' as words
    from {{ ref('yearbook_concept') }}
    order by all
{%- endmacro %}
