{# A scheme of role region that splits a province: nested measures of disparity have no meaning on it. #}
{% test provinces_nest_in_regions(model) %}
select
    s.scheme,
    c.province_zh,
    count(distinct g.group_code) as n_group
from {{ model }} as s
inner join {{ ref('city_group') }} as g on s.scheme = g.scheme
inner join {{ ref('city') }} as c on g.city_id = c.city_id
where s.role = 'region' and g.valid_to is null
group by all
having count(distinct g.group_code) > 1
{% endtest %}
