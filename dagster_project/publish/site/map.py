"""The map of the years: city outlines, drawn as they are, with a class of the score, joined by city_id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np

from dagster_project.publish.site.charts import Row, Spec, classes, finished
from dagster_project.publish.site.theme import N_CLASSES, var

BASE_MAP = Path(__file__).parent / "assets" / "city_boundaries.json"
SHAPES = "shapes"  # name of the data set of the outlines
YEAR = "shown_year"  # the parameter behind the slider
MARGIN = 1.02  # the outlines do not touch the frame


def quantile_breaks(scores: list[float]) -> list[float]:
    """Limits of at most six classes with equal numbers of cities, lowest and highest score included, in points.

    Few cities or many ties give fewer classes; one city or equal scores give one class.
    """
    classes = max(1, min(N_CLASSES, len(scores) // 2))
    return sorted({float(q) for q in np.quantile(scores, np.linspace(0, 1, classes + 1))}) if scores else []


def class_of(score: float, breaks: list[float]) -> int:
    """Class 0 .. len(breaks) - 2 of the score; a limit belongs to the upper class, the highest score to the last."""
    return int(np.clip(np.searchsorted(breaks, score, side="right") - 1, 0, max(0, len(breaks) - 2)))


def class_colours(breaks: list[float]) -> list[int]:
    """Numbers of the palette colours (0-5) of the classes, spread over the palette."""
    n = max(1, len(breaks) - 1)
    return [round(k * (N_CLASSES - 1) / (n - 1)) for k in range(n)] if n > 1 else [N_CLASSES - 1]


def features(rows: dict[str, dict[int, Row]], names: dict[str, tuple[str, str]], breaks: list[float]) -> list[Row]:
    """GeoJSON features with what the map shows. rows: city_id -> year -> score, rank; names: city_id -> (en, zh).

    Of year 2021 the score stands in s2021, the rank in r2021, the class in c2021.
    """
    colours = class_colours(breaks)
    drawn = []
    for feature in json.loads(BASE_MAP.read_text(encoding="utf-8"))["features"]:
        known = feature["properties"]
        shape: Row = {"type": "Feature", "geometry": feature["geometry"], "kind": known["kind"]}
        city_id = known.get("city_id")
        if known["kind"] == "city":
            shape["city"] = " ".join(names.get(city_id, (known.get("name_en", ""), known.get("name_zh", ""))))
            shape["kind"] = "in" if city_id in rows else "out"
        for year, row in rows.get(city_id, {}).items():
            colour = colours[class_of(row["score"], breaks)]
            shape |= {f"s{year}": round(row["score"], 1), f"r{year}": row["rank"], f"c{year}": colour}
        drawn.append(shape)
    return drawn


def year_slider(years: list[int]) -> alt.Parameter | None:
    """A slider that the page shows under the map; None for one year."""
    if len(years) < 2:
        return None
    bind = alt.binding_range(min=years[0], max=years[-1], step=1, name="Year")
    return alt.param(name=YEAR, value=years[-1], bind=bind)


def with_year(spec: Spec, years: list[int]) -> Spec:
    """The map's title names the year that is shown; year 0 alone means all years and is not named."""
    title = spec["title"]["text"]
    if len(years) > 1:
        text: Any = {"expr": f"replace({json.dumps(title + ', {0}')}, '{{0}}', {YEAR})"}
        return {**spec, "title": {**spec["title"], "text": text}}
    fixed = [*spec.get("params", []), {"name": YEAR, "value": years[0]}]
    return {**spec, "params": fixed, "title": {**spec["title"], "text": f"{title}, {years[0]}" if years[0] else title}}


def spec(shapes: list[Row], years: list[int], *, title: str, note: str, alt_text: str) -> tuple[Spec, float]:
    """The map and its height over width. The page sets the height from the width it has."""
    base = alt.Chart(alt.NamedData(name=SHAPES))
    tips = [
        alt.Tooltip("city:N", title="City"),
        alt.Tooltip("score:Q", title="Score, points", format=".1f"),
        alt.Tooltip("rank:Q", title="Rank", format="d"),
    ]
    colour = alt.Color("cls:O", scale=classes("c"), legend=None)
    out = [alt.Tooltip("city:N", title="Not in the sample")]
    border = {"stroke": var("border"), "strokeWidth": 0.5}

    def only(kind: str) -> alt.Chart:
        return base.transform_filter(f"datum.kind == '{kind}'")

    scored = only("in").transform_calculate(
        score=f"datum['s' + {YEAR}]", rank=f"datum['r' + {YEAR}]", cls=f"datum['c' + {YEAR}]"
    )
    layers = alt.layer(
        only("outline").mark_geoshape(fill=var("blank"), **border),
        only("out").mark_geoshape(fill="url(#hatch)", **border).encode(tooltip=out),
        scored.mark_geoshape(**border).encode(color=colour, tooltip=tips),
        only("line").mark_geoshape(filled=False, stroke=var("muted"), strokeWidth=1.5),
    ).project(type="identity", reflectY=True)
    slider = year_slider(years)
    layers = layers.add_params(slider) if slider else layers
    ratio = height_over_width(shapes)
    drawn = finished(layers, title=title, note=note, alt_text=alt_text, height=round(640 * ratio))
    return with_year(with_shapes(drawn, shapes), years), ratio


def with_shapes(spec: Spec, shapes: list[Row]) -> Spec:
    """Outlines are put in last: Altair would copy all their points for every layer."""
    return {**spec, "datasets": {**spec.get("datasets", {}), SHAPES: shapes}}


def height_over_width(shapes: list[Row]) -> float:
    """Height over width of what the GeoJSON features cover, with a margin."""
    points = np.array([p for shape in shapes for p in _points(shape["geometry"]["coordinates"])], dtype=float)
    width, height = np.ptp(points, axis=0)
    return float(height / width * MARGIN)


def _points(nested: list[Any]) -> list[Any]:
    if isinstance(nested[0], int | float):
        return [nested]
    return [point for part in nested for point in _points(part)]
