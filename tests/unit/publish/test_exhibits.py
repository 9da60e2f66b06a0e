"""Exhibits: laid out once, rounded once, and within what the dbt project promises about its tables."""

import math
import re

import pytest
from promised_marts import insert, promised

from dagster_project.publish.exhibits.exhibit import (
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

ALL = exhibits()


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


def test_numbers_have_true_signs_and_small_p_values_are_said_to_be_small():
    assert number(-0.0001, 3) == "0.000"
    assert number(-1234.5678, 2) == "−1,234.57"
    assert number(math.inf, 2) == number(None, 2) == ""
    assert [p_value(p) for p in (0.0, 0.00099, 0.001, 0.5, None)] == ["<0.001", "<0.001", "0.001", "0.500", ""]


def test_an_estimate_has_stars_above_and_error_and_interval_below():
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


def test_values_across_become_heads_in_the_order_of_the_query_and_gaps_stay_empty():
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


def test_the_paper_has_its_twenty_tables():
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


def test_the_printed_figures_are_those_of_the_mart_and_the_note_says_what_stands_in_brackets(empty, reader):
    effect(empty, "indirect", 0.4167, se_delta=0.0504, lo=0.3228, hi=0.5153, p=1e-12, n_obs=2710, seed=7)
    effect(empty, "direct", -0.3778, se_delta=0.016, lo=-0.41, hi=-0.3453, p=0.03, n_obs=2710, seed=7)
    grid = read_grid(reader(), ALL["T12"])
    assert grid.heads == ("", "Direct", "Indirect")
    assert [row.cells[1:] for row in grid.rows] == [
        ("−0.378**", "0.417***"),
        ("(0.016) [−0.410, −0.345]", "(0.050) [0.323, 0.515]"),
    ]
    note = " ".join(grid.notes)
    bounds = "bounds of 2012 to 2021"
    for words in ("(standard errors", "*** p < 0.01", "n = 2,710", "draws: 7", bounds, "2026.1-SYNTHETIC"):
        assert words in note
    in_chinese = read_grid(reader("zh"), ALL["T12"])
    assert in_chinese.heads == ("", "直接效应", "间接效应")
    assert [row.cells[1:] for row in in_chinese.rows] == [row.cells[1:] for row in grid.rows]


def test_synthetic_figures_are_marked_in_title_and_note_and_real_ones_are_not(empty, reader):
    effect(empty, "direct", 0.1)
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
