{{ config(materialized='view') }}
-- noqa: disable=PRS,LT01
-- (the linter cannot read lambdas of two arguments)
with known as (
    select
        (select list(symbol) from {{ ref('unit') }}) as units,
        (select list(qualifier) from {{ ref('header_qualifier') }}) as qualifiers
),

keyed as (
    select
        h.*,
        -- the unit is the last bracket that is not a qualifier; a unit note of the table serves all its columns
        coalesce(
            list_last(list_filter(h.brackets, lambda b: not list_contains(k.qualifiers, b))), h.unit_note
        ) as header_unit,
        array_to_string(
            list_filter(
                string_split(
                    list_reduce(
                        list_prepend(
                            h.header_text,
                            list_filter(h.brackets, lambda b: not list_contains(k.qualifiers, b))
                        ),
                        lambda rest, b: replace(rest, '(' || b || ')', '')
                    ),
                    '/'
                ),
                lambda segment: segment <> '' and not regexp_matches(segment, '^(计量)?单位:')
            ),
            '/'
        ) as header_key_raw
    from {{ ref('stg_landing__headers') }} as h
    cross join known as k
    where h.role = 'value'
),

deduplicated as (
    select
        *,
        array_to_string(
            list_filter(
                string_split(header_key_raw, '/'),
                lambda segment, i: i = 1 or segment <> string_split(header_key_raw, '/')[i - 1]
            ),
            '/'
        ) as header_key
    from keyed
),

-- Of two rows for one header the narrower range of years wins: so a person leaves out (`ignore`) one year of a column.
-- A file of several years takes the widest row; single years of it are left out where the cells are read.
mapped as (
    select
        h.*,
        m.variable_code,
        m.scope,
        m.reason,
        m.unit as map_unit,
        -- what an `ignore` row of fewer years leaves out
        case when m.variable_code = 'ignore' then lead(m.variable_code) over ranges end as variable_left_out
    from deduplicated as h
    left join {{ ref('header_map') }} as m
        on
            h.source = m.source
            and h.header_key = m.header_key
            and (h.data_year = 0 or h.data_year between coalesce(m.year_from, 0) and coalesce(m.year_to, 9999))
            -- a row that contradicts the scope printed in the header does not count: the header is listed as unknown
            and (
                coalesce(h.header_scope, m.scope) = m.scope
                or (m.scope = 'built_up' and h.header_scope = 'district' and contains(h.header_key, '建成区'))
            )
    window
        ranges as (
            partition by h.source, h.data_year, h.vintage, h.file, h.sheet, h.col_no
            order by
                (coalesce(m.year_to, 9999) - coalesce(m.year_from, 0)) * case when h.data_year = 0 then -1 else 1 end
        )
    qualify row_number() over ranges = 1
),

