{#
  A correction whose cell was read but no longer prints what the reviewer saw is out of date: the source has been
  fixed, or the row points at another cell. It must be withdrawn or renewed, never silently kept. Rows with status
  `where_printed` answer a fault that only some copies of a file print (the SYNTHETIC country can be drawn without
  its misprints): they say nothing about the others. Attached to the model that first uses corrected figures, since
  the question can only be asked after the gate.
#}
{% test corrections_still_needed(model) %}
select k.*, v.text as printed_now  -- {{ model }}
from {{ ref('correction') }} as k
inner join {{ ref('int_values_converted_to_units') }} as v
    on
        k.source = v.source and k.city_id = v.city_id and k.year = v.year
        and k.variable_code = v.variable_code and k.scope = v.scope
        and (k.vintage is null or k.vintage = v.vintage)
inner join {{ ref('stg_landing__loads') }} as l
    on v.source = l.source and v.data_year = l.data_year and v.vintage = l.vintage and l.is_current
where k.status not in ('withdrawn', 'where_printed') and trim(v.text) <> trim(k.expect)
{% endtest %}
