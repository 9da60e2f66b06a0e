-- E6: what happens to a whole year of a source, computed. One row per source, variable and year.
with figures as (
    select f.source, f.city_id, f.year, f.variable_code, f.value, s.concept, s.default_rank
    from {{ ref('int_values_accepted') }} as f
    inner join {{ ref('source') }} as s on f.source = s.source
    where f.level = 'city' and f.value > 0 and f.fill_rule = ''
),

-- E6: another definition fits nearly all cities in one year, and few in the years beside it
definitions as (
    select
        variable_code,
        value as multiplier,
        split_part(against, '/', 1) as numerator,
        nullif(replace(split_part(against, '/', 2), '@before', ''), '') as denominator,
        contains(against, '@before') as is_of_year_before
    from {{ ref('edit_rule') }}
    where rule = 'E6' and parameter = 'other'
),

-- parts of a definition: of the same source where it prints them, else of the first source that does
parts as (
    select
        city_id, year, variable_code, arg_min(value, (default_rank, source)) as value,
        map_from_entries(list(struct_pack(k := source, v := value))) as of_source
    from figures
    where
        variable_code in (
            select numerator from definitions
            union all
            select denominator from definitions
        )
    group by all
),

fits as (
    select
        f.source,
        f.variable_code,
        f.year,
        avg((abs(
            f.value / (
                d.multiplier * coalesce(n.of_source[f.source], n.value)
                / case when d.denominator is null then 1 else coalesce(q.of_source[f.source], q.value) end
            ) - 1
        ) <= coalesce(m.value, {{ edit_parameter('E6', 'match') }}))::integer) as share,
        count(*) as n_city
    from figures as f
    inner join definitions as d on f.variable_code = d.variable_code
    inner join parts as n on f.city_id = n.city_id and f.year = n.year and d.numerator = n.variable_code
    left join parts as q
        on
            f.city_id = q.city_id and d.denominator = q.variable_code
            and q.year = f.year - d.is_of_year_before::integer
    left join {{ ref('edit_rule') }} as m
        on m.rule = 'E6' and m.parameter = 'match' and f.variable_code = m.variable_code
    where d.denominator is null or q.value is not null
    group by f.source, f.variable_code, f.year, d.numerator, d.denominator
),

switches as (
    select
        *,
        case when lag(year) over s = year - 1 then lag(share) over s end as share_before,
        case when lead(year) over s = year + 1 then lead(share) over s end as share_after
    from fits
    where n_city >= 30
    window s as (partition by source, variable_code order by year)
)

select
    source,
    variable_code,
    year as break_year,
    share,
    greatest(share_before, share_after) as share_usual
from switches
where
    share > {{ edit_parameter('E6', 'share') }}
    and coalesce(greatest(share_before, share_after), 0) < {{ edit_parameter('E6', 'usual') }}
    and (share_before is not null or share_after is not null)
