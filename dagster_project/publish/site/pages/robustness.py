"""Sections: regimes, moderation, specification curve and placebo weights (F25). Each only if its mart holds rows."""

from __future__ import annotations

import duckdb
import numpy as np

from dagster_project.publish.site import codes, words
from dagster_project.publish.site.charts import Row
from dagster_project.publish.site.pages import plots
from dagster_project.publish.site.pages.base import Figure, Meta, Section, Table, Text, has_rows, rows, rows_shown

Z = 1.959964
EFFECTS = ("direct", "indirect", "total")
N_BINS = 40


def sections(con: duckdb.DuckDBPyConnection, meta: Meta) -> list[Section]:
    """Those whose marts hold rows of the index shown."""
    found = [_regimes(con, meta), _moderation(con, meta), _curve(con, meta), _placebo(con, meta)]
    return [section for section in found if section is not None]


def _regimes(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    found = [
        r
        for r in rows_shown(con, meta, "mart_regime_coef", "scheme, year_effects, regime")
        if r["rho_regime"] is not None
    ]
    if not found:
        return None
    data = [
        {"label": _regime(r), "point": r["rho_regime"], "lo": r["lo"], "hi": r["hi"], "n": r["n_obs"]} for r in found
    ]
    text = []
    for scheme, effects in dict.fromkeys((r["scheme"], r["year_effects"]) for r in found):
        p = next(r["p_equal"] for r in found if (r["scheme"], r["year_effects"]) == (scheme, effects))
        verdict = "differs between the regimes" if p is not None and p < 0.05 else "is not shown to differ"
        text.append(
            f"{codes.sentence(codes.scheme(scheme))}, year effects {codes.plain(effects)}: the spatial lag "
            f"{verdict} (p {words.p_value(p)})."
        )
    spec = plots.forest(
        data,
        title="Spatial lag by regime of the receiving city",
        note=plots.synthetic(meta),
        x_title="rho (1)",
        alt_text="Spatial lag by regime with intervals; figures in the table.",
    )
    body = [
        (
            _regime(r),
            words.number(r["rho_regime"], 3),
            words.between(r["lo"], r["hi"]),
            *(f"{words.number(r[e], 3)} {words.between(r[f'{e}_lo'], r[f'{e}_hi'])}" for e in EFFECTS),
            words.p_value(r["p_equal"]),
            words.number(r["n_city"]),
            words.number(r["n_obs"]),
        )
        for r in found
    ]
    heads = ["mid:Regime", "rho", "95 %", "Direct", "Indirect", "Total", "p, equal", "Cities", "n"]
    table = Table.of("regimes", "Two-regime model: spatial lag and effects [95 % interval]", heads, body)
    note = "Elhorst and Freret (2009); bias-corrected by parametric bootstrap where draws were made."
    caption = f"Lines: 95 % intervals. n = {words.number(found[0]['n_obs'])} rows."
    return Section(
        "regimes", "Two regimes", "双区制模型", tuple(text), (Figure("regimes", spec, caption),), (table,), note
    )


def _regime(r: Row) -> str:
    return f"{codes.group(r['scheme'], r['regime'])}, year effects {codes.plain(r['year_effects'])}"


def _moderation(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    found = rows_shown(con, meta, "mart_interaction_effect", "moderator, at_value")
    found = [r for r in found if r["indirect"] is not None]
    if not found:
        return None
    data = [
        {
            "label": f"{codes.moderator(r['moderator'])}, {r['at_percentile']}",
            "series": e,
            "point": r[e],
            "lo": r[f"{e}_lo"],
            "hi": r[f"{e}_hi"],
            "n": r["n_obs"],
        }
        for r in found
        for e in EFFECTS
    ]
    first = {r["moderator"]: r for r in reversed(found)}
    text = []
    for name in sorted(first):
        p = first[name]["p_interaction"]
        verdict = "moderates" if p is not None and p < 0.05 else "is not shown to moderate"
        text.append(f"{codes.sentence(codes.moderator(name))} {verdict} the effects (Wald p {words.p_value(p)}).")
    spec = plots.forest(
        data,
        series=EFFECTS,
        title="Effects at levels of the moderator",
        note=plots.synthetic(meta),
        x_title="change of y per unit",
        alt_text="Effects by level of the moderator; table below.",
    )
    body = [
        (d["label"], d["series"], words.number(d["point"], 3), words.between(d["lo"], d["hi"]), words.number(d["n"]))
        for d in data
    ]
    table = Table.of(
        "moderation",
        "Effects at levels of the moderator",
        ["mid:Level", "Effect", "Point", "95 % interval", "n"],
        body,
        n_text=2,
        fold="Figures",
    )
    weak = sorted({r["note"] for r in found if r["note"]})
    return Section(
        "moderation",
        "Moderation",
        "调节效应",
        tuple(text),
        (Figure("moderation", spec, "Lines: 95 % intervals.", plots.legend(EFFECTS)),),
        (table,),
        "; ".join(weak),
    )


def _curve(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    found = [
        r for r in rows_shown(con, meta, "mart_robustness", "indirect_standardised, run_id") if r["status"] == "fitted"
    ]
    if len(found) < 2:
        return None
    figures, text = [], []
    for effect in ("indirect", "direct"):
        data = _standardised(found, effect)
        if len(data) < 2:
            continue
        domain, cut = _window(data)
        spec = plots.forest(
            data,
            title=f"Specification curve, {effect} effect",
            note=plots.synthetic(meta),
            zero=0,
            domain=domain,
            x_title="standardised effect (standard deviations)",
            alt_text=f"Specification curve of the {effect} effect over {len(data)} variants.",
        )
        figures.append(
            Figure(
                f"curve-{effect}",
                spec,
                f"{len(data)} variants, sorted. Line: 95 % interval, the standard "
                f"error carried over to the standardised scale. n stands in the tooltip.{cut}",
            )
        )
    for r in rows_shown(con, meta, "mart_robustness_summary", "effect"):
        text.append(
            f"{r['effect'].capitalize()} effect: {words.number(100 * r['share_sign_agrees'], 0)} % of "
            f"{r['n_runs']} variants have the sign of the headline, {words.number(100 * r['share_significant_5'], 0)} "
            f"% differ from 0 at 5 %; {r['n_skipped']} were skipped."
            if r["share_sign_agrees"] is not None
            else f"{r['effect'].capitalize()} effect: no variant."
        )
    body = [
        (
            r["change_axis"],
            r["change_value"] or "",
            *(f"{words.number(r[e], 3)} ({words.number(r[f'{e}_se'], 3)})" for e in EFFECTS),
            words.number(r["rho"], 3),
            _agrees(r["sign_agrees"]),
            _agrees(r["significant_5"]),
            words.number(r["n_obs"]),
        )
        for r in sorted(found, key=lambda r: (r["change_axis"] != "headline", r["change_axis"], r["run_id"]))
    ]
    heads = ["Change", "mid:To", "Direct (se)", "Indirect (se)", "Total (se)", "rho", "Sign agrees", "5 %", "n"]
    table = Table.of("curve", "Every variant", heads, body, n_text=2, fold="Figures of all variants")
    note = "Variants share data: the share that agrees is a description, not a test."
    return Section("curve", "Specification curve", "设定曲线", tuple(text), tuple(figures), (table,), note)


def _window(data: list[Row]) -> tuple[tuple[float, float], str]:
    """The axis that shows nearly all intervals, and the sentence about those that leave it.

    One variant with a spatial lag near its bound has an interval a thousand times as wide as the others.
    """
    known = [r for r in data if r["lo"] is not None and r["hi"] is not None]
    lows, highs = ([r[end] for r in known] or [r["point"] for r in data] for end in ("lo", "hi"))
    low, high = min(0.0, float(np.quantile(lows, 0.05))), max(0.0, float(np.quantile(highs, 0.95)))
    room = 0.05 * (high - low or 1.0)
    domain = (low - room, high + room)
    outside = [str(r["label"]) for r in known if r["lo"] < domain[0] or r["hi"] > domain[1]]
    return domain, f" Cut off, see the figures below: {', '.join(outside)}." if outside else ""


def _standardised(found: list[Row], effect: str) -> list[Row]:
    data = []
    for r in found:
        b, raw, se = r[f"{effect}_standardised"], r[effect], r[f"{effect}_se"]
        if b is None:
            continue
        half = None if se is None or not raw else Z * abs(b / raw) * se
        name = r["change_axis"] if r["change_axis"] == "headline" else f"{r['change_axis']}: {r['change_value']}"
        data.append(
            {
                "label": name,
                "point": b,
                "lo": None if half is None else b - half,
                "hi": None if half is None else b + half,
                "n": r["n_obs"],
            }
        )
    return sorted(data, key=lambda row: row["point"])


def _agrees(flag: bool | None) -> str:
    return words.NONE if flag is None else "yes" if flag else "no"


def _placebo(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    summary = rows_shown(con, meta, "mart_robustness_placebo_summary", "term")
    draws = [r for r in rows_shown(con, meta, "mart_robustness_placebo", "draw_id") if not r["is_actual"]]
    if not (summary and draws):
        return None
    text: list[Text] = []
    figures = []
    for r in summary:
        values = [d[r["term"]] for d in draws if d.get(r["term"]) is not None]
        outside = r["actual"] is not None and words.sided(r["lo"], r["hi"], r["actual"]) != 0
        verdict = "lies outside" if outside else "does not lie outside"
        text.append(
            f"{r['term'].capitalize()}: the true W gives {words.number(r['actual'], 3)}, which {verdict} the middle "
            f"95 % of {words.number(r['n_draws'])} relabelled W {words.between(r['lo'], r['hi'])} "
            f"(p {words.p_value(r['p'])})."
        )
        if len(values) > 2 and r["actual"] is not None:
            figures.append(_histogram(values, r, meta))
    body = [
        (
            r["term"],
            words.number(r["actual"], 4),
            words.number(r["mean_draws"], 4),
            words.between(r["lo"], r["hi"], 4),
            words.p_value(r["p"]),
            words.number(r["n_draws"]),
            words.number(r["n_refused"]),
        )
        for r in summary
    ]
    heads = ["Term", "True W", "Mean of the draws", "95 % of the draws", "p", "Draws", "Without estimate"]
    table = Table.of("placebo", "True W against relabelled W", heads, body)
    note = "The cities of W are dealt new names at random. Draws whose middle lies away from 0 would show a bias."
    return Section("placebo", "Placebo weights", "安慰剂权重", tuple(text), tuple(figures), (table,), note)


def _histogram(values: list[float], r: Row, meta: Meta) -> Figure:
    """Counts as a step line, and the true value as a line of its own."""
    counts, edges = np.histogram(values, bins=min(N_BINS, max(5, len(values) // 8)))
    data: list[Row] = [{"x": float(edges[0]), "y": 0, "series": "relabelled W"}]
    for k, count in enumerate(counts):
        data += [{"x": float(x), "y": int(count), "series": "relabelled W"} for x in edges[k : k + 2]]
    data.append({"x": float(edges[-1]), "y": 0, "series": "relabelled W"})
    data += [{"x": r["actual"], "y": y, "series": "true W"} for y in (0, int(counts.max()))]
    series = ["relabelled W", "true W"]
    spec = plots.lines(
        data,
        series=series,
        title=f"Placebo: {r['term']}",
        note=plots.synthetic(meta),
        years=False,
        x_title=r["term"],
        y_title="draws",
        points=False,
        height=240,
        alt_text=f"Histogram of {len(values)} placebo draws and the true value.",
    )
    return Figure(f"placebo-{r['term']}", spec, f"{len(values)} draws.", plots.legend(series, "line"))


def runs(con: duckdb.DuckDBPyConnection) -> Section | None:
    """What was run, what was skipped and why."""
    found = [
        r
        for table in ("mart_influence_run", "mart_robustness_run")
        if has_rows(con, table)
        for r in rows(con, f"select model_id, analysis, variant, status, skip_reason from mart.{table} order by all")
    ]
    skipped = [r for r in found if r["status"] != "done"]
    if not found:
        return None
    body = [(r["model_id"], r["analysis"], r["variant"] or "all", r["status"], r["skip_reason"] or "") for r in found]
    table = Table.of(
        "runs",
        "Analyses and what became of them",
        ["Model", "Analysis", "Variant", "Status", "wide:Reason"],
        body,
        n_text=5,
        fold=f"All {len(body)} analyses",
    )
    text = (
        f"{len(found) - len(skipped)} of {len(found)} analyses are done; {len(skipped)} "
        f"{words.is_are(len(skipped))} skipped with a reason.",
    )
    return Section("runs", "What was run", "运行清单", text, (), (table,))
