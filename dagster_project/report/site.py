"""Write the report: one HTML file, made from the published file only, that works without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from dagster_project.report import embed, national, quality, ranking, splits, theme, weights, words
from dagster_project.report.queries import Facts, read_facts

TEMPLATES = Path(__file__).parent / "templates"
ASSETS = Path(__file__).parent / "assets"
SYNTHETIC_NOTE = "SYNTHETIC demo data: says nothing about China"


def write_report(snapshot: Path, folder: Path, *, release: str) -> None:
    """Write `folder`/index.html from the published DuckDB file `snapshot` (schemas mart and ops, opened read-only).

    Raises ReportError (with what to do) if the file holds no headline index.
    """
    html = render(read_facts(snapshot, release=release))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(html, encoding="utf-8")


def render(facts: Facts) -> str:
    """The page as text."""
    note = SYNTHETIC_NOTE if facts.meta.is_synthetic else ""
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
    return (
        _environment()
        .get_template("index.html.j2")
        .render(
            meta=facts.meta,
            index_name=words.INDEX_NAMES.get(facts.meta.index_code, (facts.meta.index_code, "")),
            queries=quality.queries(facts.meta, facts),
            words=words,
            **_charts(specs, narrow=set(sections["national"]["specs"])),
            **_look(),
            **sections,
        )
    )


def _charts(specs: dict[str, Any], narrow: set[str]) -> dict[str, Any]:
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


def _look() -> dict[str, Any]:
    return {
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
