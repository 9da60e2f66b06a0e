"""Policy: the path that the stated rules assign to each city, how sure it is, and monitors of the four principles."""

from __future__ import annotations

import duckdb

from dagster_project.publish.site import words
from dagster_project.publish.site.city_parts import NOT_AN_EFFECT, PATHS, SUBTYPES
from dagster_project.publish.site.language import said
from dagster_project.publish.site.pages import _charts_marts as charts
from dagster_project.publish.site.pages import _policy_monitors as monitors
from dagster_project.publish.site.pages import _policy_tables as tables
from dagster_project.publish.site.pages import plots
from dagster_project.publish.site.pages._marts import Marts, Row
from dagster_project.publish.site.pages.base import Figure, Meta, Page, Section, Text

COLOURS = dict(zip(PATHS, ("a", "b", "d", "e"), strict=True))
SURE = 0.9


def build(con: duckdb.DuckDBPyConnection, meta: Meta) -> Page | None:
    """The page, or None without a row of the marts of policy for the headline index."""
    marts = Marts(con, meta)
    found = marts.read("mart_city_path", "*", order="year, city_id")
    made = [_paths(marts, found), _cities(marts, found), _moves(marts, found), *monitors.sections(marts)]
    sections = tuple(section for section in made if section is not None)
    if not sections:
        return None
    intro = said(
        "Which of four paths the stated rules assign to a city, how near the city is to another one, and what the "
        "monitors of the four principles show. An assignment sorts figures; it is not an estimate of effects, and no "
        "text here says what a measure would do.",
        "按既定规则判定各城市属于四类路径中的哪一类、距离其他类别有多远，以及四项原则的监测结果。判定只是对数据的归类，"
        "不是对效果的估计，本页不对任何措施的作用作出判断。",
    )
    return Page("policy", "Policy", "政策分析", intro, sections)


def _paths(marts: Marts, found: list[Row]) -> Section | None:
    """How many cities follow each path, and where."""
    if not found:
        return None
    years = sorted({r["year"] for r in found})
    last = [r for r in found if r["year"] == years[-1]]
    table, n = tables.shares(marts, years[-1]), len(last)
    counts = {code: sum(r["path"] == code for r in last) for code in PATHS}
    figure = _map(marts, found, years, counts)
    listed = (
        ", ".join(f"{PATHS[c][0]} {k}" for c, k in counts.items()),
        "，".join(f"{PATHS[c][1]} {k} 个" for c, k in counts.items()),
    )
    said_counts = said(
        f"In {years[-1]}, of {words.cities(n)}: {listed[0]}.", f"{years[-1]} 年，{n} 个城市中：{listed[1]}。"
    )
    return Section(
        "paths",
        "Four paths",
        "四类路径",
        (said_counts, *_certainty(last), NOT_AN_EFFECT),
        (figure,),
        tuple(t for t in (table, tables.subtypes(last), tables.groups(marts, years[-1])) if t is not None),
        "Inputs are means of the year and the two before. Cuts are medians of the base window; for coordination the "
        "estimated synergy threshold, or 0.5 where none was found. Limits: 95 % over draws of weights, bounds, "
        "threshold "
        "and barrier; they hold the doubt about these choices, not about the rules.",
    )


def _certainty(last: list[Row]) -> list[Text]:
    known = [r for r in last if r["p_path"] is not None]
    if not known:
        return [said("No draws: how sure the paths are is not known.", "未作抽样：路径判定的确定性未知。")]
    sure = sum(r["p_path"] >= SURE for r in known)
    open_ = sum(r["p_path"] < 0.5 for r in known)
    en = f"For {sure} of {words.cities(len(known))} at least 90 % of the draws agree with the path shown"
    zh = f"{len(known)} 个城市中，{sure} 个有至少 90% 的抽样与所示路径一致"
    if not open_:
        return [said(f"{en}; for none do fewer than half.", f"{zh}；没有城市不足一半。")]
    return [
        said(
            f"{en}; for {open_} fewer than half do: there the path is open.", f"{zh}；{open_} 个不足一半：其路径未定。"
        )
    ]


