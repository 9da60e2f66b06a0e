"""Paper tables T10 to T20: the regressions, their effects, robustness, paths of cities."""

from __future__ import annotations

from dagster_project.publish.export.grid import Column
from dagster_project.publish.export.paper import PaperTable
from dagster_project.publish.export.words import EFFECTS, GROUPS, MODEL, PATHS, SPLITS, TESTS, THRESHOLDS, names, place

SPLIT_NAME = names(SPLITS, "scheme")
SPLIT_PLACE = place(SPLITS, "scheme")
EFFECT = Column("", "value", "number", se="se", lo="lo", hi="hi", p="p")
UNIT = "Points of the index per unit of the regressor."

T10 = PaperTable(
    "T10",
    "Tests of the spatial specification",
    "空间计量模型设定检验",
    ("mart_panel_test",),
    f"""
    select {names(TESTS, "test_code")} as test, statistic, case when df_denominator is null then df::integer::varchar
        else df::integer || ', ' || df_denominator::integer end as df, p, outcome, note, n_obs
    from mart.mart_panel_test
    where {MODEL} and test_code not similar to 'moran_[0-9]+'
    order by {place(tuple(TESTS), "test_code")}, test_code
    """,
    (
        Column("Test", "test"),
        Column("Statistic", "statistic", "number", 2),
        Column("df", "df"),
        Column("p", "p", "p"),
        Column("H0 at 5 %", "outcome"),
        Column("Note", "note"),
    ),
    "Of the headline regression. A rule gives the model it leads to, or whether the restriction is rejected. n counts"
    " city-years.",
)

T11 = PaperTable(
    "T11",
    "Baseline regressions: OLS, SLX, SAR, SEM, SDEM, SDM",
    "基准回归结果",
    ("mart_panel_coef", "mart_panel_fit", "dim_model_spec"),
    f"""
    with shown as (
        select model_id, upper(model_type) as model, is_headline,
            {place(("ols", "slx", "sar", "sem", "sdem", "sdm"), "model_type")} as place
        from mart.dim_model_spec
        where model_id = $model or (variant_of = $model and method = 'static' and change like 'model: %')
    ),
    term as (
        select 'Coefficients' as part, model, place,
            case when role = 'lambda' then 'lambda' else replace(term, 'W:', 'W × ') end as term,
            {place(("beta", "control", "theta", "rho", "lambda"), "role")} as block, coef as value, se, p,
            null::integer as digits, se_type, n_obs, seed
        from mart.mart_panel_coef join shown using (model_id) where basis = $basis
    ),
    fit as (
        select 'Fit' as part, model, place, t.term, 10 + t.k, t.value, null::double, null::double, t.digits,
            null::varchar, n_obs, seed
        from mart.mart_panel_fit join shown using (model_id), lateral (values
            (1, 'Log-likelihood', lnl, 1), (2, 'AIC', aic, 1), (3, 'BIC', bic, 1), (4, 'sigma²', sigma2, 3),
            (5, 'R² within', r2_within, 3), (6, 'corr²', corr2, 3), (7, 'Cities', n_used::double, 0),
            (8, 'Years', t_used::double, 0), (9, 'p, Moran of the residuals', resid_moran_p, 3)
        ) as t (k, term, value, digits)
        where basis = $basis and status = 'fitted'
    )
    from (from term union all from fit) order by part, block, not regexp_matches(term, '^(W × )?pr'), term, place
    """,
    (Column("", "term"), Column("", "value", "number", se="se", p="p")),
    f"{UNIT} W × x: mean of x in the neighbouring cities. City and year effects. n counts city-years.",
    panel="part",
    across="model",
    note_sql="""
    select 'Not fitted: ' || model_id || ' (' || mart_panel_fit.skip_reason || ').' from mart.mart_panel_fit
    join mart.dim_model_spec using (model_id)
    where variant_of = $model and change like 'model: %' and mart_panel_fit.status <> 'fitted' order by model_id
    """,
)

T12 = PaperTable(
    "T12",
    "Direct, indirect and total effects",
    "直接效应、间接效应与总效应",
    ("mart_panel_effect",),
    f"""
    select variable, upper(effect[1]) || effect[2:] as kind, point as value, se_delta as se, lo, hi,
        p, standardised, n_obs, seed
    from mart.mart_panel_effect where {MODEL} and horizon in ('static', 'long')
    order by variable not like 'pr%', variable, {place(EFFECTS, "effect")}
    """,
    (Column("", "variable"), EFFECT),
    f"Of the headline regression. {UNIT} Standard errors and intervals: delta method, errors by city."
    " n counts city-years.",
    across="kind",
)

ADJUSTED = "level-adjusted (between cities of one level) and on the index as it is, which rejects too often."

