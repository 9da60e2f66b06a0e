"""The page on disparity says what the marts hold, no more than the intervals allow, and nothing without rows."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import duckdb
import pytest
from mart_rows import CITIES, GROUPS, YEARS, Rows, blank, embedded, meta, places, published, texts

from dagster_project.publish.site.pages import disparity
from dagster_project.publish.site.pages.base import MAX_ROWS, Page

TABLES = (
    "mart_disparity_summary",
    "mart_dagum_component",
    "mart_dagum_within",
    "mart_dagum_between",
    "mart_theil_nested",
    "mart_theil_region",
    "mart_sigma_trend",
    "mart_group_gradient",
)


def rows() -> Rows:
    pairs = [(scheme, codes[0], codes[1]) for scheme, codes in GROUPS.items()]
    groups = [("all", "all"), *((scheme, code) for scheme, codes in GROUPS.items() for code in codes)]
    made: Rows = {
        "mart_disparity_summary": [
            {
                "year": y,
                "scheme": s,
                "group_code": g,
                "weighted": w,
                "gini": 0.5 - k / 10,
                "gini_lo": 0.45 - k / 10,
                "gini_hi": 0.55 - k / 10,
            }
            for k, y in enumerate(YEARS)
            for s, g in groups
            for w in (False, True)
        ],
        "mart_index_score": [
            {"spec_code": "nqpf", "city_id": city, "year": y, "score_100": 10.0 * (k + 1) + y - YEARS[0]}
            for k, city in enumerate(CITIES)
            for y in (YEARS[0], YEARS[-1])
        ],
        "mart_dagum_component": [
            {"year": y, "scheme": s, "share_w": 30.0, "share_nb": 50.0, "share_t": 20.0} for y in YEARS for s in GROUPS
        ],
        "mart_dagum_within": [{"year": y, "scheme": s, "group_code": g} for y in YEARS for s, g in groups[1:]],
        "mart_dagum_between": [
            {
                "year": y,
                "scheme": "four_region",
                "group_high": "east",
                "group_low": low,
                "d_lo": 0.2 if low == "west" else -0.2,
            }
            for y in YEARS
            for low in ("west", "central")
        ],
        "mart_theil_nested": [{"year": y, "kind": kind, "sample": "all"} for y in YEARS for kind in "TL"],
        "mart_theil_region": [{"year": YEARS[-1], "kind": "T", "region": r} for r in GROUPS["four_region"]],
        "mart_sigma_trend": [
            {"scheme": "all", "group_code": "all", "measure": "sigma_log", "verdict": "convergence", "slope": -0.02},
            {"scheme": "all", "group_code": "all", "measure": "cv", "verdict": "none", "slope": -0.01},
        ],
        "mart_group_gradient": [
            {"scheme": s, "measure": m, "period": p, "group_high": a, "group_low": b, **limits}
            for s, a, b in pairs
            for m, p, limits in (
                *(("level", str(y), {"diff": 0.2, "lo": 0.1, "hi": 0.3, "p_perm": 0.4}) for y in YEARS),
                ("growth", "2012-2014", {"diff": -0.01, "lo": -0.03, "hi": 0.01, "p_perm": 0.6}),
            )
        ],
    }
    return made | places()


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return published(rows())


@pytest.fixture(scope="module")
def page(con: duckdb.DuckDBPyConnection) -> Page:
    return disparity.build(con, meta())


def only(made: Rows, *tables: str) -> Rows:
    return places() | {table: made[table] for table in tables}


def test_every_section_of_a_full_file(page: Page) -> None:
    assert [s.anchor for s in page.sections] == ["overall", "dagum", "theil", "groups", "gradient", "growth", "sigma"]
    assert all(s.title_en and s.title_zh for s in page.sections)


def test_intervals_that_do_not_overlap_allow_the_word_lower(page: Page) -> None:
    text = page.sections[0].text[0]
    assert "0.500 [0.450, 0.550] in 2012 and 0.300 [0.250, 0.350] in 2014" in text
    assert "it is lower at the end" in text


def test_intervals_that_overlap_do_not() -> None:
    wide = rows()
    for row in wide["mart_disparity_summary"]:
        row |= {"gini_lo": 0.1, "gini_hi": 0.9}
    text = disparity.build(published(only(wide, "mart_disparity_summary")), meta()).sections[0].text[0]
    assert "do not show a change" in text
    assert "lower" not in text


def test_order_of_a_pair_of_regions_is_certain_only_if_d_excludes_zero(page: Page) -> None:
    table = next(t for s in page.sections for t in s.tables if t.key == "dagum-pairs")
    assert {row[0]: row[-1] for row in table.rows} == {
        "Group east – Group west": "the first is higher",
        "Group east – Group central": "order not certain",
    }


def test_gap_inside_provinces_needs_the_permutation(page: Page) -> None:
    table = next(t for s in page.sections for t in s.tables if t.key == "gradient")
    said = {(row[0], row[2]): row[-1] for row in table.rows}
    assert said["Group core – Group periphery", "2014"] == "first higher; inside provinces not shown"
    assert said["Group core – Group periphery", "2012-2014"] == "no difference shown"


def test_growth_against_the_start_marks_the_core_cities(page: Page) -> None:
    figure = next(f for f in page.figures if f.key == "growth")
    cloud = max(embedded(figure.spec), key=len)
    assert {row["x"] for row in cloud} == {10.0 * (k + 1) for k in range(len(CITIES))}
    assert {row["series"] for row in cloud} == {"Group core", "Group periphery"}
    assert cloud[0]["y"] == pytest.approx(100 * math.log(12 / 10) / 2, abs=1e-3)


def test_verdict_words_are_those_of_the_mart(page: Page) -> None:
    fell, neither = next(s for s in page.sections if s.anchor == "sigma").text
    assert "the standard deviation of ln score of all cities fell" in fell
    assert "neither a fall nor a rise" in neither


def test_charts_carry_the_mark_and_their_n_and_ask_for_nothing(con: duckdb.DuckDBPyConnection, page: Page) -> None:
    for figure in page.figures:
        spec = json.dumps(figure.spec, ensure_ascii=False, allow_nan=False)
        assert "SYNTHETIC" in figure.spec["title"]["subtitle"]
        assert "n = " in figure.caption
        assert "http" not in spec.replace(figure.spec["$schema"], "")
        assert 0 < sum(map(len, embedded(figure.spec))) <= MAX_ROWS
    assert "SYNTHETIC" not in json.dumps([f.spec for f in disparity.build(con, meta(is_synthetic=False)).figures])


def test_no_page_without_rows_or_for_another_index(con: duckdb.DuckDBPyConnection) -> None:
    assert disparity.build(published(places()), meta()) is None
    assert disparity.build(duckdb.connect(), meta()) is None
    assert disparity.build(con, replace(meta(), index_code="nqpf_yearbook")) is None


def test_numbers_that_are_null_leave_no_trace_of_nan() -> None:
    page = disparity.build(published(blank(rows(), TABLES)), meta())
    assert page is not None
    assert "nan" not in texts(page).lower().split()
    assert "None" not in texts(page)
