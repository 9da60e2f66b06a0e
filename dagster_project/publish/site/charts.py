"""Vega-Lite specs of the page, built with Altair. Data are inline; colours are CSS variables of the page.

Every chart takes `note`: the subtitle of real data, or the SYNTHETIC mark that no copy of the chart may lose.
"""

from __future__ import annotations

from typing import Any

import altair as alt

from dagster_project.publish.site.theme import N_CLASSES, var

Row = dict[str, Any]
Spec = dict[str, Any]
NARROW = "containerSize()[0] < 480"  # a phone: short labels


def _data(rows: list[Row]) -> alt.InlineData:
    return alt.InlineData(values=rows)


def finished(chart: Any, *, title: str, note: str, alt_text: str, height: int) -> Spec:
    """The spec with the settings that all charts share: full width, fixed height, title, alternative text."""
    heading = alt.Title(text=title, subtitle=note) if note else alt.Title(text=title)
    sized = chart.properties(width="container", height=height, title=heading, description=alt_text)
    spec: Spec = sized.to_dict()
    spec.pop("config", None)  # Altair's default view size would fight with the container
    spec["autosize"] = {"type": "fit", "contains": "padding"}
    return spec


def classes(palette: str) -> alt.Scale:
    """Scale of class numbers 0 to 5 onto one of the palettes of the theme: c (score) or g (coverage)."""
    return alt.Scale(domain=list(range(N_CLASSES)), range=[var(f"{palette}{k}") for k in range(N_CLASSES)])


def _year_axis() -> alt.X:
    return alt.X(
        "year:Q", axis=alt.Axis(format="d", tickMinStep=1, grid=False, title=None), scale=alt.Scale(nice=False)
    )


def _points_axis(field: str, top: float | None) -> alt.Y:
    scale = alt.Scale(zero=True) if top is None else alt.Scale(zero=True, domainMax=top)
    return alt.Y(f"{field}:Q", title="points (0–100)", scale=scale, axis=alt.Axis(tickCount=6))


def national(rows: list[Row], *, title: str, note: str, alt_text: str, top: float | None) -> Spec:
    """Mean (line), median (dashes) and 10-90 % band of one score. Rows: year, n, mean, median, p10, p90 in points."""
    base = alt.Chart(_data(rows)).encode(x=_year_axis())
    tips = [
        alt.Tooltip("year:Q", title="Year", format="d"),
        alt.Tooltip("mean:Q", title="Mean, points", format=".1f"),
        alt.Tooltip("median:Q", title="Median, points", format=".1f"),
        alt.Tooltip("p10:Q", title="10 % quantile", format=".1f"),
        alt.Tooltip("p90:Q", title="90 % quantile", format=".1f"),
        alt.Tooltip("n:Q", title="Cities", format="d"),
    ]
    layers = alt.layer(
        base.mark_area(color=var("a"), opacity=0.18).encode(y=_points_axis("p10", top), y2="p90:Q"),
        base.mark_line(color=var("b"), strokeDash=[6, 3], strokeWidth=2).encode(y="median:Q"),
        base.mark_line(color=var("a"), strokeWidth=2.5).encode(y="mean:Q"),
        base.mark_point(color=var("a"), filled=True, size=45, opacity=1).encode(y="mean:Q", tooltip=tips),
    )
    return finished(layers, title=title, note=note, alt_text=alt_text, height=280)


def split(rows: list[Row], *, groups: list[str], title: str, note: str, alt_text: str) -> Spec:
    """Mean of two groups with 95 % bands. Rows: group, year, n, mean, low, high in points (low, high may be null)."""
    colour = alt.Color("group:N", scale=alt.Scale(domain=groups, range=[var("a"), var("b")]), legend=None)
    base = alt.Chart(_data(rows)).encode(x=_year_axis(), color=colour)
    tips = [
        alt.Tooltip("group:N", title="Group"),
        alt.Tooltip("year:Q", title="Year", format="d"),
        alt.Tooltip("mean:Q", title="Mean, points", format=".1f"),
        alt.Tooltip("low:Q", title="95 % from", format=".1f"),
        alt.Tooltip("high:Q", title="95 % to", format=".1f"),
        alt.Tooltip("n:Q", title="Cities", format="d"),
    ]
    dash = alt.StrokeDash("group:N", scale=alt.Scale(domain=groups, range=[[1, 0], [6, 3]]), legend=None)
    layers = alt.layer(
        base.mark_area(opacity=0.18).encode(y=_points_axis("low", None), y2="high:Q"),
        base.mark_line(strokeWidth=2.5).encode(y="mean:Q", strokeDash=dash),
        base.mark_point(filled=True, size=45, opacity=1).encode(y="mean:Q", tooltip=tips),
    )
    return finished(layers, title=title, note=note, alt_text=alt_text, height=280)


