"""Exhibits and drawings: laid out once, rounded once, within what the dbt project promises; charts inert and whole."""

import json
import math
import re
import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest
from promised_marts import insert, promised
from scipy.stats import norm

from dagster_project.operations.faults import SurroundingsError
from dagster_project.operations.preflight import check_surroundings
from dagster_project.paths import demo_paths
from dagster_project.publish.exhibits import map as maps
from dagster_project.publish.exhibits.chart import NARROW, SERIES, draw, tick_text, ticks
from dagster_project.publish.exhibits.exhibit import (
    Chart,
    Column,
    Row,
    cell,
    decimals,
    exhibits,
    lay_out,
    number,
    p_value,
    read_grid,
    read_rows,
    stars,
)
from dagster_project.publish.exhibits.reader import ExportError
from dagster_project.publish.locale import catalogue
from dagster_project.publish.paper import figures

ALL = exhibits()
PUBLISH = Path(figures.__file__).parents[1]


def test_an_interval_is_written_once_and_no_file_has_a_quantile_of_its_own(reader):
    (row,) = reader().rows("select lo_95(2::double, 0.5::double) as lo, hi_95(2::double, 0.5::double) as hi")
    assert row == pytest.approx({"lo": 2 - norm.ppf(0.975) * 0.5, "hi": 2 + norm.ppf(0.975) * 0.5}, rel=1e-15)
    files = [file for file in PUBLISH.rglob("*") if file.suffix in (".yml", ".sql", ".py")]
    assert [file.name for file in files if re.search(r"\b1\.9[5-7]\d*\b", file.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("p", "mark"), [(0.0099, "***"), (0.01, "**"), (0.0499, "**"), (0.05, "*"), (0.0999, "*"), (0.1, ""), (None, "")]
)
def test_stars_follow_the_p_value_and_a_limit_belongs_to_the_weaker_side(p, mark):
    assert stars(p) == mark


@pytest.mark.parametrize(
    ("se", "digits"), [(0.5, 3), (0.016, 3), (0.0099, 4), (0.00012, 5), (1e-12, 8), (0.0, 3), (None, 3), (25.0, 3)]
)
def test_the_standard_error_keeps_two_significant_digits_and_never_more_than_eight_decimals(se, digits):
    assert decimals(3, se) == digits


def test_numbers_have_true_signs_and_an_estimate_stars_above_and_error_and_interval_below():
    assert number(-0.0001, 3) == "0.000"
    assert number(-1234.5678, 2) == "−1,234.57"
    assert number(math.inf, 2) == number(None, 2) == ""
    assert [p_value(p) for p in (0.0, 0.00099, 0.001, 0.5, None)] == ["<0.001", "<0.001", "0.001", "0.500", ""]
    column = Column("b", "Direct", "number", se="s", lo="l", hi="h", p="p")
    row = {"b": 0.3778, "s": 0.016, "l": 0.3453, "h": 0.4080, "p": 1e-9}
    assert cell(column, row) == ("0.378***", "(0.016) [0.345, 0.408]")
    assert cell(column, row | {"s": None}) == ("0.378***", "[0.345, 0.408]")
    assert cell(column, row | {"b": None}) == ("[0.345, 0.408]", "")
    assert cell(Column("b", "", "number"), {"b": 12.345, "digits": 1}) == ("12.3", "")


ROWS = [
    {"part": "A", "who": "x", "year": 2012, "v": 1.0, "se": 0.5},
    {"part": "A", "who": "x", "year": 2013, "v": 2.0},
    {"part": "B", "who": "x", "year": 2013, "v": 3.0},
]
COLUMNS = (Column("who", "Year"), Column("v", "", "number", 1, se="se"))


def test_values_across_become_heads_in_the_order_of_the_query_and_the_paper_has_its_twenty_tables():
    heads, rows = lay_out(ROWS, COLUMNS, catalogue("zh"), panel="part", across="year")
    assert heads == ("年份", "2012", "2013")
    assert rows == (
        Row("panel", ("A",)),
        Row("body", ("x", "1.00", "2.0")),
        Row("below", ("", "(0.50)", "")),
        Row("panel", ("B",)),
        Row("body", ("x", "", "3.0")),
    )
    with pytest.raises(ValueError, match="finer grain"):
        lay_out([*ROWS, ROWS[0]], COLUMNS, catalogue("en"), panel="part", across="year")
    assert [code for code in ALL if re.fullmatch(r"T([1-9]|1\d|20)", code)] == [f"T{k}" for k in range(1, 21)]


@pytest.mark.parametrize("exhibit", ALL.values(), ids=list(ALL))
def test_an_exhibit_names_what_it_reads_and_its_queries_fit_the_contracts(exhibit, reader):
    texts = [exhibit.sql, *(fact["sql"] for fact in exhibit.facts)]
    read = set(re.findall(r"mart\.((?:mart|dim)_\w+)", " ".join(texts)))
    assert {name for name in read if name.startswith("mart_")} <= set(exhibit.marts)
    assert set(exhibit.marts) <= set(promised())
    text, values = reader().ready(exhibit.sql)
    found = {column[0] for column in reader().con.execute(text, values).description}
    wanted = {f for c in exhibit.columns for f in (c.field, c.se, c.lo, c.hi, c.p)} | {exhibit.panel, exhibit.across}
    if (chart := exhibit.chart) and chart.mark != "map":
        needed = {"range": (chart.label, chart.x, chart.lo, chart.hi), "cell": (chart.label, chart.series, chart.x)}
        wanted |= {*needed.get(chart.mark, (chart.x, chart.y)), *re.findall(r"\{(\w+)", chart.tip)}
    assert wanted - {""} <= found
    for fact in exhibit.facts:
        reader().rows(fact["sql"])


def effect(con, kind, point, **more):
    which = {"model_id": "nqpf_sdm", "variable": "pr", "effect": kind, "horizon": "static"}
    insert(con, "mart_panel_effect", **which, point=point, **more)


def test_printed_figures_are_those_of_the_mart_with_their_note_and_marked_where_they_are_synthetic(empty, reader):
    effect(empty, "indirect", 0.4167, se_delta=0.0504, lo=0.3228, hi=0.5153, p=1e-12, n_obs=2710, seed=7)
    effect(empty, "direct", -0.3778, se_delta=0.016, lo=-0.41, hi=-0.3453, p=0.03, n_obs=2710, seed=7)
    grid = read_grid(reader(), ALL["T12"])
    assert grid.heads == ("", "Direct", "Indirect")
    shown = [row.cells[1:] for row in grid.rows]
    assert shown == [("−0.378**", "0.417***"), ("(0.016) [−0.410, −0.345]", "(0.050) [0.323, 0.515]")]
    note = " ".join(grid.notes)
    bounds = "bounds of 2012 to 2021"
    for words in ("(standard errors", "*** p < 0.01", "n = 2,710", "draws: 7", bounds, "2026.1-SYNTHETIC"):
        assert words in note
    in_chinese = read_grid(reader("zh"), ALL["T12"])
    assert in_chinese.heads == ("", "直接效应", "间接效应")
    assert [row.cells[1:] for row in in_chinese.rows] == [row.cells[1:] for row in grid.rows]
    marked = read_grid(reader(), ALL["T12"])
    assert marked.title.startswith("SYNTHETIC")
    assert marked.title_zh.startswith("合成数据")
    assert marked.notes[0].startswith("SYNTHETIC")
    assert "SYNTHETIC" not in str(read_grid(reader(is_synthetic=False, release="2026.1"), ALL["T12"]))


def test_what_is_missing_is_named_with_the_reason_of_the_build(empty, reader):
    insert(empty, "mart_panel_fit", model_id="nqpf_sdm", status="skipped", skip_reason="only 9 cities have data.")
    insert(empty, "mart_influence_run", model_id="nqpf_sdm", analysis="blocks", variant="core", skip_reason="no centre")
    with pytest.raises(ExportError, match="nqpf_sdm: only 9 cities have data; blocks core: no centre"):
        read_rows(reader(), ALL["T12"])
    empty.execute("drop table mart.mart_panel_effect")
    with pytest.raises(ExportError, match=r"T12 needs mart_panel_effect, which release 2026\.1-SYNTHETIC"):
        read_rows(reader(), ALL["T12"])


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


def test_classes_of_a_map_are_those_of_the_year_and_it_has_the_frame_of_the_south_china_sea():
    values = [float(k * k) for k in range(100)]
    limits = maps.breaks(values)
    classes = [maps.class_of(value, limits) for value in values]
    assert set(classes) == set(range(len(limits) + 1))
    assert classes == sorted(classes)
    assert len(maps.shapes()) > 280
    rows = [{"city_id": city, "y": k} for k, (city, *_) in enumerate(maps.shapes()[:9])]
    assert draw(Chart("map", y="y"), rows, EN).svg().count("<use") >= 1


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


def test_an_outline_of_the_reader_takes_the_place_of_ours_and_says_whose_it_is(tmp_path, monkeypatch):
    left, above, right, below = maps.box(next(path for _, code, path in maps.shapes() if code == "CN110000"))
    x, y = maps.place(116.4, 40.2)
    assert left < x < right
    assert above < y < below
    file = tmp_path / "own.geojson"
    monkeypatch.setenv("NQPF_OUTLINES", str(file))
    ring = [[116, 40], [117, 40], [117, 41], [116, 40]]
    feature = {"properties": {"adcode": 110000}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    for note in ("", "GS(2020)1"):
        file.write_text(json.dumps({"features": [feature], "note": note}), encoding="utf-8")
        for kept in (maps._base_map, maps.shapes):
            kept.cache_clear()
        if note:
            assert maps.note() == note
            assert [shape[:2] for shape in maps.shapes()] == [("city", "CN110000")]
        else:
            with pytest.raises(SurroundingsError, match="number of their approval"):
                check_surroundings(demo_paths())  # before a refresh begins
    monkeypatch.delenv("NQPF_OUTLINES")
    maps._base_map.cache_clear()
    maps.shapes.cache_clear()