-- A key that ends in /* leaves out what else stands in a table; the longest counts, and a row of its own comes first.
left_out as (
    select
        h.* exclude (variable_code, scope, reason),
        coalesce(h.variable_code, t.variable_code) as variable_code,
        coalesce(h.scope, h.header_scope, t.scope) as scope,
        coalesce(h.reason, t.reason) as reason
    from mapped as h
    left join {{ ref('header_map') }} as t
        on
            h.variable_code is null
            and h.source = t.source
            and t.variable_code = 'ignore'
            and ends_with(t.header_key, '/*')
            and starts_with(h.header_key, rtrim(t.header_key, '*'))
            and h.data_year between coalesce(t.year_from, 0) and coalesce(t.year_to, 9999)
            and (h.data_year > 0 or t.year_to is null)  -- a file of several years: only a row without years
    qualify row_number() over (
        partition by h.source, h.data_year, h.vintage, h.file, h.sheet, h.col_no
        order by length(t.header_key) desc nulls last, t.year_from desc nulls last
    ) = 1
),

-- What the dictionary says where no person has decided: words propose, figures confirm.
proposed as (
    select
        n.source,
        n.data_year,
        n.vintage,
        n.file,
        n.sheet,
        n.col_no,
        w.variable_code,
        w.scope,
        w.printed_unit,
        w.is_misread,
        w.unit as unit_by_words,
        coalesce(u.unit, w.unit) as unit,
        f.* exclude (head_id, variable_code, scope),
        o.variable_code as other_code,
        case
            when w.variable_code is null and not n.has_figures then 'empty'
            when w.variable_code is null then 'new'
            when f.repeats_col_no is not null then 'repeated'
            when f.rival_code is not null then 'asked'
            -- two concepts are allowed alike, and figures do not tell them apart
            when
                o.score = w.score and (o.printed_unit is null) = (w.printed_unit is null)
                and not (
                    f.is_confirmed
                    and coalesce(g.spread, 1)
                    > {{ gate_parameter('alike_times') }} * f.spread + {{ gate_parameter('alike_more') }}
                )
                then 'asked'
            -- nothing confirms a misread word, words that may name a part, or a unit that measures something else
            when (w.is_misread or w.has_other_words or w.is_other_unit) and not coalesce(f.is_confirmed, false)
                then 'asked'
            when f.power <> 0 and (u.unit is null or (f.n_editions < 2 and w.printed_unit is not null)) then 'asked'
            else 'recognised'
        end as verdict
    from {{ ref('int_header_names') }} as n
    left join {{ ref('int_header_words') }} as w on n.head_id = w.head_id and w.place = 1
    left join {{ ref('int_header_words') }} as o on n.head_id = o.head_id and o.place = 2
    left join {{ ref('int_header_figures') }} as f on w.head_id = f.head_id and w.variable_code = f.variable_code
    left join {{ ref('int_header_figures') }} as g on o.head_id = g.head_id and o.variable_code = g.variable_code
    -- the unit that the figures have, where it is another than the printed one
    left join (
        select a.symbol as unit_by_words, round(log10(a.factor / b.factor))::integer as power, min(b.symbol) as unit
        from {{ ref('unit') }} as a
        inner join {{ ref('unit') }} as b on a.canonical = b.canonical and a.shift = 0 and b.shift = 0
        where a.factor <> b.factor
        group by all
    ) as u on w.unit = u.unit_by_words and f.power = u.power
),

decided as (
    select
        h.source,
        h.data_year,
        h.vintage,
        h.file,
        h.sheet,
        h.col_no,
        h.header_path,
        h.header_key,
        h.variable_left_out,
        s.has_dictionary,
        case
            when h.variable_code is not null then 'reviewed'
            else coalesce(p.verdict, case when s.has_dictionary then 'new' end)
        end as verdict,
        case
            when h.variable_code is not null then h.variable_code
            when p.verdict = 'recognised' then p.variable_code
            when p.verdict in ('repeated', 'empty') then 'ignore'
        end as variable_code,
        case when h.variable_code is not null then h.scope else coalesce(p.scope, h.scope) end as scope,
        case
            when h.variable_code is not null then h.reason
            when p.verdict = 'repeated' then 'printed twice'
            when p.verdict = 'empty' then 'no figures'
        end as reason,
        case when p.verdict is null or h.variable_code is not null then h.header_unit else p.printed_unit end
            as header_unit,
        case
            when h.variable_code is null and p.verdict is not null then p.unit
            when h.map_unit = h.header_unit || '/人' then h.map_unit -- per head is often not printed
            else coalesce(h.header_unit, h.map_unit)
        end as unit,
        p.variable_code as words_code,
        p.scope as words_scope,
        p.unit_by_words,
        p.is_confirmed,
        p.is_misread,
        p.power,
        p.n_editions,
        p.n_cities,
        p.other_source,
        p.other_year,
        p.shift as log_shift,
        p.spread,
        p.usual_spread,
        p.correlation,
        p.copy_source,
        p.copy_share_equal,
        coalesce(p.rival_code, p.other_code) as rival_code,
        p.rival_scope,
        p.rival_spread
    from left_out as h
    left join {{ ref('source') }} as s on h.source = s.source
    left join proposed as p
        on
            h.source = p.source and h.data_year = p.data_year and h.vintage = p.vintage and h.file = p.file
            and h.sheet = p.sheet and h.col_no = p.col_no
)

select
    h.*,
    case
        when h.verdict = 'reviewed' then 'a person'
        when h.verdict = 'recognised' and coalesce(h.power, 0) <> 0 then 'words, unit by figures'
        when h.verdict = 'recognised' and h.spread is null then 'words'
        when h.verdict = 'recognised' and h.is_confirmed then 'words and figures'
        when h.verdict = 'recognised' then 'words, figures moved'
        when h.verdict in ('repeated', 'empty') then 'figures'
    end as decided_by,
    u.factor,
    u.shift,
    h.variable_code is not null as is_known,
    h.variable_code is null or h.variable_code = 'ignore' or u.symbol is not null as is_unit_known,
    h.variable_code is null or h.variable_code = 'ignore' or u.symbol is null
    or u.canonical = v.unit as is_unit_consistent
from decided as h
left join {{ ref('variable') }} as v on h.variable_code = v.variable_code
left join {{ ref('unit') }} as u on h.unit = u.symbol