T13 = PaperTable(
    "T13",
    "Effects by group",
    "异质性分析",
    ("mart_panel_heterogeneity",),
    f"""
    with {GROUPS}
    select {SPLIT_NAME} || ', group of the ' || side as part, name, p_equal, p_level_adjusted,
        upper(effect[1]) || effect[2:] as kind, point as value, se, lo, hi, p, n_obs, seed
    from mart.mart_panel_heterogeneity join groups using (scheme, group_code)
    where {MODEL}
    order by {SPLIT_PLACE}, side = 'emitter', name, {place(EFFECTS, "effect")}
    """,
    (Column("Group", "name"), Column("p, equal", "p_level_adjusted", "p"), Column("as it is", "p_equal", "p"), EFFECT),
    f"{UNIT} The whole weight matrix stays; the slope differs by the group of the city that receives or emits."
    f" p, equal: that the groups do not differ; {ADJUSTED} n counts city-years.",
    panel="part",
    across="kind",
)

T14 = PaperTable(
    "T14",
    "Thresholds of the coordination degree",
    "门槛效应检验",
    ("mart_threshold_result",),
    f"""
    select {names(THRESHOLDS, "kind")} as kind, n_threshold, gamma, ci_lo, ci_hi, f_stat, p_boot, n_boot,
        case when n_boot = 0 then '' when p_boot = 0 then format('<{{:.3f}}', 1 / n_boot)
            else format('{{:.3f}}', p_boot) end as p_text, p_level_adjusted, crit_10, crit_5,
        crit_1, slope_low, slope_se_low, slope_high, slope_se_high, n_low, n_high, n_obs, seed
    from mart.mart_threshold_result where {MODEL}
    order by {place(THRESHOLDS, "mart_threshold_result.kind")}, n_threshold
    """,
    (
        Column("", "kind"),
        Column("No.", "n_threshold", "count"),
        Column("Threshold", "gamma", "number", lo="ci_lo", hi="ci_hi"),
        Column("F", "f_stat", "number", 2),
        Column("p", "p_text"),
        Column("Draws", "n_boot", "count"),
        Column("p, one level", "p_level_adjusted", "p"),
        *(Column(f"{k} %", f"crit_{k}", "number", 2) for k in (10, 5, 1)),
        Column("Below", "slope_low", "number", se="slope_se_low"),
        Column("Above", "slope_high", "number", se="slope_se_high"),
        Column("n below", "n_low", "count"),
        Column("n above", "n_high", "count"),
    ),
    "F: of the further threshold; p and critical values from the bootstrap with the given number of draws; none"
    " without draws. p, one level: level-adjusted, between cities of one level. Interval of the threshold: inverted LR."
    " n counts city-years.",
)

SIDES = {"c": "centre", "p": "periphery"}
T15 = PaperTable(
    "T15",
    "Spillovers by block and their asymmetry",
    "分块溢出效应与非对称性",
    ("mart_block_spillover",),
    f"""
    select {SPLIT_NAME} || format(' ({{}} cities in the centre; asymmetry {{}} [{{}}, {{}}], p {{}})', n_centre,
            coalesce(round(asymmetry_index, 3)::varchar, 'not defined'), coalesce(round(asymmetry_lo, 3)::varchar, ''),
            coalesce(round(asymmetry_hi, 3)::varchar, ''),
            case when p_level_adjusted < 0.001 then '< 0.001'
                else coalesce('= ' || round(p_level_adjusted, 3)::varchar, 'not defined') end
            ) as part,
        {names(SIDES, "emitter")} || ' to ' || {names(SIDES, "receiver")} as block,
        theta_block, se, e_per_emitter, e_lo, e_hi, r_per_receiver, r_lo, r_hi, per_link, per_link_lo, per_link_hi,
        asymmetry_index, asymmetry_lo, asymmetry_hi, p_level_adjusted, p_asymmetry, n_obs, seed
    from mart.mart_block_spillover where {MODEL}
    order by {place(("core", "cluster", "east_vs_cw", "synergy"), "scheme")}, emitter, receiver
    """,
    (
        Column("From, to", "block"),
        Column("Theta", "theta_block", "number", se="se"),
        Column("Per emitter", "e_per_emitter", "number", lo="e_lo", hi="e_hi"),
        Column("Per receiver", "r_per_receiver", "number", lo="r_lo", hi="r_hi"),
        Column("Per link", "per_link", "number", lo="per_link_lo", hi="per_link_hi"),
    ),
    "Asymmetry: outward minus inward effect over the sum of their absolute values, above zero where centres give more;"
    " p of the hypothesis that both coefficients are alike between cities of one level. n counts city-years.",
    panel="part",
)

