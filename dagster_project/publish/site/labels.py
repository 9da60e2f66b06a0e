"""Where the labels of a dot plot go, so that they cover neither each other nor a dot."""

from __future__ import annotations

from itertools import product
from typing import Any

# Sizes as shares of a plot of about 900 x 310 pixels.
CHARACTER, LINE, GAP, DOT = 0.0085, 0.042, 0.009, 0.012
LIFT_PIXELS = 13
EDGE = 1.04  # the axis reaches a little further than the dots
STEPS = (0, 1, -1, 2, -2, 3, -3)

Box = tuple[float, float, float, float]  # left, right, bottom, top


def place(rows: list[dict[str, Any]], *, x: str, y: str, text: str) -> list[dict[str, Any]]:
    """Adds `side` (1 right of the dot, -1 left) and `lift` (pixels up) to every row; x, y, text name its fields."""
    if not rows:
        return rows
    left, width = min(r[x] for r in rows), max(r[x] for r in rows) - min(r[x] for r in rows) or 1
    height = max(r[y] for r in rows) or 1
    spots = [((r[x] - left) / width, r[y] / height) for r in rows]
    taken: list[Box] = [(px - DOT, px + DOT, py - DOT, py + DOT) for px, py in spots]
    for k in sorted(range(len(rows)), key=lambda k: -spots[k][1]):
        others = taken[:k] + taken[k + 1 :]
        choices = [
            (side, step, _box(spots[k], side, step, len(str(rows[k][text])))) for step, side in product(STEPS, (1, -1))
        ]
        side, step, box = min(choices, key=lambda c: _cost(c[2], others))
        taken.append(box)
        rows[k] |= {"side": side, "lift": step * LIFT_PIXELS}
    return rows


def _box(spot: tuple[float, float], side: int, step: int, length: int) -> Box:
    near, far = sorted((spot[0] + side * GAP, spot[0] + side * (GAP + CHARACTER * length)))
    middle = spot[1] + step * LINE
    return near, far, middle - LINE / 2, middle + LINE / 2


def _cost(box: Box, others: list[Box]) -> float:
    """Area that is covered twice; what sticks out of the plot counts as covered."""
    outside = max(0.0, box[1] - EDGE) + max(0.0, 1 - EDGE - box[0])
    return sum(_overlap(box, other) for other in others) + outside * LINE


def _overlap(a: Box, b: Box) -> float:
    sides = [min(a[k + 1], b[k + 1]) - max(a[k], b[k]) for k in (0, 2)]
    return max(0.0, sides[0]) * max(0.0, sides[1])
