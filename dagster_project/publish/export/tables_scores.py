"""Paper tables T1 to T9: indicators, disparity, dynamics, space, coordination."""

from __future__ import annotations

from dagster_project.publish.export.grid import Column
from dagster_project.publish.export.paper import PaperTable
from dagster_project.publish.export.words import CLASSES, GROUPS, SLICE, SPLITS, names, place

SPLIT_NAME = names(SPLITS, "scheme")
SPLIT_PLACE = place(SPLITS, "scheme")
INTERVAL = Column("", "value", "number", lo="lo", hi="hi")

T1 = PaperTable(
    "T1",
    "Indicator system and weights",
    "指标体系与权重",
    ("dim_indicator", "mart_index_weight"),
    """
    select i.tier, i.dimension, i.indicator_code, i.name_en, i.name_zh, i.unit,
        case when i.direction > 0 then '+' else '−' end as direction,
        100 * w.weight as weight, 100 * w.weight_se as weight_se, 100 * w.weight_p05 as weight_p05,
        100 * w.weight_p95 as weight_p95, w.entropy, w.skewness
    from mart.dim_indicator as i
    left join mart.mart_index_weight as w
        on i.index_code = w.index_code and i.indicator_code = w.indicator_code and w.basis = $basis
        and w.weight_scheme = $scheme
    where i.index_code = $index
    order by min(i.tier) over (partition by i.dimension), i.dimension, i.tier, i.indicator_code
    """,
    (
        Column("Tier", "tier"),
        Column("Indicator", "name_en"),
        Column("指标", "name_zh", is_zh=True),
        Column("Unit", "unit"),
        Column("Sign", "direction"),
        Column("Weight, %", "weight", "number", 2, se="weight_se", lo="weight_p05", hi="weight_p95"),
        Column("Entropy", "entropy", "number"),
        Column("Skewness", "skewness", "number", 2),
    ),
    "Weights sum to 100 over the indicators. Skewness: of the scaled indicator.",
    panel="dimension",
    brackets="(standard errors) [5 % and 95 % quantiles], both over draws of whole cities",
)

T2 = PaperTable(
    "T2",
    "Descriptive statistics of the indicators",
    "指标描述性统计",
    ("mart_indicator_summary", "dim_indicator"),
    """
    select i.name_en, i.unit, s.n, s.mean, s.sd, s.min, s.p50, s.max, s.skewness, s.corr_with_score, s.n as n_obs
    from mart.mart_indicator_summary as s
    join mart.dim_indicator as i using (index_code, indicator_code)
    where s.index_code = $index and s.basis = $basis and s.year = 0
    order by indicator_code
    """,
    (
        Column("Indicator", "name_en"),
        Column("Unit", "unit"),
        Column("n", "n", "count"),
        *(
            Column(head, field, "number", 3)
            for head, field in (
                ("Mean", "mean"),
                ("SD", "sd"),
                ("Min", "min"),
                ("Median", "p50"),
                ("Max", "max"),
                ("Skewness", "skewness"),
                ("r with score", "corr_with_score"),
            )
        ),
    ),
    "Pooled over the years of the sample cities; n counts city-years.",
)

T3 = PaperTable(
    "T3",
    "Scores by year and group: level and growth",
    "分组得分：水平与增长",
    ("mart_disparity_summary", "mart_group_gradient"),
    f"""
    with {GROUPS},
    level as (
        select scheme, name as item, 1 as place, year::varchar as part, 100 * mean as value, 100 * mean_lo as lo,
            100 * mean_hi as hi, null::double as p, n_obs, seed
        from mart.mart_disparity_summary join groups using (scheme, group_code)
        where {SLICE} and not weighted and scheme in ('all', 'east_vs_cw', 'cluster', 'core')
    ),
    gap as (
        select scheme, 'Gap' as item, 2 as place, case measure when 'level' then period else 'Growth, %' end as part,
            100 * diff as value, 100 * lo as lo, 100 * hi as hi, p, n_obs, seed
        from mart.mart_group_gradient
        where {SLICE} and measure in ('level', 'growth') and scheme in ('east_vs_cw', 'cluster', 'core')
    ),
    growth as (
        select g.scheme, name as item, 1 as place, 'Growth, %' as part, 100 * side.mean as value,
            null::double as lo, null::double as hi, null::double as p, g.n_obs, g.seed
        from mart.mart_group_gradient as g,
            lateral (values (group_high, mean_high), (group_low, mean_low)) as side (group_code, mean)
        join groups on g.scheme = groups.scheme and side.group_code = groups.group_code
        where {SLICE} and measure = 'growth' and g.scheme in ('east_vs_cw', 'cluster', 'core')
    )
    select {SPLIT_NAME} as split, * from (from level union all from gap union all from growth)
    order by part = 'Growth, %', {SPLIT_PLACE}, place, item, part
    """,
    (Column("Group", "item"), Column("", "value", "number", 2, lo="lo", hi="hi", p="p")),
    "Mean score in points (0 to 100 on the base window), each city once. Growth: mean log growth in % a year, first"
    " to last year. Gap: first minus second side of the split (East, clusters, core first); stars of its t test. n"
    " counts cities.",
    panel="split",
    across="part",
)

