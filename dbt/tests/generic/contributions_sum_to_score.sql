{# The contributions of every city and year sum to its published score, and no scored city and year is left out. #}
{% test contributions_sum_to_score(model) %}
select coalesce(r.index_code, w.index_code) as index_code, coalesce(r.year, w.year) as year, r.score_100, w.summed
from {{ ref('city_ranking') }} as r
full join (
    select index_code, year, city_id, 100 * sum(contribution) as summed
    from {{ model }}
    group by all
) as w using (index_code, year, city_id)
where r.score_100 is null or w.summed is null or abs(r.score_100 - w.summed) > 1e-9
{% endtest %}
