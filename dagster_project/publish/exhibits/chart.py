"""Charts as SVG, drawn from the rows of an exhibit: one drawing serves pages, paper and downloads.

Colours are CSS variables, so that one drawing fits light and dark screens; `in_light` puts those of the light theme in.
A drawing holds its key. What a file needs besides (title, source, caveat) stands above and below the visible part:
`Drawing.svg(framed=True)` shows it; a page shows the part between, and its script puts it into what is saved.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from html import escape
from itertools import pairwise
from pathlib import Path

from dagster_project.publish.exhibits.exhibit import Chart, is_missing, number
from dagster_project.publish.exhibits.reader import Record
from dagster_project.publish.locale import Catalogue

COLOURS = Path(__file__).with_name("colours.css")
STEPS = tuple(f"var(--s{k})" for k in range(6))  # from low to high
ON_STEPS = tuple(f"t{k}" for k in range(6))  # text on them
PALETTES = {  # colours of cells and of the text on them: steps, lights of a monitor, signs
    "step": (STEPS, ON_STEPS),
    "light": (("d", "warnline", "alarm", "blank"), ("on", "on", "on", "ink")),
    "sign": (("b", "blank", "a"), ("on", "ink", "on")),
}
SERIES = ("a", "b", "d", "e", "alarm", "muted")
DASHES = ("", "7 3", "2 3", "8 3 2 3", "12 4", "1 4")
SMALL, FONT = 11, 12
MANY = 1000  # marks of a chart
WIDE, NARROW = 720, 358
Point = tuple[float, float]


def in_light(svg: str) -> str:
    """The same drawing with the colours of the light theme in place of CSS variables."""
    return re.sub(r"var\(--([a-z0-9]+)\)", lambda name: light()[str(name[1])], svg)


@cache
def light() -> dict[str, str]:
    """Colours of the light theme by name."""
    theme = COLOURS.read_text(encoding="utf-8").split('[data-theme="dark"]')[0]
    return dict(re.findall(r"--([a-z0-9]+): (#[0-9a-f]{6});", theme))


@lru_cache(maxsize=10_000)  # the pages of the cities have the same labels
def width_of(text: str, size: float = SMALL) -> float:
    """About how wide a text is: a Chinese character is square, a letter a little over half as wide."""
    return size * sum(1.0 if ord(char) > 0x2E7F or char in "—…" else 0.56 for char in text)


def wrapped(text: str, width: float, size: float = SMALL) -> list[str]:
    """Lines of at most `width`, broken at blanks, and between Chinese characters."""
    lines, line = [], ""
    for word in re.findall(r"[\u2e80-\uffef]|[^\s\u2e80-\uffef]+\s*|\s+", text):
        if line and width_of((line + word).rstrip(), size) > width:
            lines.append(line.rstrip())
            line = word.lstrip()
        else:
            line += word
    return [*lines, line.rstrip()] if line.strip() else lines


def cut(text: str, width: float) -> str:
    """The text, ended with … where it does not fit."""
    if width_of(text) <= width:
        return text
    while text and width_of(text + "…") > width:
        text = text[:-1]
    return text + "…"


def ticks(low: float, high: float, n: int = 5) -> list[float]:
    """About `n` round numbers from low to high."""
    if not high > low:
        return [low]
    rough = (high - low) / n
    power = 10 ** math.floor(math.log10(rough))
    step = next(k * power for k in (1, 2, 2.5, 5, 10) if k * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_text(value: float, marks: Sequence[float]) -> str:
    """A tick with the decimals that all of them need."""
    step = marks[1] - marks[0] if len(marks) > 1 else abs(marks[0]) or 1
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if digits < 6 and abs(round(step, digits) - step) > 1e-9 * step:
        digits += 1
    return number(value, digits)


@dataclass
class Drawing:
    """Parts of an SVG and its size."""

    width: float
    height: float = 0.0
    parts: list[str] = field(default_factory=list)
    frame: list[str] = field(default_factory=list)
    above: float = 0.0
    below: float = 0.0

    def text(
        self, x: float, y: float, text: str, anchor: str = "start", size: int = SMALL, fill: str = "muted"
    ) -> None:
        place = "" if anchor == "start" else f' text-anchor="{anchor}"'
        size_of_text = "" if size == SMALL else f' font-size="{size}"'
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" fill="{_colour(fill)}"{place}{size_of_text}>{escape(text)}</text>'
        )

    def line(self, points: Iterable[Point], colour: str, width: float = 1, dash: str = "") -> None:
        path = "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dash_attribute = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<path d="M{path}" stroke="{_colour(colour)}" stroke-width="{width}"{dash_attribute}/>')

    def area(self, points: Iterable[Point], colour: str) -> None:
        path = "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<path d="M{path}Z" fill="{_colour(colour)}" fill-opacity=".16" stroke="none"/>')

    def box(self, x: float, y: float, w: float, h: float, colour: str, tip: str = "") -> None:
        inside = f"><title>{escape(tip)}</title></rect>" if tip else "/>"
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(w, 0.5):.1f}" height="{max(h, 0.5):.1f}"'
            f' fill="{_colour(colour)}" stroke="none"{inside}'
        )

    def mark(self, x: float, y: float, k: int, tip: str = "", size: float = 3.2) -> None:
        """A mark whose shape tells series apart where colours do not."""
        colour, s, t = _colour(SERIES[k % len(SERIES)]), size, size * 1.3
        shapes = (
            f"M{x - s:.1f},{y:.1f}a{s},{s} 0 1 0 {2 * s},0a{s},{s} 0 1 0 {-2 * s},0",
            f"M{x - s:.1f},{y - s:.1f}h{2 * s}v{2 * s}h{-2 * s}z",
            f"M{x:.1f},{y - s * 1.3:.1f}l{s * 1.2:.1f},{s * 2.2:.1f}h{-s * 2.4:.1f}z",
            f"M{x - t:.1f},{y:.1f}l{t:.1f},{t:.1f} {t:.1f},{-t:.1f} {-t:.1f},{-t:.1f}z",
        )
        inside = f"><title>{escape(tip)}</title></path>" if tip else "/>"
        self.parts.append(f'<path class="m" d="{shapes[k % 4]}" fill="{colour}" stroke="{colour}"{inside}')

    def set_frame(self, title: str, notes: Sequence[str]) -> None:
        """Title above and notes below, which a file has and a page does not show."""
        y = 0.0
        heads = wrapped(title, self.width - 8, 14)
        self.above = 20.0 * len(heads) + 8
        for k, line in enumerate(heads):
            self.frame.append(
                f'<text x="4" y="{-self.above + 18 + 20 * k:.0f}" font-size="14" font-weight="600"'
                f' fill="var(--ink)">{escape(line)}</text>'
            )
        for note in notes:
            for line in wrapped(note, self.width - 8):
                y += 15
                self.frame.append(f'<text x="4" y="{self.height + y:.0f}">{escape(line)}</text>')
        self.below = y + 8

    def svg(self, label: str = "", kind: str = "", *, framed: bool = False) -> str:
        """The element. `framed`: with title and notes, and a background: a file of its own."""
        whole = f"0 {-self.above:.0f} {self.width:.0f} {self.above + self.height + self.below:.0f}"
        view = whole if framed else f"0 0 {self.width:.0f} {self.height:.0f}"
        size = f' width="{self.width:.0f}" height="{self.above + self.height + self.below:.0f}"' if framed else ""
        paper = f'<rect x="0" y="{-self.above:.0f}" width="100%" height="100%" fill="var(--page)"/>' if framed else ""
        group = f'<g fill="var(--muted)">{"".join(self.frame)}</g>' if self.frame else ""
        data = "" if framed or not group else f' data-frame="{escape(group)}"'  # not read out, and put in by the script
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart {kind}" viewBox="{view}" data-whole="{whole}"{size}'
            f'{data} role="img" aria-label="{escape(label)}" fill="none" font-family="system-ui, sans-serif"'
            f' font-size="{SMALL}">{paper}{group if framed else ""}{"".join(self.parts)}</svg>'
        )


def _colour(name: str) -> str:
    return name if name.startswith("var(") else f"var(--{name})"


Scale = Callable[[float], float]


def scale(low: float, high: float, a: float, b: float) -> Scale:
    """Linear, from low..high to a..b."""
    span = (high - low) or 1.0
    return lambda value: a + (value - low) / span * (b - a)


@dataclass(frozen=True)
class Plot:
    """A chart that is being drawn: its rows, the words of the reader, the drawing so far."""

    chart: Chart
    rows: Sequence[Record]
    words: Catalogue
    drawing: Drawing

    @property
    def is_narrow(self) -> bool:
        return self.drawing.width < 500

    def tip(self, row: Record) -> str:
        return self.words.say(self.chart.tip, **row) if self.chart.tip else ""

    def facets(self) -> dict[str, list[Record]]:
        return by(self.rows, self.chart.facet)

    def names(self, rows: Sequence[Record] | None = None) -> list[str]:
        """The series, in the order of the rows."""
        return list(by(self.rows if rows is None else rows, self.chart.series))

    def values(self, *names: str, rows: Sequence[Record] | None = None) -> list[float]:
        plot_rows = self.rows if rows is None else rows
        return [float(row[name]) for row in plot_rows for name in names if not is_missing(row.get(name))]

    def rule(self, rows: Sequence[Record]) -> float | None:
        rule = self.chart.rule
        value = rows[0].get(rule) if isinstance(rule, str) and rows else rule
        return None if value is None else float(value)

    def key(self, names: Sequence[str], kind: str) -> float:
        """The key on top, with what the legend of the chart adds; returns where it ends."""
        extra = [(how, self.words.gettext(text)) for how, text in (item.split(": ", 1) for item in self.chart.legend)]
        return key(self.drawing, names, kind, extra)


@dataclass(frozen=True)
class Panel:
    """A plotting area: what it shows, left, top, width, height."""

    name: str
    rows: list[Record]
    x: float
    y: float
    w: float
    h: float
    is_first: bool


def draw(chart: Chart, rows: Sequence[Record], words: Catalogue, width: float = WIDE) -> Drawing:
    """The chart of the rows at a width in pixels. Raises KeyError for a mark that is not known."""
    plot = Plot(chart, rows, words, Drawing(width))
    MARKS[chart.mark](plot)
    return plot.drawing


def by(rows: Iterable[Record], name: str) -> dict[str, list[Record]]:
    """Rows by the text of a field, in the order in which it first appears."""
    groups: dict[str, list[Record]] = {}
    for row in rows:
        groups.setdefault(str(row.get(name) or ""), []).append(row)
    return groups


def key(drawing: Drawing, names: Sequence[str], kind: str, extra: Sequence[tuple[str, str]] = ()) -> float:
    """The key on top, drawn with the marks themselves; returns where it ends."""
    x, y = 4.0, 12.0
    items = [(name, k, kind) for k, name in enumerate(names) if name and (len(names) > 1 or extra)]
    items += [(name, 0, how) for how, name in extra]
    for name, k, how in items:
        room = 34 + width_of(name) + 12
        if x + room > drawing.width and x > 4:
            x, y = 4.0, y + 17
        colour = SERIES[k % len(SERIES)]
        if how.startswith("band"):  # band1: of the second series
            shade = SERIES[int(how[4:] or 0)]
            drawing.area([(x, y - 8), (x + 22, y - 8), (x + 22, y + 2), (x, y + 2)], shade)
        elif how == "dash":
            drawing.line([(x, y - 4), (x + 24, y - 4)], "border", 1.2, "4 3")
        elif how[:-1] in PALETTES:
            drawing.box(x + 4, y - 9, 14, 11, PALETTES[how[:-1]][0][int(how[-1])])
        else:
            if how == "line":
                drawing.line([(x, y - 4), (x + 24, y - 4)], colour, 2, DASHES[k % len(DASHES)])
            drawing.mark(x + 12, y - 4, k)
        drawing.text(x + 30, y, name)
        x += room
    return y + 8 if items else 0.0


def _panels(plot: Plot, top: float, ratio: float | None = None) -> list[Panel]:
    """Places of the panels below `top`; sets the height of the drawing."""
    drawing, chart, facets = plot.drawing, plot.chart, plot.facets()
    n = min(chart.columns, len(facets))
    if plot.is_narrow:
        n = min(n, 2 if ratio else 1)
    left, gap, bottom = 50.0, 12.0, 34.0 if chart.x_title else 22.0
    width = (drawing.width - n * left - (n - 1) * gap - 8) / n
    height = width * ratio if ratio else float(chart.height)
    panels, y = [], top
    for k, (name, rows) in enumerate(facets.items()):
        head = 18.0 if name else 6.0
        panels.append(Panel(name, rows, left + k % n * (width + left + gap), y + head, width, height, k == 0))
        if k % n == n - 1 or k == len(facets) - 1:
            y += head + height + bottom + 6
    drawing.height = y
    return panels


def _axes(
    plot: Plot, at: Panel, sx: Scale, sy: Scale, x_ticks: Sequence[float], y_ticks: Sequence[float], room: float
) -> None:
    """Grid, ticks and titles; `room`: the width that the ticks below share."""
    drawing, chart, foot = plot.drawing, plot.chart, at.y + at.h
    if at.name:
        drawing.text(at.x, at.y - 7, at.name, size=FONT, fill="ink")
    for value in y_ticks:
        drawing.line([(at.x, sy(value)), (at.x + at.w, sy(value))], "grid")
        drawing.text(at.x - 5, sy(value) + 4, tick_text(value, y_ticks), "end")
    drawing.line([(at.x, foot), (at.x + at.w, foot)], "border")
    every = -(-len(x_ticks) // max(1, int(room / 44)))
    for value in x_ticks[(len(x_ticks) - 1) % every :: every]:
        drawing.line([(sx(value), foot), (sx(value), foot + 4)], "border")
        text = str(int(value)).replace("-", "−") if chart.years else tick_text(value, x_ticks)
        drawing.text(sx(value), foot + 15, text, "middle")
    if chart.x_title:
        drawing.text(at.x + at.w, foot + 29, plot.words.gettext(chart.x_title), "end")
    if chart.y_title and at.is_first:
        drawing.parts.append(
            f'<text transform="translate({at.x - 41:.1f},{at.y + at.h / 2:.1f}) rotate(-90)" text-anchor="middle"'
            f' fill="var(--muted)">{escape(plot.words.gettext(chart.y_title))}</text>'
        )


def _limits(values: Sequence[float], *also: float | None) -> tuple[float, float]:
    numbers = [*values, *(value for value in also if value is not None)]
    low, high = min(numbers), max(numbers)
    room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return (low if low == 0 else low - room), high + room


def _plane(plot: Plot) -> None:
    """Lines with bands, dots, curves, bars: panels with two numeric axes, the same in all panels unless `free`."""
    drawing, chart, names = plot.drawing, plot.chart, plot.names()
    is_sequence = chart.mark == "curve" and len(names) > len(SERIES)
    legend = [] if chart.direct or is_sequence else names
    top = plot.key(legend, "line" if chart.mark in ("line", "curve") else "mark")
    is_bar = chart.mark == "bar"
    for at in _panels(plot, top, 1.0 if chart.diagonal else None):
        lines = plot.names(at.rows) if chart.direct else []
        end_room = max(map(width_of, lines), default=0) + 16 if any(lines) else 0.0
        span, rule, (x, y, w, h) = at.rows if chart.free else None, plot.rule(at.rows), (at.x, at.y, at.w, at.h)
        all_x = plot.values(chart.x)
        xs = (min(all_x) - 0.3, max(all_x) + 0.3) if chart.years else _limits(all_x, rule if is_bar else None)
        all_y = plot.values(chart.y, chart.lo, chart.hi, rows=span)
        ys = _limits(all_y, None if is_bar else rule, 0.0 if chart.zero else None)
        if chart.diagonal:
            xs = ys = (min(xs[0], ys[0]), max(xs[1], ys[1]))
        if chart.equal:  # one kilometre is as long to the east as to the north
            rate = max((xs[1] - xs[0]) / w, (ys[1] - ys[0]) / h) / 2
            xs, ys = ((sum(ends) / 2 - side * rate, sum(ends) / 2 + side * rate) for ends, side in ((xs, w), (ys, h)))
        sx, sy = scale(*xs, x, x + w - end_room), scale(*ys, y + h, y)
        x_ticks = sorted(set(all_x)) if chart.years else ticks(*xs, n=max(3, int(w / 70)))
        _axes(plot, at, sx, sy, x_ticks, ticks(*ys, n=max(3, int(h / 45))), w - end_room)
        if chart.diagonal:
            drawing.line([(sx(xs[0]), sy(xs[0])), (sx(xs[1]), sy(xs[1]))], "border", 1.2, "4 3")
        if rule is not None:
            ends = [(sx(rule), y), (sx(rule), y + h)] if is_bar else [(x, sy(rule)), (x + w, sy(rule))]
            drawing.line(ends, "border", 1.2, "4 3")
        labels: list[tuple[float, float, str, str]] = []
        of_series = by(at.rows, chart.series)
        for s, series in enumerate(of_series if chart.direct else names):
            part = [row for row in of_series.get(series, ()) if not is_missing(row.get(chart.y))]
            if not part:
                continue
            shade = STEPS[1 + round(4 * s / max(1, len(names) - 1))] if is_sequence else SERIES[s % len(SERIES)]
            _series(plot, part, s, shade, sx, sy, base=y + h)
            if chart.direct and series:
                labels.append((sy(float(part[-1][chart.y])), sx(float(part[-1][chart.x])), series, shade))
        labels.sort()
        for (end, left, text, shade), above in zip(labels, _apart([label[0] for label in labels], y + h), strict=True):
            drawing.line([(left, end), (left + 11, above)], shade, 0.7)
            drawing.text(left + 13, above + 4, text)


def _apart(targets: list[float], bottom: float) -> list[float]:
    """Heights of labels, in order, moved just enough not to cover each other nor to leave the panel below."""
    heights: list[float] = []
    for at in targets:
        heights.append(max(at, heights[-1] + 12) if heights else at)
    return [min(at, bottom - 12 * k) for k, at in zip(reversed(range(len(heights))), heights, strict=True)]


def _series(plot: Plot, rows: list[Record], s: int, colour: str, sx: Scale, sy: Scale, *, base: float) -> None:
    drawing, chart = plot.drawing, plot.chart
    at = [(sx(float(row[chart.x])), sy(float(row[chart.y]))) for row in rows]
    if chart.mark == "bar":
        step = min((b[0] - a[0] for a, b in pairwise(at)), default=20.0)
        for row, (x, y) in zip(rows, at, strict=True):
            drawing.box(x - step * 0.45, y, step * 0.9, base - y, colour, plot.tip(row))
        return
    with_band = [row for row in rows if not is_missing(row.get(chart.lo)) and not is_missing(row.get(chart.hi))]
    points = [(sx(float(r[chart.x])), sy(float(r[chart.lo])), sy(float(r[chart.hi]))) for r in with_band]
    lower, upper = [(x, low) for x, low, _ in points], [(x, high) for x, _, high in points]
    if chart.mark == "line" and len(with_band) > 1:
        drawing.area([*upper, *reversed(lower)], colour)
    elif chart.mark == "dot":
        for ends in zip(lower, upper, strict=True):
            drawing.line(ends, colour, 1)
    if chart.mark == "line":
        drawing.line(at, colour, 2, DASHES[s % len(DASHES)])
    elif chart.mark == "curve":
        drawing.line(at, colour, 1.4)
    if (
        chart.mark == "dot" and len(plot.rows) > MANY
    ):  # one path of dots without words: thousands of marks make a page slow
        spots = "".join(dict.fromkeys(f"M{x:.1f},{y:.1f}h.01" for x, y in at))
        cap = "square" if s % 2 else "round"
        drawing.parts.append(
            f'<path d="{spots}" stroke="{_colour(colour)}" stroke-width="5.2" stroke-linecap="{cap}"/>'
        )
    elif chart.mark == "dot" or (chart.mark == "line" and len(at) <= 40):
        for row, (x, y) in zip(rows, at, strict=True):
            drawing.mark(x, y, s, plot.tip(row), 2.6 if chart.mark == "dot" else 3.0)
            if row.get("beside"):
                drawing.text(x + 6, y - 6, str(row["beside"]))


def _ranges(plot: Plot) -> None:
    """Estimates with their intervals, one line each, names at the left (on narrow screens above)."""
    drawing, chart, names = plot.drawing, plot.chart, plot.names()
    top = y = plot.key(names, "mark")
    labels = by(plot.rows, chart.label)
    left = 8.0 if plot.is_narrow else min(360.0, max(map(width_of, labels)) + 18)
    values = {id(row): _range_text(chart, row) for row in plot.rows}
    right = 8.0 if plot.is_narrow else max(map(width_of, values.values())) + 10
    rule = plot.rule(plot.rows)
    low, high = _limits(plot.values(chart.x, chart.lo, chart.hi), rule)
    sx = scale(low, high, left, drawing.width - right)
    texts: list[tuple[float, float, str, str, int, str]] = []  # see Drawing.text
    lines: list[tuple[float, Record]] = []
    for facet, rows in plot.facets().items():
        if facet:
            y += 20
            texts.append((4, y - 5, facet, "start", FONT, "ink"))
        for label, group in by(rows, chart.label).items():
            if plot.is_narrow and label:
                y += 14
                texts.append((4, y - 2, label, "start", SMALL, "muted"))
            elif label:
                texts.append((left - 8, y + 7 * len(group) + 6, cut(label, left - 10), "end", SMALL, "muted"))
            lines += [(y + 9 + 14 * k, row) for k, row in enumerate(group)]
            y += 14 * len(group) + 4
    marks = ticks(low, high, 4 if plot.is_narrow else 7)
    for value in marks:
        drawing.line([(sx(value), top), (sx(value), y)], "grid")
        drawing.text(sx(value), y + 14, tick_text(value, marks), "middle")
    if rule is not None:
        drawing.line([(sx(rule), top), (sx(rule), y)], "border", 1.2, "4 3")
    for text in texts:
        drawing.text(*text)
    for at, row in lines:
        s = names.index(str(row.get(chart.series) or ""))
        if not is_missing(row.get(chart.x)):
            ends = plot.values(chart.lo, chart.hi, rows=[row])
            if len(ends) == 2:
                drawing.line([(sx(end), at) for end in ends], SERIES[s % len(SERIES)], 2)
            drawing.mark(sx(float(row[chart.x])), at, s, plot.tip(row))
        if not plot.is_narrow:
            drawing.text(drawing.width - right + 6, at + 4, values[id(row)])
    if chart.x_title:
        drawing.text(drawing.width - right, y + 28, plot.words.gettext(chart.x_title), "end")
    drawing.height = y + (36 if chart.x_title else 20)


def _range_text(chart: Chart, row: Record) -> str:
    """value [low, high]"""
    low, high = row.get(chart.lo), row.get(chart.hi)
    between = "" if is_missing(low) else f" [{number(low, chart.digits)}, {number(high, chart.digits)}]"
    return number(row.get(chart.x), chart.digits) + between


def _cells(plot: Plot) -> None:
    """Matrices: `label` names the row, `series` the column, `y` (0 to 1) the shade, `x` the text of a cell."""
    drawing, chart, rows, facets = plot.drawing, plot.chart, plot.rows, plot.facets()
    n = 1 if plot.is_narrow else min(chart.columns, len(facets))
    heads = max(width_of(str(row[chart.label])) for row in rows) + 8
    heads = min(heads, drawing.width * (0.34 if plot.is_narrow else 0.4 / n + 0.08))
    width = (drawing.width - 16 * (n - 1)) / n
    y, tall = plot.key([], "mark"), 0.0
    for k, (name, group) in enumerate(facets.items()):
        left, lines = k % n * (width + 16), list(by(group, chart.label))
        columns = list(by(rows if n == 1 else group, chart.series))
        cell = (width - heads - 2) / len(columns)
        names = {text: wrapped(text, heads - 8) for text in lines}
        height = max(float(chart.height), 12.0 * max(map(len, names.values())) + 3)
        words = [width_of(word) for text in columns for word in wrapped(text, 1)] if cell > 40 else [0.0]
        rows_of = 1 + (max(words) > cell)  # heads stand in two rows where a word is wider than a cell
        top = y + (18 if name else 0) + 4 + 26 * rows_of
        if name:
            drawing.text(left, y + 13, name, size=FONT, fill="ink")
        every = 1 if cell > 40 else -(-int(max(map(width_of, columns)) + 4) // int(cell))
        for c, text in list(enumerate(columns))[::every]:
            lines_of = wrapped(text, rows_of * cell - 4)[:2] if cell > 40 else [text]
            for j, part in enumerate(lines_of):
                at = top - 6 - 26 * (rows_of - 1) * (c % 2 == 0) - 12 * (len(lines_of) - 1 - j)
                drawing.text(left + heads + cell * (c + 0.5), at, part, "middle")
        for r, text in enumerate(lines):
            for j, part in enumerate(names[text]):
                at = top + height * (r + 0.5) + 4 + 12 * (j - (len(names[text]) - 1) / 2)
                drawing.text(left + heads - 6, at, cut(part, heads - 8), "end")
        for row in group:
            x = left + heads + cell * columns.index(str(row[chart.series]))
            at = top + height * lines.index(str(row[chart.label]))
            fill, (colours, on) = "muted", PALETTES[chart.palette]
            if not is_missing(row.get(chart.y)):
                step = min(len(colours) - 1, int(len(colours) * max(0.0, float(row[chart.y]))))
                fill = on[step]
                drawing.box(x + 1, at + 1, cell - 2, height - 2, colours[step], plot.tip(row))
            parts = str(row.get(chart.x) or "").split("\n")
            for j, part in enumerate(parts):
                if part and width_of(part) < cell + (2 if cell > 40 else -1):
                    middle = at + height / 2 + 4 + 13 * (j - (len(parts) - 1) / 2)
                    drawing.text(x + cell / 2, middle, part, "middle", fill=fill)
        tall = max(tall, top + height * len(lines) + 10)
        if k % n == n - 1 or k == len(facets) - 1:
            y = tall
    drawing.height = y


def _raster(plot: Plot) -> None:
    """A surface over two axes: cells around x and y (sides `lo` and `hi`), shade in `label` (0 to 1)."""
    drawing, chart = plot.drawing, plot.chart
    ends = _limits(plot.values(chart.x, chart.y))
    for at in _panels(plot, plot.key([], "step"), 1.0):
        sx, sy = scale(*ends, at.x, at.x + at.w), scale(*ends, at.y + at.h, at.y)
        marks = ticks(*ends, n=4)
        _axes(plot, at, sx, sy, marks, marks, at.w)
        paths_by_step: dict[int, list[str]] = {}
        for row in at.rows:
            cw, ch = sx(float(row["side_x"])) - sx(0), sy(0) - sy(float(row["side_y"]))
            step = min(len(STEPS) - 1, int(len(STEPS) * float(row[chart.label])))
            left, above = sx(float(row[chart.x])) - cw / 2, sy(float(row[chart.y])) - ch / 2
            paths_by_step.setdefault(step, []).append(f"M{left:.1f},{above:.1f}h{cw:.1f}v{ch:.1f}h{-cw:.1f}z")
        for step, paths in sorted(paths_by_step.items()):
            drawing.parts.append(f'<path d="{"".join(paths)}" fill="{STEPS[step]}"/>')
        drawing.line([(sx(ends[0]), sy(ends[0])), (sx(ends[1]), sy(ends[1]))], "border", 1.2, "4 3")


MARKS: dict[str, Callable[[Plot], None]] = {
    **dict.fromkeys(("line", "dot", "curve", "bar"), _plane),
    "range": _ranges,
    "cell": _cells,
    "raster": _raster,
}
