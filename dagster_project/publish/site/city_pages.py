"""The profile of every city: one small static page each, and the list of all cities.

One page a city, not one page with all data: a page opens at once, works without scripts, can be linked, printed and
sent on its own, and needs no second file, which a page from disk may not load under its content security policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from dagster_project.publish.site import city_parts, city_sources, words
from dagster_project.publish.site.city_facts import ByCity, CityFacts, Row
from dagster_project.publish.site.language import said
from dagster_project.publish.site.pages.base import Page, Section, Table
from dagster_project.publish.site.queries import Meta

TIERS = {
    "municipality": ("municipality", "直辖市"),
    "sub_provincial": ("sub-provincial city", "副省级城市"),
    "capital": ("provincial capital", "省会城市"),
    "prefecture_city": ("prefecture-level city", "地级市"),
}
# where the English name is not the pinyin of the Chinese one
PINYIN = {
    "CN150100": "huhehaote",
    "CN150600": "eerduosi",
    "CN150700": "hulunbeier",
    "CN150800": "bayannaoer",
    "CN150900": "wulanchabu",
    "CN152200": "xinganmeng",
    "CN152500": "xilinguole",
    "CN152900": "alashan",
    "CN230100": "haerbin",
    "CN230200": "qiqihaer",
    "CN540100": "lasa",
    "CN540200": "rikaze",
    "CN540300": "changdu",
    "CN540400": "linzhi",
    "CN540600": "naqu",
    "CN542500": "ali",
    "CN632600": "guoluo",
    "CN650100": "wulumuqi",
    "CN650200": "kelamayi",
    "CN650400": "tulufan",
    "CN652700": "boertala",
    "CN652800": "bayinguoleng",
    "CN652900": "akesu",
    "CN653000": "kezilesu",
    "CN653100": "kashi",
    "CN653200": "hetian",
    "CN654000": "yili",
    "CN654300": "aletai",
}
SHOWN_GROUPS = ("four_region", "cluster19", "core")


@dataclass(frozen=True)
class Profile:
    """One city: its row, its page, the facts of its head, the trail of all years for the script (None: no trail)."""

    city: Row
    page: Page
    facts: tuple[tuple[str, Any], ...]
    trail: dict[str, Any] | None
    years: tuple[int, ...]


def profiles(facts: CityFacts, meta: Meta) -> Iterator[Profile]:
    """In the order of the codes."""
    names = {city["city_id"]: city for city in facts.cities}
    last = last_rows(facts.scores, meta)
    for city in facts.cities:
        yield _profile(city, facts, meta, names, last)


def last_rows(by_city: ByCity, meta: Meta) -> dict[str, Row]:
    """city_id -> its row of the last year."""
    return {i: row for i, found in by_city.items() for row in found if row["year"] == meta.last_year}


def search_rows(cities: list[Row]) -> list[str]:
    """`id|code|Chinese name|English name|pinyin` of each city for the search box; no code where it is the id without
    CN, no pinyin where the English name is it."""
    rows = (
        (
            c["city_id"],
            "" if c["city_id"] == f"CN{c['city_code']}" else c["city_code"],
            c["name_zh"],
            c["name_en"],
            PINYIN.get(c["city_id"], ""),
        )
        for c in cities
    )
    return ["|".join(str(part).replace("|", " ") for part in row).rstrip("|") for row in rows]


def _profile(city: Row, facts: CityFacts, meta: Meta, names: dict[str, Row], last: dict[str, Row]) -> Profile:
    i = city["city_id"]
    rows, trail = facts.trail.get(i, []), None
    if rows:
        trail = city_sources.trail_data(rows)
    made = [
        city_parts.scores(facts.scores.get(i, []), meta, len(last), i),
        city_parts.contributions(facts.contributions.get(i, []), meta),
        city_parts.path(facts.paths.get(i, [])),
        city_parts.neighbours(
            facts.neighbours.get(i, []), facts.clusters.get(i, []), names, last, last_rows(facts.paths, meta), meta
        ),
        city_sources.revisions(facts.revisions.get(i, []), facts.restated.get(i, []), meta),
        city_sources.trail(rows, meta),
        city_sources.sources(rows, facts.loads),
    ]
    page = Page(
        "cities",
        f"{city['name_en']} {city['name_zh']}",
        city["name_zh"],
        _intro(city, last.get(i), meta),
        tuple(section for section in made if section is not None),
    )
    years = tuple(sorted({row["year"] for row in rows}))
    return Profile(city, page, tuple(_facts(city, facts, last.get(i), len(last))), trail, years)


def _intro(city: Row, row: Row | None, meta: Meta) -> Markup:
    if row is not None:
        return said(
            "What the index says about this city, how sure it is, and where each figure comes from.",
            "指数对该城市的测度结果、其不确定性，以及每个数字的出处。",
        )
    why = city["drop_reason"] or "no reason given"
    if city["in_sample"]:
        return said(f"This city has no score in {meta.last_year}.", f"该城市在 {meta.last_year} 年没有得分。")
    return said(f"This city is not in the sample and has no score: {why}.", f"该城市不在样本内，没有得分：{why}。")


def _facts(city: Row, facts: CityFacts, row: Row | None, n: int) -> Iterator[tuple[str, Any]]:
    province = words.both(city["province_en"], city["province_name"])
    yield "Province", province
    tier = TIERS.get(city["admin_tier"], (city["admin_tier"] or words.NONE, ""))
    yield "Rank of administration", said(*tier) if tier[1] else tier[0]
    yield "Code", city["city_code"]
    groups = {row["scheme"]: row for row in facts.groups.get(city["city_id"], [])}
    shown = [groups[scheme] for scheme in SHOWN_GROUPS if scheme in groups]
    if shown:
        both = said(", ".join(g["name_en"] or "" for g in shown), "、".join(g["name_zh"] or "" for g in shown))
        yield "Groups", both
    if row is None:
        return
    yield f"Score {row['year']}, points", words.number(row["score"], 1)
    between = ""
    if row["rank_p05"] is not None:
        between = f" [{words.number(row['rank_p05'])}, {words.number(row['rank_p95'])}]"
    yield f"Rank {row['year']} [90 % range]", f"{words.number(row['rank'])} / {words.number(n)}{between}"
    path = facts.paths.get(city["city_id"])
    if path:
        yield f"Path {path[-1]['year']}", said(*city_parts.PATHS.get(path[-1]["path"], (path[-1]["path"],) * 2))


def overview(facts: CityFacts, meta: Meta) -> Page:
    """The list of all cities with links, the way to a profile without scripts."""
    last = last_rows(facts.scores, meta)
    paths = last_rows(facts.paths, meta)
    order = sorted(facts.cities, key=lambda c: (last.get(c["city_id"], {}).get("rank") or 10**6, c["city_id"]))
    body = [_line(city, last.get(city["city_id"]), paths.get(city["city_id"])) for city in order]
    heads = ["City", "Code", "Province", "Rank", "90 % range of rank", "Score, points", "Imputed weight, %"]
    n_text = 3
    if paths:
        heads.insert(3, "Path")
        n_text = 4
    else:
        body = [row[:3] + row[4:] for row in body]
    table = Table.of("cities", f"All cities that were judged, {meta.last_year}", heads, body, n_text=n_text)
    text = said(
        f"{words.cities(len(last))} with a score in {meta.last_year}, {len(facts.cities) - len(last)} without. "
        "Every name leads to the profile of the city.",
        f"{meta.last_year} 年有得分的城市 {len(last)} 个，无得分的 {len(facts.cities) - len(last)} 个。"
        "点击城市名称进入城市画像。",
    )
    intro = said(
        "Find a city by its Chinese name, its English or pinyin name, or its code; or sort the table.",
        "可按中文名、英文名（拼音）或行政区划代码查找城市，也可对表格排序。",
    )
    section = Section("cities", "All cities", "全部城市", (text,), (), (table,))
    return Page("cities", "Cities", "城市", intro, (section,))


def _line(city: Row, row: Row | None, path: Row | None) -> list[Any]:
    name = city_parts.linked(city, "cities/")
    code = Markup("<code>{}</code>").format(city["city_code"])
    province = words.both(city["province_en"], city["province_name"])
    way = city_parts.path_name(path["path"]) if path else words.NONE
    if row is None:
        return [name, code, province, way, *[words.NONE] * 4]
    return [
        name,
        code,
        province,
        way,
        words.number(row["rank"]),
        words.between(row["rank_p05"], row["rank_p95"], 0),
        words.number(row["score"], 1),
        words.NONE if row["imputed"] is None else words.number(100 * row["imputed"], 1),
    ]
