"""The charts of the report as SVG, or as PNG at 300 dpi: the same specs, light colours, with a legend of their own.

Charts carry the SYNTHETIC mark in their subtitle already. A figure of the paper (F02, F09, ..) is one chart of the
report or several; a chart is named page/key, e.g. disparity/gini.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import altair as alt
import duckdb
import vl_convert

from dagster_project.publish.export import principles
from dagster_project.publish.export.errors import ExportError
from dagster_project.publish.site import national, pages, quality, ranking, splits, theme, weights
from dagster_project.publish.site.pages.plots import synthetic
from dagster_project.publish.site.queries import read_facts
from dagster_project.published import open_read_only

DPI = 300
WIDTH = 640
Spec = dict[str, Any]
# Figures of the paper -> charts of the report, as patterns of page/key.
FIGURES = {
    "F02": ("index/map",),
    "F03": ("disparity/mean-*",),
    "F04": ("disparity/growth",),
    "F06": ("measurement/ranks-*",),
    "F07": ("index/weights",),
    "F08": ("*/restatement*",),
    "F09": ("disparity/gini", "disparity/dagum-*"),
    "F10": ("disparity/theil",),
    "F11": ("dynamics/density-*",),
    "F12": ("dynamics/markov*",),
    "F13": ("dynamics/kernel-*",),
    "F14": ("dynamics/club-*",),
    "F15": ("space/moran*", "space/lisa"),
    "F16": ("space/track",),
    "F17": ("relations/coupling-forms", "relations/classes", "relations/map"),
    "F18": ("relations/misallocation", "relations/segmentation", "relations/attention"),
    "F19": ("models/effects", "models/forest"),
    "F20": ("influences/groups",),
    "F21": ("influences/block-*",),
    "F22": ("influences/rings-*",),
    "F23": ("influences/lr-*",),
    "F24": ("influences/barrier",),
    "F25": ("influences/curve-*", "influences/placebo-*"),
    "F26": ("policy/paths", "policy/moves"),
    "F27": (principles.KEY,),
    "F28": ("index/coverage",),
}


def charts(file: Path, release: str) -> dict[str, Spec]:
    """Every chart of the report of a published file, and the dashboard of the principles: page/key -> spec, with its
    own legend. Raises ExportError if the file is older than the pages."""
    try:
        return _charts(file, release)
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise ExportError(
            f"Release {release} was published by an older version, whose tables lack what the charts of this one show"
            f" ({str(error).splitlines()[0]}). Its own report has them, in its folder docs."
        ) from error


def _charts(file: Path, release: str) -> dict[str, Spec]:
    facts = read_facts(file, release=release)
    note = synthetic(facts.meta)
    views = {
        "index": [
            national.view(facts, note),
            splits.view(facts, note),
            ranking.map_view(facts, note),
            weights.view(facts, note),
            quality.coverage_view(facts, note),
        ]
    }
    found = {f"index/{key}": spec for view in views["index"] for key, spec in view["specs"].items()}
    with open_read_only(file) as con:
        for page in pages.built(con, facts.meta, file.parent / "docs"):
            for figure in page.figures:
                labels = [label for _, _, label in figure.legend]
                found[f"{page.slug}/{figure.key}"] = _with_legend(figure.spec, labels)
        board = principles.dashboard(con, facts.meta, note)
    if board is not None:
        found[principles.KEY] = board
    return {name: _with_legend(spec, []) for name, spec in found.items()}


def chosen(found: dict[str, Spec], name: str) -> dict[str, Spec]:
    """The chart called `name` (page/key), or the charts of that figure of the paper. Raises ExportError with a list."""
    if name in found:
        return {name: found[name]}
    code = name.upper()
    if code not in FIGURES:
        raise ExportError(f"No chart is called '{name}'. {_listed(found)}")
    matches = {key: spec for pattern in FIGURES[code] for key, spec in found.items() if fnmatch(key, pattern)}
    if not matches:
        raise ExportError(f"This release has no chart for {code}: its marts are absent or empty. {_listed(found)}")
    return matches


def draw(spec: Spec, format: str) -> bytes:
    """The chart as svg or png."""
    light = _in_light({**spec, "width": WIDTH})
    config = {**_in_light(theme.vega_config()), "background": theme.LIGHT["page"]}
    major, minor = alt.SCHEMA_VERSION.lstrip("v").split(".")[:2]
    version = f"{major}.{minor}"
    if format == "svg":
        return vl_convert.vegalite_to_svg(light, vl_version=version, config=config).encode()
    return vl_convert.vegalite_to_png(light, vl_version=version, config=config, ppi=DPI)


def _in_light(value: Any) -> Any:
    """The same JSON with the colours of the light theme in place of CSS variables."""
    return json.loads(re.sub(r"var\(--([a-z0-9]+)\)", lambda found: theme.LIGHT[found[1]], json.dumps(value)))


def _with_legend(spec: Any, labels: list[str]) -> Any:
    """The spec with a legend below it for every series (on the page it stands in HTML); class numbers as labels."""
    if isinstance(spec, list):
        return [_with_legend(part, labels) for part in spec]
    if not isinstance(spec, dict):
        return spec
    made = {key: _with_legend(value, labels) if key != "data" else value for key, value in spec.items()}
    for channel in ("color", "shape", "strokeDash"):
        own = made.get(channel)
        if isinstance(own, dict) and "field" in own and own.get("legend", "") is None:
            domain = (own.get("scale") or {}).get("domain") or []
            shown = _legend(own, domain, labels)
            if shown is not None:
                made[channel] = {**own, "legend": shown}
    return made


def _legend(channel: Spec, domain: list[Any], labels: list[str]) -> Spec | None:
    style = {
        "orient": "bottom",
        "title": None,
        "direction": "horizontal",
        "columns": 3,
        "labelLimit": 400,
        "symbolOpacity": 1,
    }
    if channel.get("type") == "nominal":
        return style if len(domain) > 1 else None
    if len(labels) >= len(domain) > 1:
        words = json.dumps(dict(zip(map(str, domain), labels, strict=False)), ensure_ascii=False)
        return {**style, "labelExpr": f"{words}[datum.label]"}
    return None


def _listed(found: dict[str, Spec]) -> str:
    return f"Charts: {', '.join(found)}. Figures of the paper: {', '.join(FIGURES)}."
