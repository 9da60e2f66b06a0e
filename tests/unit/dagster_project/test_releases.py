"""Release names, vintage names and the diff page."""

import datetime as dt

import pandas as pd
import pytest

from dagster_project.assets.context import letters
from dagster_project.publishing.diff import diff_markdown
from dagster_project.publishing.release import latest_release, next_release

TODAY = dt.date(2026, 11, 24)


def test_the_first_release_of_a_month_is_number_zero(tmp_path):
    assert next_release(tmp_path, TODAY, is_synthetic=False) == "2026.11.0"


def test_numbers_count_on_within_the_month_across_kinds_and_not_across_months(tmp_path):
    for name in ("2026.11.0", "2026.11.9-SYNTHETIC", "2026.10.12", ".2026.11.40.tmp"):
        (tmp_path / name).mkdir()
    assert next_release(tmp_path, TODAY, is_synthetic=False) == "2026.11.10"


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


def test_the_diff_page_names_both_releases_and_counts_moved_scores():
    frames = {name: pd.DataFrame() for name in ("cells", "sources", "weights")}
    frames["scores"] = pd.DataFrame({"city_id": ["CN110000"], "change": [0.1]})
    page = diff_markdown("2026.11.0", "2026.11.1", frames)
    assert "2026.11.1, compared with 2026.11.0" in page
    assert "Scores that moved (1)" in page
    assert "None." in page


def test_the_first_release_has_nothing_to_be_compared_with():
    assert "First release" in diff_markdown(None, "2026.11.0", None)
