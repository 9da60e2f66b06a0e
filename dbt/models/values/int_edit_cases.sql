-- What the rules E1 to E5 say of accepted figures, each source on its own series.
with figures as (
    select
        'accepted' as world,
        f.source,
        f.city_id,
        f.year,
        f.variable_code,
        f.value,
        f.is_settled,
        f.fill_rule <> '' as is_fill,
        true as is_judged,
        s.concept,
        s.origin,
        s.default_rank as rank
    from {{ ref('int_values_accepted') }} as f
    inner join {{ ref('source') }} as s on f.source = s.source
    where f.level = 'city'
),

{{ edit_cases('figures') }}

select * exclude (world, y) from edit_cases
