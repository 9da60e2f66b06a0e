"""Small drawings of the city profiles as SVG text: no script, colours as CSS variables of the page.

290 pages with Vega would hold 290 copies of it; these drawings are about 3 KB each and are there without scripts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT = 420, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 12, 28
Mark = tuple[int, float, float | None, float | None]  # year, value, low, high


def over_years(
    marks: Sequence[Mark], *, name: str, alt: str, unit: str, upside_down: bool = False, band: bool = False
) -> Markup:
    """Values with their ranges by year. `upside_down`: rank 1 stands at the top. `band`: ranges as one area, else as a
    line at each year. `name` names the file that a reader saves."""
    low, high = _span(marks, whole=upside_down)
    years = [mark[0] for mark in marks]

    def x(year: float) -> float:
        share = 0.5 if years[0] == years[-1] else (year - years[0]) / (years[-1] - years[0])
        return LEFT + 12 + share * (WIDTH - LEFT - RIGHT - 24)

    def y(value: float) -> float:
        share = (value - low) / (high - low)
        return TOP + (share if upside_down else 1 - share) * (HEIGHT - TOP - BOTTOM)

    parts = [_axis(low, high, y, whole=upside_down), _years(years, x)]
    known = [(year, lo, hi) for year, _, lo, hi in marks if lo is not None and hi is not None]
    if band and len(known) > 1:
        edge = [f"{x(year):.1f},{y(hi):.1f}" for year, _, hi in known]
        edge += [f"{x(year):.1f},{y(lo):.1f}" for year, lo, _ in reversed(known)]
        parts.append(f'<polygon points="{" ".join(edge)}" fill="var(--a)" opacity=".18"/>')
    else:
        parts += [
            f'<line x1="{x(t):.1f}" x2="{x(t):.1f}" y1="{y(lo):.1f}" y2="{y(hi):.1f}" stroke="var(--a)" '
            'stroke-width="5" opacity=".4"/>'
            for t, lo, hi in known
        ]
    line = " ".join(f"{x(mark[0]):.1f},{y(mark[1]):.1f}" for mark in marks)
    parts.append(f'<polyline points="{line}" fill="none" stroke="var(--a)" stroke-width="2"/>')
    parts += [
        f'<circle cx="{x(m[0]):.1f}" cy="{y(m[1]):.1f}" r="4" fill="var(--a)"><title>{_said(m, unit)}</title></circle>'
        for m in marks
    ]
    return Markup(
        f'<svg class="plot" data-name="{escape(name)}" role="img" aria-label="{escape(alt)}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-size="12">{"".join(parts)}</svg>'
    )


def bar(share: float, colour: str = "a") -> Markup:
    """A bar in a cell of a table, `share` of its full width; the number stands beside it."""
    width = max(0.0, min(1.0, share)) * 100
    return Markup(
        f'<span class="bar" aria-hidden="true"><i style="width:{width:.0f}%;background:var(--{colour})"></i></span>'
    )


def _span(marks: Sequence[Mark], *, whole: bool) -> tuple[float, float]:
    values = [v for mark in marks for v in mark[1:] if v is not None]
    low, high = (1.0 if whole else min(0.0, *values)), max(values)
    return (low, high) if high > low else (low, low + 1)


def _axis(low: float, high: float, y, *, whole: bool) -> str:  # type: ignore[no-untyped-def]  # y: value -> pixel
    raw = (high - low) / 4
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * k for k in (1, 2, 5, 10) if size * k >= raw)
    if whole:
        step = max(1, step)
    ticks = [low] if whole else []
    ticks += [
        k * step
        for k in range(math.ceil(low / step), math.floor(high / step) + 1)
        if not (whole and k * step <= low + step / 3)
    ]
    return "".join(
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(t):.1f}" y2="{y(t):.1f}" stroke="var(--grid)"/>'
        f'<text x="{LEFT - 6}" y="{y(t) + 4:.1f}" text-anchor="end" fill="var(--muted)">{t:g}</text>'
        for t in ticks
    )


def _years(years: Sequence[int], x) -> str:  # type: ignore[no-untyped-def]  # x: year -> pixel
    each = max(1, math.ceil(len(years) / 6))
    shown = [year for k, year in enumerate(reversed(years)) if k % each == 0]
    return "".join(
        f'<text x="{x(year):.1f}" y="{HEIGHT - 8}" text-anchor="middle" fill="var(--muted)">{year}</text>'
        for year in shown
    )


def _said(mark: Mark, unit: str) -> str:
    year, value, low, high = mark
    between = f" [{low:.4g}, {high:.4g}]" if low is not None and high is not None else ""
    return f"{year}: {value:.4g}{between} {unit}"
