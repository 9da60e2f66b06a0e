-- One row per column and concept that its words allow: each group of words of a rule stands in the head (leaf) or above
-- it, none of the forbidden words does, and the English, where printed, agrees. Where no rule is met to the letter, one
-- sign of each word of four signs or more may be misread.
with rules as (
    select *, row_number() over (order by variable_code, leaf, above, english) as rule_id
    from {{ ref('concept_word') }}
    where variable_code <> '*'
),

word_groups as (
    select rule_id, variable_code, 'leaf' as part, unnest(string_split(leaf, ' ')) as alternatives from rules
    union all
    select rule_id, variable_code, 'above' as part, unnest(string_split(above, ' ')) as alternatives from rules
    where above is not null
),

words as (
    select
        rule_id,
        variable_code,
        part,
        part || alternatives as group_key,
        {{ plain_words("unnest(string_split(alternatives, '|'))") }} as word
    from word_groups
),

misread as (
    select w.*, substr(w.word, 1, i.at - 1) || '_' || substr(w.word, i.at + 1) as pattern
    from words as w
    cross join (select unnest(range(1, 40)) as at) as i
    where w.part = 'leaf' and length(w.word) >= 4 and i.at <= length(w.word)
),

sizes as (
    select rule_id, count(distinct group_key) as n_groups from words
    group by all
),

forbidden as (
    select rule_id, starts_with(word, '^') as is_above, {{ plain_words('word') }} as word
    from (
        select rule_id, unnest(string_split(never, ' ')) as word from rules
        where never is not null
        union all
        -- a share or a growth rate is no stock and no flow
        select r.rule_id, unnest(string_split(a.never, ' ')) as word
        from rules as r
        inner join {{ ref('variable') }} as v on r.variable_code = v.variable_code and v.kind in ('stock', 'flow')
        inner join {{ ref('concept_word') }} as a on a.variable_code = '*'
    ) as n
    -- where the words of the rule itself have it, it is meant
    anti join rules as o on n.rule_id = o.rule_id and contains(o.leaf, n.word)
),

heads as (
    select distinct leaf, above, english from {{ ref('int_header_names') }}
),

exact as (
    select
        h.leaf,
        h.above,
        h.english,
        w.rule_id,
        w.variable_code,
        w.group_key,
        max(case when w.part = 'leaf' then length(w.word) else 0.01 * length(w.word) end) as score
    from heads as h
    inner join words as w on contains(case when w.part = 'leaf' then h.leaf else h.leaf || '/' || h.above end, w.word)
    group by all
),

blurred as (
    select
        h.leaf,
        h.above,
        h.english,
        m.rule_id,
        m.variable_code,
        m.group_key,
        -- the same words in the title speak for the reading
        max(length(m.word) - 1 + case when contains(h.above, m.word) then 0.5 else 0 end) as score
    from heads as h
    inner join misread as m on h.leaf like '%' || m.pattern || '%'
    group by all
    union all
    from exact
),

met as (
    select leaf, above, english, rule_id, variable_code, false as is_misread, sum(score) as score, count(*) as n_groups
    from exact
    group by all
    union all
    select leaf, above, english, rule_id, variable_code, true as is_misread, sum(score) as score, count(*) as n_groups
    from (
        select leaf, above, english, rule_id, variable_code, group_key, max(score) as score from blurred
        group by all
    ) as b
    group by all
),

allowed as (
    select m.*, r.english is not null and length(trim(m.english)) >= 4 as in_english
    from met as m
    inner join sizes using (rule_id, n_groups)
    inner join rules as r using (rule_id)
    anti join forbidden as f
        on
            m.rule_id = f.rule_id
            and contains(case when f.is_above then m.leaf || '/' || m.above else m.leaf end, f.word)
    where r.english is null or length(trim(m.english)) < 4 or regexp_matches(m.english, r.english)
),

nearest as (
    select
        leaf,
        above,
        english,
        variable_code,
        max(score) as score,
        arg_max(is_misread, score) as is_misread,
        arg_max(in_english, score) as in_english
    from (
        select * from allowed
        where leaf <> ''
        qualify is_misread = min(is_misread) over (partition by leaf, above, english)
    ) as a
    group by all
),

-- what neither the words of the concept nor those that say nothing (the head of row *) explain may name a part of it
covered as (
    select r.variable_code, string_agg(distinct r.word, '|' order by length(r.word) desc, r.word) as pattern
    from (
        select variable_code, word from words
        union all
        select c.variable_code, g.word
        from {{ ref('concept') }} as c
        cross join (
            select {{ plain_words("unnest(string_split(leaf, '|'))") }} as word from {{ ref('concept_word') }}
            where variable_code = '*'
            union all
            select {{ plain_words('symbol') }} as word from {{ ref('unit') }}
        ) as g
    ) as r
    where r.word <> ''
    group by all
),

-- whether that leaves something
explained as (
    select
        n.leaf,
        n.variable_code,
        length(regexp_replace(regexp_replace(n.leaf, k.pattern, '', 'g'), '[^一-鿿]', '', 'g')) > 1 as has_other_words
    from (select distinct leaf, variable_code from nearest) as n
    inner join covered as k using (variable_code)
),

-- the unit that is printed and measures the concept, the nearest to the head first; per head is often not printed
measured as (
    select distinct
        n.units,
        u.canonical,
        first_value(u.symbol) over (
            partition by n.units, u.canonical order by list_position(n.signs, u.sign), u.is_per_head, u.symbol
        ) as unit
    from (
        select distinct units, list_transform(units, lambda unit: {{ plain_unit('unit') }}) as signs
        from {{ ref('int_header_names') }}
    ) as n
    inner join (
        select symbol, canonical, {{ plain_unit('symbol') }} as sign, false as is_per_head from {{ ref('unit') }}
        union all
        select symbol, canonical, {{ plain_unit("replace(symbol, '/人', '')") }} as sign, true as is_per_head
        from {{ ref('unit') }}
        where symbol like '%/人'
    ) as u on list_contains(n.signs, u.sign)
)

select
    h.head_id,
    n.variable_code,
    n.score,
    n.is_misread,
    not n.in_english and k.has_other_words as has_other_words,
    m.unit as printed_unit,
    -- printed in the head itself, or for the whole table
    list_contains(list_transform(h.own_units, lambda unit: {{ plain_unit('unit') }}), {{ plain_unit('m.unit') }})
        as is_own_unit,
    -- the head itself prints a unit that measures something else
    m.unit is null and list_has_any(
        list_transform(h.own_units, lambda unit: {{ plain_unit('unit') }}),
        (select list({{ plain_unit('symbol') }}) from {{ ref('unit') }})
    ) as is_other_unit,
    case
        when c.scopes = 'built_up' then 'built_up'
        when list_contains(string_split(translate(c.scopes, '()', ''), ' '), h.scope_leaf) then h.scope_leaf
        when list_contains(string_split(c.scopes, ' '), h.scope_table) then h.scope_table
        else string_split(c.scopes, ' ')[1]
    end as scope,
    coalesce(m.unit, c.usual_unit) as unit,
    row_number() over (
        partition by h.head_id order by m.unit is null, n.score desc, n.variable_code
    ) as place
from {{ ref('int_header_names') }} as h
inner join nearest as n using (leaf, above, english)
inner join {{ ref('concept') }} as c using (variable_code)
inner join {{ ref('variable') }} as v using (variable_code)
inner join explained as k using (leaf, variable_code)
left join measured as m on h.units = m.units and v.unit = m.canonical
