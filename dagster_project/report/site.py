"""Write the report: a few HTML files, made from the published file only, that work without a network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import jinja2
from markupsafe import Markup

from dagster_project.report import embed, national, pages, quality, ranking, splits, theme, weights, words
from dagster_project.report.pages.base import Page
from dagster_project.report.pages.plots import synthetic
from dagster_project.report.queries import Facts, Meta, read_facts

TEMPLATES = Path(__file__).parent / "templates"
ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class Link:
    """An entry of the navigation."""

    slug: str
    title_en: str
    title_zh: str


INDEX = Link("index", "Index", "首页")


def write_report(snapshot: Path, folder: Path, *, release: str) -> None:
    """Write `folder`/index.html and one file for each page whose marts hold rows.

    `snapshot` is the published DuckDB file (schemas mart and ops), opened read-only. Raises ReportError (with what to
    do) if it holds no headline index.
    """
    facts = read_facts(snapshot, release=release)
    with duckdb.connect(str(snapshot), read_only=True) as con:
        found = pages.built(con, facts.meta)
    folder.mkdir(parents=True, exist_ok=True)
    for name, html in render(facts, found).items():
        (folder / name).write_text(html, encoding="utf-8")


def render(facts: Facts, found: Iterable[Page]) -> dict[str, str]:
    """File name -> page as text."""
    found = list(found)
    links = [INDEX, *(Link(page.slug, page.title_en, page.title_zh) for page in found)]
    shared = {**_shared(facts.meta), "links": links}
    files = {"index.html": _index(facts, shared)}
    for page in found:
        specs = {figure.key: figure.spec for figure in page.figures}
        template = _environment().get_template("page.html.j2")
        files[f"{page.slug}.html"] = template.render(slug=page.slug, page=page, **_charts(specs), **shared)
    return files


def _index(facts: Facts, shared: dict[str, Any]) -> str:
    note = synthetic(facts.meta)
    sections: dict[str, dict[str, Any]] = {
        "national": national.view(facts, note),
        "splits": splits.view(facts, note),
        "extremes": ranking.extremes(facts),
        "map": ranking.map_view(facts, note),
        "weights": weights.view(facts, note),
        "coverage": quality.coverage_view(facts, note),
        "sources": quality.sources_view(facts),
    }
    specs = {key: spec for view in sections.values() for key, spec in view.get("specs", {}).items()}
    charts = _charts(specs, narrow=frozenset(sections["national"]["specs"]))
    asked = quality.queries(facts.meta, facts)
    template = _environment().get_template("index.html.j2")
    return template.render(slug="index", queries=asked, words=words, **charts, **shared, **sections)


def _charts(specs: dict[str, Any], narrow: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Specs, their drawings for readers without scripts (three in a row: narrow), the scripts and their policy."""
    config = theme.vega_config()
    script = (TEMPLATES / "charts.js").read_text(encoding="utf-8")
    return {
        "specs": {key: embed.json_block(spec) for key, spec in specs.items()},
        "svgs": {k: embed.static_svg(spec, config, width=340 if k in narrow else 640) for k, spec in specs.items()},
        "titles": {key: spec["description"] for key, spec in specs.items()},
        "config": embed.json_block(config),
        "policy": embed.policy(embed.vega_bundle(), script),
        "bundle": Markup(embed.vega_bundle()),
        "script": Markup(script),
    }


def _shared(meta: Meta) -> dict[str, Any]:
    return {
        "meta": meta,
        "index_name": words.INDEX_NAMES.get(meta.index_code, (meta.index_code, "")),
        "notices": [(ASSETS / name).read_text(encoding="utf-8") for name in ("ATTRIBUTION.md", "NOTICE_SCRIPTS.txt")],
        "style": Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        "light_variables": Markup(theme.css_variables(theme.LIGHT)),
        "dark_variables": Markup(theme.css_variables(theme.DARK)),
        "font": Markup(theme.FONT),
    }


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals["heads"] = _heads
    return environment


def _heads(names: list[Any], n_text: int = 1) -> list[tuple[str, str]]:
    """Column heads with their class: the first `n_text` are text, the others numbers."""
    return [(str(name), "" if k < n_text else "num") for k, name in enumerate(names)]
