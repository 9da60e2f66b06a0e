-- One row per rule across rows, columns, years and sources and thing that it looks at in a load that waits: what is
-- observed and the limit, that of gate_rule.csv where it does not depend on the thing. Great Expectations holds one
-- against the other. What a person has answered is not asked again. A new rule is one more relation that ends in
-- `observed` (rule_id, observed, why, subject, place) and one row of gate_rule.csv.
-- `weighs`: an index uses it. Of what none uses the rule says in gate_rule.csv (`elsewhere`) what follows.
with weights as (
    select l.load_id, w.variable_code
    from {{ ref('edit_load') }} as l
    inner join {{ ref('gate_weight') }} as w on l.level = w.unit_level
),

columns as (
    select
        * exclude (is_fault, province_id),
        -- of one province alone only its figures are at fault
        case when observed = 1 and starts_with(rule_id, 'province_') then province_id end as province_id,
        block as subject
    from {{ ref('gate_column') }}
),

-- the label of a city in print
labels as (
    select
        l.load_id,
        r.city_id,
        min(r.file) as file,
        min(r.sheet) as sheet,
        min(r.cell) as cell
    from {{ ref('int_rows_matched_to_cities') }} as r
    inner join {{ ref('edit_load') }} as l using (source, data_year, vintage)
    where r.row_kind = l.level and r.city_id is not null
    group by all
),

cities as (
    select
        g.load_id,
        'row_holds_its_own_figures' as rule_id,
        -- a copy fits the other row to the last digit
        case when g.is_copy then 100 else g.own_distance / greatest(g.other_distance, 0.01) end as observed,
        case
            when g.city_id = g.other_city_id then 'nearly all its figures are those of the last edition'
            when g.is_copy then 'nearly all its figures are those of ' || o.name_zh
            else printf(
                'its figures%s fit the past of %s (%.1f usual moves), not its own (%.1f)',
                coalesce(' ' || g.columns, ''),
                o.name_zh, g.other_distance, g.own_distance
            )
        end as why,
        g.city_id,
        c.name_zh as city_name,
        g.year,
        g.city_id || coalesce('/' || g.columns, '') as subject,
        g.columns as variable_code,
        g.scope,
        g.columns is null or (
            g.scope is distinct from 'district' and exists (
                select 1 from weights as w
                where w.load_id = g.load_id and list_contains(string_split(g.columns, ', '), w.variable_code)
            )
        ) as weighs,
        b.file,
        b.sheet,
        b.cell
    from {{ ref('gate_city') }} as g
    inner join {{ ref('int_units') }} as c on g.city_id = c.city_id
    inner join {{ ref('int_units') }} as o on g.other_city_id = o.city_id
    left join labels as b on g.load_id = b.load_id and g.city_id = b.city_id
    -- of a whole row its tables are not told as well
    qualify g.columns is null or bool_and(g.columns is not null) over (partition by g.load_id, g.city_id, g.year)
),

gaps as (
    select
        load_id,
        'province_has_its_figures' as rule_id,
        n_figures::double as observed,
        case when is_certain then 0 end as limit_at,
        printf(
            '%s lacks %d figures %s: %s', coalesce(province_name, province_id), n_figures::integer, whose, empty_columns
        ) as why,
        year,
        weighs,
        subject
    from {{ ref('gate_gap') }}
),

totals as (
    select
        load_id,
        'province_sum_meets_total' as rule_id,
        abs(ratio - 1) as observed,
        printf(
            '%s: the %d cities sum to %.3f of the printed total, elsewhere they meet it', province_name, n_cities, ratio
        ) as why,
        variable_code,
        scope,
        year,
        province_id,
        variable_code || '/' || scope || '/' || year || '/' || province_id as subject,
        file,
        sheet,
        cell,
        is_ten
    from {{ ref('gate_total') }}
    where share_exact >= {{ gate_parameter('usual_exact') }} and (is_ten or not is_part)
),

-- an identity that is only usual may fail in all of a province: here those with narrow bounds
identities as (
    select
        i.load_id,
        'province_meets_identities' as rule_id,
        case
            when
                count(*) filter (where i.is_broken) >= {{ gate_parameter('min_broken') }}
                then avg(i.is_broken::integer)
            else 0
        end
            as observed,
        printf(
            '%s does not hold in %d of the %d cities of province %s', i.identity_code,
            count(*) filter (where i.is_broken), count(*), c.province_code
        ) as why,
        i.year,
        c.province_code as province_id,
        any_value(p.variable_codes) as variable_code,
        bool_or(p.weighs) as weighs,
        i.identity_code || coalesce('@' || nullif(i.own_scope, ''), '') || '/' || c.province_code as subject
    from {{ ref('edit_identity') }} as i
    inner join {{ ref('identity') }} as d using (identity_code)
    inner join {{ ref('int_units') }} as c on i.city_id = c.city_id
    inner join (
        select
            e.load_id,
            n.identity_code,
            n.own_scope,
            string_agg(distinct n.variable_code, ', ' order by n.variable_code) as variable_codes,
            bool_or(w.variable_code is not null and n.scope <> 'district') as weighs
        from {{ ref('edit_identity_part') }} as n
        cross join {{ ref('edit_load') }} as e
        left join weights as w on e.load_id = w.load_id and n.variable_code = w.variable_code
        group by all
    ) as p using (load_id, identity_code, own_scope)
    where
        coalesce(
            d.high <= {{ gate_parameter('max_width') }} * d.low,
            d.low is null and d.high <= {{ gate_parameter('max_part') }}
        )
    group by i.load_id, i.year, i.identity_code, i.own_scope, c.province_code
),