def _map(marts: Marts, found: list[Row], years: list[int], counts: dict[str, int]) -> Figure:
    codes = {year: {r["city_id"]: r["path"] for r in found if r["year"] == year} for year in years}
    labels = {code: en for code, (en, _) in PATHS.items()}
    title = "Paths of the cities"
    spec, ratio = charts.class_map(
        codes,
        marts.cities(),
        COLOURS,
        labels,
        title=title,
        note=plots.synthetic(marts.meta),
        what="Path",
        alt_text=f"Map: {title}, {years[-1]}: " + "; ".join(f"{labels[c]} {n}" for c, n in counts.items()) + ".",
    )
    legend = tuple(("box", COLOURS[code], f"{PATHS[code][0]} ({n})") for code, n in counts.items())
    caption = "Move the slider to see another year; the counts are of the last one. " + charts.BASE_MAP_NOTE
    return Figure("paths", spec, caption, (*legend, ("hatch", "", "not in the sample")), ratio)


def _cities(marts: Marts, found: list[Row]) -> Section | None:
    """Every city of the last year, and those nearest to a cut."""
    if not found:
        return None
    year = found[-1]["year"]
    last = [r for r in found if r["year"] == year]
    near = sorted((r for r in last if r["margin"] is not None), key=lambda r: (r["margin"], r["city_id"]))
    close = sum(r["margin"] < 0.1 for r in near)
    text = said(
        f"{words.cities(close)} of {len(near)} {words.is_are(close)} nearer than 0.1 standard deviations to a cut "
        "whose "
        "crossing alone would change the path or the sub-type.",
        f"{len(near)} 个城市中有 {close} 个距最近分界点不足 0.1 个标准差，仅跨过该点就会改变路径或子类型。",
    )
    return Section(
        "cities",
        "City by city",
        "分城市结果",
        (text,),
        (),
        (
            tables.cities(marts, near[:15], "near", f"Cities nearest to a cut, {year}"),
            tables.cities(
                marts,
                last,
                "all",
                f"Path, certainty and margin of every city, {year}",
                fold=f"All {words.cities(len(last))}",
            ),
        ),
        "Benchmark: the most similar city (industry mix, size, income) with better production relations; none for the "
        "best city or without these figures. It is a city to look at, not a target.",
    )


def _moves(marts: Marts, found: list[Row]) -> Section | None:
    """Transitions between the paths, and the cities that changed in the last year."""
    moves = marts.read("mart_path_transition", "*")
    if not moves:
        return None
    names = {code: en for code, (en, _) in PATHS.items()}
    order = {code: k for k, code in enumerate(PATHS)}
    moves.sort(key=lambda r: (order.get(r["path_from"], 9), order.get(r["path_to"], 9)))
    cells = [
        {
            "row": names.get(r["path_from"], r["path_from"]),
            "column": names.get(r["path_to"], r["path_to"]),
            "p": r["p"],
            "lo": r["lo"],
            "hi": r["hi"],
            "n": r["n"],
            "n_row": r["n_row"],
            "thin": bool(r["thin"]),
            "cls": plots.shade(r["p"], 0.0, 1.0),
        }
        for r in moves
    ]
    total = sum(r["n"] for r in moves)
    stay = sum(r["n"] for r in moves if r["path_from"] == r["path_to"])
    spec = charts.transitions(
        cells,
        title="From year to year",
        note=plots.synthetic(marts.meta),
        row_title="path of a year",
        column_title="path of the next year",
        limits=(150, 150),
        alt_text=f"Matrix of moves between the paths; {stay} of {total} stay.",
    )
    caption = (
        "In a cell: share of the row in percent, n moves. † fewer than five moves start there. Limits in the tooltips: "
        "95 %, cities drawn with all their years."
    )
    text = said(
        f"{stay} of {words.number(total)} moves from a year to the next stay on the path.",
        f"相邻年份共 {total} 次转移，其中 {stay} 次停留在原路径。",
    )
    changed = tables.changed(marts, found)
    return Section(
        "moves",
        "Changes of path",
        "路径转移",
        (text,),
        (Figure("moves", spec, caption),),
        (tables.transitions(moves), *([changed] if changed else [])),
    )


__all__ = ["SUBTYPES", "build"]
