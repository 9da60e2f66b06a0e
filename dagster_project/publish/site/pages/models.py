"""Page: the spatial panel regressions. Headline, tests, models side by side, effects, all specifications."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from dagster_project.publish.site import codes, words
from dagster_project.publish.site.charts import Row
from dagster_project.publish.site.pages import influence_checks, plots
from dagster_project.publish.site.pages.base import Figure, Meta, Page, Section, Table, Text, has_rows, rows

SIDE_BY_SIDE = ("ols", "slx", "sar", "sem", "sdm", "sdem", "sac")
EFFECTS = ("direct", "indirect", "total")
WIDE = 5  # an interval that is wider than this many times the median interval is cut off in the forest
TESTS = {
    "lm_lag": "LM, spatial lag",
    "lm_err": "LM, spatial error",
    "rlm_lag": "robust LM, lag",
    "rlm_err": "robust LM, error",
    "lm_joint": "LM, both",
    "lm_lag_slx": "LM, lag, after SLX",
    "lm_err_slx": "LM, error, after SLX",
    "rlm_lag_slx": "robust LM, lag, after SLX",
    "rlm_err_slx": "robust LM, error, after SLX",
    "wald_sar": "Wald, SDM against SAR",
    "wald_sem": "Wald, SDM against SEM",
    "lr_sar": "LR, SDM against SAR",
    "lr_sem": "LR, SDM against SEM",
    "lr_ind": "LR, city effects",
    "lr_time": "LR, year effects",
    "f_ind": "F, city effects",
    "f_time": "F, year effects",
    "hausman": "Hausman",
    "mundlak": "Mundlak",
    "moran_residual": "Moran of the residuals",
    "pesaran_cd": "Pesaran CD",
    "wooldridge_ar1": "Wooldridge, first order",
    "modified_wald": "modified Wald, equal variances",
    "squared_correlation": "squared residual correlations",
}


@dataclass(frozen=True)
class Head:
    """The headline regression: its fit and its spec. `focus`: the regressor that the study is about."""

    fit: Row
    spec: Row
    focus: str

    @property
    def model(self) -> str:
        return str(self.fit["model_id"])

    @property
    def focus_name(self) -> str:
        return codes.regressor(self.focus)


def build(con: duckdb.DuckDBPyConnection, meta: Meta) -> Page | None:
    """None without a fitted headline regression and without a reason why there is none."""
    if not (has_rows(con, "mart_panel_fit") and has_rows(con, "dim_model_spec")):
        return None
    head = headline(con, meta)
    skipped = _skipped(con)
    if head is None and skipped is None:
        return None
    found: list[Section | None] = []
    if head is not None:
        found = [
            _overview(con, head),
            _tests(con, head),
            _side_by_side(con, head),
            _effects(con, head, meta),
            _forest(con, head, meta),
            _dynamic(con, head, meta),
            _instruments(con),
            influence_checks.gmm(con),
        ]
    sections = tuple(section for section in (*found, skipped) if section is not None)
    intro = (
        "Regressions of the index on production relations, with neighbours taken into account. They describe how "
        "both move together after city and year effects; none of them proves a cause."
    )
    return Page("models", "Models", "空间面板模型", intro, sections)


def headline(con: duckdb.DuckDBPyConnection, meta: Meta) -> Head | None:
    """The fitted headline regression of the index shown, else any fitted headline, else None."""
    specs = rows(
        con, "select * from mart.dim_model_spec where is_headline order by y_code <> ?, model_id", [meta.index_code]
    )
    for spec in specs:
        fits = rows(
            con,
            "select * from mart.mart_panel_fit where model_id = ? and status = 'fitted' limit 1",
            [spec["model_id"]],
        )
        terms = rows(
            con,
            "select term from mart.mart_panel_coef where model_id = ? and role = 'beta' order by term",
            [spec["model_id"]],
        )
        if fits and terms:
            return Head(fits[0], spec, terms[0]["term"])
    return None


def effects_of(con: duckdb.DuckDBPyConnection, model: str) -> list[Row]:
    """Static effects of one regression."""
    return rows(
        con,
        "select * from mart.mart_panel_effect where model_id = ? and horizon = 'static' order by variable, effect",
        [model],
    )


def certain(point: float | None, lo: float | None, hi: float | None) -> str:
    """What an interval allows to say."""
    return {1: "positive for certain", -1: "negative for certain", 0: "not told from 0"}[words.sided(lo, hi)]


def _overview(con: duckdb.DuckDBPyConnection, head: Head) -> Section:
    fit, spec = head.fit, head.spec
    own = {r["effect"]: r for r in effects_of(con, head.model) if r["variable"] == head.focus}
    said = "; ".join(
        f"{name} {words.number(own[name]['point'], 3)} {words.between(own[name]['lo'], own[name]['hi'])}, "
        f"{certain(own[name]['point'], own[name]['lo'], own[name]['hi'])}"
        for name in EFFECTS
        if name in own
    )
    text: list[Text] = [
        f"{spec['title']}. Effects of {head.focus_name} on {spec['y_code']} (95 % intervals): "
        f"{said or 'not published'}.",
        f"{words.number(fit['n_obs'])} rows: {words.cities(fit['n_used'])} in {fit['t_used']} years, "
        f"{fit['first_year']} to {fit['last_year']}.",
    ]
    verdict = rows(
        con,
        "select outcome, note from mart.mart_panel_test where model_id = ? and test_code = 'rule_verdict'",
        [head.model],
    )
    if verdict:
        text.append(f"The decision rule recommends {verdict[0]['outcome'].upper()}: {verdict[0]['note']}.")
    facts = [
        ("rho, spatial lag of y", words.number(fit["rho"], 4)),
        ("lambda, spatial error", words.number(fit["lam"], 4)),
        ("log-likelihood", words.number(fit["lnl"], 2)),
        ("AIC", words.number(fit["aic"], 1)),
        ("BIC", words.number(fit["bic"], 1)),
        ("R², within", words.number(fit["r2_within"], 3)),
        ("largest VIF", words.number(fit["vif_max"], 1)),
        ("Pesaran CD, p", words.p_value(fit["cd_p"])),
        ("Moran of the residuals, p", words.p_value(fit["resid_moran_p"])),
        ("feasible range of rho", words.between(fit["rho_lo_bound"], fit["rho_hi_bound"], 2)),
    ]
    shown = [(name, value) for name, value in facts if value != words.NONE]
    table = Table.of("fit", f"Fit of {head.model}, n = {words.number(fit['n_obs'])}", ["Measure", "Value"], shown)
    note = (
        f"Effects {spec['fe']}, estimator {spec['estimator']}, W {spec['w_code']}, standard errors {spec['se_type']}."
    )
    if fit["resid_moran_p"] is not None and fit["resid_moran_p"] < 0.05:
        note += " Beware: the residuals still are alike among neighbours (Moran, 5 % level)."
    return Section("headline", "Headline regression", "基准模型", tuple(text), (), (table,), note)


def _tests(con: duckdb.DuckDBPyConnection, head: Head) -> Section | None:
    if not has_rows(con, "mart_panel_test"):
        return None
    found = rows(con, "select * from mart.mart_panel_test where model_id = ?", [head.model])
    order = {code: k for k, code in enumerate(TESTS)}
    tests = sorted(
        (r for r in found if not r["test_code"].startswith("rule_")),
        key=lambda r: (order.get(r["test_code"], len(order)), r["test_code"]),
    )
    rules = sorted((r for r in found if r["test_code"].startswith("rule_")), key=lambda r: r["test_code"])
    if not tests:
        return None
    body = [
        (
            TESTS.get(r["test_code"], r["test_code"].replace("_", " ")),
            words.number(r["statistic"], 2),
            _degrees(r),
            words.p_value(r["p"]),
            r["outcome"] or "",
            r["note"] or "",
        )
        for r in tests
    ]
    n = words.number(head.fit["n_obs"])
    tables = [
        Table.of(
            "tests",
            f"Tests of {head.model}, n = {n}; rejected: at the 5 % level",
            ["mid:Test", "Statistic", "Degrees of freedom", "p", "mid:H0", "wide:Note"],
            body,
        )
    ]
    if rules:
        steps = [
            (r["test_code"].removeprefix("rule_").replace("_", " "), r["outcome"] or "", r["note"] or "") for r in rules
        ]
        tables.append(
            Table.of(
                "rule",
                "The decision rule, step by step",
                ["Step", "mid:Outcome", "wide:Rule and evidence"],
                steps,
                n_text=3,
            )
        )
    main = {r["test_code"]: r for r in tests}
    parts = [
        f"{TESTS[code]} p {words.p_value(main[code]['p'])}"
        for code in ("wald_sar", "lr_sar", "wald_sem", "lr_sem", "hausman")
        if code in main
    ]
    text = (
        f"{'; '.join(parts)}. A rejected hypothesis speaks against the simpler model, not for the truth of the other.",
    )
    return Section("tests", "Specification tests", "设定检验", text, (), tuple(tables))


def _degrees(row: Row) -> str:
    if row["df"] is None:
        return words.NONE
    both = f", {words.number(row['df_denominator'])}" if row["df_denominator"] is not None else ""
    return words.number(row["df"]) + both


def _side_by_side(con: duckdb.DuckDBPyConnection, head: Head) -> Section | None:
    family = rows(
        con,
        "select s.model_id, s.model_type, f.lnl, f.aic, f.bic, f.r2_within, f.n_obs from mart.dim_model_spec as s join "
        "mart.mart_panel_fit as f using (model_id) where f.status = 'fitted' and s.method = 'static' and "
        "(s.model_id = ? or (s.variant_of = ? and s.change like 'model:%'))",
        [head.model, head.model],
    )
    family = sorted(
        family, key=lambda r: SIDE_BY_SIDE.index(r["model_type"]) if r["model_type"] in SIDE_BY_SIDE else 99
    )
    if len(family) < 2:
        return None
    marks = ", ".join("?" for _ in family)
    coefs = rows(
        con, f"select * from mart.mart_panel_coef where model_id in ({marks})", [r["model_id"] for r in family]
    )
    held = {(r["model_id"], r["term"]): r for r in coefs}
    role = {r["term"]: r["role"] for r in coefs}
    scalars = ("rho", "lambda", "lam")
    terms = sorted(role, key=lambda t: (role[t] in scalars, t.startswith("W:"), t))
    if head.focus in terms:  # the regressor of the study and its neighbours' come first
        terms = [
            *(t for t in (head.focus, f"W:{head.focus}") if t in terms),
            *(t for t in terms if t not in (head.focus, f"W:{head.focus}")),
        ]
    body = [(term, *(_estimate(held.get((r["model_id"], term))) for r in family)) for term in terms]
    for name, key, digits in (
        ("log-likelihood", "lnl", 1),
        ("AIC", "aic", 1),
        ("BIC", "bic", 1),
        ("R², within", "r2_within", 3),
        ("n", "n_obs", 0),
    ):
        body.append((name, *(words.number(r[key], digits) for r in family)))
    table = Table.of(
        "side-by-side",
        "Coefficients (standard errors); * the 95 % interval excludes 0",
        ["Term", *(r["model_type"].upper() for r in family)],
        body,
    )
    best = min((r for r in family if r["aic"] is not None), key=lambda r: r["aic"], default=None)
    text: list[Text] = [
        "Coefficients of models with a lag of y are not marginal effects: compare the effects below, not these rows."
    ]
    if best is not None:
        text.append(f"The lowest AIC among these has {best['model_type'].upper()}; AIC has no interval of its own.")
    return Section("side-by-side", "SAR, SEM, SLX, SDM side by side", "模型对照", tuple(text), (), (table,))


def _estimate(row: Row | None) -> str:
    if row is None or row["coef"] is None:
        return words.NONE
    star = "*" if words.sided(row["lo"], row["hi"]) else ""
    digits = 3 if abs(row["coef"]) < 10 else 2
    return f"{words.number(row['coef'], digits)}{star} ({words.number(row['se'], digits)})"


def _effects(con: duckdb.DuckDBPyConnection, head: Head, meta: Meta) -> Section | None:
    found = effects_of(con, head.model)
    if not found:
        return None
    own = sorted((r for r in found if r["variable"] == head.focus), key=lambda r: EFFECTS.index(r["effect"]))
    data = [{"label": r["effect"], "point": r["point"], "lo": r["lo"], "hi": r["hi"], "n": r["n_obs"]} for r in own]
    figures: tuple[Figure, ...] = ()
    if data:
        spec = plots.forest(
            data,
            title=f"Effects of {head.focus_name}, {head.model}",
            note=plots.synthetic(meta),
            x_title=f"change of y per unit of {head.focus} ({head.spec['y_unit'] or 'unit of y'})",
            alt_text="Direct, indirect and total effect with 95 % intervals; table below.",
        )
        figures = (Figure("effects", spec, f"Line: 95 % interval. n = {words.number(own[0]['n_obs'])} rows."),)
    sure = [r for r in found if r["effect"] == "total" and words.sided(r["lo"], r["hi"])]
    total = sum(r["effect"] == "total" for r in found)
    text = (
        f"For {len(sure)} of {words.count(total, 'regressor')} the interval of the total effect excludes 0"
        + (f": {', '.join(r['variable'] for r in sure)}." if sure else "."),
    )
    body = [
        (
            r["variable"],
            r["effect"],
            words.number(r["point"], 4),
            words.between(r["lo"], r["hi"], 4),
            words.number(r["se_sim"], 4),
            words.number(r["se_delta"], 4),
            words.p_value(r["p"]),
            words.number(r["n_obs"]),
        )
        for r in sorted(found, key=lambda r: (r["variable"] != head.focus, r["variable"], EFFECTS.index(r["effect"])))
    ]
    heads = ["Regressor", "Effect", "Point", "95 % interval", "se, draws", "se, delta method", "p", "n"]
    table = Table.of("effects", f"Average effects of {head.model}", heads, body, n_text=2)
    note = (
        "Direct: of a city on itself, with what comes back. Indirect: of all others on it. Intervals: delta method, "
        "errors by city; the error of draws is a check."
    )
    return Section("effects", "Direct, indirect and total effects", "效应分解", text, figures, (table,), note)


def _forest(con: duckdb.DuckDBPyConnection, head: Head, meta: Meta) -> Section | None:
    found = rows(
        con,
        "select e.*, s.change, s.y_unit, s.y_code from mart.mart_panel_effect as e join mart.dim_model_spec as s using "
        "(model_id) where (e.variable = ? or starts_with(e.variable, ? || '_')) and e.horizon = 'static' and "
        "s.y_unit is not distinct from ? "
        "and (s.model_id = ? or s.variant_of = ?) order by s.model_id <> ?, s.change, e.effect",
        [head.focus, head.focus, head.spec["y_unit"], head.model, head.model, head.model],
    )
    found = [r for r in found if r["point"] not in (None, 0)]  # 0: models without spillovers by construction
    models = list(dict.fromkeys(r["model_id"] for r in found))
    if len(models) < 2:
        return None
    label = {r["model_id"]: r["change"] or "headline" for r in found}
    widths = sorted(r["hi"] - r["lo"] for r in found if r["lo"] is not None)
    middle = widths[len(widths) // 2] if widths else 0
    cut = [r for r in found if r["lo"] is not None and r["hi"] - r["lo"] > WIDE * middle]
    calm = [r for r in found if r not in cut and r["lo"] is not None]
    domain = (min([0, *(r["lo"] for r in calm)]), max([0, *(r["hi"] for r in calm)])) if cut and calm else None
    data = [
        {
            "label": label[r["model_id"]],
            "series": r["effect"],
            "point": r["point"],
            "lo": r["lo"],
            "hi": r["hi"],
            "n": r["n_obs"],
        }
        for r in found
    ]
    spec = plots.forest(
        data,
        series=EFFECTS,
        domain=domain,
        title=f"Effects of {head.focus_name}, all specifications",
        note=plots.synthetic(meta),
        x_title="change of y per unit",
        alt_text=f"Forest plot of {len(models)} specifications; figures in the table.",
    )
    text: list[Text] = []
    for effect in EFFECTS:
        own = [r for r in found if r["effect"] == effect]
        signs = [words.sided(r["lo"], r["hi"]) for r in own]
        text.append(
            f"{effect.capitalize()} effect: positive for certain in {signs.count(1)} of {len(own)} "
            f"specifications, negative for certain in {signs.count(-1)}, not told from 0 in {signs.count(0)}."
        )
    caption = (
        "Lines: 95 % intervals. n stands in the tooltip. Only specifications with y in the same unit; no "
        "mark where a model has no spillover by construction."
    )
    if domain is not None:
        named = ", ".join(dict.fromkeys(label[r["model_id"]] for r in cut))
        caption += f" Cut off because the interval is far wider than the others: {named} (see the table)."
    body = [
        (
            label[r["model_id"]],
            r["effect"],
            words.number(r["point"], 3),
            words.between(r["lo"], r["hi"]),
            words.p_value(r["p"]),
            words.number(r["n_obs"]),
        )
        for r in found
    ]
    table = Table.of(
        "forest",
        f"Effects of {head.focus_name} by specification",
        ["mid:Change", "Effect", "Point", "95 % interval", "p", "n"],
        body,
        n_text=2,
        fold="Figures of the forest plot",
    )
    note = "The specifications share data and are not independent: the share of positive ones is no test."
    return Section(
        "forest",
        "All specifications",
        "全部设定森林图",
        tuple(text),
        (Figure("forest", spec, caption, plots.legend(EFFECTS)),),
        (table,),
        note,
    )


def _dynamic(con: duckdb.DuckDBPyConnection, head: Head, meta: Meta) -> Section | None:
    if not has_rows(con, "mart_dynamic_effect"):
        return None
    found = rows(
        con,
        "select * from mart.mart_dynamic_effect where variable = ? and is_headline and index_code = ? "
        "and kind not like 'gmm%' order by model_id, horizon desc, effect",
        [head.focus, head.fit["index_code"]],
    )
    if not found:
        return None
    data = [
        {
            "label": f"{r['horizon']} run, {r['effect']}",
            "point": r["point"],
            "lo": r["lo"],
            "hi": r["hi"],
            "n": r["n_obs"],
        }
        for r in found
    ]
    spec = plots.forest(
        data,
        title=f"Short- and long-run effects of {head.focus}",
        note=plots.synthetic(meta),
        x_title="change of y per unit",
        alt_text="Short- and long-run effects with intervals.",
    )
    first = found[0]
    text = (
        "; ".join(
            f"{d['label']}: {words.number(d['point'], 3)} {words.between(d['lo'], d['hi'])}, "
            f"{certain(d['point'], d['lo'], d['hi'])}"
            for d in data
        )
        + ".",
    )
    note = (
        f"{first['model_id']}, {first['kind'].replace('_', ' ')}: y of the year before "
        f"{words.number(first['tau'], 3)}, its "
        f"neighbours' {words.number(first['eta'], 3)}, rho {words.number(first['rho'], 3)}; spectral radius "
        f"{words.number(first['spectral_radius'], 3)} (stable below 1). Long-run figures are far from any data."
    )
    caption = f"Line: 95 % interval. n = {words.number(first['n_obs'])} rows."
    return Section("dynamic", "Dynamic model", "动态模型", text, (Figure("dynamic", spec, caption),), (), note)


def _instruments(con: duckdb.DuckDBPyConnection) -> Section | None:
    if not has_rows(con, "mart_iv_diagnostic"):
        return None
    found = rows(con, "select * from mart.mart_iv_diagnostic order by model_id, endogenous")
    weak = [r for r in found if r["is_weak"]]
    n = words.count(len(found), "endogenous regressor")
    text = (
        f"{len(weak)} of {n} {words.has_have(len(weak))} weak instruments: then only the Anderson-Rubin set may be "
        "read, and it may be empty or unbounded.",
    )
    body = [
        (
            r["model_id"],
            r["endogenous"],
            words.number(r["first_stage_f"], 1),
            words.number(r["kp_f"], 1),
            "weak" if r["is_weak"] else "not weak",
            words.number(r["hansen_j"], 2),
            words.p_value(r["hansen_p"]),
            words.between(r["ar_lo"], r["ar_hi"]),
            words.number(r["n_obs"]),
            r["note"] or "",
        )
        for r in found
    ]
    heads = [
        "Model",
        "Endogenous",
        "First-stage F",
        "Kleibergen-Paap F",
        "mid:Instruments",
        "Hansen J",
        "Hansen p",
        "Anderson-Rubin set",
        "n",
        "wide:Note",
    ]
    table = Table.of("instruments", "Strength and validity of the instruments", heads, body, n_text=2)
    return Section("instruments", "Instruments", "工具变量诊断", text, (), (table,))


def _skipped(con: duckdb.DuckDBPyConnection) -> Section | None:
    found = rows(
        con, "select model_id, skip_reason from mart.mart_panel_fit where status <> 'fitted' order by model_id"
    )
    if not found:
        return None
    body = [(r["model_id"], r["skip_reason"] or "") for r in found]
    table = Table.of(
        "skipped",
        "Regressions that were not fitted",
        ["Model", "wide:Reason"],
        body,
        n_text=2,
        fold=f"All {len(body)} with their reasons" if len(body) > 8 else "",
    )
    text = (
        f"{words.count(len(found), 'regression')} of the specification file {words.has_have(len(found))} no result; "
        "nothing was put in their place.",
    )
    return Section("skipped", "Skipped models", "未估计模型", text, (), (table,))
