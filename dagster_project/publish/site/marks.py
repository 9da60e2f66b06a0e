"""Small pictures of single numbers in tables and cards, and figures with the digits that they need."""

from typing import Any

from markupsafe import Markup

from dagster_project.publish.exhibits.exhibit import number


def plain(value: float | None) -> str:
    """A figure with the digits that its size needs."""
    if value is None:
        return "–"
    size = abs(value)
    return number(value, 0 if size >= 1000 or value == int(value) else 2 if size >= 1 else 4)


def strip(rank: int, n: int) -> Markup:
    """A place on a line from the worst to the best of n."""
    return Markup(
        f'<svg class="strip" viewBox="0 0 160 12" role="img" aria-label="{rank} / {n}"><path d="M4,6H156M80,2V10"/>'
        f'<circle cx="{4 + 152 * ((rank - 1) / max(1, n - 1)):.0f}" cy="6" r="4"/></svg>'
    )


def bar(low: Any, high: Any, middle: Any, n: int) -> Markup:
    """Rank and its range on a line from 1 to n."""

    def x(rank: float) -> float:
        return 3 + 114 * (rank - 1) / max(1, n - 1)

    line = '<line x1="{:.1f}" x2="{:.1f}" y1="6" y2="6" stroke="var(--a)" stroke-width="4" stroke-opacity=".5"/>'
    span = line.format(x(low), max(x(high), x(low) + 1)) if low is not None else ""
    dot = f'<circle cx="{x(middle):.1f}" cy="6" r="3" fill="var(--a)"/>' if middle is not None else ""
    return Markup(
        '<svg class="bar" viewBox="0 0 120 12" width="120" height="12" aria-hidden="true"><line x2="120" y1="6" y2="6"'
        f' stroke="var(--grid)"/>{span}{dot}</svg>'
    )


def spark(values: list[float | None], width: int = 90, height: int = 22) -> Markup:
    """A small line; nothing for fewer than two values."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    low, span = min(known), (max(known) - min(known)) or 1.0
    points = [
        f"{3 + (width - 6) * k / (len(values) - 1):.0f},{height - 3 - (height - 6) * (v - low) / span:.0f}"
        for k, v in enumerate(values)
        if v is not None
    ]
    x, y = points[-1].split(",")
    return Markup(
        f'<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true">'
        f'<path d="M{"L".join(points)}" fill="none" stroke="var(--a)" stroke-width="1.5"/>'
        f'<circle cx="{x}" cy="{y}" r="2.2" fill="var(--a)"/></svg>'
    )
