"""Pictures of results as Altair charts, which is imported when one is asked for: four kinds for `plot` of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from altair import Chart, FacetChart, LayerChart

type Picture = Chart | FacetChart | LayerChart

WIDTH, ROW = 420, 18
CELL = 52
LEVEL = {"labelAngle": 0}


def _altair() -> Any:
    try:
        import altair
    except ImportError as error:
        raise ImportError("plot() draws with Altair: install it with pip install 'nqpf-models[plot]'.") from error
    return altair


def ranges(
    frame: pd.DataFrame, *, of: str, x: str, limits: tuple[str, str], title: str, color: str | None = None
) -> Picture:
    """A point and its interval on a line per `of`, in the order of the rows; `color`: several points on one line."""
    alt = _altair()
    groups = {} if color is None else {"color": alt.Color(color, type="nominal", sort=None, title=None)}
    apart = {} if color is None else {"yOffset": alt.YOffset(color, type="nominal", sort=None)}
    base: Chart = alt.Chart(frame, width=WIDTH, height={"step": ROW}).encode(
        y=alt.Y(of, type="nominal", sort=frame[of].drop_duplicates().tolist(), title=None), **groups, **apart
    )
    scale = alt.Scale(zero=False)
    bar: Chart = base.mark_rule(strokeWidth=2).encode(
        x=alt.X(limits[0], type="quantitative", title=title, scale=scale), x2=limits[1]
    )
    point: Chart = base.mark_point(filled=True, size=50, opacity=1).encode(x=alt.X(x, type="quantitative"))
    return bar + point


def bars(frame: pd.DataFrame, *, of: str, x: str, part: str, title: str) -> Picture:
    """A bar per `of`, in the order in which they first come, cut into parts."""
    alt = _altair()
    chart: Chart = alt.Chart(frame, width=WIDTH, height={"step": ROW}).mark_bar()
    return chart.encode(
        y=alt.Y(of, type="nominal", sort=frame[of].drop_duplicates().tolist(), title=None),
        x=alt.X(x, type="quantitative", title=title, stack="zero"),
        color=alt.Color(part, type="nominal", sort=None, title=None),
    )


def curve(
    frame: pd.DataFrame, *, x: str, y: str, titles: tuple[str, str], band: tuple[str, str] | None = None
) -> Picture:
    """A line of y over x, and the band between two columns behind it."""
    alt = _altair()
    kind = "quantitative" if pd.api.types.is_float_dtype(frame[x]) else "ordinal"
    base: Chart = alt.Chart(frame, width=WIDTH).encode(x=alt.X(x, type=kind, title=titles[0], axis=LEVEL))
    scale = alt.Scale(zero=band is None)
    line: Chart = base.mark_line().encode(y=alt.Y(y, type="quantitative", title=titles[1], scale=scale))
    if band is None:
        return line
    area: Chart = base.mark_area(opacity=0.25).encode(y=alt.Y(band[0], type="quantitative", scale=scale), y2=band[1])
    return area + line


def matrix(
    frame: pd.DataFrame, *, rows: str, columns: str, value: str, titles: tuple[str, str, str], facet: str | None = None
) -> Picture:
    """Shares between 0 and 1 as shaded cells with their figures; `facet`: one matrix for each of its values."""
    alt = _altair()
    base: Chart = alt.Chart(frame, width={"step": CELL}, height={"step": CELL}).encode(
        y=alt.Y(rows, type="ordinal", sort=None, title=titles[0]),
        x=alt.X(columns, type="ordinal", sort=None, title=titles[1], axis=LEVEL),
    )
    cells: Chart = base.mark_rect().encode(
        color=alt.Color(value, type="quantitative", title=titles[2], scale=alt.Scale(domain=[0, 1], scheme="blues"))
    )
    figures: Chart = (
        base.transform_filter(alt.expr.isValid(alt.datum[value]))
        .mark_text()
        .encode(
            text=alt.Text(value, type="quantitative", format=".2f"),
            color=alt.condition(alt.datum[value] > 0.5, alt.value("white"), alt.value("black")),
        )
    )
    chart = cells + figures
    return chart if facet is None else chart.facet(alt.Column(facet, type="ordinal", title=facet.replace("_", " ")))
