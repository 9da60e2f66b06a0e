{# First key columns of every mart that a run produced; `index_code` and `basis` are the model's own. #}
{% macro context_keys(context) -%}
    {{ context }}.data_vintage, {{ context }}.method_version, {{ context }}.boundary_vintage
{%- endmacro %}

{# Rank of an origin: the value of an indicator is only as good as its worst part. #}
{% macro origin_rank(origin) -%}
    case {{ origin }}
    when 'observed' then 0 when 'structural_zero' then 1 when 'merged_boundary' then 2 when 'relinked' then 2.1 when 'spliced' then 2.15
    when 'constant_carried' then 2.2 when 'intercensal' then 2.3 when 'suspected_fill' then 3 when 'interpolated_linear' then 4 when 'interpolated_loglinear' then 4
    when 'donor_growth' then 5 when 'carried_forward' then 6
end
{%- endmacro %}

{#
  Origins that count as imputed. A sum over merged units, a true zero, a level that was relinked, a constant that was
  carried and a population between two counts are not: they say nothing that the source does not.
#}
{% macro is_imputed(origin) -%}
    {{ origin }} in ('suspected_fill', 'interpolated_linear', 'interpolated_loglinear', 'donor_growth', 'carried_forward')
{%- endmacro %}

{# A table whose key (config.meta.key) stands twice is refused by the statement that follows the one that makes it. #}
{% macro key_is_unique() -%}
    {%- set key = model.config.meta.key | default([]) -%}
    {%- if key -%}
        select error(
            '{{ this }} has more than one row for each of ' || count(*) || ' keys ({{ key | join(', ') }}), as for '
            || any_value(repeated)::varchar
        )
        from (select {{ key | join(', ') }} from {{ this }} group by all having count(*) > 1) as repeated
        having count(*) > 0
    {%- endif -%}
{%- endmacro %}

{# A seed with a row that lacks its key of one column, or a column of config.meta.filled, is refused likewise. #}
{% macro columns_are_filled() -%}
    {%- set key = model.config.meta.key | default([]) -%}
    {%- set filled = (key if key | length == 1 else []) + (model.config.meta.filled | default([])) -%}
    {%- if filled -%}
        select error('{{ this }} has ' || count(*) || ' rows that lack {{ filled | join(' or ') }}')
        from {{ this }}
        where {{ filled | join(' is null or ') }} is null
        having count(*) > 0
    {%- endif -%}
{%- endmacro %}
