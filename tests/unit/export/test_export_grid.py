"""Rounding, stars, brackets, columns across."""

import math

import pytest

from dagster_project.publish.export.grid import Column, Row, cell, decimals, lay_out, number, p_value, stars


@pytest.mark.parametrize(
    ("p", "mark"), [(0.0099, "***"), (0.01, "**"), (0.0499, "**"), (0.05, "*"), (0.0999, "*"), (0.1, ""), (None, "")]
)
def test_stars_follow_the_p_value_and_a_limit_belongs_to_the_weaker_side(p, mark):
    assert stars(p) == mark


def test_a_missing_p_gives_no_star():
    assert stars(math.nan) == ""


@pytest.mark.parametrize(
    ("se", "digits"), [(0.5, 3), (0.016, 3), (0.0099, 4), (0.00012, 5), (1e-12, 8), (0.0, 3), (None, 3), (25.0, 3)]
)
def test_the_standard_error_keeps_two_significant_digits_and_never_more_than_eight_decimals(se, digits):
    assert decimals(3, se) == digits


def test_a_rounded_zero_has_no_sign_and_a_negative_number_a_true_minus():
    assert number(-0.0001, 3) == "0.000"
    assert number(-1234.5678, 2) == "−1,234.57"
    assert number(math.inf, 2) == number(None, 2) == ""


def test_small_p_values_are_said_to_be_small():
    assert [p_value(p) for p in (0.0, 0.00099, 0.001, 0.5, None)] == ["<0.001", "<0.001", "0.001", "0.500", ""]


def test_an_estimate_has_stars_above_and_error_and_interval_below():
    column = Column("Direct", "b", "number", se="s", lo="l", hi="h", p="p")
    row = {"b": 0.3778, "s": 0.016, "l": 0.3453, "h": 0.4080, "p": 1e-9}
    assert cell(column, row) == ("0.378***", "(0.016) [0.345, 0.408]")
    assert cell(column, row | {"s": None}) == ("0.378***", "[0.345, 0.408]")
    assert cell(column, row | {"l": None, "h": None}) == ("0.378***", "(0.016)")


def test_an_interval_without_an_estimate_stands_by_itself():
    column = Column("", "b", "number", digits=2, lo="l", hi="h")
    assert cell(column, {"b": None, "l": 0.1, "h": 0.2}) == ("[0.10, 0.20]", "")
    assert cell(column, {"b": None, "l": None, "h": None}) == ("", "")


def test_a_row_may_set_its_own_digits():
    assert cell(Column("", "b", "number"), {"b": 12.345, "digits": 1}) == ("12.3", "")


ROWS = [
    {"part": "A", "who": "x", "year": 2012, "v": 1.0, "se": 0.5},
    {"part": "A", "who": "x", "year": 2013, "v": 2.0},
    {"part": "B", "who": "x", "year": 2013, "v": 3.0},
]
COLUMNS = (Column("Who", "who"), Column("", "v", "number", 1, se="se"))


def test_values_across_become_heads_in_the_order_of_the_query_and_gaps_stay_empty():
    heads, rows = lay_out(ROWS, COLUMNS, panel="part", across="year")
    assert heads == ("Who", "2012", "2013")
    assert rows == (
        Row("panel", ("A",)),
        Row("body", ("x", "1.00", "2.0")),
        Row("below", ("", "(0.50)", "")),
        Row("panel", ("B",)),
        Row("body", ("x", "", "3.0")),
    )


def test_two_rows_for_one_cell_are_an_error_and_not_a_choice():
    with pytest.raises(ValueError, match="finer grain"):
        lay_out([*ROWS, ROWS[0]], COLUMNS, panel="part", across="year")