METHODS = {"ring": "Rings", "outer": "Beyond a distance", "cumulative": "Up to a distance"}
T16 = PaperTable(
    "T16",
    "Spillover by distance and its boundary",
    "溢出的距离衰减与区域边界",
    ("mart_distance_decay", "mart_regional_boundary"),
    f"""
    select {names(METHODS, "method")} || format(', step {{}} km', step_km)
            || case synergy_class when 'all' then '' else ', synergy of the emitter ' || synergy_class end as part,
        format('{{:.0f}}–{{}}', d_from_km,
            case when isfinite(d_to_km) then format('{{:.0f}}', d_to_km) else '' end) as band,
        coef, se, p, p_holm, n_cities_with_neighbour, note, n_obs, seed
    from mart.mart_distance_decay where {MODEL}
    order by {place(METHODS, "method")}, step_km desc, synergy_class, band_id
    """,
    (
        Column("km", "band"),
        Column("Coefficient", "coef", "number", se="se", p="p"),
        Column("p", "p", "p"),
        Column("p, Holm", "p_holm", "p"),
        Column("Cities with neighbours", "n_cities_with_neighbour", "count"),
        Column("Note", "note"),
    ),
    "Stars follow the uncorrected p. n counts city-years.",
    panel="part",
    note_sql=f"""
    select format('{{}}, step {{}} km, {{}}: {{}}; {{}}; decay {{:.4f}} ({{:.4f}}) a km.',
        {names(METHODS, "method")}, step_km, case synergy_class when 'all' then 'all emitters'
            else synergy_class || ' synergy' end,
        coalesce('boundary ' || boundary_km::integer || ' km', 'no boundary found'),
        coalesce('half distance ' || half_distance_km::integer || ' km', 'no half distance'),
        kappa, kappa_se)
    from mart.mart_regional_boundary where {MODEL}
    order by {place(METHODS, "method")}, step_km desc, synergy_class
    """,
)

T17 = PaperTable(
    "T17",
    "Barriers: spillovers inside the province and across its border",
    "省界壁垒效应",
    ("mart_border_barrier",),
    f"""
    select case ring_id when 'all' then 'All distances' when 'joint' then 'Mean over the rings'
            else replace(ring_id, '-', '–') || ' km' end as ring,
        theta_in, se_in, theta_out, se_out, barrier_index, lo, hi, p_level_adjusted,
        p_equal, n_obs, seed
    from mart.mart_border_barrier where {MODEL} and barrier_code = 'province'
    order by barrier_code, ring_id <> 'all', ring_id = 'joint', try_cast(split_part(ring_id, '-', 1) as integer)
    """,
    (
        Column("Ring", "ring"),
        Column("Inside", "theta_in", "number", se="se_in"),
        Column("Across", "theta_out", "number", se="se_out"),
        Column("Barrier", "barrier_index", "number", lo="lo", hi="hi"),
        Column("p, equal", "p_level_adjusted", "p"),
        Column("as it is", "p_equal", "p"),
    ),
    "Barrier: 1 minus across over inside; empty where the inside spillover does not differ from zero. p, equal: that"
    f" both are alike; {ADJUSTED} n counts city-years.",
)

T18 = PaperTable(
    "T18",
    "Endogeneity: instruments and the dynamic model",
    "内生性处理",
    ("mart_iv_diagnostic", "mart_dynamic_effect", "mart_panel_coef", "dim_model_spec"),
    """
    with shown as (
        select model_id, coalesce(change, title) as title from mart.dim_model_spec where variant_of = $model
    ),
    slope as (
        select 1 as block, title as part, 0 as place, replace(term, 'W:', 'W × ') as item, coef as value, c.se,
            c.lo, c.hi, c.p, 3 as digits, null::varchar as note, c.n_obs, c.seed
        from mart.mart_panel_coef as c join shown using (model_id)
        where c.basis = $basis and (c.role in ('rho', 'tau', 'eta', 'beta') or regexp_matches(c.term, '^(W:)?pr'))
            and model_id in (select model_id from mart.mart_iv_diagnostic)
    ),
    test as (
        select 1, title, t.k,
            t.item || case when t.k in (1, 4) then ', ' || replace(endogenous, 'W:', 'W × ') else '' end,
            t.value, null::double, t.lo, t.hi, null::double, t.digits, t.note, d.n_obs, d.seed
        from mart.mart_iv_diagnostic as d join shown using (model_id), lateral (values
            (1, 'First-stage F', first_stage_f, null::double, null::double, 2, case when is_weak then 'weak' end),
            (2, 'Kleibergen-Paap F', kp_f, null, null, 2, case when is_weak then 'weak' end),
            (3, 'Hansen J', hansen_j, null, null, 2, format('df {:.0f}, p = {:.3f}', hansen_df, hansen_p)),
            (4, 'Anderson-Rubin interval', null, ar_lo, ar_hi, 3, d.note),
            (5, 'Instruments', n_instruments::double, null, null, 0, null)
        ) as t (k, item, value, lo, hi, digits, note)
        where d.basis = $basis and (t.k in (1, 4) or endogenous = (
            select min(o.endogenous) from mart.mart_iv_diagnostic as o
            where o.model_id = d.model_id and o.basis = d.basis))
    ),
    dynamic as (
        select 2, title, 0, effect || ' effect of ' || variable || ', ' || horizon || ' run', point, e.se, e.lo, e.hi,
            e.p, 3, null, e.n_obs, e.seed
        from mart.mart_dynamic_effect as e join shown using (model_id)
        where e.basis = $basis and e.is_headline and variable like 'pr%'
    )
    from (from slope union all from test union all from dynamic) order by block, part, place, item
    """,
    (Column("", "item"), EFFECT, Column("Note", "note")),
    "Coefficients of the instrumented models with errors by city; effects of the dynamic model. n counts city-years.",
    panel="part",
)

