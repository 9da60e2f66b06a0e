"""The words of the charts: which texts of a spec people read, and what stands for them in Chinese."""

from __future__ import annotations

import pytest

from dagster_project.publish.site import chart_words

SPEC = {
    "title": {"text": {"expr": "replace(\"Composite score, {0}\", '{0}', shown_year)"}, "subtitle": "points"},
    "datasets": {"rows": [{"group": "East", "kind": "in", "outline": [[1.0, 2.0]], "label": "Hefei 合肥市"}]},
    "transform": [{"filter": "datum.group == 'East' && datum['Share'] > 0"}],
    "encoding": {"color": {"field": "Share", "type": "nominal", "scale": {"domain": ["East"], "range": ["Total"]}}},
}


def test_texts_are_titles_data_domains_and_quoted_words() -> None:
    found = list(chart_words.texts(SPEC))
    assert {"Composite score, {0}", "points", "East", "in", "Hefei 合肥市"} <= set(found)


def test_names_of_fields_are_no_texts_even_where_an_expression_quotes_them() -> None:
    assert {"Share", "Total", "nominal"}.isdisjoint(chart_words.texts(SPEC))


def test_each_text_that_has_a_twin_is_held_once() -> None:
    said = chart_words.of([SPEC, SPEC], {})
    assert said["words"] == {
        "Composite score, {0}": "{0} 年综合得分",
        "points": "分",
        "East": "东部",
        "Hefei 合肥市": "合肥市",
    }


@pytest.mark.parametrize(
    ("name", "twin"), [("Xi'an 西安市", "西安市"), ("n1 合肥", "合肥"), ("合肥市", None), ("no such phrase", None)]
)
def test_of_a_name_in_both_languages_the_chinese_half_is_taken(name: str, twin: str | None) -> None:
    assert chart_words.twin_of(name) == twin


def test_names_of_the_published_file_serve_too() -> None:
    spec = {"values": [{"name": "mobile subscribers"}]}
    assert chart_words.of([spec], {"mobile subscribers": "移动电话用户"})["words"] == {
        "mobile subscribers": "移动电话用户"
    }
