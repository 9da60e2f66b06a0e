-- Edits by rule, action, year, source and variable: how many, of how many figures, and how much weight of the headline
-- scores they carry.
with figures as (
    select source, year, variable_code, count(*) as n_figure
    from {{ ref('int_values_accepted') }}
    where level = 'city'
    group by all
),

-- weight of the indicators that a city and year draws from an edited figure, averaged over the cities of the index
weighed_by_index as (
    select
        m.index_code,
        m.source,
        m.year,
        m.variable_code,
        m.rule,
        m.action,
        sum(w.weight order by m.city_id, w.indicator_code) / any_value(n.n_city) as share_weight
    from {{ ref('mart_edit') }} as m
    inner join {{ source('py', 'index_weight') }} as w
        on
            m.index_code = w.index_code and w.basis like 'frozen%' and w.year is null
            and list_contains(string_split(m.indicators, ' '), w.indicator_code)
    inner join (select distinct index_code, weight_scheme from {{ source('ops', 'index_spec') }}) as s
        on w.index_code = s.index_code and w.weight_scheme = s.weight_scheme
    inner join (
        select index_code, year, count(distinct city_id) as n_city
        from {{ ref('int_panel_balanced') }}
        group by all
    ) as n on m.index_code = n.index_code and m.year = n.year
    group by all
),

weighed as (
    select
        source,
        year,
        variable_code,
        rule,
        action,
        sum(share_weight order by index_code) as share_weight
    from weighed_by_index
    group by all
)

select
    {{ context_keys('k') }},
    m.rule,
    m.action,
    m.source,
    m.year,
    m.variable_code,
    count(*)::integer as n_edit,
    any_value(f.n_figure)::integer as n_figure,
    count(*) filter (where m.is_selected)::integer as n_selected,
    coalesce(any_value(w.share_weight), 0) as share_weight,
    max(m.influence) as max_influence,
    sum(m.influence order by m.city_id) as sum_influence
from {{ ref('mart_edit') }} as m
left join figures as f using (source, year, variable_code)
left join weighed as w using (source, year, variable_code, rule, action)
cross join {{ source('ops', 'run_context') }} as k
group by all
