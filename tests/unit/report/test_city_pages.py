"""City profiles, their drawings, the data page, the downloads and what changed: from few made-up rows."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from mart_rows import CITIES, KEY, YEARS, Rows, meta, places, published

from dagster_project.publish.site import changes, city_drawing, city_facts, city_pages, downloads
from dagster_project.publish.site.city_pages import Profile
from dagster_project.publish.site.pages import data

RANKS = {2012: (3, 2, 4), 2013: (2, 2, 4), 2014: (1, 1, 1)}  # rank, lower and upper limit of the first city


def rows(*, ranges: bool = True) -> Rows:
    first = CITIES[0]
    made: Rows = {
        **places(),
        "mart_sample_city": [
            {
                "index_code": "nqpf",
                "city_id": city,
                "name_en": f"City {k}",
                "name_zh": "市",
                "in_sample": k < 5,
                "drop_reason": None if k < 5 else "no figure",
            }
            for k, city in enumerate(CITIES)
        ],
        "mart_index_score": [
            {
                **KEY,
                "spec_code": "nqpf",
                "city_id": first,
                "year": year,
                "score": 0.3 + 0.1 * k,
                "score_100": 30.0 + 10 * k,
                "rank_year": RANKS[year][0],
                "share_imputed_weight": 0.0,
            }
            for k, year in enumerate(YEARS)
        ],
        "mart_index_contribution": [
            {
                **KEY,
                "city_id": first,
                "year": year,
                "indicator_code": code,
                "weight": 0.5,
                "z": 0.5,
                "contribution": 0.1 * (k + 1) * (2 if code == "a" else 0.5),
                "obstacle_degree": 0.5,
            }
            for k, year in enumerate(YEARS)
            for code in "ab"
        ],
        "mart_spatial_weight_edge": [
            {
                "w_code": "queen_row",
                "city_id_receiver": first,
                "city_id_emitter": other,
                "distance_km": 100.0 + k,
                "same_province": k == 0,
            }
            for k, other in enumerate(CITIES[1:3])
        ],
        "mart_indicator_source": [
            {
                "index_code": "nqpf",
                "city_id": first,
                "year": year,
                "indicator_code": code,
                "variable_code": "gdp",
                "source": "yearbook",
                "file": f"{year}.xlsx",
                "sheet": "S",
                "cell": "B7",
                "text": "12.5",
                "value": 12.5,
                "unit": "percent",
                "value_origin": "observed",
            }
            for year in YEARS
            for code in "ab"
        ],
    }
    if ranges:
        made["mart_index_uncertainty"] = [
            {
                "basis": KEY["basis"],
                "index_code": "nqpf",
                "city_id": first,
                "year": year,
                "rank_p05": float(low),
                "rank_p95": float(high),
                "p_top20": 1.0,
                "score_p05": 0.2,
                "score_p95": 0.6,
            }
            for year, (_, low, high) in RANKS.items()
        ]
    return made


def profiles(made: Rows) -> dict[str, Profile]:
    con = published(made)
    con.execute("update mart.mart_index_score set weight_scheme = 'entropy_flat'")
    return {p.city["city_id"]: p for p in city_pages.profiles(city_facts.read(con, meta()), meta())}


def english(profile: Profile, anchor: str) -> str:
    section = next(s for s in profile.page.sections if s.anchor == anchor)
    return " ".join(re.sub(r'<span class="zh".*?</span>|<[^>]+>', "", str(part)) for part in section.text)


def test_a_move_is_said_with_what_its_ranges_allow() -> None:
    profile = profiles(rows())[CITIES[0]]
    said = english(profile, "scores")
    assert "rank 1 of 1 (90 % range 1 to 1)" in said
    assert "from 3 to 1; the ranges do not overlap" in said
    without = english(profiles(rows(ranges=False))[CITIES[0]], "scores")
    assert "overlap" not in without
    assert "range" not in without


def test_change_of_the_score_is_split_by_indicator() -> None:
    said = english(profiles(rows())[CITIES[0]], "contributions")
    assert "changed by +25.00 points" in said  # a: 20 points, b: 5
    assert said.index("+20.00") < said.index("+5.00")


def test_trail_names_file_sheet_and_cell_once_with_all_its_uses() -> None:
    profile = profiles(rows())[CITIES[0]]
    (table,) = next(s for s in profile.page.sections if s.anchor == "trail").tables
    assert [row[:3] + row[5:] for row in table.rows] == [("gdp", "a, b", "12.5", "2014.xlsx", "S", "B7")]
    assert profile.trail is not None
    assert set(profile.trail["years"]) == {"2012", "2013", "2014"}
    line = profile.trail["years"]["2012"][0]
    assert profile.trail["words"][line[5]] == "2012.xlsx"


def test_city_outside_the_sample_has_a_page_with_the_reason() -> None:
    profile = profiles(rows())[CITIES[-1]]
    assert "no figure" in str(profile.page.intro)
    assert profile.page.sections == ()
    assert profile.trail is None


def test_neighbours_are_linked() -> None:
    section = next(s for s in profiles(rows())[CITIES[0]].page.sections if s.anchor == "neighbours")
    links = re.findall(r'href="(\w+)\.html"', " ".join(str(row[0]) for row in section.tables[0].rows))
    assert links == list(CITIES[1:3])


def test_search_rows_keep_their_columns_whatever_a_name_holds() -> None:
    row = {"city_id": "CN1", "city_code": "1", "name_zh": "市|", "name_en": "A|B"}
    assert city_pages.search_rows([row, {**row, "city_code": "7"}]) == ["CN1||市 |A B", "CN1|7|市 |A B"]
    harbin = {"city_id": "CN230100", "city_code": "230100", "name_zh": "哈尔滨市", "name_en": "Harbin"}
    assert city_pages.search_rows([harbin]) == ["CN230100||哈尔滨市|Harbin|haerbin"]


@pytest.mark.parametrize("n", [1, 2, 10])
def test_drawing_stays_inside_its_frame(n: int) -> None:
    marks = [(2012 + k, 5.0 + k, 3.0, 40.0) for k in range(n)]
    for upside_down in (True, False):
        drawn = city_drawing.over_years(marks, name="x", alt='"<b>', unit="", upside_down=upside_down)
        ys = [float(y) for y in re.findall(r'\bc?y[12]?="([\d.]+)"', drawn)]
        xs = [float(x) for x in re.findall(r'\bc?x[12]?="([\d.]+)"', drawn)]
        assert 0 <= min(ys) <= max(ys) <= city_drawing.HEIGHT
        assert 0 <= min(xs) <= max(xs) <= city_drawing.WIDTH
        assert "<b>" not in drawn
        assert drawn.count("<circle") == n


def test_rank_one_stands_on_top() -> None:
    drawn = city_drawing.over_years(
        [(2012, 1.0, None, None), (2013, 9.0, None, None)], name="x", alt="", unit="", upside_down=True
    )
    top, low = (float(y) for y in re.findall(r'cy="([\d.]+)"', drawn))
    assert top < low


def test_gate_results_link_to_reports_only_where_they_are(tmp_path: Path) -> None:
    check = {
        "check_id": "gate/yearbook/2014/abc/values/value_is_number",
        "severity": "warn",
        "passed": False,
        "message": "m",
    }
    con = published({**places(), "mart_check_result": [check]})
    pages = tmp_path / "published" / "releases" / "1" / "docs"  # not there yet, as when a release is written
    assert "<a" not in _first_cell(con, pages)
    target = tmp_path / "reports" / "data_docs" / "2014" / "yearbook_2014_abc" / "values.html"
    target.parent.mkdir(parents=True)
    target.write_text("")
    link = re.search(r'href="([^"]+)"', _first_cell(con, pages))
    assert link
    assert (pages / link.group(1)).resolve() == target


def _first_cell(con: duckdb.DuckDBPyConnection, folder: Path) -> str:
    page = data.build(con, meta(), folder)
    assert page is not None
    return str(page.sections[0].tables[0].rows[0][0])


def test_data_page_counts_what_did_not_pass(tmp_path: Path) -> None:
    checks = [{"check_id": f"gate/a/0/v/s/r{k}", "severity": "warn", "passed": k > 0, "message": ""} for k in range(3)]
    page = data.build(published({**places(), "mart_check_result": checks}), meta(), tmp_path)
    assert page is not None
    assert "3 rules on 1 load; 1 did not pass" in str(page.sections[0].text[0])


def test_downloads_exist_only_in_a_release(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    assert downloads.built(folder, meta()) == []
    (tmp_path / "diff.md").write_text("x")
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "t.csv").write_bytes(b"abc")
    (page,) = downloads.built(folder, meta())
    table = page.sections[1].tables[0]
    assert str(table.rows[0][0]) == '<a href="../csv/t.csv">csv/t.csv</a>'
    assert sha256(b"abc").hexdigest() in str(table.rows[0][2])
    assert downloads.size(1_234_567) == "1.2 MB"


def _frames(**more: Any) -> dict[str, pd.DataFrame]:
    row = {
        "index_code": "nqpf",
        "basis": KEY["basis"],
        "city_id": "CN1",
        "name_en": "A",
        "name_zh": "甲",
        "year": 2014,
        "score_old": 0.5,
        "score_new": 0.52,
        "rank_old": 3,
        "rank_new": 1,
        **more,
    }
    other = {**row, "index_code": "pr", "rank_new": 9}
    return {
        "cells": pd.DataFrame({"what": ["added", "added", "revised"]}),
        "sources": pd.DataFrame({"what": []}),
        "scores": pd.DataFrame([row, other]),
    }


def test_what_changed_counts_the_headline_index_only() -> None:
    view = changes.view(meta(), "1", _frames(), "../diff.html")
    assert view is not None
    said = " ".join(view["sentences"])
    assert "2 added, 1 revised, 0 removed" in said
    assert "1 city-year of the headline index moved in score, at most by 2.00 points; 1 of them also in rank" in said
    assert "by 2 places" in said
    assert [row[1:] for row in view["rows"]] == [["2014", "3", "1", "50.0", "52.0"]]


def test_first_release_says_so_and_outside_a_release_nothing_is_said() -> None:
    view = changes.view(meta(), None, None, "../diff.html")
    assert view is not None
    assert "first release" in view["sentences"][0]
    assert changes.view(meta(), None, None, "") is None
    same = changes.view(meta(), "1", {**_frames(), "scores": _frames()["scores"].iloc[:0]}, "x")
    assert same is not None
    assert "No score and no rank" in " ".join(same["sentences"])
