"""Write the report: static HTML files, made from the published file only, that work without a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from dagster_project.publish.site import (
    changes,
    chart_words,
    city_facts,
    city_pages,
    downloads,
    embed,
    language,
    national,
    pages,
    quality,
    ranking,
    splits,
    theme,
    weights,
    words,
)
from dagster_project.publish.site.city_facts import CityFacts
from dagster_project.publish.site.pages.base import Page
from dagster_project.publish.site.pages.plots import synthetic
from dagster_project.publish.site.queries import Facts, Meta, read_facts
from dagster_project.published import open_read_only

TEMPLATES = Path(__file__).parent / "templates"
ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class Link:
    """An entry of the navigation."""

    slug: str
    title_en: str
    title_zh: str


INDEX = Link("index", "Overview", "首页")
type Specs = dict[str, dict[str, Any]]
CITIES = "cities"  # folder of the profiles and name of their list


def write_report(
    snapshot: Path, folder: Path, *, release: str, previous: str | None = None, changed: changes.Frames | None = None
) -> None:
    """Write `folder`/index.html, one file for each page whose marts hold rows, and one for each city.

    `snapshot` is the published DuckDB file (schemas mart and ops), opened read-only. If `folder` lies in a release
    folder (one that holds diff.md), the pages also list its files, and what changed since the release `previous`
    (`changed`: frames of publishing.diff). Raises ReportError (with what to do) if it holds no headline index.
    """
    facts = read_facts(snapshot, release=release)
    with open_read_only(snapshot) as con:
        found = pages.built(con, facts.meta, folder)
        cities = city_facts.read(con, facts.meta)
    found = [city_pages.overview(cities, facts.meta), *found, *downloads.built(folder, facts.meta)]
    link = "../diff.html" if (folder.parent / "diff.html").is_file() else ""
    said = changes.view(facts.meta, previous, changed, link)
    (folder / CITIES).mkdir(parents=True, exist_ok=True)
    for name, html in render(facts, found, cities, said):
        (folder / name).write_text(html, encoding="utf-8")


def render(
    facts: Facts, found: Iterable[Page], cities: CityFacts, changed: dict[str, Any] | None = None
) -> Iterator[tuple[str, str]]:
    """File name and page as text, one after another."""
    found = list(found)
    links = [INDEX, *(Link(page.slug, page.title_en, page.title_zh) for page in found)]
    shared = {**_shared(facts.meta, cities), "links": links}
    sections = _sections(facts)
    specs_of = {INDEX.slug: _specs(sections), **{p.slug: {f.key: f.spec for f in p.figures} for p in found}}
    svgs_of = _drawn(specs_of, sections["national"]["specs"])
    yield (
        "index.html",
        _index(facts, sections, specs_of[INDEX.slug], svgs_of[INDEX.slug], {**shared, "changes": changed}),
    )
    for page in found:
        titles = (f"{page.title_en}, {shared['index_name'][0]}", f"{page.title_zh} · {shared['index_name'][1]}")
        charts = _charts(specs_of[page.slug], svgs_of[page.slug], _names(facts))
        template = _environment().get_template("page.html.j2")
        html = template.render(slug=page.slug, page=page, titles_of_page=titles, **charts, **shared)
        yield f"{page.slug}.html", html
    yield from _profiles(facts.meta, cities, shared)


def _profiles(meta: Meta, cities: CityFacts, shared: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Small pages: no Vega, and the licences stand on the overview only."""
    template = _environment().get_template("city.html.j2")
    common = {**shared, **_charts({}, {}, {}), "root": "../", "notices": []}
    for profile in city_pages.profiles(cities, meta):
        city = profile.city
        trail = embed.json_block(profile.trail) if profile.trail else None
        titles = (
            f"{city['name_en']} {city['name_zh']}, {shared['index_name'][0]}",
            f"{city['name_zh']} · {shared['index_name'][1]}",
        )
        yield (
            f"{CITIES}/{city['city_id']}.html",
            template.render(
                slug="",
                page=profile.page,
                city=city,
                facts=profile.facts,
                trail=trail,
                years=profile.years,
                titles_of_page=titles,
                **common,
            ),
        )


