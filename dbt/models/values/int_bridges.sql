-- What values are multiplied by so that breaks are bridged. The later level holds; of a city whose change left the
-- usual spread in the year of a break, earlier values are carried back so that the change is that of the cities without
-- one: of its province, of the nation where they are few. Two parts with one border between them keep their sum. After
-- the base window the earlier level holds, so that no new year moves the index of the years before. Null: beyond the
-- factor of parameter `reach` the two sides have no common level, and the value counts as missing.
with factors as (
    select
        v.city_id,
        v.year,
        v.variable_code,
        k.against,
        exp(sum(case when v.year < k.year then k.link else -k.link end order by k.year)) as factor
    from {{ ref('int_values_unbridged') }} as v
    inner join {{ ref('int_break_links') }} as k
        on
            v.variable_code = k.variable_code and v.city_id = k.city_id
            and (v.year < k.year) = (k.year <= {{ base_window_end() }})
    where v.edit_policy = 'edited'
    group by all
),

-- what both parts of a sum are divided by after the first was multiplied
sums as (
    select f.*, (a.value + v.value) / (a.value + v.value * f.factor) as rest
    from factors as f
    inner join {{ ref('int_values_unbridged') }} as v using (city_id, year, variable_code)
    inner join {{ ref('int_values_unbridged') }} as a
        on v.edit_policy = a.edit_policy and f.city_id = a.city_id and f.year = a.year and f.against = a.variable_code
    where v.edit_policy = 'edited'
)

-- a border that moved and a break of the two sectors may meet
select
    city_id,
    year,
    variable_code,
    sum(ln(factor) order by factor) as link,
    case when abs(link) <= ln({{ edit_parameter('E8', 'reach') }}) then exp(link) end as factor
from (
    select city_id, year, variable_code, factor from factors
    where against is null
    union all
    select city_id, year, variable_code, factor * rest as factor from sums
    union all
    select city_id, year, against as variable_code, rest as factor from sums
) as parts
group by all
