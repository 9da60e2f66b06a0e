-- E9: the implicit price of GDP, step by step, and nominal GDP brought to the level of the latest year.
-- step = change of nominal GDP over printed real growth, both of one source. A step outside the band, or too far from
-- the median step of the province, is the price step of another source where that is sound, else the province's median
-- (the nation's where too few cities of the province are inside the band). Nominal GDP is then carried back from the
-- latest year by printed real growth and these steps, so level, growth and price agree in every year (backcasting).
-- Where a county changed city the price step is replaced, but nominal GDP keeps its level: it is on another boundary,
-- like every other figure of the city.
with band as (
    select
        ln({{ edit_parameter('E9', 'step_low') }}) as lowest,
        ln({{ edit_parameter('E9', 'step_high') }}) as highest,
        {{ edit_parameter('E9', 'province_gap') }} as gap,
        {{ edit_parameter('E9', 'growth_gap') }} as growth_gap,
        {{ edit_parameter('E9', 'min_cities') }} as min_cities
),

printed as (
    select
        f.source,
        f.city_id,
        f.year,
        max(f.value) filter (f.variable_code = 'gdp_nom' and e.rule is null) as gdp,
        max(f.value / 100) filter (f.variable_code = 'gdp_real_index' and e.rule is null) as growth,
        coalesce(bool_or(f.is_settled), false) as is_kept
    from {{ ref('int_values_accepted') }} as f
    left join {{ ref('int_edit_cases') }} as e
        on
            f.source = e.source and f.city_id = e.city_id and f.year = e.year and f.variable_code = e.variable_code
            and e.verdict = 'edit'
    left join {{ ref('int_series_breaks') }} as b
        on f.variable_code = b.variable_code and f.source = b.source and f.year = b.break_year
    where f.variable_code in ('gdp_nom', 'gdp_real_index') and f.level = 'city' and f.value > 0 and b.source is null
    group by all
),

years as (
    select source, city_id, unnest(generate_series(first_year, last_year))::integer as year
    from (
        select source, city_id, min(year) as first_year, max(year) as last_year
        from printed
        group by all
        having count(gdp) > 0 and count(growth) > 0
    ) as spans
),

steps as (
    select
        y.source,
        y.city_id,
        c.province_code,
        y.year,
        p.gdp,
        p.growth,
        coalesce(p.is_kept, false) as is_kept,
        ln(p.gdp) - ln(lag(p.gdp) over s) as gdp_step,
        gdp_step - ln(p.growth) as price_step
    from years as y
    inner join {{ ref('city') }} as c on y.city_id = c.city_id
    left join printed as p on y.source = p.source and y.city_id = p.city_id and y.year = p.year
    window s as (partition by y.source, y.city_id order by y.year)
),

inside as (
    select s.* from steps as s
    inner join band as b on s.price_step between b.lowest and b.highest
),

-- median price step and growth: of the province where enough of its steps are inside the band, else of the nation
usual as (
    select
        s.source,
        s.city_id,
        s.year,
        coalesce(p.step, n.step, 0) as usual_step,
        coalesce(p.growth, n.growth) as usual_growth
    from steps as s
    left join (
        select source, year, median(price_step) as step, median(ln(growth)) as growth from inside
        group by all
    ) as n on s.source = n.source and s.year = n.year
    left join (
        select source, year, province_code, median(price_step) as step, median(ln(growth)) as growth from inside
        group by all
        having count(*) >= (select min_cities from band)
    ) as p on s.source = p.source and s.year = p.year and s.province_code = p.province_code
),

compared as (
    select
        s.*,
        b.gap,
        b.highest,
        u.usual_step,
        u.usual_growth,
        coalesce(
            not s.is_kept and (
                s.price_step < b.lowest or s.price_step > b.highest or abs(s.price_step - u.usual_step) > b.gap
            ), false
        ) as is_off,
        -- a level that is cut with its growth beside it: one revision
        coalesce(
            not s.is_kept and u.usual_growth - ln(s.growth) > b.growth_gap
            and u.usual_growth + u.usual_step - s.gdp_step > b.growth_gap, false
        ) as is_revised
    from steps as s
    cross join band as b
    left join usual as u on s.source = u.source and s.city_id = u.city_id and s.year = u.year
),

-- of the pair it is printed growth that does not fit, if nominal GDP moves as one expects and growth does not
judged as (
    select
        *,
        coalesce(
            is_off and abs(ln(growth) - usual_growth) > greatest(abs(gdp_step - usual_growth - usual_step), highest),
            false
        ) or is_revised as is_growth_off,
        is_revised or (is_off and not is_growth_off) as is_broken
    from compared
),

-- sound steps and printed growth of other sources
others as (
    select
        j.source,
        j.city_id,
        j.year,
        arg_min(o.price_step, (r.default_rank, o.source))
        filter (o.price_step is not null and not o.is_off) as other_step,
        -- growth that fits nominal GDP at the usual price
        arg_min(o.growth, (r.default_rank, o.source)) filter (
            j.gdp_step is null
            or abs(j.gdp_step - ln(o.growth) - j.usual_step) <= j.gap
        ) as other_growth
    from judged as j
    inner join judged as o on j.city_id = o.city_id and j.year = o.year and j.source <> o.source
    inner join {{ ref('source') }} as r on o.source = r.source
    where j.is_off or j.growth is null or j.gdp is null
    group by all
),

repaired as (
    select
        j.*,
        {{ border_moved('j.city_id', 'j.year', 1) }} as is_boundary,
        o.other_step is not null and j.is_broken as is_of_other_source,
        -- growth that nobody prints is what nominal GDP leaves over the usual price
        case
            when j.is_revised then exp(j.usual_growth)
            when j.is_growth_off or j.growth is null then coalesce(o.other_growth, exp(j.gdp_step - j.usual_step))
            else j.growth
        end as growth_used,
        case
            when j.is_broken then coalesce(o.other_step, j.usual_step)
            when j.price_step is not null and not j.is_growth_off then j.price_step
            when j.gdp_step is not null then j.gdp_step - ln(growth_used)
            else coalesce(o.other_step, j.usual_step)
        end as step_used,
        last_value(case when j.gdp is not null then j.year end ignore nulls) over (
            partition by j.source, j.city_id order by j.year
            rows between unbounded preceding and unbounded following
        ) as level_year,
        j.gdp_step - ln(growth_used) - step_used as correction
    from judged as j
    left join others as o on j.source = o.source and j.city_id = o.city_id and j.year = o.year
),

carried as (
    select
        r.*,
        l.gdp as level_gdp,
        -- one missing step breaks the chain: years before it keep their printed level
        coalesce(count(*) filter (r.growth_used is null) over later, 0) = 0 as is_linked,
        coalesce(sum(
            case when r.is_boundary and r.gdp_step is not null then r.gdp_step else ln(r.growth_used) + r.step_used end
        ) over later, 0) as distance,
        coalesce(sum(
            ((abs(r.correction) > 1e-9 and not r.is_boundary) or r.gdp_step is null)::integer
        ) over later, 0) as n_replaced_later
    from (
        select * from repaired
        where year <= level_year
    ) as r
    inner join printed as l on r.source = l.source and r.city_id = l.city_id and r.level_year = l.year
    window later as (
        partition by r.source, r.city_id order by r.year rows between 1 following and unbounded following
    )
)

select
    source,
    city_id,
    year,
    gdp,
    growth,
    price_step,
    usual_step,
    is_broken,
    is_of_other_source,
    is_growth_off,
    growth_used,
    step_used,
    level_year,
    case
        when not is_linked or (gdp is not null and n_replaced_later = 0) then gdp
        else level_gdp / exp(distance)
    end as gdp_used
from carried
