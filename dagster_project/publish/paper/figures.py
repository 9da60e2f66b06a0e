"""Figures of the paper as SVG, or as PNG at 300 dpi: light colours, with title, key, source and caveat inside."""

import vl_convert

from dagster_project.publish.exhibits import map as maps
from dagster_project.publish.exhibits.chart import draw, in_light
from dagster_project.publish.exhibits.exhibit import Exhibit, read_notes, read_rows
from dagster_project.publish.exhibits.reader import SYNTHETIC, ExportError, Reader

DPI = 300


def chosen(every: dict[str, Exhibit], name: str) -> dict[str, Exhibit]:
    """The chart called `name`, or the charts of that figure (F15: F15A, F15B, F15C). Raises ExportError with a list."""
    code = name.upper()
    charts = {key: exhibit for key, exhibit in every.items() if exhibit.chart}
    matches = {
        key: exhibit for key, exhibit in charts.items() if key == code or (key[:-1] == code and key[-1].isalpha())
    }
    if not matches:
        titles = "; ".join(f"{exhibit.code} {exhibit.title}" for exhibit in charts.values())
        raise ExportError(f"No figure is called '{name}'. Figures: {titles}.")
    return matches


def svg_of(reader: Reader, exhibit: Exhibit) -> str:
    """The drawing with what a file of its own needs around it. Raises ExportError if there is nothing to draw."""
    assert exhibit.chart is not None
    rows, words = read_rows(reader, exhibit), reader.words
    drawing = draw(exhibit.chart, rows, words)
    mark = f"{words.gettext(SYNTHETIC)}." if reader.scope.is_synthetic else ""
    notes = [
        mark,
        *read_notes(reader, exhibit, rows),
        words.gettext(maps.note()) if exhibit.chart.mark == "map" else "",
    ]
    title = words.gettext(exhibit.title) + (f" ({words.gettext(exhibit.unit)})" if exhibit.unit else "")
    drawing.set_frame(f"{exhibit.code}. {title}", [*filter(None, notes), reader.origin])
    return drawing.svg(title, framed=True)


def draw_file(reader: Reader, exhibit: Exhibit, format: str) -> bytes:
    """The chart as svg or png."""
    svg = in_light(svg_of(reader, exhibit))
    return svg.encode() if format == "svg" else vl_convert.svg_to_png(svg, ppi=DPI)
