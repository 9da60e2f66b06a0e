-- What others measure of cities and provinces, to hold the scores against: lights for one resident and emissions for a
-- unit of GDP in logarithms, scores of other authors as they are. Nothing of it is an input (int_values_accepted).
with outside as (
    select
        v.variable_code,
        v.city_id,
        v.year::integer as year,
        v.value,
        bool_or(v.level = 'province') over (partition by v.source) as is_of_provinces
    from {{ ref('int_values_corrected') }} as v
    inner join {{ ref('stg_landing__loads') }} as l
        on v.source = l.source and v.data_year = l.data_year and v.vintage = l.vintage and l.is_current
    inner join {{ ref('source') }} as s on v.source = s.source and s.kind = 'outside'
    anti join {{ ref('int_values_left_out') }} as o on v.source_cell_id = o.source_cell_id
    where v.value is not null and v.scope = 'city' and v.level in ('city', 'province')
),

sizes as (
    select
        city_id,
        year,
        max(value) filter (where variable_code = 'population') as people,
        max(value) filter (where variable_code = 'gdp_nom') as gdp
    from {{ ref('int_values_completed') }}
    where edit_policy = 'edited'
    group by all
),

measured as (
    select
        o.variable_code as external_code,
        o.is_of_provinces,
        case when o.is_of_provinces then u.province_code else o.city_id end as unit_id,
        o.year,
        case
            when o.is_of_provinces then o.value
            when o.variable_code = 'co2_emissions' then ln(nullif(greatest(o.value, 0), 0) / z.gdp)
            else ln(nullif(greatest(o.value, 0), 0) / z.people)
        end as value
    from outside as o
    inner join {{ ref('int_units') }} as u on o.city_id = u.city_id
    left join sizes as z on o.city_id = z.city_id and o.year = z.year
)

select * from measured
where value is not null