def weights(rows: list[Row], *, dimensions: list[str], title: str, note: str, alt_text: str) -> Spec:
    """Weight against skewness, one labelled dot an indicator. Rows: no, code, name, dimension, weight (%), skewness,
    lift and side (see labels.place). On a phone the label is the number of the table."""
    base = alt.Chart(_data(rows)).transform_calculate(label=f"{NARROW} ? toString(datum.no) : datum.code")
    tips = [
        alt.Tooltip("name:N", title="Indicator"),
        alt.Tooltip("code:N", title="Code"),
        alt.Tooltip("dimension:N", title="Dimension"),
        alt.Tooltip("weight:Q", title="Weight, %", format=".1f"),
        alt.Tooltip("skewness:Q", title="Skewness", format=".2f"),
    ]
    x = alt.X(
        "skewness:Q",
        title="skewness of the scaled indicator (1)",
        scale=alt.Scale(nice=True, padding=40),
        axis=alt.Axis(tickCount=8),
    )
    y = alt.Y("weight:Q", title="weight (%)", scale=alt.Scale(zero=True))
    placed = [
        base.transform_filter(f"datum.lift == {lift} && datum.side == {side}")
        .mark_text(
            color=var("ink"),
            fontSize=12,
            align="left" if side > 0 else "right",
            dx=8 * side,
            baseline="middle",
            dy=alt.ExprRef(f"{NARROW} ? 0 : {-lift}"),
        )
        .encode(x=x, y=y, text="label:N")
        for lift, side in sorted({(row["lift"], row["side"]) for row in rows})
    ]
    colours = alt.Scale(domain=dimensions, range=[var("a"), var("b")])
    colour = alt.Color("dimension:N", scale=colours, legend=None)
    shape = alt.Shape("dimension:N", scale=alt.Scale(domain=dimensions, range=["circle", "diamond"]), legend=None)
    dots = base.mark_point(filled=True, size=80, opacity=1).encode(x=x, y=y, color=colour, shape=shape, tooltip=tips)
    return finished(alt.layer(*placed, dots), title=title, note=note, alt_text=alt_text, height=380)


def coverage(rows: list[Row], *, title: str, note: str, alt_text: str) -> Spec:
    """Indicator by year: colour = class of the observed share, number = imputed share in %.

    Rows: order, code, name, year, observed, imputed, missing (% of cities), cls (0-5), text.
    """
    base = alt.Chart(_data(rows)).transform_calculate(label=f"{NARROW} ? datum.code : datum.name")
    n = len({row["code"] for row in rows})
    y = alt.Y(
        "label:N",
        title=None,
        sort=alt.EncodingSortField("order", op="min"),
        axis=alt.Axis(labelLimit=400, ticks=False, domain=False),
    )
    x = alt.X("year:O", title=None, axis=alt.Axis(orient="top", labelAngle=-90, ticks=False, domain=False))
    tips = [
        alt.Tooltip("name:N", title="Indicator"),
        alt.Tooltip("year:O", title="Year"),
        alt.Tooltip("observed:Q", title="Observed, % of cities", format=".1f"),
        alt.Tooltip("imputed:Q", title="Imputed, % of cities", format=".1f"),
        alt.Tooltip("missing:Q", title="Missing, % of cities", format=".1f"),
    ]
    colour = alt.Color("cls:O", scale=classes("g"), legend=None)
    cells = base.mark_rect(stroke=var("page"), strokeWidth=1).encode(x=x, y=y, color=colour, tooltip=tips)
    numbers = [
        base.transform_filter(f"datum.text != '' && datum.cls {rule}")
        .mark_text(fontSize=11, color=var(colour_name))
        .encode(x=x, y=y, text="text:N")
        for rule, colour_name in (("< 2", "onstrong"), (">= 2", "onpale"))
    ]
    return finished(alt.layer(cells, *numbers), title=title, note=note, alt_text=alt_text, height=max(180, 90 + 24 * n))
