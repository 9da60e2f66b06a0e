"""Page: production relations, their coupling with the index, and the engines behind single indicators."""

from __future__ import annotations

from itertools import pairwise

import duckdb
import pandas as pd

from dagster_project.publish.site import map as city_map
from dagster_project.publish.site import words
from dagster_project.publish.site.charts import Row
from dagster_project.publish.site.pages import engines, plots
from dagster_project.publish.site.pages.base import Figure, Meta, Page, Section, Table, Text, has_rows, rows
from python_models import estimates

SCALE = "minmax01"  # the headline scale
CLASSES = (
    "quality_coordination",
    "good_coordination",
    "intermediate_coordination",
    "primary_coordination",
    "bare_coordination",
    "near_imbalance",
    "mild_imbalance",
    "moderate_imbalance",
    "severe_imbalance",
    "extreme_imbalance",
)
LEADS = {"nqpf_lagging": "productive forces lag", "synchronous": "in step", "pr_lagging": "production relations lag"}
N_CITIES = 10


def build(con: duckdb.DuckDBPyConnection, meta: Meta) -> Page | None:
    """None without coupling and without a mart of the engines."""
    frame = _coupling(con, meta)
    found = [*_coupled(con, meta, frame), *engines.sections(con, meta)]
    if not found:
        return None
    intro = (
        "Production relations are measured as an index of their own, then held against the productive forces: do both "
        "move together, and which side lags? The engines behind single indicators follow."
    )
    return Page("relations", "Production relations", "生产关系与耦合协调", intro, tuple(found))


def _coupling(con: duckdb.DuckDBPyConnection, meta: Meta) -> pd.DataFrame:
    if not has_rows(con, "mart_coupling"):
        return pd.DataFrame()
    return con.execute(
        "select m.relations_code, m.city_id, c.name_en, c.name_zh, m.year, m.form, m.u1, m.u2, m.c, m.d, m.class_10, "
        "m.lead_lag, m.synergy_high from mart.mart_coupling as m left join mart.dim_city as c using (city_id) "
        "where m.basis = ? and m.index_code = ? and m.scale = ? and m.d is not null order by m.year, m.city_id",
        [meta.basis, meta.index_code, SCALE],
    ).df()


def _coupled(con: duckdb.DuckDBPyConnection, meta: Meta, frame: pd.DataFrame) -> list[Section]:
    if frame.empty:
        return []
    code = str(frame["relations_code"].iloc[0])
    frame = frame[frame["relations_code"] == code]
    corrected = frame[frame["form"] == "corrected"]
    if corrected.empty:
        return []
    parts = [
        _score(con, meta, code),
        _forms(frame, meta),
        _trend(con, meta, code),
        _classes(corrected, meta),
        _map(con, corrected, meta),
        _leads(corrected, meta),
    ]
    return [section for section in parts if section is not None]


def _score(con: duckdb.DuckDBPyConnection, meta: Meta, code: str) -> Section | None:
    scores = con.execute(
        "select s.year, s.city_id, c.name_en, c.name_zh, s.score_100 as score, s.rank_year as rank "
        "from mart.mart_index_score as s left join mart.dim_city as c using (city_id) where s.index_code = ? and "
        "s.basis = ? and s.weight_scheme = 'entropy_flat' and s.score is not null order by s.year, s.rank_year",
        [code, meta.basis],
    ).df()
    if scores.empty:
        return None
    data = engines.mean_rows(scores, "score", "mean score")
    first, last = data[0], data[-1]
    wide = scores.pivot(index="city_id", columns="year", values="score")[[first["x"], last["x"]]].dropna()
    change = estimates.interval(estimates.mean(wide[last["x"]] - wide[first["x"]])) if first["x"] != last["x"] else None
    verb = {1: "rose", -1: "fell", 0: "shows no clear change"}[change.sign() if change else 0]
    text: list[Text] = [
        f"In {last['x']} the mean score of production relations (index {code}) is {words.number(last['y'], 1)} points "
        f"(95 % interval {words.between(last['lo'], last['hi'], 1)}, {words.cities(last['n'])})."
    ]
    if change is not None:
        text.append(
            f"Since {first['x']} the mean of the same {words.cities(len(wide))} {verb}: "
            f"{words.spelled(change, 'points')}."
        )
    spec = plots.lines(
        data,
        series=["mean score"],
        title="Production relations, mean of the cities",
        note=plots.synthetic(meta),
        x_title=None,
        y_title="points",
        alt_text="Mean score of production relations by year with its interval.",
        height=260,
    )
    top = scores[scores["year"] == last["x"]].head(N_CITIES)
    body = [
        (words.both(r["name_en"], r["name_zh"]), words.number(r["rank"]), words.number(r["score"], 1))
        for r in top.to_dict("records")
    ]
    table = Table.of(
        "pr-top",
        f"The first {len(top)} cities by production relations, {last['x']}",
        ["City", "Rank", "Score, points"],
        body,
    )
    caption = "Band: 95 % interval of the mean, mean ± t · s / √n. n stands in the tooltip."
    return Section(
        "score",
        "Score of production relations",
        "生产关系得分",
        tuple(text),
        (Figure("pr-mean", spec, caption),),
        (table,),
    )


