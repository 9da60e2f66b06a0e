"""Page: how far the index can be trusted. Weights, ranks, choices, agreement of schemes, restatement, validity."""

from __future__ import annotations

import duckdb

from dagster_project.publish.site import words
from dagster_project.publish.site.charts import Row
from dagster_project.publish.site.pages import plots, restatement
from dagster_project.publish.site.pages.base import Figure, Meta, Page, Section, Table, has_rows, rows

OWN = "basis = ? and index_code = ?"
SHOWN = ("entropy_flat", "critic", "pca", "equal")  # schemes of the scatter of weights; the table holds all
N_EDGE = 20
FACTORS = {
    "scheme": "weight scheme",
    "winsorising": "winsorising",
    "delta": "shift inside the entropy",
    "drop_one": "leaving one indicator out",
    "imputation": "imputed values",
    "weights": "weights drawn around the scheme",
}


def build(con: duckdb.DuckDBPyConnection, meta: Meta) -> Page | None:
    """None without weights that carry an interval or ranks that do."""
    found = [
        _weights(con, meta),
        _drift(con, meta),
        _ranks(con, meta),
        _choices(con, meta),
        _agreement(con, meta),
        _drop_one(con, meta),
        restatement.section(con, meta),
        _validity(con, meta),
    ]
    sections = tuple(section for section in found if section is not None)
    if not any(section.anchor in ("weights", "ranks") for section in sections):
        return None
    intro = (
        "An index is a chain of choices. This page shows how much the weights, the scores and the ranks depend on "
        "them, and which statements about ranks survive all of them."
    )
    return Page("measurement", "Measurement", "测度与不确定性", intro, sections)


def own(con: duckdb.DuckDBPyConnection, meta: Meta, table: str, more: str = "", columns: str = "*") -> list[Row]:
    """Rows of the headline index on its frozen basis; none if the mart is absent."""
    if not has_rows(con, table):
        return []
    return rows(con, f"select {columns} from mart.{table} where {OWN} {more}", [meta.basis, meta.index_code])