T4 = PaperTable(
    "T4",
    "Dagum decomposition of the Gini coefficient",
    "Dagum基尼系数分解",
    ("mart_dagum_component", "mart_dagum_within", "mart_dagum_between"),
    f"""
    with {GROUPS},
    total as (
        select 1 as block, 'Overall' as part, t.k as place, t.item, year, t.value, t.lo, t.hi, t.digits, n_obs, seed
        from mart.mart_dagum_component, lateral (values
            (1, 'Gini', g_total, g_total_lo, g_total_hi, 3),
            (2, 'Within groups', g_w, g_w_lo, g_w_hi, 3),
            (3, 'Net between groups', g_nb, g_nb_lo, g_nb_hi, 3),
            (4, 'Transvariation', g_t, g_t_lo, g_t_hi, 3),
            (5, 'Share within, %', share_w, share_w_lo, share_w_hi, 1),
            (6, 'Share between, %', share_nb, share_nb_lo, share_nb_hi, 1),
            (7, 'Share transvariation, %', share_t, share_t_lo, share_t_hi, 1)
        ) as t (k, item, value, lo, hi, digits)
        where {SLICE} and scheme = 'four_region'
    ),
    inside as (
        select 2, 'Within a region', 0, name, year, g_jj, lo, hi, 3, n_obs, seed
        from mart.mart_dagum_within join groups using (scheme, group_code)
        where {SLICE} and scheme = 'four_region'
    ),
    pair as (
        select 3, 'Between two regions', 0, a.name || ' and ' || b.name, year, g_jh, lo, hi, 3, n_obs, seed
        from mart.mart_dagum_between as d
        join groups as a on d.scheme = a.scheme and d.group_high = a.group_code
        join groups as b on d.scheme = b.scheme and d.group_low = b.group_code
        where {SLICE} and d.scheme = 'four_region'
    )
    from (from total union all from inside union all from pair) order by year, block, place, item
    """,
    (Column("", "item"), INTERVAL),
    "Four regions. Shares are percent of the overall Gini coefficient. Intervals: bootstrap over cities. n counts"
    " cities.",
    panel="part",
    across="year",
)

T5 = PaperTable(
    "T5",
    "Nested decomposition of the Theil indexes",
    "泰尔指数嵌套分解",
    ("mart_theil_nested",),
    f"""
    select 'Theil ' || kind || case sample when 'all' then '' else ', without the municipalities' end as part,
        year, t.item, t.value, t.lo, t.hi, t.digits, n_obs, seed
    from mart.mart_theil_nested, lateral (values
        (1, 'Total', total, total_lo, total_hi, 4),
        (2, 'Between regions', between_region, between_region_lo, between_region_hi, 4),
        (3, 'Between provinces of a region', between_province, between_province_lo, between_province_hi, 4),
        (4, 'Within provinces', within_province, within_province_lo, within_province_hi, 4),
        (5, 'Share between regions, %', share_between_region, share_between_region_lo, share_between_region_hi, 1),
        (6, 'Share between provinces, %', share_between_province, share_between_province_lo,
            share_between_province_hi, 1),
        (7, 'Share within provinces, %', share_within_province, share_within_province_lo,
            share_within_province_hi, 1)
    ) as t (k, item, value, lo, hi, digits)
    where {SLICE}
        and scheme in (select scheme from mart.dim_group_scheme where role = 'region' and is_main)
    order by year, sample <> 'all', kind = 'L', t.k
    """,
    (Column("", "item"), INTERVAL),
    "Shares are percent of the total. Intervals: bootstrap over cities. n counts cities.",
    panel="part",
    across="year",
)

