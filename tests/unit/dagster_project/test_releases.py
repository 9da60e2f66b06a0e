"""Release names, vintage names and the diff page."""

import datetime as dt
import re

import pandas as pd
import pytest

from dagster_project.defs.context import letters
from dagster_project.publish.release.diff_page import diff_html, diff_markdown
from dagster_project.publish.release.folder import latest_release, next_release

TODAY = dt.date(2026, 11, 24)


def test_the_first_release_of_a_month_is_number_zero(tmp_path):
    assert next_release(tmp_path, TODAY, is_synthetic=False) == "2026.11.0"


def test_numbers_count_on_within_the_month_across_kinds_and_not_across_months(tmp_path):
    for name in ("2026.11.0", "2026.11.9-SYNTHETIC", "2026.10.12", ".2026.11.40.tmp"):
        (tmp_path / name).mkdir()
    assert next_release(tmp_path, TODAY, is_synthetic=False) == "2026.11.10"


def test_names_never_go_back_when_the_clock_does(tmp_path):
    (tmp_path / "2026.12.1").mkdir()
    assert next_release(tmp_path, TODAY, is_synthetic=False) == "2026.12.2"
    (tmp_path / "2027.1.0").mkdir()
    assert next_release(tmp_path, TODAY, is_synthetic=False) == "2027.1.1"


def test_a_synthetic_release_says_so_in_its_name(tmp_path):
    assert next_release(tmp_path, TODAY, is_synthetic=True).endswith("-SYNTHETIC")


def test_the_latest_release_is_found_by_number_not_by_letters(tmp_path):
    for name in ("2026.11.2", "2026.11.10", "2026.9.30", "notes"):
        (tmp_path / name).mkdir()
    assert latest_release(tmp_path) == "2026.11.10"
    assert latest_release(tmp_path / "nothing") is None


@pytest.mark.parametrize(("number", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (27, "AB"), (701, "ZZ"), (702, "AAA")])
def test_vintages_of_a_year_are_lettered(number, name):
    assert letters(number) == name


HOSTILE = "<script>alert(1)</script> | =cmd()"


@pytest.fixture
def frames():
    """Two releases of one vintage, in which one score moved."""
    run = {"release": "r", "data_vintage": "2021A", "method_version": "m", "is_synthetic": True}
    found = {name: pd.DataFrame() for name in ("sources", "weights", "tables")}
    found["run"] = pd.DataFrame([{"side": side, **run} for side in ("old", "new")])
    found["cells"] = pd.DataFrame(
        {
            "index_code": ["nqpf", "nqpf"],
            "indicator_code": ["q1", "q2"],
            "city_id": ["CN1", "CN2"],
            "year": [2012, 2013],
            "value_old": [1.0, None],
            "value_new": [1.1, 2.0],
            "what": ["revised", "added"],
        }
    )
    found["scores"] = pd.DataFrame(
        {
            "index_code": ["x", "x", "x_variant"],
            "city_id": ["CN110000", "CN2", "CN3"],
            "name_en": [HOSTILE, "B", "C"],
            "year": [2013, 2013, 2013],
            "change": [0.1, 0.0, 0.2],
            "rank_old": [1, 2, 9],
            "rank_new": [22, 1, 8],
            "is_headline": [True, True, False],
            "part_revision": [0.1, None, None],
            "part_bounds": [0.0, None, None],
            "part_weights": [0.0, None, None],
            "part_method": [0.0, None, None],
        }
    )
    found["members"] = pd.DataFrame(
        {"city_id": ["CN9"], "name_zh": ["壬市"], "name_en": ["Ren"], "what": ["left"], "reason": ["no wages"]}
    )
    found["coefficients"] = pd.DataFrame(
        {
            "model_id": ["m"],
            "basis": ["b"],
            "kind": ["coefficient"],
            "term": ["pr"],
            "estimate_old": [0.5],
            "lo_old": [0.4],
            "hi_old": [0.6],
            "estimate_new": [1.5],
            "lo_new": [1.25],
            "hi_new": [float("nan")],
            "change": [1.0],
            "intervals_apart": [True],
        }
    )
    return found


@pytest.mark.parametrize("page", [diff_markdown, diff_html])
def test_the_diff_page_says_what_moved_and_by_what(page, frames):
    text = page("2026.11.0", "2026.11.1", frames)
    for words in (
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
        assert words in text.replace("&#x27;", "'"), words
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