def _forms(frame: pd.DataFrame, meta: Meta) -> Section | None:
    now = frame[frame["year"] == meta.last_year]
    wide = now.pivot_table(index=["city_id", "name_en", "name_zh"], columns="form", values=["c", "d"]).dropna()
    classes = now.pivot(index="city_id", columns="form", values="class_10").dropna()
    if wide.empty or "classic" not in classes:
        return None
    gap = estimates.interval(estimates.mean(wide[("c", "classic")] - wide[("c", "corrected")]))
    moved = int((classes["classic"] != classes["corrected"]).sum())
    spread = {f: wide[("c", f)].std(ddof=1) for f in ("classic", "corrected")}
    text = (
        f"The classic degree of coupling C crowds near 1 (standard deviation "
        f"{words.number(spread['classic'], 3)}); the "
        f"corrected one uses the whole scale ({words.number(spread['corrected'], 3)}). The classic C is higher by "
        f"{words.spelled(gap, digits=3)} in the mean of {words.cities(len(wide))}, {meta.last_year}.",
        f"With the classic form {words.cities(moved)} of {len(classes)} would stand in another class of coordination. "
        "The corrected form (Wang et al. 2021) is the headline.",
    )
    data = [
        {
            "x": float(r[("c", "classic")]),
            "y": float(r[("c", "corrected")]),
            "city": f"{r[('name_en', '')]} {r[('name_zh', '')]}",
        }
        for r in wide.reset_index().to_dict("records")
    ]
    spec = plots.scatter(
        data,
        title=f"Coupling C, classic and corrected, {meta.last_year}",
        note=plots.synthetic(meta),
        diagonal=True,
        x_title="classic C (1)",
        y_title="corrected C (1)",
        tips=[("city", "City", "")],
        alt_text=f"Corrected against classic coupling of {len(data)} cities.",
    )
    caption = f"One dot a city, n = {len(data)}. Dashed: both equal. Single values carry no interval."
    return Section(
        "forms",
        "Coupling: classic and corrected",
        "耦合度：经典与修正",
        text,
        (Figure("coupling-forms", spec, caption),),
    )


