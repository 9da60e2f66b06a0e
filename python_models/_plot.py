"""Pictures of results as Altair charts, which is imported when one is asked for: two kinds for `plot` of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from altair import Chart, FacetChart, LayerChart

type Picture = Chart | FacetChart | LayerChart

WIDTH, ROW = 420, 18


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
