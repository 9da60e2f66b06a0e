-- E8: breaks of series, found or declared. One row per variable, year and scope (`all`, or a province).
-- Test: were the years of a province exchangeable, how often would so many cities leave the usual spread in this year?
-- The provinces move independently of each other, cities of one need not; of a single province the cities do. The tail
-- of the sum over the units (provinces, or cities of one) is bounded by its moments (Chernoff), so that p is never too
-- small. Holm over all variables and years; three families share the level: the nation, changes of concept that the
-- dictionary declares, and all other provinces.
with counts as (
    select
        variable_code,
        'all' as area_code,
        province_code as unit,
        year,
        sum(is_beyond::integer) as n_beyond,
        count(*) as n_city
    from {{ ref('int_changes') }}
    group by all
    union all
    select
        variable_code,
        province_code,
        city_id,
        year,
        is_beyond::integer as n_beyond,
        1 as n_city
    from {{ ref('int_changes') }}
),

thetas as (
    select unnest([0.1, 0.2, 0.4, 0.7, 1, 1.5, 2, 3, 5]) as theta
),

moments as (
    select
        variable_code,
        area_code,
        unit,
        t.theta,
        ln(avg(exp(t.theta * n_beyond))) as log_moment
    from counts
    cross join thetas as t
    group by all
),

tails as (
    select
        c.variable_code,
        c.area_code,
        c.year,
        m.theta,
        sum(c.n_beyond) as n_beyond,
        sum(c.n_city) as n_city,
        sum(m.log_moment - m.theta * c.n_beyond) as log_p
    from counts as c
    inner join moments as m using (variable_code, area_code, unit)
    group by all
),

years as (
    select
        variable_code,
        area_code,
        year,
        any_value(n_beyond) as n_beyond,
        any_value(n_city) as n_city,
        any_value(n_beyond) / any_value(n_city) as share,
        exp(least(min(log_p), 0)) as p
    from tails
    group by all
),

judged as (
    select
        y.*,
        -- of the years before: a young series that has not settled yet has no break
        median(share) over before as share_usual,
        count(*) over before as n_before
    from years as y
    window
        before as (
            partition by variable_code, area_code order by year rows between unbounded preceding and 1 preceding
        )
),

families as (
    select
        j.*,
        case when j.area_code = 'all' then 'nation' when c.year is null then 'province' else 'declared' end as family
    from judged as j
    left join {{ ref('concept_break') }} as c on j.variable_code = c.variable_code and j.year = c.year
    where j.n_before >= 2 and j.year > {{ base_year() }} and j.n_city >= case j.area_code when 'all' then 30 else 4 end
),

tested as (
    select
        *,
        p * (count(*) over (partition by family) + 1 - row_number() over (partition by family order by p)) as p_step
    from families
),

adjusted as (
    select
        *,
        least(3 * max(p_step) over (
            partition by family order by p rows between unbounded preceding and current row
        ), 1) as p_holm
    from tested
),

directions as (
    select
        variable_code,
        case when grouping(province_code) = 1 then 'all' else province_code end as area_code,
        year,
        any_value(limit_at) as limit_at,
        median(deviation) as deviation,
        median(deviation) filter (is_beyond) as size_beyond,
        count(*) filter (is_beyond) as n_beyond,
        count(*) as n_city
    from {{ ref('int_changes') }}
    group by grouping sets ((variable_code, province_code, year), (variable_code, year))
),

-- direction and size of the provinces with most cities beyond the limit
by_province as (
    select
        d.variable_code,
        d.year,
        string_agg(
            printf('%s %d of %d (%+.2f)', n.province_en, d.n_beyond, d.n_city, d.size_beyond), ', '
            order by d.n_beyond desc, n.province_en
        ) as provinces
    from directions as d
    inner join (select distinct province_code, province_en from {{ ref('city') }}) as n on d.area_code = n.province_code
    where d.n_beyond > 0
    group by all
),

found as (
    select a.*, d.limit_at, d.size_beyond
    from adjusted as a
    inner join directions as d using (variable_code, area_code, year)
    where
        a.p_holm <= {{ edit_parameter('E8', 'level') }} and a.share_usual < {{ edit_parameter('E8', 'usual') }}
        and case
            when a.area_code = 'all' then a.share > {{ edit_parameter('E8', 'share') }}
            else a.n_beyond >= 3 and abs(d.deviation) > d.limit_at
        end
    -- a province says nothing more where the nation has it
    qualify a.area_code = 'all' or not bool_or(a.area_code = 'all') over (partition by a.variable_code, a.year)
),

declared as (
    select s.variable_code, s.area_code, s.break_year::integer as year, s.kind, s.treatment, s.note
    from {{ ref('series_break') }} as s
)

select
    coalesce(f.variable_code, s.variable_code) as variable_code,
    coalesce(f.area_code, s.area_code) as area_code,
    coalesce(f.year, s.year)::integer as break_year,
    coalesce(s.kind, 'definition') as kind,
    f.p_holm is not null as is_found,
    coalesce(f.n_city, y.n_city)::integer as n_city,
    coalesce(f.n_beyond, y.n_beyond)::integer as n_beyond,
    coalesce(f.share_usual, y.share_usual) as share_usual,
    coalesce(f.limit_at, d.limit_at) as limit_at,
    coalesce(f.size_beyond, d.size_beyond) as size_beyond,
    coalesce(f.p_holm, a.p_holm) as p_holm,
    b.provinces,
    coalesce(s.note, c.what_changed) as cause,
    -- one province alone may truly have moved: bridged where a change of concept is declared
    coalesce(
        s.treatment,
        case when f.area_code = 'all' then 'split' when c.year is not null then 'bridge' else 'keep' end
    ) as treatment,
    case when s.treatment is null then 'rule E8' else 'series_break.csv' end as decided_by
from found as f
full join declared as s using (variable_code, area_code, year)
left join judged as y
    on s.variable_code = y.variable_code and s.area_code = y.area_code and s.year = y.year
left join adjusted as a
    on s.variable_code = a.variable_code and s.area_code = a.area_code and s.year = a.year
left join directions as d
    on s.variable_code = d.variable_code and s.area_code = d.area_code and s.year = d.year
left join by_province as b
    on coalesce(f.variable_code, s.variable_code) = b.variable_code and coalesce(f.year, s.year) = b.year
left join {{ ref('concept_break') }} as c
    on coalesce(f.variable_code, s.variable_code) = c.variable_code and coalesce(f.year, s.year) = c.year
