"""The dictionary: exact phrases, phrases with holes, and what stays English."""

from __future__ import annotations

import re

import pytest
from markupsafe import Markup

from dagster_project.publish.site import language


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("Score, points", "得分，分"),
        ("22 cities", "22 个城市"),
        ("institutional learning (3)", "制度学习（3）"),
        ("Line: 95 % interval. n = 276 cities.", "线：95% 区间。n = 276 个城市。"),
        ("Contribution of each indicator, 2021", "2021 年各指标贡献"),
    ],
)
def test_phrase_has_its_twin_also_where_numbers_change(english: str, chinese: str) -> None:
    assert language.chinese(english) == chinese


@pytest.mark.parametrize("sentence", ["It rises to be the highest, or falls", "Here are the best known cities"])
def test_short_phrases_do_not_break_a_sentence_apart(sentence: str) -> None:
    """ "{0} to {1}", "{0}, {1}" and "{0} cities" are rows of the dictionary."""
    assert language.chinese(sentence) is None
    assert language.two(sentence) == sentence


def test_every_row_is_whole() -> None:
    for en, zh in language.phrases().items():
        assert zh.strip() == zh != ""
        assert en.strip() == en != ""
        assert set(language.HOLE.findall(zh)) <= set(language.HOLE.findall(en)), en  # may leave the English name out
        letters = re.sub(r"[{\d}]|<[^>]+>", "", en)
        assert re.search(r"[一-鿿]", zh) or len(letters) < 24, f"{en}: no Chinese word"


def test_text_of_the_data_stays_text_in_both_languages() -> None:
    made = language.two("Average effects of <b>x</b>")
    assert "<b>" not in made
    assert made.count("&lt;b&gt;") == 2
    assert language.two(Markup("Average effects of <b>x</b>")).count("<b>x</b>") == 2


def test_heading_without_a_twin_is_one_text() -> None:
    assert language.pair("a & b", "") == "a &amp; b"
    assert language.pair("Policy", "政策分析").count("span") == 4


@pytest.fixture
def few_phrases(monkeypatch):
    """A dictionary of three sentences."""
    held = {"All is well.": "一切正常。", "{0} cities rose.": "{0} 个城市上升。", "See <b>x</b>.": "见 <b>x</b>。"}
    monkeypatch.setattr(language, "phrases", lambda: held)
    for cached in (language._patterns, language.chinese, language.two, language.prose):
        cached.cache_clear()
    yield
    for cached in (language._patterns, language.chinese, language.two, language.prose):
        cached.cache_clear()


@pytest.mark.usefixtures("few_phrases")
def test_a_paragraph_is_put_together_from_its_sentences():
    assert "一切正常。12 个城市上升。" in language.prose("All is well. 12 cities rose.")


@pytest.mark.usefixtures("few_phrases")
def test_a_paragraph_with_an_unknown_sentence_stays_english_as_a_whole():
    assert language.prose("All is well. Nobody knows <this>.") == "All is well. Nobody knows &lt;this&gt;."


@pytest.mark.usefixtures("few_phrases")
def test_markup_stays_markup_and_text_is_escaped():
    assert "见 <b>x</b>。" in language.prose(Markup("See <b>x</b>."))
    assert "<b>" not in language.prose("See <b>x</b>.")
