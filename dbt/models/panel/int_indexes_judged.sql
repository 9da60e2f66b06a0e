-- An index is computed when every indicator is there for enough cities; otherwise it is skipped with the reason.
with spec as (
    select * from {{ source('ops', 'index_spec') }}
),

roster as (
    select count(distinct city_id) as n_city from {{ ref('int_indicators_constructed') }}
),

sample as (
    select index_code, count(*) filter (where in_sample) as n_city
    from {{ ref('int_sample_cities_judged') }}
    group by all
),

-- what keeps cities out of the sample, the indicators that most cities lack first
faults as (
    select
        index_code,
        string_agg(indicator_code || ' (' || n_city::varchar || ' cities)', ', ' order by n_city desc, indicator_code)
        filter (where place <= 3) as faults
    from (
        select
            index_code,
            indicator_code,
            count(*) as n_city,
            row_number() over (partition by index_code order by count(*) desc, indicator_code) as place
        from (
            select index_code, unnest(string_split(faulty_indicators, ' ')) as indicator_code
            from {{ ref('int_sample_cities_judged') }}
        ) as c
        group by index_code, indicator_code
    ) as f
    group by index_code
),

coverage as (
    select
        s.index_code,
        s.indicator_code,
        s.is_left_out,
        ceil(s.min_city_share * r.n_city)::integer as min_cities,
        count(distinct v.city_id) as n_city
    from spec as s
    cross join roster as r
    left join {{ ref('int_indicators_constructed') }} as v
        on s.edit_policy = v.edit_policy and s.indicator_code = v.indicator_code and v.value is not null
    group by all
),

lacking as (
    select
        index_code,
        string_agg(indicator_code || ' (' || n_city::varchar || ' cities)', ', ' order by indicator_code)
        filter (where n_city < min_cities) as lacking,
        max(min_cities) as min_cities,
        bool_or(coalesce(is_left_out, false)) as is_left_out
    from coverage
    group by all
),

judged as (
    select
        l.index_code,
        coalesce(s.n_city, 0) as n_city_in_sample,
        l.min_cities,
        not l.is_left_out and l.lacking is null and coalesce(s.n_city, 0) >= l.min_cities as is_computed,
        case
            when l.is_left_out then 'depth quick makes the headline alone'
            when l.lacking is not null then 'indicators without enough cities: ' || l.lacking
            when coalesce(s.n_city, 0) < l.min_cities
                then
                    'only ' || coalesce(s.n_city, 0)::varchar || ' cities are complete, '
                    || l.min_cities::varchar || ' are needed' || coalesce('; years are missing of ' || f.faults, '')
        end as skip_reason
    from lacking as l
    left join sample as s on l.index_code = s.index_code
    left join faults as f on l.index_code = f.index_code
)

-- the headline is decided here and nowhere else: the first computed one among the candidates of the specs
select
    j.*,
    coalesce(
        j.is_computed and o.headline_rank = min(case when j.is_computed then o.headline_rank end) over (), false
    ) as is_headline
from judged as j
left join (select distinct index_code, headline_rank from spec) as o on j.index_code = o.index_code
