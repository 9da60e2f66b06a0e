-- Breaks that were declared, and those that the rules E6 and E8 of editing computed.
select variable_code, area_code, break_year::integer as break_year, kind, treatment, note
from {{ ref('series_break') }}
union all
select
    variable_code,
    'all' as area_code,
    break_year::integer as break_year,
    case rule when 'E6' then 'concept switch' else 'definition' end as kind,
    case
        when rule = 'E6' then 'own definition computed, else left out'
        when variable_code = 'population_resident' then 'relink'
        else 'split'
    end as treatment,
    string_agg(
        source || case rule
            when 'E6'
                then
                    printf(
                        ': %.0f %% of the cities satisfy another definition, %.0f %% beside it',
                        100 * share,
                        100 * share_usual
                    )
            else printf(': %.0f %% of the cities jump, %.0f %% in usual years', 100 * share, 100 * share_usual)
        end, '; ' order by source
    ) as note
from {{ ref('int_series_breaks') }}
group by rule, variable_code, break_year
