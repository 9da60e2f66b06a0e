"""Sections of a city profile on what the index says: score and rank, contributions, path, neighbours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from dagster_project.publish.site import city_drawing as drawing
from dagster_project.publish.site import words
from dagster_project.publish.site.city_facts import Row
from dagster_project.publish.site.language import said
from dagster_project.publish.site.pages.base import Section, Table, Text
from dagster_project.publish.site.queries import Meta

PATHS = {
    "endogenous_evolution": ("endogenous evolution", "内生演化"),
    "gradient_transfer": ("gradient transfer", "梯度转移"),
    "institutional_spillover": ("institutional spillover", "制度溢出"),
    "institutional_learning": ("institutional learning", "制度学习"),
}
SUBTYPES = {
    "main": ("main form", "基本型"),
    "endogenous_adjust": ("coordination to be adjusted", "协调调整型"),
    "gradient_isolated": ("weak neighbours", "邻里薄弱型"),
    "pr_lagging_leader": ("relations lag behind", "生产关系滞后型"),
}
INPUTS = {
    "u": ("productive forces", "生产力得分"),
    "p": ("production relations", "生产关系得分"),
    "d": ("coordination", "协调度"),
    "u_neighbour": ("forces of the neighbours", "邻市生产力"),
    "p_neighbour": ("relations of the neighbours", "邻市生产关系"),
    "barrier": ("barrier", "边界壁垒"),
}
NOT_AN_EFFECT = said(
    "A path is assigned by stated rules to a city's figures. It is not an estimate of what a policy would do.",
    "路径由既定规则根据城市数据判定，并不是对政策效果的估计。",
)
RANGE_NOTE = said(
    "The range holds 90 % of the draws over weight scheme, winsorising, shift, left-out indicator and imputation; it "
    "is no "
    "sampling error. A dot can lie outside its range when most other choices place the city elsewhere.",
    "区间包含对赋权方案、缩尾、平移、剔除指标与插补所作抽样的 90%，并非抽样误差。若多数其他选择给出不同位次，"
    "点可能落在区间之外。",
)
PARTS_NOTE = said(
    "The contributions sum to the score. Share of the gap: what an indicator lacks to its highest value, weighted, as "
    "part "
    "of all that is lacking. Colour of a bar: new dimension or quality dimension.",
    "各指标贡献之和等于得分。障碍度：该指标与最高值的加权差距占全部差距的比重。条形颜色区分“新”维度与“质”维度。",
)
PATH_NOTE = said(
    "Margin: distance to the nearest cut whose crossing alone would change path or sub-type, in standard deviations "
    "of the "
    "base window. Certainty: share of draws of weights, bounds, threshold and barrier with the same path. Benchmark: "
    "the "
    "most similar city with better production relations.",
    "边距：到仅跨过即会改变路径或子类型的最近分界点的距离（基期标准差）。确定性：对权重、上下界、门槛与壁垒抽样中路径相同的比例。"
    "标杆：生产关系更优的最相似城市。",
)
NEIGHBOURS_NOTE = said(
    "Neighbours share a border (queen contiguity); a city without one has its nearest city.",
    "相邻指有共同边界（queen 邻接）；无邻市者取最近城市。",
)
N_PARTS = 3


def linked(city: Row, folder: str = "") -> Markup:
    """Name of a city as a link to its profile."""
    return Markup('<a href="{}{}.html">{}</a>').format(
        folder, city["city_id"], words.both(city["name_en"], city["name_zh"])
    )


def path_name(code: str) -> Markup:
    return said(*PATHS.get(code, (code.replace("_", " "),) * 2))


def subtype_name(code: str) -> Markup:
    return said(*SUBTYPES.get(code, (code.replace("_", " "),) * 2))


def scores(found: list[Row], meta: Meta, n: int, city_id: str) -> Section | None:
    """Score and rank by year, with the range over the choices of the method."""
    if not found:
        return None
    first, last = found[0], found[-1]
    has_range = any(row["rank_p05"] is not None for row in found)
    marks = [(r["year"], float(r["rank"]), r["rank_p05"], r["rank_p95"]) for r in found]
    points = [(r["year"], r["score"], r["score_p05"], r["score_p95"]) for r in found]
    caption = "5 to 95 % of the draws of all choices" if has_range else "no range was computed"
    line, band = (f"{mark}: {caption}" if has_range else caption for mark in ("line", "band"))
    drawings = (
        (
            drawing.over_years(
                marks,
                name=f"rank-{city_id}",
                unit="",
                upside_down=True,
                alt=f"Rank by year, {last['rank']} in {last['year']}; figures in the table.",
            ),
            f"Rank by year; {line}",
        ),
        (
            drawing.over_years(
                points,
                name=f"score-{city_id}",
                unit="points",
                band=True,
                alt=f"Score by year, {words.number(last['score'], 1)} points in {last['year']}; figures in the table.",
            ),
            f"Score by year, points; {band}",
        ),
    )
    body = [
        (
            str(r["year"]),
            words.number(r["score"], 1),
            words.between(r["score_p05"], r["score_p95"], 1),
            words.number(r["new"], 1),
            words.number(r["quality"], 1),
            words.number(r["rank"]),
            words.between(r["rank_p05"], r["rank_p95"], 0),
            _percent(r["p_top20"]),
            words.number(r["rank_equal"]),
            _percent(r["imputed"]),
        )
        for r in reversed(found)
    ]
    heads = [
        "Year",
        "Score, points",
        "90 % range of score",
        "New dimension",
        "Quality dimension",
        "Rank",
        "90 % range of rank",
        "P(top 20), %",
        "Rank under equal weights",
        "Imputed weight, %",
    ]
    table = Table.of("scores", "Score and rank by year", heads, body)
    note = RANGE_NOTE if has_range else ""
    return Section(
        "scores", "Score and rank", "得分与排名", tuple(_moved(first, last, n)), (), (table,), note, drawings
    )


def _moved(first: Row, last: Row, n: int) -> list[Text]:
    text = said(
        f"In {last['year']} the score is {words.number(last['score'], 1)} points, rank {last['rank']} of {n}"
        + (
            f" (90 % range {words.number(last['rank_p05'])} to {words.number(last['rank_p95'])})."
            if last["rank_p05"] is not None
            else "."
        ),
        f"{last['year']} 年得分 {words.number(last['score'], 1)}，在 {n} 个城市中排第 {last['rank']} 位"
        + (
            f"（90% 区间 {words.number(last['rank_p05'])}–{words.number(last['rank_p95'])}）。"
            if last["rank_p05"] is not None
            else "。"
        ),
    )
    if first["year"] == last["year"]:
        return [text]
    change = words.number(last["score"] - first["score"], 1, sign=True)
    en = f"Since {first['year']} the score has moved by {change} points"
    zh = f"自 {first['year']} 年以来，得分变动 {change}"
    if first["rank"] == last["rank"]:
        return [text, said(f"{en}; the rank is the same.", f"{zh}，排名不变。")]
    en += f" and the rank from {first['rank']} to {last['rank']}"
    zh += f"，排名由第 {first['rank']} 位变为第 {last['rank']} 位"
    if first["rank_p05"] is None or last["rank_p05"] is None:
        return [text, said(f"{en}.", f"{zh}。")]
    apart = last["rank_p95"] < first["rank_p05"] or last["rank_p05"] > first["rank_p95"]
    if apart:
        return [text, said(f"{en}; the ranges do not overlap.", f"{zh}；两个区间不重叠。")]
    return [
        text,
        said(
            f"{en}; the ranges overlap, so other choices may show no move.",
            f"{zh}；两个区间重叠，换一种方法选择未必显示变动。",
        ),
    ]


def contributions(found: list[Row], meta: Meta) -> Section | None:
    """Points of each indicator in the first, the last but one and the last year."""
    if not found:
        return None
    held: dict[str, dict[int, Row]] = defaultdict(dict)
    for row in found:
        held[row["indicator_code"]][row["year"]] = row
    years = sorted({row["year"] for row in found})
    last, before, first = years[-1], years[-2] if len(years) > 1 else None, years[0]
    now = sorted((by[last] for by in held.values() if last in by), key=lambda r: -(r["points"] or 0))
    if not now:
        return None
    top = max((r["points"] or 0) for r in now) or 1
    body: list[tuple[Text, ...]] = []
    for r in now:
        by = held[r["indicator_code"]]
        line: list[Text] = [
            words.both(r["name_en"] or r["indicator_code"], r["name_zh"]),
            words.number(100 * r["weight"], 1),
            _figure(r["value"]),
            r["unit"] or "",
            (r["value_origin"] or "").replace("_", " "),
            Markup("{} {}").format(
                drawing.bar((r["points"] or 0) / top, "a" if r["dimension"] == "new" else "b"),
                words.number(r["points"], 2),
            ),
            *_shifts(by, last, before, first),
            _percent(r["obstacle"]),
        ]
        body.append(tuple(line))
    heads = ["wide:Indicator", "Weight, %", "Value", "Unit", "Origin", "Contribution, points"]
    heads += [f"Change since {year}, points" for year in dict.fromkeys(y for y in (before, first) if y) if year != last]
    heads += ["Share of the gap, %"]
    table = Table.of("contributions", f"Contribution of each indicator, {last}", heads, body, n_text=1)
    other = {"Unit": "mid", "Origin": ""}
    kinds = tuple((text, other.get(text, kind)) for text, kind in table.heads)
    table = Table(table.key, table.caption, kinds, table.rows)
    note = PARTS_NOTE
    text = _drivers(held, before, last) if before else ()
    return Section("contributions", "Contributions by indicator", "各指标贡献", text, (), (table,), note)


def _shifts(by: Mapping[int, Row], last: int, before: int | None, first: int) -> list[Text]:
    cells: list[Text] = []
    for year in dict.fromkeys(y for y in (before, first) if y and y != last):
        old = by.get(year)
        known = old is not None and old["points"] is not None and by[last]["points"] is not None
        cells.append(words.number(by[last]["points"] - old["points"], 2, sign=True) if known and old else words.NONE)
    return cells


def _drivers(held: Mapping[str, Mapping[int, Row]], before: int, last: int) -> tuple[Text, ...]:
    """The largest parts of the change since the year before, named with their signs."""
    pairs = [
        (by[last], by[last]["points"] - by[before]["points"])
        for by in held.values()
        if last in by and before in by and by[last]["points"] is not None and by[before]["points"] is not None
    ]
    if not pairs:
        return ()
    total = sum(part for _, part in pairs)
    largest = sorted(pairs, key=lambda pair: -abs(pair[1]))[:N_PARTS]
    en = "; ".join(
        f"{row['name_en'] or row['indicator_code']} {words.number(part, 2, sign=True)}" for row, part in largest
    )
    zh = "；".join(
        f"{row['name_zh'] or row['indicator_code']} {words.number(part, 2, sign=True)}" for row, part in largest
    )
    change = words.number(total, 2, sign=True)
    return (
        said(
            f"From {before} to {last} the score changed by {change} points. The largest parts: {en}.",
            f"{before}—{last} 年得分变动 {change}，其中贡献最大的指标：{zh}。",
        ),
    )


def path(found: list[Row]) -> Section | None:
    """Path by year, how sure it is, how near to another one, and the city to look at."""
    if not found:
        return None
    last = found[-1]
    body = [
        (
            str(r["year"]),
            path_name(r["path"]),
            subtype_name(r["subtype"]),
            _percent(r["p_path"]),
            words.number(r["margin"], 2),
            _input(r["margin_input"]),
            _benchmark(r),
            words.number(r["years_in_path"]),
        )
        for r in reversed(found)
    ]
    heads = [
        "Year",
        "Path",
        "Sub-type",
        "Certainty, % of draws",
        "Margin, sd",
        "Nearest cut",
        "Benchmark city",
        "Years on the path",
    ]
    kinds = ["", "", "", "num", "num", "", "", "num"]
    table = Table("path", "Path by year", tuple(zip(heads, kinds, strict=True)), tuple(body))
    en, zh = PATHS.get(last["path"], (last["path"],) * 2)
    sure = _percent(last["p_path"])
    text = said(
        f"In {last['year']} the rules assign {en}"
        + (f"; {sure} % of the draws agree." if last["p_path"] is not None else "."),
        f"{last['year']} 年按规则判定为“{zh}”"
        + (f"，{sure}% 的抽样结果一致。" if last["p_path"] is not None else "。"),
    )
    note = PATH_NOTE
    return Section("path", "Path", "发展路径", (text, NOT_AN_EFFECT), (), (table,), note)


def _input(code: str | None) -> Text:
    return words.NONE if not code else said(*INPUTS.get(code, (code, code)))


def _benchmark(row: Row) -> Text:
    if not row["benchmark_city_id"]:
        return words.NONE
    named = {
        "city_id": row["benchmark_city_id"],
        "name_en": row["benchmark_en"] or row["benchmark_city_id"],
        "name_zh": row["benchmark_zh"],
    }
    return linked(named)


def neighbours(
    found: list[Row],
    cluster: list[Row],
    names: Mapping[str, Row],
    last: Mapping[str, Row],
    paths: Mapping[str, Row],
    meta: Meta,
) -> Section | None:
    """Contiguous cities with their score of the last year."""
    if not found:
        return None
    body = []
    for row in found:
        other = names.get(row["other"])
        score = last.get(row["other"], {})
        line: list[Text] = [
            linked(other) if other else row["other"],
            _yes(row["same_province"]),
            words.number(row["distance_km"]),
            words.number(score.get("rank")),
            words.number(score.get("score"), 1),
        ]
        if paths:
            line.append(path_name(paths[row["other"]]["path"]) if row["other"] in paths else words.NONE)
        body.append(tuple(line))
    heads = ["City", "Same province", "Distance, km", "Rank", "Score, points"]
    kinds = ["", "", "num", "num", "num"]
    if paths:
        heads, kinds = [*heads, "Path"], [*kinds, ""]
    table = Table(
        "neighbours",
        f"Contiguous cities, scores of {meta.last_year}",
        tuple(zip(heads, kinds, strict=True)),
        tuple(body),
    )
    text: tuple[Text, ...] = ()
    if cluster:
        text = (_cluster(cluster[0], meta.last_year),)
    note = NEIGHBOURS_NOTE
    return Section("neighbours", "Neighbours", "邻近城市", text, (), (table,), note)


def _cluster(row: Row, year: int) -> Markup:
    code = row["class_fdr"]
    known = {
        "HH": ("high among high", "高—高集聚"),
        "LL": ("low among low", "低—低集聚"),
        "HL": ("high among low", "高—低异质"),
        "LH": ("low among high", "低—高异质"),
    }
    if code not in known:
        return said(
            f"In {year} the city and its neighbours form no local pattern that passes the correction for the number "
            "of cities.",
            f"{year} 年该城市与邻市未形成通过多重检验校正的局部集聚。",
        )
    en, zh = known[code]
    q = words.p_value(row["q_bh"])
    return said(f"Local Moran, {year}: {en} (q {q}).", f"{year} 年局部莫兰指数：{zh}（q {q}）。")


def _yes(value: Any) -> Text:
    return words.NONE if value is None else said("yes", "是") if value else said("no", "否")


def _percent(share: float | None) -> str:
    return words.NONE if share is None else words.number(100 * share, 1)


def _figure(value: float | None) -> str:
    """Four significant digits."""
    if value is None:
        return words.NONE
    size = abs(value)
    return words.number(value, 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 4)
