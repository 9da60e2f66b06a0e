"""The policy page: counts, certainty and lights come from the rows, and nothing claims an effect."""

from __future__ import annotations

import re
from typing import Any

import duckdb
import pytest
from mart_rows import CITIES, KEY, YEARS, Rows, meta, places, published

from dagster_project.publish.site.city_parts import PATHS
from dagster_project.publish.site.pages import policy
from dagster_project.publish.site.pages.base import Page

CODES = list(PATHS)
LAST = ("endogenous_evolution",) * 3 + ("gradient_transfer", "institutional_learning", "institutional_learning")
SURE = (1.0, 0.95, 0.9, 0.6, 0.45, None)


def rows() -> Rows:
    paths = [
        {
            **KEY,
            "relations_code": "pr",
            "city_id": city,
            "year": year,
            "subtype": "main",
            "margin_input": "u",
            "path": LAST[k] if year == YEARS[-1] else CODES[0],
            "p_path": SURE[k],
            "margin": 0.05 + 0.1 * k,
            "benchmark_city_id": CITIES[0] if k else None,
            "years_in_path": 1,
        }
        for year in YEARS
        for k, city in enumerate(CITIES)
    ]
    moves = [
        {
            **KEY,
            "relations_code": "pr",
            "path_from": a,
            "path_to": b,
            "n": 6 if a == b else 1,
            "n_row": 9,
            "p": 1 / 9,
            "lo": 0.0,
            "hi": 0.5,
            "thin": False,
        }
        for a in CODES
        for b in CODES
    ]
    shares = [
        {
            **KEY,
            "relations_code": "pr",
            "year": YEARS[-1],
            "scheme": "all",
            "group_code": "all",
            "path": code,
            "n": LAST.count(code),
            "n_group": 6,
            "share": LAST.count(code) / 6,
            "share_lo": 0.1,
            "share_hi": 0.6,
        }
        for code in CODES
    ]
    return {
        **places(),
        "mart_city_path": paths,
        "mart_path_transition": moves,
        "mart_path_summary": shares,
        "mart_principle_monitor": [
            monitor("mean_d", value=0.55, light="amber"),
            monitor("share_synergy", value=0.2, light="red"),
            monitor("median_d", value=None, light=None, note="no cities"),
        ],
    }


def monitor(code: str, **more: Any) -> dict[str, Any]:
    return {
        **KEY,
        "relations_code": "pr",
        "principle": "compatibility",
        "monitor_code": code,
        "year": YEARS[-1],
        "level": "national",
        "unit_id": "all",
        "better": "high",
        "lo": None,
        "hi": None,
        "note": "",
        **more,
    }


@pytest.fixture(scope="module")
def page() -> Page:
    made = policy.build(published(rows()), meta())
    assert made is not None
    return made


def english(page: Page, anchor: str) -> str:
    section = next(s for s in page.sections if s.anchor == anchor)
    return " ".join(re.sub(r'<span class="zh".*?</span>|<[^>]+>', "", str(part)) for part in section.text)


def test_cities_are_counted_by_path_and_certainty(page: Page) -> None:
    said = english(page, "paths")
    assert "endogenous evolution 3, gradient transfer 1, institutional spillover 0, institutional learning 2" in said
    assert "For 3 of 5 cities at least 90 % of the draws agree" in said
    assert "for 1 fewer than half do: there the path is open" in said


def test_the_page_says_that_an_assignment_is_no_estimate_of_effects(page: Page) -> None:
    assert "not an estimate of what a policy would do" in english(page, "paths")
    assert "not an estimate of effects" in str(page.intro)
    assert "不是对效果的估计" in str(page.intro)


def test_moves_and_cities_near_a_cut_are_counted(page: Page) -> None:
    assert "24 of 36 moves" in english(page, "moves")
    assert "1 city of 6 is nearer than 0.1 standard deviations" in english(page, "cities")
    (changed,) = [t for s in page.sections for t in s.tables if t.key == "changed"]
    assert len(changed.rows) == 3  # the three that left the first path in the last year


def test_lights_are_told_by_word_and_shape(page: Page) -> None:
    assert "0 green, 1 amber, 1 red; 1 without a value" in english(page, "monitors")
    (table,) = [t for s in page.sections for t in s.tables if t.key == "monitor-compatibility"]
    lights = [str(row[6]) for row in table.rows]
    assert "amber" in lights[0]
    assert "<path" in lights[0]  # a diamond
    assert lights[1] == "–"
    assert table.rows[1][-1] == "no cities"
    assert "<rect" in lights[2]


def test_map_holds_every_year(page: Page) -> None:
    figure = page.figures[0]
    drawn = [shape for values in figure.spec["datasets"].values() for shape in values if shape.get("kind") == "in"]
    assert len(drawn) == len(CITIES)
    assert all({f"code{year}" for year in YEARS} <= set(shape) for shape in drawn)
    assert "expr" in figure.spec["title"]["text"]


def test_without_rows_there_is_no_page() -> None:
    assert policy.build(published(places()), meta()) is None
    assert policy.build(_empty(), meta()) is None


def test_monitors_alone_make_a_page() -> None:
    alone = {**places(), "mart_principle_monitor": [monitor("mean_d", value=0.7, light="green")]}
    made = policy.build(published(alone), meta())
    assert made is not None
    assert [s.anchor for s in made.sections] == ["monitors"]


def _empty() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("create schema mart")
    return con