def _trend(con: duckdb.DuckDBPyConnection, meta: Meta, code: str) -> Section | None:
    if not has_rows(con, "mart_coupling_summary"):
        return None
    found = rows(
        con,
        "select s.year, s.scheme, s.group_code, any_value(g.group_name_en) as name, any_value(g.group_name_zh) as zh, "
        "any_value(s.n) as n, any_value(s.mean_d) as d, any_value(s.mean_d_lo) as lo, any_value(s.mean_d_hi) as hi "
        "from mart.mart_coupling_summary as s left join mart.dim_group_membership as g "
        "on s.scheme = g.scheme and s.group_code = g.group_code where s.basis = ? and s.index_code = ? "
        "and s.relations_code = ? and s.form = 'corrected' group by all order by s.scheme, s.group_code, s.year",
        [meta.basis, meta.index_code, code],
    )
    if not found:
        return None
    text: list[Text] = []
    figures: list[Figure] = []
    for scheme, (title, _, codes) in {"all": ("All cities", "", ("all",)), **words.SPLITS}.items():
        own = [row for row in found if row["scheme"] == scheme and row["group_code"] in codes]
        groups = [group for group in codes if any(row["group_code"] == group for row in own)]
        if not own:
            continue
        ends = [next((r for r in reversed(own) if r["group_code"] == group), None) for group in groups]
        text += [_compare([end for end in ends if end], title)]
        names = {group: words.GROUP_PHRASES.get(group, "all cities") for group in groups}
        data = [
            {"x": r["year"], "y": r["d"], "lo": r["lo"], "hi": r["hi"], "n": r["n"], "series": names[r["group_code"]]}
            for r in own
        ]
        spec = plots.lines(
            data,
            series=list(names.values()),
            title=f"Coordination D: {title}",
            height=240,
            x_title=None,
            note=plots.synthetic(meta),
            y_title="mean of D (1)",
            alt_text=f"Mean coordination by year, {title}, with intervals.",
        )
        figures.append(
            Figure(
                f"coordination-{scheme}",
                spec,
                "Band: 95 % interval of the mean.",
                plots.legend(list(names.values()), "line"),
            )
        )
    body = [
        (
            words.both(r["name"] or r["group_code"], r["zh"]),
            r["scheme"].replace("_", " "),
            words.number(r["d"], 3),
            words.between(r["lo"], r["hi"]),
            words.number(r["n"]),
        )
        for r in found
        if r["year"] == meta.last_year
    ]
    table = Table.of(
        "coordination",
        f"Mean coordination D of groups, {meta.last_year}",
        ["Group", "mid:Split", "Mean D", "95 % interval", "Cities"],
        body,
        n_text=2,
    )
    return Section("coordination", "Coordination over time", "协调度走势", tuple(text), tuple(figures), (table,))


def _compare(ends: list[Row], title: str) -> str:
    """One sentence about the last year; an order only where the intervals are apart."""
    last = ends[0]
    if len(ends) < 2:
        return (
            f"{title}: mean D {words.number(last['d'], 3)} {words.between(last['lo'], last['hi'])} in {last['year']}."
        )
    a, b = ends[:2]
    if None in (a["lo"], b["lo"]):
        verdict = "too few cities for a comparison"
    elif a["lo"] > b["hi"] or b["lo"] > a["hi"]:
        verdict = "the intervals are apart: the order is certain"
    else:
        verdict = "the intervals overlap: these figures alone do not order the groups"
    pair = " and ".join(f"{words.number(r['d'], 3)} {words.between(r['lo'], r['hi'])}" for r in (a, b))
    return f"{title}: mean D {pair} in {a['year']} ({a['n']} and {b['n']} cities); {verdict}."


def _classes(frame: pd.DataFrame, meta: Meta) -> Section:
    years = sorted(frame["year"].unique())
    n = {year: int((frame["year"] == year).sum()) for year in years}
    counts = frame.groupby(["class_10", "year"]).size()
    shown = [name for name in CLASSES if name in set(frame["class_10"])]
    share = {(k, y): 100 * int(counts.get((k, y), 0)) / n[y] for k in shown for y in years}
    top = max(share.values())
    cells = [
        {
            "row": name.replace("_", " "),
            "column": str(y),
            "text": words.number(share[name, y], 0),
            "cls": plots.shade(share[name, y], 0, top),
            "n": n[y],
        }
        for name in shown
        for y in years
    ]
    last = max(shown, key=lambda name: share[name, years[-1]])
    text = (
        f"In {years[-1]} most cities ({words.number(share[last, years[-1]], 0)} % of {n[years[-1]]}) stand in the "
        f"class “{last.replace('_', ' ')}”. Classes are steps of 0.1 of D: a city near a step can change class "
        "without changing much.",
    )
    spec = plots.heat(
        cells,
        title="Share of the cities by class of coordination, %",
        note=plots.synthetic(meta),
        row_title="class",
        column_title="year",
        tips=[("n", "Cities", "d")],
        alt_text="Heat map of class by year; the numbers in the cells are shares in percent.",
    )
    caption = f"Numbers: % of the cities of the year, n = {min(n.values())} to {max(n.values())}. Best class on top."
    return Section("classes", "Classes of coordination", "协调等级", text, (Figure("classes", spec, caption),))