T19 = PaperTable(
    "T19",
    "Robustness: effects of production relations in every variant",
    "稳健性检验",
    ("mart_robustness", "mart_robustness_summary", "mart_panel_effect"),
    f"""
    with ends as (
        select model_id as run_id, variable, {
        ", ".join(f"max({f}) filter (where effect = '{e}') as {e}_{f}" for e in EFFECTS for f in ("lo", "hi"))
    }
        from mart.mart_panel_effect where horizon in ('static', 'long') group by all
    )
    select case change_axis when 'headline' then 'Headline' else change_axis end as part,
        case change_axis when 'headline' then 'As in the text' else change_value end as item, r.run_id, variable,
        {", ".join(f"{e}, {e}_se, {e}_p, {e}_lo, {e}_hi, {e}_standardised" for e in EFFECTS)},
        beta, beta_se, theta, theta_se, rho, sign_agrees, significant_5, n_obs, seed, skip_reason,
        case when status <> 'fitted' then 'skipped' when direct is not null then null
            else replace(format('beta {{:.3f}} ({{:.3f}})', beta, beta_se)
                || coalesce(format(', theta {{:.3f}} ({{:.3f}})', theta, theta_se), ''), '-', '−')
        end as note
    from mart.mart_robustness as r left join ends using (run_id, variable)
    where {MODEL}
    order by change_axis <> 'headline', min(r.run_id) over (partition by change_axis), change_axis, r.run_id
    """,
    (
        Column("", "item"),
        *(Column(e.capitalize(), e, "number", se=f"{e}_se", lo=f"{e}_lo", hi=f"{e}_hi", p=f"{e}_p") for e in EFFECTS),
        Column("Indirect, standardised", "indirect_standardised", "number"),
        Column("rho", "rho", "number"),
        Column("n", "n_obs", "count"),
        Column("Note", "note"),
    ),
    f"{UNIT} One line a variant; the part says what differs from the headline. Of the dynamic model the long-run"
    " effects; a method without effects is compared by its coefficients. Standardised: standard deviations of the index"
    " per standard deviation of the regressor, the column to compare where scales differ. n counts city-years.",
    panel="part",
    note_sql=f"""
    select format('{{}} effect: {{:.0f}} % of {{}} variants have the sign of the headline, {{:.0f}} % differ from 0 at'
        || ' 5 %; standardised from {{:.3f}} to {{:.3f}}, median {{:.3f}}; {{}} skipped.',
        upper(left(effect, 1)) || effect[2:], 100 * share_sign_agrees, n_runs, 100 * share_significant_5, lowest,
        highest, median, n_skipped)
    from mart.mart_robustness_summary where {MODEL} and n_runs > 0
    union all
    select 'Skipped: ' || change_value || ' (' || change_axis || '): ' || skip_reason from mart.mart_robustness
    where {MODEL} and status <> 'fitted'
    """,
)

T20 = PaperTable(
    "T20",
    "Paths of the cities: count, share and list",
    "城市发展路径：数量与名单",
    ("mart_path_summary", "mart_city_path"),
    f"""
    select {names(PATHS, "path")} as item, year, n, 100 * share as share, n_group as n_obs, seed
    from mart.mart_path_summary where index_code = $index and basis = $basis and scheme = 'all'
    order by year, {place(PATHS, "path")}
    """,
    (Column("Path", "item"), Column("", "n", "number", 0, se="share")),
    "n counts cities.",
    across="year",
    brackets="(percent of the cities of the year)",
    note_sql=f"""
    select format('{{}} in {{}} ({{}} cities): {{}}.', {names(PATHS, "path")}, year, count(*),
        string_agg(name_en, ', ' order by name_en))
    from mart.mart_city_path join mart.dim_city using (city_id)
    where index_code = $index and basis = $basis
        and year = (select max(year) from mart.mart_city_path where index_code = $index and basis = $basis)
    group by path, year order by {place(PATHS, "path")}
    """,
)