CHAINS = {
    "relative": "Relative to the mean of the year (headline)",
    "pooled": "Raw score, fixed cuts",
    "yearly": "Quartiles of each year",
}
T6 = PaperTable(
    "T6",
    "Markov transition probabilities, one year",
    "马尔可夫转移概率矩阵",
    ("mart_markov_transition", "mart_markov_summary"),
    f"""
    with moves as (
        select discretisation, state_from::varchar as origin, n_row, state_to as target, p, lo, hi, n_obs, seed
        from mart.mart_markov_transition where {SLICE} and lag = 1 and scheme = 'all'
    ),
    long_run as (
        select discretisation, 'Long run', n_obs, t.target, t.p, null::double, null::double, n_obs, seed
        from mart.mart_markov_summary, lateral (values (1, ergodic_1), (2, ergodic_2), (3, ergodic_3), (4, ergodic_4))
            as t (target, p)
        where {SLICE} and lag = 1 and scheme = 'all' and w_code = 'none'
    )
    select {names(CHAINS, "discretisation")} as part, 'To ' || target as into_state, *
    from (from moves union all from long_run)
    order by {place(CHAINS, "discretisation")}, origin, target
    """,
    (Column("From", "origin"), Column("Moves", "n_row", "count"), Column("", "p", "number", lo="lo", hi="hi")),
    "States run from 1 (low) to 4 (high). Long run: the ergodic distribution. Intervals: bootstrap over cities. n"
    " counts city-years with a year before.",
    panel="part",
    across="into_state",
)

T7 = PaperTable(
    "T7",
    "Spatial Markov transition probabilities, one year",
    "空间马尔可夫转移概率矩阵",
    ("mart_markov_spatial_transition", "mart_markov_test"),
    f"""
    select 'Neighbours in class ' || lag_state as part, state_from, n_row, 'To ' || state_to as into_state, p, lo, hi,
        n_obs, seed
    from mart.mart_markov_spatial_transition
    where {SLICE} and lag = 1 and discretisation = 'relative' and lag_cuts = 'quantiles' and w_code = 'queen_row'
    order by lag_state, state_from, state_to
    """,
    (
        Column("From", "state_from", "count"),
        Column("Moves", "n_row", "count"),
        Column("", "p", "number", lo="lo", hi="hi"),
    ),
    "States from 1 (low) to 4 (high) of the score over the mean of its year; neighbours by contiguity, in quartiles of"
    " their mean. Intervals: bootstrap over cities; rows with few moves say little.",
    panel="part",
    across="into_state",
    note_sql=f"""
    select format('Test {{}}{{}}: Q = {{:.2f}}, LR = {{:.2f}}, df = {{}}, p {{}} (chi-squared), {{}} (permutation).',
        test_code, case scheme when 'none' then '' else ' ' || scheme end, statistic_q, statistic_lr, df,
        case when p_chi2 < 0.001 then '< 0.001' else format('= {{:.3f}}', p_chi2) end,
        coalesce(p_perm::varchar, 'none'))
    from mart.mart_markov_test
    where {SLICE} and lag = 1 and discretisation = 'relative' and lag_cuts in ('none', 'quantiles')
        and w_code in ('none', 'queen_row')
    order by test_code, scheme
    """,
)

T8 = PaperTable(
    "T8",
    "Global Moran's I by year and weight matrix",
    "全局莫兰指数",
    ("mart_moran_global",),
    f"""
    select year, w_code, value, z, p_perm, p_holm, n_obs, seed from mart.mart_moran_global
    where {SLICE} and statistic = 'moran'
    order by year, w_code <> 'queen_row', w_code
    """,
    (Column("Year", "year"), Column("", "value", "number", se="z", p="p_perm")),
    "Stars follow the permutation p-value of the year alone, not corrected over the years. n counts cities.",
    across="w_code",
    brackets="(z under randomisation)",
)

T9 = PaperTable(
    "T9",
    "Coordination of productive forces and production relations: classes by year and group",
    "耦合协调度：分年份与分组类型",
    ("mart_coupling_summary",),
    f"""
    with {GROUPS}
    select case scheme when 'all' then name else {SPLIT_NAME} || ': ' || name end as part, year, n, mean_d, mean_d_lo,
        mean_d_hi, median_d, 100 * share_pr_lagging as pr_lagging,
        {", ".join(f"100 * coalesce((share_class->>'{code}')::double, 0) as {code}" for code in CLASSES)},
        n as n_obs
    from mart.mart_coupling_summary join groups using (scheme, group_code)
    where {SLICE} and form = 'corrected' and scheme in ('all', 'east_vs_cw', 'cluster', 'core')
    order by {SPLIT_PLACE}, name, year
    """,
    (
        Column("Year", "year"),
        Column("n", "n", "count"),
        Column("Mean D", "mean_d", "number", lo="mean_d_lo", hi="mean_d_hi"),
        Column("Median", "median_d", "number"),
        Column("PR lag, %", "pr_lagging", "number", 1),
        *(
            Column(
                code.replace("_", " ").replace(" imbalance", " imb.").replace(" coordination", " coord."),
                code,
                "number",
                1,
            )
            for code in CLASSES
        ),
    ),
    "D: coordination degree, corrected form. Class columns: percent of cities, in tenths of D from 0 to 1. PR lag:"
    " percent of cities where production relations lag behind.",
    panel="part",
)
