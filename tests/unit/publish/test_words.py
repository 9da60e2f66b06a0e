"""Every code has a name in both languages, and every message a twin."""

import csv
import re

import pytest
import yaml
from markupsafe import Markup
from promised_marts import LABELS, MARTS

from dagster_project.publish.locale import FOLDER, Catalogue, Number, catalogue, languages
from scripts.i18n import updated

PROJECT = LABELS.parents[2]
WITH_LABELS = {
    "indicator": ("indicator.csv", "indicator_code"),
    "variable": ("variable.csv", "code"),
    "weight_scheme": ("weight_scheme.csv", "weight_scheme"),
    "unit": ("unit.csv", "unit"),
}


def labels() -> list[dict[str, str]]:
    with LABELS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_label_stands_once_in_two_languages_and_in_the_order_of_its_kind():
    rows = labels()
    keys = [(row["kind"], row["code"]) for row in rows]
    assert len(set(keys)) == len(keys) > 500
    places: dict[str, list[int]] = {}
    for row in rows:
        assert row["name_en"].strip()
        assert re.search("[一-鿿α-ω]", row["name_zh"]) or row["name_zh"] == row["name_en"] or row["kind"] == "unit", row
        places.setdefault(row["kind"], []).append(int(row["sort_no"]))
    assert {kind: found for kind, found in places.items() if found != sorted(set(found))} == {}


def test_origins_of_values_and_rules_of_edits_have_a_name():
    named = {(row["kind"], row["code"]) for row in labels()}
    models = yaml.safe_load((MARTS / "indicators" / "_indicators.yml").read_text(encoding="utf-8"))["models"]
    (values,) = [model["columns"] for model in models if model["name"] == "mart_indicator_value"]
    (tests,) = [column["data_tests"] for column in values if column["name"] == "value_origin"]
    (origins,) = [test["accepted_values"]["arguments"]["values"] for test in tests if "accepted_values" in test]
    edits = (MARTS.parent / "values" / "int_edits.sql").read_text(encoding="utf-8")
    rules = set(re.findall(r"'(\w+)'\)? as rule\b", edits))
    assert {"E6", "gate"} <= rules
    assert {("origin", code) for code in origins} | {("edit_rule", code) for code in rules} <= named


@pytest.mark.parametrize("language", [name for name in languages() if name != "en"])
def test_no_message_is_untranslated_or_stale_and_no_hole_is_lost(language):
    assert updated(FOLDER / f"{language}.po")[1] == []


def test_numbers_in_sentences_have_separators_and_true_signs():
    assert f"{Number(-1234.5):,.1f} {Number(-0.001):.2f} {Number('nan'):.1f}" == "−1,234.5 0.00 –"
    assert [f"{Number(p):p}" for p in (0.0004, 0.0432)] == ["< 0.001", "= 0.043"]


def test_plural_forms_are_those_of_the_language():
    one, many = "{n:,} row", "{n:,} rows"
    assert [catalogue("en").say(one, many, n=n) for n in (0, 1, 2000)] == ["0 rows", "1 row", "2,000 rows"]
    assert len({catalogue("zh").say(one, many, n=n).replace(f"{n:,}", "") for n in (0, 1, 2000)}) == 1


def test_a_third_language_is_one_file(tmp_path, monkeypatch):
    monkeypatch.setattr("dagster_project.publish.locale.FOLDER", tmp_path)
    forms = "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);"
    (tmp_path / "xx.po").write_text(
        f'msgid ""\nmsgstr ""\n"Language: xx\\n"\n"Plural-Forms: {forms}\\n"\n\nmsgid "{{n}} row"\n'
        'msgid_plural "{n} rows"\nmsgstr[0] "{n} a"\nmsgstr[1] "{n} b"\nmsgstr[2] "{n} c"\n\n'
        '#, fuzzy\nmsgid "City"\nmsgstr "wrong"\n',
        encoding="utf-8",
    )
    assert languages() == ["en", "xx"]
    words = Catalogue("xx")
    assert [words.say("{n} row", "{n} rows", n=n) for n in (1, 3, 5, 21)] == ["1 a", "3 b", "5 c", "21 a"]
    assert words.gettext("City") == "City", "a guess of the collector is not shown"


def test_a_sentence_with_markup_escapes_everything_else():
    said = catalogue("en").say("{who} & {link}", who="<b>", link=Markup('<a href="#x">x</a>'))
    assert said == '&lt;b&gt; &amp; <a href="#x">x</a>'
