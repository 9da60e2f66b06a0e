"""Charts that several pages share: forests, lines with bands, scatters, heat maps, bars.

Rows are lists of dicts; the fields a chart reads are named in its docstring, other fields can be named in `tips`.
`note` is the subtitle (pass `synthetic(meta)`). Units stand in the axis titles, which the caller gives. Series are
told apart by colour and by shape or dash; the legend stands beside the chart as HTML, see `legend`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from dagster_project.publish.site.charts import NARROW, Row, Spec, classes, finished
from dagster_project.publish.site.pages.base import MAX_ROWS
from dagster_project.publish.site.queries import Meta
from dagster_project.publish.site.theme import N_CLASSES, var

SYNTHETIC_NOTE = "SYNTHETIC demo data: says nothing about China"
COLOURS = ("a", "b", "d", "e", "muted")  # of the series, in their order
SHAPES = ("circle", "diamond", "square", "triangle-up", "triangle-down")
DASHES = ([1, 0], [6, 3], [2, 2], [10, 3, 2, 3], [1, 3])
Tips = Sequence[tuple[str, str, str]]  # field, title, d3 format ("" for text)


def synthetic(meta: Meta) -> str:
    """Subtitle of every chart: the SYNTHETIC mark that no copy of it may lose, or nothing."""
    return SYNTHETIC_NOTE if meta.is_synthetic else ""


def legend(names: Sequence[str], kind: str = "") -> tuple[tuple[str, str, str], ...]:
    """Legend of the series in their order. `kind` "line" for lines (the others dashed), "" for marks, else as given."""
    marks = ("circle", "diamond", "square", "triangle", "triangle")
    kinds = {"line": ("line", *["dash"] * 4), "": marks}.get(kind, (kind,) * 5)
    return tuple((kinds[k], COLOURS[k], name) for k, name in enumerate(names))


def forest(
    data: list[Row],
    *,
    title: str,
    note: str,
    alt_text: str,
    x_title: str,
    series: Sequence[str] = ("",),
    zero: float | None = 0,
    domain: tuple[float, float] | None = None,
    digits: int = 3,
) -> Spec:
    """Point and interval per label. Rows: label, point, lo, hi (lo, hi may be None), series (if several), n (may be
    None). Labels stand in the order of the rows. `zero`: where the reference line stands. `domain`: what lies outside
    is cut off, say so in the caption."""
    _check(data, series)
    labels = list(dict.fromkeys(row["label"] for row in data))
    base = alt.Chart(_data([{"series": series[0], "n": None, **row} for row in data]))
    limit = alt.ExprRef(f"{NARROW} ? 130 : 330")
    y: dict[str, Any] = {"y": alt.Y("label:N", sort=labels, title=None, axis=alt.Axis(labelLimit=limit, ticks=False))}
    if len(series) > 1:
        y["yOffset"] = alt.YOffset("series:N", scale=alt.Scale(domain=list(series)))
    scale = alt.Scale(domain=list(domain), clamp=False) if domain else alt.Scale(zero=False)
    x = alt.X("point:Q", title=x_title, scale=scale, axis=alt.Axis(tickCount=6))
    fmt = f".{digits}f"
    tips = _tips(
        [
            ("label", "What", ""),
            *([("series", "Kind", "")] if len(series) > 1 else []),
            ("point", "Estimate", fmt),
            ("lo", "from", fmt),
            ("hi", "to", fmt),
            ("n", "n", ",d"),
        ]
    )
    colour, shape = _colour("series", series), _shape("series", series)
    layers = [
        base.transform_filter("isValid(datum.lo) && isValid(datum.hi)")
        .mark_rule(strokeWidth=2.5, clip=True)
        .encode(x=alt.X("lo:Q", title=x_title, scale=scale), x2="hi:Q", color=colour, tooltip=tips, **y),
        base.mark_point(filled=True, size=70, opacity=1, clip=True).encode(
            x=x, color=colour, shape=shape, tooltip=tips, **y
        ),
    ]
    if zero is not None:
        layers.insert(0, alt.Chart(_data([{"at": zero}])).mark_rule(color=var("border")).encode(x="at:Q"))
    height = 70 + round(len(labels) * (24 if len(series) == 1 else 11 * len(series) + 8))
    return finished(alt.layer(*layers), title=title, note=note, alt_text=alt_text, height=height)


def lines(
    data: list[Row],
    *,
    title: str,
    note: str,
    alt_text: str,
    x_title: str | None,
    y_title: str,
    series: Sequence[str] = ("",),
    years: bool = True,
    zero: bool = False,
    points: bool = True,
    height: int = 300,
    tips: Tips = (),
    level: float | None = None,
    root: bool = False,
) -> Spec:
    """Lines with bands. Rows: x, y, lo, hi (lo and hi None or absent: no band), series (if several), n (may be
    absent). `years`: x are whole years. `zero`: a reference line at 0; `level`: another one, dashed. `root`: square
    root scale of y, for values of 0 and more."""
    _check(data, series)
    base = alt.Chart(_data([{"series": series[0], "lo": None, "hi": None, "n": None, **row} for row in data]))
    axis = alt.Axis(format="d", tickMinStep=1, grid=False) if years else alt.Axis(grid=False, tickCount=6)
    x = alt.X("x:Q", title=x_title, axis=axis, scale=alt.Scale(nice=False, zero=False))
    scale = alt.Scale(type="sqrt", zero=True) if root else alt.Scale(zero=False)
    colour = _colour("series", series)
    shown = _tips(
        [
            *([("series", "Line", "")] if len(series) > 1 else []),
            ("x", x_title or "Year", "d" if years else ".3~f"),
            ("y", "Value", ".3f"),
            ("lo", "from", ".3f"),
            ("hi", "to", ".3f"),
            ("n", "n", ",d"),
            *tips,
        ]
    )
    dash = alt.StrokeDash(
        "series:N", scale=alt.Scale(domain=list(series), range=list(DASHES[: len(series)])), legend=None
    )
    band = (
        base.transform_filter("isValid(datum.lo) && isValid(datum.hi)")
        .mark_area(opacity=0.16)
        .encode(x=x, y=alt.Y("lo:Q", title=y_title, scale=scale), y2="hi:Q", color=colour)
    )
    layers = [
        *([band] if any(row.get("lo") is not None for row in data) else []),
        base.mark_line(strokeWidth=2.2).encode(
            x=x, y=alt.Y("y:Q", title=y_title, scale=scale), color=colour, strokeDash=dash, tooltip=shown
        ),
    ]
    if points:
        layers.append(
            base.mark_point(filled=True, size=40, opacity=1).encode(
                x=x,
                y=alt.Y("y:Q", title=y_title, scale=scale),
                color=colour,
                shape=_shape("series", series),
                tooltip=shown,
            )
        )
    if zero:
        layers.insert(0, alt.Chart(_data([{"at": 0}])).mark_rule(color=var("border")).encode(y="at:Q"))
    if level is not None:
        rule = alt.Chart(_data([{"at": level}])).mark_rule(color=var("b"), strokeDash=[5, 4], strokeWidth=2)
        layers.insert(0, rule.encode(y=alt.Y("at:Q", scale=scale)))
    return finished(alt.layer(*layers), title=title, note=note, alt_text=alt_text, height=height)


def scatter(
    data: list[Row],
    *,
    title: str,
    note: str,
    alt_text: str,
    x_title: str,
    y_title: str,
    tips: Tips = (),
    series: Sequence[str] = ("",),
    diagonal: bool = False,
    cross: tuple[float, float] | None = None,
    zero: bool = False,
    height: int = 360,
) -> Spec:
    """Dots. Rows: x, y, series (if several) and the fields of `tips`. `diagonal`: the line y = x. `cross`: reference
    lines at (x, y). `zero`: both axes begin at 0."""
    _check(data, series)
    base = alt.Chart(_data([{"series": series[0], **row} for row in data]))
    scale = alt.Scale(zero=zero, padding=8)
    axis = alt.Axis(tickCount=6)
    x = alt.X("x:Q", title=x_title, scale=scale, axis=axis)
    y = alt.Y("y:Q", title=y_title, scale=scale, axis=axis)
    layers: list[Any] = []
    if diagonal:
        ends = [max(min(r[f] for r in data) for f in "xy"), min(max(r[f] for r in data) for f in "xy")]
        line = alt.Chart(_data([{"x": end, "y": end} for end in ends]))
        layers.append(line.mark_line(color=var("border"), strokeDash=[4, 3]).encode(x="x:Q", y="y:Q"))
    if cross is not None:
        layers.append(alt.Chart(_data([{"x": cross[0]}])).mark_rule(color=var("border")).encode(x="x:Q"))
        layers.append(alt.Chart(_data([{"y": cross[1]}])).mark_rule(color=var("border")).encode(y="y:Q"))
    layers.append(
        base.mark_point(filled=True, size=34, opacity=0.75).encode(
            x=x,
            y=y,
            color=_colour("series", series),
            shape=_shape("series", series),
            tooltip=_tips([*tips, ("x", x_title, ".3~f"), ("y", y_title, ".3~f")]),
        )
    )
    return finished(alt.layer(*layers), title=title, note=note, alt_text=alt_text, height=height)


def heat(
    data: list[Row],
    *,
    title: str,
    note: str,
    alt_text: str,
    tips: Tips = (),
    row_title: str | None = None,
    column_title: str | None = None,
    cell: int = 30,
) -> Spec:
    """Matrix of shaded cells with their text. Rows: row, column, text, cls (0 stands out most, 5 least; see `shade`),
    and the fields of `tips`. Rows and columns stand in the order of the data."""
    _check(data)
    names = [list(dict.fromkeys(row[field] for row in data)) for field in ("row", "column")]
    base = alt.Chart(_data(data))
    limit = alt.ExprRef(f"{NARROW} ? 110 : 260")
    y = alt.Y("row:N", sort=names[0], title=row_title, axis=alt.Axis(labelLimit=limit, ticks=False, domain=False))
    wide = len(names[1]) > 3 and max(len(str(n)) for n in names[1]) * len(names[1]) > 33
    angle = -90 if wide else 0
    room = 160 if wide else alt.ExprRef(f"max(40, (containerSize()[0] - 130) / {len(names[1])})")
    x = alt.X(
        "column:N",
        sort=names[1],
        title=column_title,
        axis=alt.Axis(orient="top", labelAngle=angle, ticks=False, domain=False, labelLimit=room),
    )
    shown = _tips(
        [("row", row_title or "Row", ""), ("column", column_title or "Column", ""), ("text", "Value", ""), *tips]
    )
    cells = base.mark_rect(stroke=var("page"), strokeWidth=1).encode(
        x=x, y=y, color=alt.Color("cls:O", scale=classes("g"), legend=None), tooltip=shown
    )
    fits = "true" if len(names[1]) <= 10 else f"!({NARROW})"  # many columns on a phone: colour and tooltip only
    texts = [
        base.transform_filter(f"datum.cls {rule} && {fits}")
        .mark_text(fontSize=11, color=var(name))
        .encode(x=x, y=y, text="text:N", tooltip=shown)
        for rule, name in (("< 2", "onstrong"), (">= 2", "onpale"))
    ]
    height = 40 + (0 if angle == 0 else 90) + cell * len(names[0])
    return finished(alt.layer(cells, *texts), title=title, note=note, alt_text=alt_text, height=max(160, height))


def shade(value: float | None, low: float, high: float) -> int:
    """Class of a heat cell: 0 for `high` and above, 5 for `low` and below, equal steps between; 5 without a value."""
    if value is None or high <= low:
        return N_CLASSES - 1
    share = (value - low) / (high - low)
    return N_CLASSES - 1 - min(N_CLASSES - 1, max(0, int(share * N_CLASSES)))


def bars(
    data: list[Row],
    *,
    title: str,
    note: str,
    alt_text: str,
    x_title: str | None,
    y_title: str,
    series: Sequence[str] = ("",),
    order: Sequence[str] | None = None,
    stack: bool = True,
    height: int = 300,
    tips: Tips = (),
) -> Spec:
    """Upright bars. Rows: x (text, in the order of the data or of `order`), y, series (if several)."""
    _check(data, series)
    base = alt.Chart(_data([{"series": series[0], **row} for row in data]))
    names = list(order or dict.fromkeys(row["x"] for row in data))
    long = sum(len(str(n)) for n in names) > 60
    x = alt.X("x:N", sort=names, title=x_title, axis=alt.Axis(labelAngle=-90 if long else 0, labelOverlap=not long))
    y = alt.Y("y:Q", title=y_title, stack="zero" if stack else None, axis=alt.Axis(tickCount=6))
    shown = _tips(
        [
            ("x", x_title or "Group", ""),
            *([("series", "Part", "")] if len(series) > 1 else []),
            ("y", y_title, ".3~f"),
            *tips,
        ]
    )
    rank = [{"at": k, "name": name} for k, name in enumerate(series)]
    chart = base.transform_lookup(lookup="series", from_=alt.LookupData(_data(rank), "name", ["at"])).mark_bar(
        stroke=var("page"), strokeWidth=0.5
    )
    drawn = chart.encode(x=x, y=y, color=_colour("series", series), order=alt.Order("at:Q"), tooltip=shown)
    return finished(drawn, title=title, note=note, alt_text=alt_text, height=height)


def _check(data: list[Row], series: Sequence[str] = ("",)) -> None:
    """A chart that would be empty, too large, or would drop rows of an unnamed series is an error, not a blank."""
    if strangers := {row["series"] for row in data if "series" in row} - set(series):
        raise ValueError(f"Series that the chart does not name: {', '.join(map(str, strangers))}.")
    if not data or len(data) > MAX_ROWS:
        raise ValueError(f"A chart holds 1 to {MAX_ROWS} rows, not {len(data)}: select or thin them first.")


def _data(data: list[Row]) -> alt.InlineData:
    return alt.InlineData(values=data)


def _colour(field: str, series: Sequence[str]) -> alt.Color:
    scale = alt.Scale(domain=list(series), range=[var(c) for c in COLOURS[: len(series)]])
    return alt.Color(f"{field}:N", scale=scale, legend=None)


def _shape(field: str, series: Sequence[str]) -> alt.Shape:
    return alt.Shape(f"{field}:N", scale=alt.Scale(domain=list(series), range=list(SHAPES[: len(series)])), legend=None)


def _tips(fields: Tips) -> list[alt.Tooltip]:
    return [
        alt.Tooltip(f"{field}:{'Q' if fmt else 'N'}", title=title, **({"format": fmt} if fmt else {}))
        for field, title, fmt in fields
    ]
