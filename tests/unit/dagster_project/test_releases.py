"""Release names, vintage names and the diff page."""

import datetime as dt
import re

import pandas as pd
import pytest
from text_table import frame_of, words

from dagster_project.defs.context import letters
from dagster_project.publish.release.diff_page import diff_html, diff_markdown
from dagster_project.publish.release.folder import latest_release, next_release

TODAY = dt.date(2026, 11, 24)


@pytest.mark.parametrize(
    ("there", "is_synthetic", "name"),
    [
        ("", False, "2026.11.0"),
        ("", True, "2026.11.0-SYNTHETIC"),
        ("2026.11.0 2026.11.9-SYNTHETIC 2026.10.12 .2026.11.40.tmp", False, "2026.11.10"),  # across kinds
        ("2026.12.1", False, "2026.12.2"),  # where the clock goes back
        ("2026.12.1 2027.1.0", False, "2027.1.1"),
    ],
)
def test_numbers_of_releases_count_on_within_the_month_and_never_go_back(tmp_path, there, is_synthetic, name):
    for one in words(there):
        (tmp_path / one).mkdir()
    assert next_release(tmp_path, TODAY, is_synthetic=is_synthetic) == name


def test_the_latest_release_is_found_by_number_not_by_letters(tmp_path):
    for name in ("2026.11.2", "2026.11.10", "2026.9.30", "notes"):
        (tmp_path / name).mkdir()
    assert latest_release(tmp_path) == "2026.11.10"
    assert latest_release(tmp_path / "nothing") is None


@pytest.mark.parametrize(("number", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (27, "AB"), (701, "ZZ"), (702, "AAA")])
def test_vintages_of_a_year_are_lettered(number, name):
    assert letters(number) == name


HOSTILE = "<script>alert(1)</script> | =cmd()"


CELLS = frame_of("""
indicator_code  city_id  year  value_old  value_new  what
q1              CN1      2012  1.0        1.1        revised
q2              CN2      2013  -          2.0        added
""")
SCORES = frame_of("""
index_code  city_id   name_en  year  change  rank_old  rank_new  is_headline  part_revision  part_bounds
x           CN110000  A        2013     0.1         1        22  True                   0.1          0.0
x           CN2       B        2013     0.0         2         1  True                     -            -
x_variant   CN3       C        2013     0.2         9         8  False                    -            -
""")
COEFFICIENTS = frame_of("""
model_id  basis  kind         term  estimate_old  lo_old  hi_old  estimate_new  lo_new  hi_new  change
m         b      coefficient  pr             0.5     0.4     0.6           1.5    1.25       -     1.0
""")


@pytest.fixture
def frames():
    """Two releases of one vintage, in which one score moved."""
    run = {"release": "r", "data_vintage": "2021A", "method_version": "m", "is_synthetic": True}
    gone = {"city_id": ["CN9"], "name_zh": ["壬市"], "name_en": ["Ren"], "what": ["left"], "reason": ["no wages"]}
    bounds = SCORES["part_bounds"]
    return {
        **{name: pd.DataFrame() for name in ("sources", "weights", "tables")},
        "run": pd.DataFrame([{"side": side, **run} for side in ("old", "new")]),
        "cells": CELLS.assign(index_code="nqpf"),
        "scores": SCORES.replace({"name_en": {"A": HOSTILE}}).assign(part_weights=bounds, part_method=bounds),
        "members": pd.DataFrame(gone),
        "coefficients": COEFFICIENTS.assign(intervals_apart=True),
    }


@pytest.mark.parametrize("page", [diff_markdown, diff_html])
def test_the_diff_page_says_what_moved_and_by_what(page, frames):
    text = page("2026.11.0", "2026.11.1", frames)
    for said in (
        "2026.11.1, compared with 2026.11.0",
        "in 2013 2 ranks moved, 1 by more than 10 places, 1 by more than 20.",
        "from 1 to 22.",
        "1 left: Ren.",
        "Scores of 1 other indexes and variants moved.",
        "Headline scores that moved (2)",
        "2 ranks of a city and year moved",
        "x_variant 1",
        "no wages",
        "None.",
        "SYNTHETIC",
        "q1 of CN1 in 2012, 1 before, 1.1 now",
        "the 1 explained changes: revision 0.1",
        "Of 1, 1 lie outside each other",
    ):
        assert said in text.replace("&#x27;", "'"), said
    assert "0.5 [0.4, 0.6]" in text.replace("\\", "")
    assert "1.5" in text


def test_counts_of_cells_are_added_revised_removed(frames):
    line = next(line for line in diff_markdown("a", "b", frames).splitlines() if line.startswith("| nqpf"))
    assert line == "| nqpf | 1 | 1 | 0 |"


def test_text_of_the_data_is_inert_on_the_page(frames):
    assert "<script" not in diff_html("a", "b", frames)
    assert "\\<script\\>" in diff_markdown("a", "b", frames)
    rows = [line for line in diff_markdown("a", "b", frames).splitlines() if "script" in line and line.startswith("|")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [12]


@pytest.mark.parametrize("page", [diff_markdown, diff_html])
def test_a_part_that_an_older_file_cannot_answer_is_said_so(page, frames):
    text = page("a", "b", dict.fromkeys(frames))
    assert "published by an older version" in text
    assert "Traceback" not in text


@pytest.mark.parametrize("page", [diff_markdown, diff_html])
def test_the_first_release_has_nothing_to_be_compared_with(page):
    assert "First release" in page(None, "2026.11.0", None)
    assert "SYNTHETIC" in page(None, "2026.11.0-SYNTHETIC", None)
