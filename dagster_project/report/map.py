"""The map of the last year: city outlines, drawn as they are, with a class of the score, joined by city_id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np

from dagster_project.report.charts import Row, Spec, classes, finished
from dagster_project.report.theme import N_CLASSES, var

BASE_MAP = Path(__file__).parent / "assets" / "city_boundaries.json"
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


def features(rows: dict[str, Row], names: dict[str, tuple[str, str]], breaks: list[float]) -> list[Row]:
    """GeoJSON features with what the map shows. rows: city_id -> score, rank, province; names: city_id -> (en, zh)."""
    colours = class_colours(breaks)
    drawn = []
    for feature in json.loads(BASE_MAP.read_text(encoding="utf-8"))["features"]:
        known = feature["properties"]
        shape: Row = {"type": "Feature", "geometry": feature["geometry"], "kind": known["kind"]}
        city_id = known.get("city_id")
        if known["kind"] == "city":
            shape["city"] = " ".join(names.get(city_id, (known.get("name_en", ""), known.get("name_zh", ""))))
            shape["kind"] = "out"
        if city_id in rows:
            row = rows[city_id]
            shape |= {"kind": "in", "score": round(row["score"], 1), "rank": row["rank"]}
            shape["cls"] = colours[class_of(row["score"], breaks)]
        drawn.append(shape)
    return drawn


def spec(shapes: list[Row], *, title: str, note: str, alt_text: str) -> tuple[Spec, float]:
    """The map and its height over width. The page sets the height from the width it has."""
    base = alt.Chart(alt.InlineData(values=shapes))
    tips = [
        alt.Tooltip("city:N", title="City"), alt.Tooltip("score:Q", title="Score, points", format=".1f"),
        alt.Tooltip("rank:Q", title="Rank", format="d"),
    ]  # fmt: skip
    colour = alt.Color("cls:O", scale=classes("c"), legend=None)
    out = [alt.Tooltip("city:N", title="Not in the sample")]
    border = {"stroke": var("border"), "strokeWidth": 0.5}

    def only(kind: str) -> alt.Chart:
        return base.transform_filter(f"datum.kind == '{kind}'")

    layers = alt.layer(
        only("outline").mark_geoshape(fill=var("blank"), **border),
        only("out").mark_geoshape(fill="url(#hatch)", **border).encode(tooltip=out),
        only("in").mark_geoshape(**border).encode(color=colour, tooltip=tips),
        only("line").mark_geoshape(filled=False, stroke=var("muted"), strokeWidth=1.5),
    ).project(type="identity", reflectY=True)
    ratio = height_over_width(shapes)
    return finished(layers, title=title, note=note, alt_text=alt_text, height=round(640 * ratio)), ratio


def height_over_width(shapes: list[Row]) -> float:
    """Height over width of what the GeoJSON features cover, with a margin."""
    points = np.array([p for shape in shapes for p in _points(shape["geometry"]["coordinates"])], dtype=float)
    width, height = np.ptp(points, axis=0)
    return float(height / width * MARGIN)


def _points(nested: list[Any]) -> list[Any]:
    if isinstance(nested[0], int | float):
        return [nested]
    return [point for part in nested for point in _points(part)]
