{#
  Rules E1 to E5 of statistical editing over a relation of figures; parameters stand in the seed edit_rule.

  `cells` has one row per world, source, city_id, year and variable_code: value, is_settled (a person kept it),
  is_fill (the compiler filled it), is_judged (false: neighbours only), concept, origin, rank. A world is one state of
  knowledge: the accepted loads, or these and one load that waits. Gives common table expressions; the last one,
  `edit_cases`, has one row per cell that a rule speaks of:
    verdict   edit (the rule decides), accept (E1 speaks for a figure that a later rule would take out) or suspect
    measured, limit_at   what the rule measured, and its limit; for E2 in the unit of the ratio, else in the metric
    expected  what the neighbours lead one to expect, in the unit of the variable

  Metric of a variable: logarithm; for percents the logarithm of the share over the rest, which counts as ten points
  more than it is (99 and 100 are near each other); asinh(2 x / median of the city) where a figure may be negative.
  A zero counts as a thousandth of the city's median. The national path (cumulated median change of the cities) is
  taken out first, so that a change that all cities share is nobody's slip.
  r_t = y_t less the line between its neighbours; d_t = y_t - y_t-1; spread = 1.4826 times the median absolute value,
  of the whole variable or of the year, whichever is larger.
#}
{% macro edit_cases(cells) %}
{{ edit_bounds(cells) }},

{{ edit_metric() }},

{{ edit_spikes() }},

{{ edit_runs() }},

{{ edit_ends() }},

edit_found as (
    select series, year, 'E2' as rule, ratio as measured, limit_at, null::double as y_expected, against as about, true as is_decision
    from edit_beyond
    union all by name
    select series, year, 'E3' as rule, r as measured, limit_r as limit_at, y - r as y_expected, '' as about, true as is_decision
    from edit_judged
    anti join edit_second using (series, year)
    union all by name
    select series, year, 'E3' as rule, r_again as measured, limit_r as limit_at, y - r_again as y_expected, '' as about, true as is_decision
    from edit_again
    where is_spike_again or (looks_spiky and is_safe)
    union all by name
    select series, year, 'E4' as rule, jump as measured, limit_d as limit_at, base as y_expected, year_from::varchar || '-' || year_to::varchar as about, true as is_decision
    from edit_in_run
    union all by name
    select series, year, 'E5' as rule, off as measured, limit_off as limit_at, y - off as y_expected, '' as about, true as is_decision
    from edit_edge
    where abs(off) > limit_off
    union all by name
    select series, year, 'E5' as rule, off as measured, limit_off as limit_at, y - off as y_expected, 'cities' as about, false as is_decision
    from edit_apart
    where is_short and abs(off) > limit_off
    union all by name
    -- what stands out and is left: smaller spikes, spikes beside which the neighbours disagree, and jumps that nothing
    -- takes back
    select series, year, 'E3' as rule, y - line as measured, limit_r_suspect as limit_at, line as y_expected, '' as about, false as is_decision
    from (
        select *, y_before + (y_after - y_before) * (year - year_before) / (year_after - year_before) as line
        from edit_fourth
        where year - year_before <= 2 and year_after - year <= 2
    )
    where
        abs(y - line) > limit_r
        or (abs(y - line) > limit_r_suspect and abs(y_after - y_before) <= e3_neighbours * abs(y - line))
    union all by name
    select series, year, 'E4' as rule, y - y_before as measured, limit_d as limit_at, y_before as y_expected, '' as about, false as is_decision
    from edit_fourth
    where abs(y - y_before) > limit_d
    union all by name
    select series, year, 'E4' as rule, v.jump as measured, limit_at, base as y_expected, year_from::varchar || '-' || year_to::varchar as about, false as is_decision
    from edit_visit as v
    inner join (select series, year from edit_third where not is_safe) as t using (series)
    where t.year between v.year_from and v.year_to
),

edit_cases as materialized (
    select
        m.world,
        m.source,
        m.city_id,
        m.year,
        m.variable_code,
        f.rule,
        f.measured,
        f.limit_at,
        nullif(f.about, '') as about,
        case
            when m.is_settled then 'keep'
            when not f.is_decision then 'suspect'
            when m.is_agreed then 'accept'
            else 'edit'
        end as verdict,
        f.y_expected + coalesce(p.path, 0) as y,
        case
            when m.is_signed then sinh(y) * m.middle / 2
            when m.is_share then least(110 / (1 + exp(-y)), 100)
            else exp(y)
        end as expected
    from edit_found as f
    inner join edit_metric as m using (series, year)
    asof left join edit_path as p
        on m.world = p.world and m.variable_code = p.variable_code and m.year >= p.year
    where m.is_judged
    qualify row_number() over (partition by f.series, f.year order by not f.is_decision, f.rule, f.about desc, abs(f.measured) desc) = 1
)
{% endmacro %}

{# A parameter that holds for all variables, as a scalar subquery. #}
{% macro edit_parameter(rule, parameter) -%}
    (select value from {{ ref('edit_rule') }} where rule = '{{ rule }}' and parameter = '{{ parameter }}' and variable_code = '*')
{%- endmacro %}

{# What a rule saw, in one sentence. Columns of int_edits, or of edit_cases with an action. #}
{% macro edit_evidence(t) -%}
    case {{ t }}.action
        when 'accept' then 'a source of other origin agrees; '
        when 'bridged' then 'in the year of a break that is bridged (dim_series_break); '
        when 'withheld' then 'left out until a person answers; '
        when 'keep' then 'kept by a reviewed row; ' else ''
    end || case {{ t }}.rule
        when 'E2'
            then
                case
                    when {{ t }}.about is null then 'the figure'
                    when {{ t }}.about = 'median city' then 'the ratio to the median city'
                    else 'the ratio to ' || {{ t }}.about
                end || printf(' is %.4g, the limit %.4g', {{ t }}.measured, {{ t }}.limit_at)
        when 'E3'
            then printf('the years beside it lead to %s; r = %.2f, limit %.2f', {{ figure(t ~ '.expected') }}, {{ t }}.measured, {{ t }}.limit_at)
        when 'E4'
            then
                printf('jump of %.2f in logarithms, limit %.2f; ', {{ t }}.measured, {{ t }}.limit_at)
                || coalesce('years ' || {{ t }}.about || ' stand off the level before and after, ', 'the level before was ')
                || {{ figure(t ~ '.expected') }}
        when 'E5'
            then case
                when {{ t }}.about = 'cities'
                    then printf('too few years beside it; the other cities lead to %s; %.2f off them, limit %.2f', {{ figure(t ~ '.expected') }}, {{ t }}.measured, {{ t }}.limit_at)
                else printf('the three years next to it lead to %s; %.2f off their line, limit %.2f', {{ figure(t ~ '.expected') }}, {{ t }}.measured, {{ t }}.limit_at)
            end
        when 'E6'
            then printf('%.0f %% of the cities satisfy another definition in this year', 100 * {{ t }}.measured)
        when 'E7'
            then
                'filled by the compiler: ' || case {{ t }}.about
                    when 'midpoint' then 'the middle of the years beside it, as in half of the cities'
                    when 'repeat' then 'the figure of the year before, as in many cities of this year'
                    when 'equal_steps' then 'in a run of equal steps'
                    else 'the yearbook of the year leaves it blank'
                end
        when 'E8'
            then
                case
                    when {{ t }}.about is null
                        then printf('changes by %.2f more than the median city in the year of a break, limit %.2f', {{ t }}.measured, {{ t }}.limit_at)
                    else printf('the census of %s counts %.1f %% more than the estimates lead to', {{ t }}.about, 100 * (exp({{ t }}.measured) - 1))
                end
        when 'gate' then {{ t }}.about
        when 'E9'
            then
                coalesce('the price steps of ' || {{ t }}.about || ' are replaced: level of the latest year, carried back by printed growth', 'growth is what nominal GDP leaves over the usual price')
    end
{%- endmacro %}

{# Whether the border of a unit moved within so many years: what jumps there is no slip. #}
{% macro border_moved(city, year, within) -%}
    exists (
        select 1 from {{ ref('int_borders') }} as h
        where {{ city }} = h.city_id and abs(h.effective_year - {{ year }}) <= {{ within }}
    )
{%- endmacro %}
