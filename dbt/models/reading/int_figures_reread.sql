-- One row per cell of a yearbook that is not used as it stands, with what is used instead (null: nothing) and why:
-- text where a number should be, a figure outside the band of its variable, and blocks in which the two copies of one
-- edition (wide sheet and tables) differ and the editions before and after speak for the other one.
with printed as materialized (
    select
        v.source_cell_id,
        v.source,
        v.data_year,
        s.unit_level,
        v.city_id,
        v.variable_code,
        v.scope,
        v.text,
        v.factor,
        v.shift,
        v.value,
        v.is_number,
        {{ usual_low('k.band_low', 'v.data_year') }} as band_low,
        k.band_high
    from {{ ref('int_values_converted_to_units') }} as v
    inner join {{ ref('source') }} as s on v.source = s.source and s.has_dictionary and v.level = s.unit_level
    left join {{ ref('int_bands') }} as k on v.variable_code = k.variable_code and s.unit_level = k.unit_level
    where v.value is not null or not v.is_number
),

figures as materialized (
    select
        source, data_year, unit_level, city_id, variable_code, scope, any_value(value) as value,
        any_value(text) as text
    from printed
    where value between coalesce(band_low, -1e300) and coalesce(band_high, 1e300)
    group by all
),

beside as (
    select
        a.*,
        b.source as copy_source,
        b.value as copy_value,
        b.text as copy_text
    from printed as a
    left join figures as b
        on
            a.data_year = b.data_year and a.unit_level = b.unit_level and a.city_id = b.city_id
            and a.variable_code = b.variable_code and a.scope = b.scope and a.source <> b.source
    qualify row_number() over (partition by a.source_cell_id order by b.source) = 1
),

asked as materialized (
    select
        *,
        case
            when not is_number then 'text'
            when not value between coalesce(band_low, -1e300) and coalesce(band_high, 1e300) then 'band'
            else 'copies'
        end as kind
    from beside
    where
        not is_number
        or not value between coalesce(band_low, -1e300) and coalesce(band_high, 1e300)
        or abs(value - copy_value) > 0.001 * greatest(abs(value), abs(copy_value))
),

-- what the editions before and after print
known as (
    select
        a.source_cell_id,
        arg_min(y.value, a.data_year - y.data_year) filter (where y.data_year < a.data_year) as value_before,
        arg_min(y.value, y.data_year - a.data_year) filter (where y.data_year > a.data_year) as value_after
    from asked as a
    inner join figures as y
        on
            a.unit_level = y.unit_level and a.city_id = y.city_id and a.variable_code = y.variable_code
            and a.scope = y.scope and abs(a.data_year - y.data_year) between 1 and {{ gate_parameter('years_back') }}
    where y.value > 0
    group by all
),

expected as (
    select
        a.*,
        k.value_before,
        k.value_after,
        exp((ln(coalesce(k.value_before, k.value_after)) + ln(coalesce(k.value_after, k.value_before))) / 2)
            as expected
    from asked as a
    left join known as k using (source_cell_id)
),

-- columns in which one copy is wrong again and again
blocks as (
    select source, data_year, variable_code, scope, any_value(copy_source) as copy_source, count(*) as n_apart
    from expected
    where kind = 'copies' and expected is not null
    group by all
    having
        count(*) >= {{ gate_parameter('min_cities') }}
        and avg((
            coalesce(abs(ln(greatest(copy_value, 1e-9) / expected)), 99)
            < coalesce(abs(ln(greatest(value, 1e-9) / expected)), 99)
        )::integer) >= 0.75
),

-- signs that machines take for one another: a mark beside the figure, a one, a decimal point
readings as (
    select
        source_cell_id,
        expected,
        value_before,
        value_after,
        try_cast(unnest(list_distinct([
            regexp_replace(text, '[^0-9.]', '', 'g'),
            regexp_replace(translate(text, 'lIi|丨!】]', '11111111'), '[^0-9.]', '', 'g'),
            regexp_replace(replace(text, ',', '.'), '[^0-9.]', '', 'g')
        ])) as double) * factor + shift as reading
    from expected
    where kind = 'text' and value_before is not null and value_after is not null
),

fitting as (
    select
        source_cell_id,
        any_value(reading) as reading,
        any_value(value_before) as value_before,
        any_value(value_after) as value_after
    from readings
    where
        reading > 0
        and abs(ln(reading / expected))
        <= abs(ln(value_before / value_after)) / 2 + {{ gate_parameter('head_spread') }} / 2
    group by all
    having count(distinct reading) = 1
),

-- a column with many of them is a matter of the column
columns as (
    select
        source,
        data_year,
        variable_code,
        scope,
        greatest(3, {{ gate_parameter('max_column_edit_share') }} * count(*)) as most,
        count(*) filter (where not is_number) as n_texts,
        count(*) filter (where value < band_low or value > band_high) as n_outside
    from printed
    group by all
)

select
    e.source_cell_id,
    case
        when e.kind in ('copies', 'band') then e.copy_value
        when levenshtein(regexp_replace(e.text, '[^0-9.]', '', 'g'), e.copy_text) <= 2 then e.copy_value
        else f.reading
    end as value,
    case
        when e.kind = 'copies'
            then
                printf(
                    '%s prints %.10g; the two differ in %d cities, where the years beside it fit that',
                    e.copy_source, e.copy_value, b.n_apart
                )
        when e.kind = 'band' and e.copy_value is not null
            then printf('outside the band of its variable; %s prints %.10g', e.copy_source, e.copy_value)
        when e.kind = 'band' then 'outside the band of its variable'
        when levenshtein(regexp_replace(e.text, '[^0-9.]', '', 'g'), e.copy_text) <= 2
            then printf('no number; %s prints %s', e.copy_source, e.copy_text)
        when f.reading is not null
            then
                printf(
                    'no number; %.10g lies between %.10g and %.10g of the editions beside it',
                    f.reading, f.value_before, f.value_after
                )
        else 'no number'
    end as reading
from expected as e
inner join columns as c using (source, data_year, variable_code, scope)
left join blocks as b using (source, data_year, variable_code, scope)
left join fitting as f using (source_cell_id)
where
    case
        when e.kind = 'copies' then b.n_apart is not null
        -- words are a note for a person; a mark beside figures that the other copy prints is no matter of the column
        when e.kind = 'text'
            then
                (c.n_texts <= c.most or regexp_replace(e.text, '[^0-9.]', '', 'g') = e.copy_text)
                and not regexp_matches(replace(e.text, '丨', ''), '[一-鿿]')
        else c.n_outside <= c.most
    end