def _sections(facts: Facts) -> dict[str, dict[str, Any]]:
    """What the overview shows, section by section."""
    note = synthetic(facts.meta)
    return {
        "national": national.view(facts, note),
        "splits": splits.view(facts, note),
        "extremes": ranking.extremes(facts),
        "map": ranking.map_view(facts, note),
        "weights": weights.view(facts, note),
        "coverage": quality.coverage_view(facts, note),
        "sources": quality.sources_view(facts),
    }


def _specs(sections: dict[str, dict[str, Any]]) -> Specs:
    return {key: spec for view in sections.values() for key, spec in view.get("specs", {}).items()}


def _drawn(specs_of: dict[str, Specs], in_a_row: Iterable[str]) -> dict[str, dict[str, Markup]]:
    """Page -> chart -> drawing for readers without scripts; all at once, because the work is divided."""
    specs = {(slug, key): spec for slug, held in specs_of.items() for key, spec in held.items()}
    svgs = embed.static_svgs(specs, theme.vega_config(), narrow={(INDEX.slug, key) for key in in_a_row})
    return {slug: {key: svgs[slug, key] for key in held} for slug, held in specs_of.items()}


def _index(
    facts: Facts, sections: dict[str, Any], specs: Specs, svgs: dict[str, Markup], shared: dict[str, Any]
) -> str:
    template = _environment().get_template("index.html.j2")
    return template.render(
        slug=INDEX.slug,
        queries=quality.queries(facts.meta, facts),
        words=words,
        titles_of_page=shared["index_name"],
        **_charts(specs, svgs, _names(facts)),
        **shared,
        **sections,
    )


def _names(facts: Facts) -> dict[str, str]:
    """English -> Chinese names of the indicators, as the published file has them."""
    return {row["name_en"]: row["name_zh"] for row in facts.weights.to_dict("records") if row["name_zh"]}


def _charts(specs: Specs, svgs: dict[str, Markup], names: dict[str, str]) -> dict[str, Any]:
    """Specs, their drawings for readers without scripts, the scripts and their policy.

    Without specs the page carries no Vega.
    """
    boot, page_script, script = (_text(name) for name in ("boot.js", "page.js", "charts.js"))
    config = theme.vega_config()
    used = (boot, page_script, embed.vega_bundle(), script) if specs else (boot, page_script)
    return {
        "specs": {key: embed.json_block(spec) for key, spec in specs.items()},
        "svgs": svgs,
        "titles": {key: spec["description"] for key, spec in specs.items()},
        "chart_words": embed.json_block(chart_words.of(specs.values(), names)),
        "config": embed.json_block(config),
        "policy": embed.policy(*used),
        "bundle": Markup(embed.vega_bundle()) if specs else "",
        "script": Markup(script),
        "boot": Markup(boot),
        "page_script": Markup(page_script),
    }


@cache
def _text(name: str) -> str:
    """A script or style without indents and lines that only comment: every profile carries it."""
    lines = (line.strip() for line in (TEMPLATES / name).read_text(encoding="utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _shared(meta: Meta, cities: CityFacts) -> dict[str, Any]:
    return {
        "meta": meta,
        "root": "",
        "index_name": words.INDEX_NAMES.get(meta.index_code, (meta.index_code, "")),
        "notices": [(ASSETS / name).read_text(encoding="utf-8") for name in ("ATTRIBUTION.md", "NOTICE_SCRIPTS.txt")],
        "city_data": embed.json_block(city_pages.search_rows(cities.cities)),
        "style": Markup(_text("style.css")),
        "light_variables": Markup(theme.css_variables(theme.LIGHT)),
        "dark_variables": Markup(theme.css_variables(theme.DARK)),
        "font": Markup(theme.FONT),
    }


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"heads": _heads, "two": language.two, "pair": language.pair, "said": language.said}
    environment.globals["prose"] = environment.filters["prose"] = language.prose
    return environment


def _heads(names: list[Any], n_text: int = 1) -> list[tuple[str, str]]:
    """Column heads with their class: the first `n_text` are text, the others numbers."""
    return [(str(name), "" if k < n_text else "num") for k, name in enumerate(names)]