def _weights(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    all_rows = rows(
        con,
        "select w.weight_scheme as scheme, w.indicator_code as code, coalesce(i.name_en, w.indicator_code) as name, "
        "i.name_zh, w.weight, w.weight_p05 as lo, w.weight_p95 as hi, w.skewness from mart.mart_index_weight as w "
        "left join mart.dim_indicator as i using (index_code, indicator_code) "
        "where w.basis = ? and w.index_code = ? and w.weight_scheme <> 'time_varying' order by w.weight desc, code",
        [meta.basis, meta.index_code],
    )
    head = [row for row in all_rows if row["scheme"] == "entropy_flat"]
    known = [row for row in head if row["lo"] is not None]
    if not known:
        return None
    note, n = plots.synthetic(meta), len(head)
    equal = 1 / n
    above = [row for row in known if words.sided(row["lo"], row["hi"], equal) > 0]
    below = [row for row in known if words.sided(row["lo"], row["hi"], equal) < 0]
    top = known[0]
    text = (
        f"The heaviest indicator, {top['name']}, carries {_percent(top['weight'])} % of the weight; drawing the cities "
        f"anew moves it between {_percent(top['lo'])} and {_percent(top['hi'])} % (90 % of the draws).",
        f"An equal share would be {_percent(equal)} %. For {len(above)} of {n} indicators the 90 % range lies "
        f"above it, "
        f"for {len(below)} below it; for the other {n - len(above) - len(below)} the draws do not tell.",
    )
    marks = [
        {"label": row["code"], "point": 100 * row["weight"], "lo": 100 * row["lo"], "hi": 100 * row["hi"], "n": None}
        for row in known
    ]
    bars = plots.forest(
        marks,
        title="Headline weights with their bootstrap range",
        note=note,
        x_title="weight (%)",
        zero=100 * equal,
        digits=2,
        alt_text=f"Weights of {n} indicators with 90 % ranges; all figures are in the table.",
    )
    present = [s for s in SHOWN if any(row["scheme"] == s for row in all_rows)]
    dots = [
        {"x": row["skewness"], "y": 100 * row["weight"], "series": row["scheme"], "name": row["name"]}
        for row in all_rows
        if row["scheme"] in present and row["skewness"] is not None
    ]
    figures = [
        Figure(
            "weight-range",
            bars,
            f"Dot: weight. Line: 5 to 95 % of the draws of whole cities. Upright line: equal weights. {n} indicators.",
        )
    ]
    if dots:
        spec = plots.scatter(
            dots,
            series=present,
            title="Weight and skewness, by scheme",
            note=note,
            x_title="skewness of the indicator",
            y_title="weight (%)",
            tips=[("name", "Indicator", ""), ("series", "Scheme", "")],
            alt_text=f"Weight against skewness under {len(present)} schemes; the weights are in the table.",
        )
        caption = (
            "One mark an indicator and scheme. Entropy weights follow skewness by construction; the others need not."
        )
        figures.append(Figure("weight-skewness", spec, caption, plots.legend(present)))
    return Section(
        "weights",
        "Weights and their uncertainty",
        "权重及其不确定性",
        text,
        tuple(figures),
        (_weight_table(all_rows, head),),
        _pca_note(con, meta),
    )


def _weight_table(all_rows: list[Row], head: list[Row]) -> Table:
    schemes = ["entropy_flat", *sorted({row["scheme"] for row in all_rows} - {"entropy_flat"})]
    held = {(row["code"], row["scheme"]): row["weight"] for row in all_rows}
    body = [
        (
            words.both(row["name"], row["name_zh"]),
            f"[{_percent(row['lo'])}, {_percent(row['hi'])}]",
            *(_percent(held.get((row["code"], scheme))) for scheme in schemes),
        )
        for row in head
    ]
    heads = ["mid:Indicator", "90 % range of entropy_flat", *(scheme.replace("_", " ") for scheme in schemes)]
    return Table.of(
        "weights",
        "Weight by scheme, %; negative weights are possible with pca only",
        heads,
        body,
        fold="Weights of all schemes",
    )


def _pca_note(con: duckdb.DuckDBPyConnection, meta: Meta) -> str:
    text = "The range comes from 999 draws of whole cities: it is sampling spread, not the doubt about the scheme."
    found = own(con, meta, "mart_index_pca")
    if not found:
        return text
    row = found[0]
    return (
        f"{text} Principal components: KMO {words.number(row['kmo'], 3)}, Bartlett p "
        f"{words.p_value(row['bartlett_p'])}, {words.count(row['n_kept'], 'component')} kept with "
        f"{_percent(row['share_kept'])} % of the variance; {words.count(row['n_negative'], 'weight')} negative."
    )


def _drift(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    columns = "window_kind, window_end, max(drift_l1_half) as drift, any_value(n_obs) as n_obs"
    found = own(con, meta, "mart_index_weight_stability", "group by all order by window_kind, window_end", columns)
    found = [row for row in found if row["drift"] is not None]
    if not found:
        return None
    names = {"expanding": "years up to", "leave_one_year": "all years without"}
    data = [
        {
            "x": r["window_end"],
            "y": 100 * r["drift"],
            "series": names.get(r["window_kind"], r["window_kind"]),
            "n": r["n_obs"],
        }
        for r in found
    ]
    series = list(dict.fromkeys(row["series"] for row in data))
    worst = max(data, key=lambda row: row["y"])
    alarms = own(con, meta, "mart_index_rebase_alarm", "order by alarm_kind, indicator_code")
    rung = [row for row in alarms if row["is_alarm"]]
    text = (
        f"Weights from other windows differ by at most {words.number(worst['y'], 1)} % of the total weight "
        f"({worst['series']} {worst['x']}). Half the sum of absolute differences counts: the share of weight that "
        f"moves.",
        f"{len(rung)} of {len(alarms)} rebasing alarms ring." if alarms else "No rebasing alarm was computed.",
    )
    spec = plots.lines(
        data,
        series=series,
        title="Share of the weight that moves with the window",
        note=plots.synthetic(meta),
        x_title="year",
        y_title="weight that moves (%)",
        height=280,
        alt_text=f"Drift of the weights by window, at most {words.number(worst['y'], 1)} %.",
    )
    body = [
        (
            r["alarm_kind"].replace("_", " "),
            r["indicator_code"] or "all weights",
            words.number(r["observed"], 4),
            words.number(r["alarm_limit"], 2),
            "yes" if r["is_alarm"] else "no",
        )
        for r in alarms
    ]
    heads = ["Alarm", "Indicator", "Observed", "Limit", "Rings"]
    table = Table.of("alarms", "Rebasing alarms: shares", heads, body, n_text=2, fold="All alarms")
    caption = "Window in years against the headline window; a difference has no interval of its own here."
    return Section(
        "drift",
        "Drift of the weights",
        "权重漂移",
        text,
        (Figure("drift", spec, caption, plots.legend(series, "line")),),
        (table,) if body else (),
    )


def _ranks(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    if not has_rows(con, "mart_index_uncertainty"):
        return None
    found = rows(
        con,
        "select c.name_en, c.name_zh, u.* from mart.mart_index_uncertainty as u left join mart.dim_city as c "
        "using (city_id) where u.basis = ? and u.index_code = ? and u.year = ? order by u.rank_year, u.city_id",
        [meta.basis, meta.index_code, meta.last_year],
    )
    found = [row for row in found if row["rank_year"] is not None]
    if not found:
        return None
    n, k = len(found), min(N_EDGE, len(found) // 2 or 1)
    edges = {"top": found[:k], "bottom": found[-k:]}
    sure = [row for row in found if row["p_top20"] >= 0.95]
    maybe = [row for row in found if 0.05 <= row["p_top20"] < 0.95]
    widths = sorted(row["rank_p95"] - row["rank_p05"] for row in found)
    text = (
        f"In {meta.last_year}, {words.cities(len(sure))} of {n} {words.is_are(len(sure))} among the first 20 in at "
        f"least 95 % of {words.number(found[0]['n_draws'])} draws of all choices. For {words.cities(len(maybe))} more "
        "it depends on the choices (5 to 95 % of the draws): their place among the first 20 is open.",
        f"The 90 % range of a rank is {words.number(widths[n // 2])} places wide for the city in the middle. Two "
        "cities whose ranges overlap should not be called higher and lower without a look at the draws.",
    )
    figures = tuple(
        Figure(
            f"ranks-{name}",
            _rank_chart(part, name, k, meta),
            "Dot: published rank. Line: 5 to 95 % of "
            "the draws. A dot can lie outside its line when most other choices place the city elsewhere. "
            f"n = {words.cities(n)}.",
        )
        for name, part in edges.items()
    )
    body = [
        (
            words.both(row["name_en"], row["name_zh"]),
            words.number(row["rank_year"]),
            words.number(row["rank_p50"]),
            words.between(row["rank_p05"], row["rank_p95"], 0),
            words.number(100 * row["p_top20"], 1),
            words.between(100 * row["score_p05"], 100 * row["score_p95"], 1),
        )
        for row in found
    ]
    heads = ["City", "Rank", "Median rank", "90 % range of rank", "P(top 20), %", "90 % range of score, points"]
    tables = (
        Table.of("ranks", f"The first {k} cities of {meta.last_year}", heads, body[:k]),
        Table.of("ranks-all", f"Rank and range of every city, {meta.last_year}", heads, body, fold=f"All {n} cities"),
    )
    note = "Draws over scheme, winsorising, shift, left-out indicator, imputation and weights around the scheme."
    return Section("ranks", "Rank intervals", "排名区间", text, figures, tables, note)


def _rank_chart(part: list[Row], name: str, k: int, meta: Meta) -> plots.Spec:
    data = [
        {
            "label": f"{row['name_en']} {row['name_zh']}" if row["name_en"] else row["city_id"],
            "point": row["rank_year"],
            "lo": row["rank_p05"],
            "hi": row["rank_p95"],
            "n": row["n_obs"],
        }
        for row in part
    ]
    side = {"top": "highest", "bottom": "lowest"}[name]
    return plots.forest(
        data,
        title=f"Ranks of the {k} {side} cities, {meta.last_year}",
        note=plots.synthetic(meta),
        x_title="rank",
        zero=None,
        digits=0,
        alt_text=f"Rank and 90 % range of the {k} {side} cities; figures in the table.",
    )


def _choices(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    found = own(con, meta, "mart_index_uncertainty_factor", "order by sobol_total desc")
    if not found:
        return None
    kinds = ["alone", "with interactions"]
    data = [
        {
            "label": FACTORS.get(r["factor"], r["factor"]),
            "series": kind,
            "point": 100 * r[f"sobol_{c}"],
            "lo": _hundred(r[f"sobol_{c}_p05"]),
            "hi": _hundred(r[f"sobol_{c}_p95"]),
            "n": r["n_draws"],
        }
        for r in found
        for kind, c in zip(kinds, ("first", "total"), strict=True)
    ]
    top = data[1]
    text = (
        f"The choice that moves ranks most is the {top['label']}: with its interactions it stands for "
        f"{words.number(top['point'], 0)} % of the variance of the mean shift of places "
        f"(90 % range {words.between(top['lo'], top['hi'], 0)}).",
    )
    spec = plots.forest(
        data,
        series=kinds,
        title="Which choice moves the ranks",
        note=plots.synthetic(meta),
        digits=1,
        x_title="share of the variance (%)",
        alt_text="Sobol shares of each choice; figures in the table.",
    )
    body = [(d["label"], d["series"], words.number(d["point"], 1), words.between(d["lo"], d["hi"], 1)) for d in data]
    table = Table.of(
        "sobol", "Sobol shares, % of the variance", ["mid:Choice", "Share", "Estimate", "90 % range"], body, n_text=2
    )
    note = (
        f"First-order and total Sobol indices from {words.number(found[0]['n_draws'])} base draws "
        f"({words.number(found[0]['n_obs'])} scored city-years). An estimate slightly below 0 means: not told from 0."
    )
    figure = Figure("sobol", spec, "Line: 90 % range by resampling the draws.", plots.legend(kinds))
    return Section("choices", "Which choice matters", "各选择的方差份额", text, (figure,), (table,), note)


def _agreement(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    found = own(con, meta, "mart_index_rank_agreement", f"and year = {int(meta.last_year)} order by scheme_a, scheme_b")
    found = [row for row in found if row["spearman"] is not None]
    if not found:
        return None
    schemes = sorted({row["scheme_a"] for row in found} | {row["scheme_b"] for row in found})
    held = {frozenset((row["scheme_a"], row["scheme_b"])): row for row in found}
    low = min(row["spearman"] for row in found)
    cells = []
    for a in schemes:
        for b in schemes:
            value = 1.0 if a == b else held.get(frozenset((a, b)), {}).get("spearman")
            cells.append(
                {
                    "row": a.replace("_", " "),
                    "column": b.replace("_", " "),
                    "text": words.number(value, 3),
                    "cls": plots.shade(value, low, 1.0),
                }
            )
    worst = min(found, key=lambda row: row["spearman"])
    with_head = [row for row in found if "entropy_flat" in (row["scheme_a"], row["scheme_b"])]
    text = (
        f"The two schemes that agree least in {meta.last_year} are {worst['scheme_a']} and {worst['scheme_b']}: rank "
        f"correlation {words.number(worst['spearman'], 3)}, 95 % interval "
        f"{words.between(worst['spearman_low'], worst['spearman_high'])}, {words.cities(worst['n_obs'])}.",
    )
    spec = plots.heat(
        cells,
        title=f"Rank correlation of the schemes, {meta.last_year}",
        note=plots.synthetic(meta),
        alt_text="Spearman correlation of every pair of schemes; intervals with the headline scheme are in the table.",
    )
    body = [
        (
            (r["scheme_b"] if r["scheme_a"] == "entropy_flat" else r["scheme_a"]).replace("_", " "),
            words.number(r["spearman"], 3),
            words.between(r["spearman_low"], r["spearman_high"]),
            words.number(r["kendall_tau_b"], 3),
            words.number(r["mean_abs_rank_shift"], 1),
            words.number(r["max_abs_rank_shift"]),
            words.number(r["top20_jaccard"], 2),
            words.number(r["n_obs"]),
        )
        for r in sorted(with_head, key=lambda r: r["spearman"])
    ]
    heads = [
        "Scheme",
        "Spearman",
        "95 % interval",
        "Kendall tau-b",
        "Mean shift, ranks",
        "Largest shift",
        "Overlap of top 20 (Jaccard)",
        "Cities",
    ]
    table = Table.of("agreement", f"Agreement with the headline scheme, {meta.last_year}", heads, body)
    caption = (
        f"Darker (light screens) or brighter (dark screens) means closer to 1. n = {words.cities(worst['n_obs'])}."
    )
    figure = Figure("agreement", spec, caption)
    return Section("agreement", "Agreement of the schemes", "各方案排名一致性", text, (figure,), (table,))


def _drop_one(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    found = own(con, meta, "mart_index_drop_one", f"and year = {int(meta.last_year)} order by spearman, indicator_code")
    found = [row for row in found if row["spearman"] is not None]
    if not found:
        return None
    worst = found[0]
    data = [
        {
            "label": r["indicator_code"],
            "point": r["spearman"],
            "lo": r["spearman_low"],
            "hi": r["spearman_high"],
            "n": r["n_obs"],
        }
        for r in found
    ]
    text = (
        f"Leaving out {worst['indicator_code']} changes the order most: rank correlation "
        f"{words.number(worst['spearman'], 3)} with the headline (95 % interval "
        f"{words.between(worst['spearman_low'], worst['spearman_high'])}), a mean shift of "
        f"{words.number(worst['mean_abs_rank_shift'], 1)} places.",
    )
    spec = plots.forest(
        data,
        title=f"Index without one indicator, {meta.last_year}",
        note=plots.synthetic(meta),
        x_title="rank correlation with the headline",
        zero=None,
        alt_text=f"Rank correlation without each of {len(found)} indicators.",
    )
    body = [
        (
            r["indicator_code"],
            words.number(r["spearman"], 4),
            words.between(r["spearman_low"], r["spearman_high"], 4),
            words.number(r["mean_abs_rank_shift"], 1),
            words.number(r["max_abs_rank_shift"]),
            words.number(r["n_obs"]),
        )
        for r in found
    ]
    heads = ["Left out", "Spearman", "95 % interval", "Mean shift, ranks", "Largest shift", "Cities"]
    table = Table.of(
        "drop", f"The headline against the index without one indicator, {meta.last_year}", heads, body, fold="Figures"
    )
    caption = f"Line: 95 % interval. n = {words.cities(worst['n_obs'])}."
    return Section(
        "drop", "Leaving one indicator out", "逐一剔除指标", text, (Figure("drop", spec, caption),), (table,)
    )


def _validity(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    found = own(con, meta, "mart_index_validity", f"and year = {int(meta.last_year)} order by spearman desc")
    found = [row for row in found if row["spearman"] is not None]
    if not found:
        return None
    shown = found if len(found) <= 30 else [*found[:15], *found[-15:]]
    data = [
        {
            "label": r["external_code"],
            "point": r["spearman"],
            "lo": r["spearman_low"],
            "hi": r["spearman_high"],
            "n": r["n_obs"],
        }
        for r in shown
    ]
    up, down = (sum(words.sided(r["spearman_low"], r["spearman_high"]) == s for r in found) for s in (1, -1))
    text = (
        f"Of {len(found)} variables that are not in the index, {up} rise with it for certain and {down} fall with it "
        f"(95 % interval without 0); for {len(found) - up - down} the interval holds 0. Correlation is no proof that "
        "the index measures what it is named after; it can only fail to be refuted.",
    )
    spec = plots.forest(
        data,
        title=f"Variables outside the index, {meta.last_year}",
        note=plots.synthetic(meta),
        x_title="rank correlation with the score",
        digits=2,
        alt_text=f"Correlation of the score with {len(shown)} outside variables.",
    )
    body = [
        (
            r["external_code"],
            words.number(r["spearman"], 3),
            words.between(r["spearman_low"], r["spearman_high"]),
            words.number(r["pearson"], 3),
            words.between(r["pearson_low"], r["pearson_high"]),
            words.number(r["n_obs"]),
        )
        for r in found
    ]
    heads = ["Variable", "Spearman", "95 % interval", "Pearson", "95 % interval", "Cities"]
    table = Table.of(
        "validity", f"Score and variables outside the index, {meta.last_year}", heads, body, fold="Figures"
    )
    caption = "Line: 95 % interval of the rank correlation" + (
        "; the 15 highest and 15 lowest." if shown != found else "."
    )
    return Section("validity", "Validity", "外部效度", text, (Figure("validity", spec, caption),), (table,))


def _percent(share: float | None) -> str:
    return words.NONE if share is None else words.number(100 * share, 1)


def _hundred(share: float | None) -> float | None:
    return None if share is None else 100 * share