county_sums as (
    select
        load_id,
        'counties_sum_to_city' as rule_id,
        case
            when count(*) filter (where is_broken) >= {{ gate_parameter('min_broken_sums') }}
                then avg(is_broken::integer)
            else 0
        end as observed,
        printf(
            'in %d of %d cities the counties sum to what the city cannot have, in the median to %.3g of it',
            count(*) filter (where is_broken), count(*), median(ratio) filter (where is_broken)
        ) as why,
        variable_code,
        'city' as scope,
        year,
        variable_code || '/city/' || year as block,
        block as subject
    from {{ ref('gate_county_sum') }}
    group by load_id, variable_code, year
),

-- of what an index uses
figures as (
    select
        f.load_id,
        count(f.value) as n_figures,
        count(distinct f.city_id) as n_cities
    from {{ ref('gate_figure') }} as f
    inner join weights using (load_id, variable_code)
    where f.scope <> 'district'
    group by f.load_id
),

edited as (
    select * from {{ ref('gate_edit') }}
    where index_weight > 0
),

edits as (
    select
        f.load_id,
        'edits_are_few' as rule_id,
        count(e.load_id)::double as observed,
        greatest(
            {{ gate_parameter('min_edits') }}, floor({{ gate_parameter('max_edit_share') }} * f.n_figures)
        ) as limit_at,
        printf('%d of %d figures that an index uses cannot be right', count(e.load_id), f.n_figures) as why,
        true as weighs,
        'edits' as subject
    from figures as f
    left join edited as e using (load_id)
    group by f.load_id, f.n_figures
),

-- of a column, and of one province of it: slips do not come in crowds
edits_of_columns as (
    select
        e.load_id,
        'edits_of_a_column_are_few' as rule_id,
        count(*)::double as observed,
        case
            when p.province_code is not null then {{ gate_parameter('max_province_edits') }}
            else
                greatest(
                    {{ gate_parameter('min_column_edits') }},
                    floor({{ gate_parameter('max_column_edit_share') }} * any_value(f.n_cities))
                )
        end as limit_at,
        printf('%d of its figures%s cannot be right', count(*), coalesce(' in province ' || p.province_code, ''))
            as why,
        e.variable_code,
        e.scope,
        e.year,
        p.province_code as province_id,
        e.variable_code || '/' || e.scope || '/' || e.year || coalesce('/' || p.province_code, '') as subject
    from {{ ref('gate_edit') }} as e
    inner join figures as f using (load_id)
    inner join {{ ref('int_units') }} as p on e.city_id = p.city_id
    group by grouping sets (
        (e.load_id, e.variable_code, e.scope, e.year), (e.load_id, e.variable_code, e.scope, e.year, p.province_code)
    )
),

edits_of_cities as (
    select
        e.load_id,
        'edits_of_a_city_are_few' as rule_id,
        count(*)::double as observed,
        printf('%d of its figures cannot be right', count(*)) as why,
        e.city_id,
        any_value(c.name_zh) as city_name,
        e.year,
        true as weighs,
        e.city_id || '/' || e.year as subject
    from edited as e
    inner join {{ ref('int_units') }} as c on e.city_id = c.city_id
    group by e.load_id, e.city_id, e.year
),

observed as (
    select * from columns
    union all by name
    select * from cities
    union all by name
    select * from gaps
    union all by name
    select * exclude (is_ten) from totals
    where not is_ten
    union all by name
    select * exclude (is_ten, rule_id), 'total_is_in_its_unit' as rule_id from totals
    where is_ten
    union all by name
    select * from identities
    union all by name
    select * from county_sums
    union all by name
    select * from edits
    union all by name
    select * from edits_of_columns
    union all by name
    select * from edits_of_cities
)

select
    l.source,
    l.data_year,
    l.vintage,
    o.* exclude (load_id, limit_at, weighs),
    coalesce(o.limit_at, r.limit_at) as limit_at,
    coalesce(o.weighs, w.variable_code is not null and o.scope <> 'district') as weighs
from observed as o
inner join {{ ref('edit_load') }} as l using (load_id)
left join weights as w on o.load_id = w.load_id and o.variable_code = w.variable_code
left join {{ ref('gate_rule') }} as r using (rule_id)
left join {{ ref('gate_answer') }} as a
    on
        l.source = a.source
        and l.data_year = a.data_year
        and coalesce(a.vintage, l.vintage) = l.vintage
        and o.rule_id = a.rule_id
        and o.subject = a.subject
where l.is_waiting and a.rule_id is null
