{#
  Tables of this project: made anew in one transaction in their own place. The adapter's way builds beside, renames
  twice and asks the catalogue for the columns that the contract already names: as long again as the queries.
  One writer holds the build file, so nobody waits for the old table, and a failure brings it back.
#}
{% materialization table, adapter='duckdb' -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- if existing is not none -%}
        {%- call statement('drop_old') -%}
            drop {{ existing.type }} {{ existing }}
        {%- endcall -%}
    {%- endif -%}
    {%- call statement('main') -%}
        {{ create_table_as(False, target, compiled_code) }}
    {%- endcall -%}
    {%- set words = table_words(target) -%}
    {%- if words -%}
        {%- call statement('comments') -%}{{ words }}{%- endcall -%}
    {%- endif -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{%- endmaterialization %}

{# Comments of a table and of its columns, in one statement. #}
{% macro table_words(relation) -%}
    {%- set is_complete = config.get('contract').enforced -%}
    {%- set known = [] if is_complete else adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
    {%- if model.description -%}
        comment on table {{ relation }} is '{{ model.description | replace("'", "''") }}';
    {%- endif -%}
    {%- for column in model.columns.values() if column.description and (is_complete or column.name in known) -%}
        comment on column {{ relation }}."{{ column.name }}" is '{{ column.description | replace("'", "''") }}';
    {%- endfor -%}
{%- endmacro %}
