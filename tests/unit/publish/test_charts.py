"""Drawings: inert, complete as files, alike in shape to what they say."""

import re
import struct
from xml.etree import ElementTree

import pytest
from promised_marts import insert

from dagster_project.publish.exhibits import map as maps
from dagster_project.publish.exhibits.chart import NARROW, SERIES, draw, tick_text, ticks
from dagster_project.publish.exhibits.exhibit import Chart, exhibits
from dagster_project.publish.exhibits.reader import ExportError
from dagster_project.publish.locale import catalogue
from dagster_project.publish.paper import figures

EN = catalogue("en")
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"

YEARS = [
    {"x": 2012 + k, "y": 0.2 + 0.01 * k, "lo": 0.1, "hi": 0.4, "side_x": 1, "side_y": 0.1}
    | {"series": s, "label": s, "facet": "f"}
    for s in ("A", "B", "C", "D")
    for k in range(10)
]


@pytest.mark.parametrize("mark", ["line", "range", "dot", "curve", "bar", "cell", "raster"])
@pytest.mark.parametrize("width", [720, NARROW])
def test_every_kind_of_chart_is_one_well_formed_drawing_of_its_width(mark, width):
    shade = {"label": "y"} if mark == "raster" else {}
    drawing = draw(Chart(mark, facet="", **shade), YEARS, EN, width)
    tree = ElementTree.fromstring(drawing.svg("what it shows"))
    assert tree.get("viewBox").split()[2] == str(width)
    assert tree.get("role") == "img"
    assert tree.get("aria-label") == "what it shows"
    assert [e for e in tree.iter() if e.tag.endswith("text") and not -1 < float(e.get("x", 0)) <= width] == []


@pytest.mark.parametrize("mark", ["line", "range", "dot", "bar", "cell"])
def test_a_text_of_the_data_is_no_element(mark):
    rows = [{**row, "series": MARKUP, "label": MARKUP, "text": MARKUP} for row in YEARS[:3]]
    drawn = draw(Chart(mark, x_title=MARKUP, tip="{label}", facet=""), rows, EN).svg(MARKUP)
    ElementTree.fromstring(drawn)
    assert "&lt;script" in drawn
    assert "<script" not in drawn
    assert "<img" not in drawn


def test_series_differ_not_by_colour_alone_and_an_axis_of_years_has_whole_years():
    drawn = draw(Chart("line", facet=""), YEARS, EN).svg()
    assert len(set(re.findall(r'stroke-dasharray="([^"]+)"', drawn))) >= 3
    assert {f"var(--{name})" for name in SERIES[:4]} <= set(re.findall(r'stroke="(var\(--\w+\))"', drawn))
    assert [text for text in ("A", "B", "C", "D") if f">{text}</text>" not in drawn] == []
    drawn = draw(Chart("line", facet=""), YEARS[:10], EN).svg()
    years = re.findall(r">(20\d\d[^<]*)</text>", drawn)
    assert years
    assert all(re.fullmatch(r"20\d\d", text) for text in years)
    assert 'fill-opacity=".16"' in drawn  # a band between its two limits


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.2, 17.9), (0.987, 1.0), (5.0, 5.0), (1e-9, 3e-9)])
def test_ticks_are_round_lie_within_and_read_differently(low, high):
    found = ticks(low, high)
    assert found
    assert all(low - 1e-12 <= value <= high + 1e-12 for value in found)
    assert low < 1e-6 or len({tick_text(value, found) for value in found}) == len(found)


def test_classes_of_a_map_are_those_of_the_year_and_none_is_empty():
    values = [float(k * k) for k in range(100)]
    limits = maps.breaks(values)
    classes = [maps.class_of(value, limits) for value in values]
    assert set(classes) == set(range(len(limits) + 1))
    assert classes == sorted(classes)


def test_the_map_has_the_frame_of_the_south_china_sea():
    assert [kind for _, kind, _ in maps.shapes()].count("city") > 280 or len(maps.shapes()) > 280
    rows = [{"city_id": city, "y": k} for k, (city, *_) in enumerate(maps.shapes()[:9])]
    assert draw(Chart("map", y="y"), rows, EN).svg().count("<use") + 1 >= 2


@pytest.fixture
def gini(empty):
    bounds = {"gini": 0.3, "gini_lo": 0.28, "gini_hi": 0.33, "cv": 0.6, "cv_lo": 0.5, "cv_hi": 0.7}
    bounds |= {"theil_t": 0.2, "theil_t_lo": 0.1, "theil_t_hi": 0.3, "n": 280}
    for year in range(2012, 2022):
        insert(empty, "mart_disparity_summary", scheme="all", weighted=False, year=year, **bounds)


def test_a_figure_as_a_file_has_title_source_caveat_no_variable_colour_and_300_dots_an_inch(gini, reader):
    figure = exhibits()["F09"]
    drawn = figures.draw_file(reader(), figure, "svg").decode()
    assert "var(--" not in drawn
    text = " ".join(ElementTree.fromstring(drawn).itertext())
    for part in ("F09. ", "SYNTHETIC demo data", "Release 2026.1-SYNTHETIC"):
        assert part in text, part
    assert "合成" in figures.draw_file(reader("zh"), figure, "svg").decode()
    png = figures.draw_file(reader(), figure, "png")
    at = png.index(b"pHYs") + 4
    assert struct.unpack(">IIB", png[at : at + 9]) == (11811, 11811, 1)  # dots a metre


def test_a_figure_is_found_by_its_number_and_an_unknown_one_is_answered_with_the_list():
    assert list(figures.chosen(exhibits(), "f15")) == ["F15A", "F15B", "F15C"]
    assert list(figures.chosen(exhibits(), "F15B")) == ["F15B"]
    with pytest.raises(ExportError, match=r"No figure is called 'F99'\. Figures: .*F02 "):
        figures.chosen(exhibits(), "F99")