def _map(con: duckdb.DuckDBPyConnection, frame: pd.DataFrame, meta: Meta) -> Section:
    now = frame[frame["year"] == meta.last_year].sort_values("d", ascending=False, ignore_index=True)
    known = frame.dropna(subset=["d"]).copy()
    known["rank"] = known.groupby("year")["d"].rank(ascending=False, method="min")
    values: dict[str, dict[int, Row]] = {}
    for r in known[["city_id", "year", "d", "rank"]].to_dict("records"):
        values.setdefault(r["city_id"], {})[int(r["year"])] = {"score": 100 * r["d"], "rank": int(r["rank"])}
    years = sorted({int(year) for year in known["year"]})
    breaks = city_map.quantile_breaks([100 * float(d) for d in known["d"]])
    names = {
        row["city_id"]: (row["name_en"], row["name_zh"])
        for row in rows(con, "select city_id, name_en, name_zh from mart.dim_city")
    }
    shapes = city_map.features(values, names, breaks)
    top = ", ".join(str(name) for name in now["name_en"].head(3))
    spec, ratio = city_map.spec(
        shapes,
        years,
        title="Coordination D x 100",
        note=plots.synthetic(meta),
        alt_text=f"Map of coordination in {meta.last_year}. Highest: {top}.",
    )
    limits = list(pairwise(breaks)) or [(breaks[0], breaks[0])]
    legend = tuple(
        ("box", f"c{colour}", f"{words.number(a, 1)} to {words.number(b, 1)}")
        for colour, (a, b) in zip(city_map.class_colours(breaks), limits, strict=True)
    )
    body = [
        (
            words.both(r["name_en"], r["name_zh"]),
            words.number(r["d"], 3),
            words.number(r["c"], 3),
            words.number(r["u1"], 3),
            words.number(r["u2"], 3),
            r["class_10"].replace("_", " "),
            LEADS.get(r["lead_lag"], r["lead_lag"]),
        )
        for r in now.to_dict("records")
    ]
    heads = ["City", "D", "C", "Forces (scaled)", "Relations (scaled)", "mid:Class", "mid:Lag"]
    table = Table.of(
        "coordination-cities",
        f"Coordination of every city, {meta.last_year}",
        heads,
        body,
        fold=f"All {len(body)} cities",
    )
    caption = (
        f"Classes with equal numbers of city-years, the same in every year, n = {len(values)} cities; hatched: not in "
        "the "
        "sample. D has no interval here. Move the slider to see another year."
    )
    figure = Figure("map", spec, caption, (*legend, ("hatch", "a", "not in the sample")), ratio)
    return Section("map", "Map of coordination", "协调度地图", (), (figure,), (table,))


def _leads(frame: pd.DataFrame, meta: Meta) -> Section:
    data: list[Row] = []
    for code, name in LEADS.items():
        flags = frame.assign(flag=100.0 * (frame["lead_lag"] == code))
        data += engines.mean_rows(flags, "flag", name)
    now = [row for row in data if row["x"] == meta.last_year]
    shares = "; ".join(f"{r['series']} {words.number(r['y'], 0)} % {words.between(r['lo'], r['hi'], 0)}" for r in now)
    text = (f"{meta.last_year}: {shares} (95 % intervals, {words.cities(now[0]['n'])})." if now else "",)
    spec = plots.lines(
        data,
        series=list(LEADS.values()),
        title="Which side lags",
        note=plots.synthetic(meta),
        x_title=None,
        y_title="share of the cities (%)",
        alt_text="Share of cities by lagging side and year with intervals.",
    )
    caption = "Band: 95 % interval of the share, cities as independent draws."
    return Section(
        "leads",
        "Lead and lag",
        "领先与滞后",
        text,
        (Figure("leads", spec, caption, plots.legend(list(LEADS.values()), "line")),),
    )
