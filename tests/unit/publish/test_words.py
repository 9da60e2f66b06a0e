"""Every code and message in both languages, and no sentence that claims more than its interval or test allows."""

import csv
import re

import pytest
import yaml
from markupsafe import Markup
from promised_marts import LABELS, MARTS, insert, promised

from dagster_project.paths import PROJECT
from dagster_project.publish.locale import FOLDER, Catalogue, Number, catalogue, languages
from dagster_project.publish.site import findings
from dagster_project.study.settings import read_findings
from scripts.i18n import updated


def labels() -> list[dict[str, str]]:
    with LABELS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_labels_stand_once_in_two_languages_and_name_every_origin_and_rule():
    rows = labels()
    keys = [(row["kind"], row["code"]) for row in rows]
    assert len(set(keys)) == len(keys) > 500
    places: dict[str, list[int]] = {}
    for row in rows:
        assert row["name_en"].strip()
        assert re.search("[一-鿿α-ω]", row["name_zh"]) or row["name_zh"] == row["name_en"] or row["kind"] == "unit", row
        places.setdefault(row["kind"], []).append(int(row["sort_no"]))
    assert {kind: found for kind, found in places.items() if found != sorted(set(found))} == {}
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


def test_numbers_and_plurals_are_those_of_the_language_and_markup_escapes_everything_else():
    assert f"{Number(-1234.5):,.1f} {Number(-0.001):.2f} {Number('nan'):.1f}" == "−1,234.5 0.00 –"
    assert [f"{Number(p):p}" for p in (0.0004, 0.0432)] == ["< 0.001", "= 0.043"]
    one, many = "{n:,} row", "{n:,} rows"
    assert [catalogue("en").say(one, many, n=n) for n in (0, 1, 2000)] == ["0 rows", "1 row", "2,000 rows"]
    one, many = "One printed figure behind it was edited.", "{n:,} printed figures behind it were edited."
    assert {catalogue("zh").ngettext(one, many, n) for n in (0, 1, 2000)} == {catalogue("zh").gettext(one)}
    assert catalogue("zh").gettext(one) != one
    said = catalogue("en").say("{who} & {link}", who="<b>", link=Markup('<a href="#x">x</a>'))
    assert said == '&lt;b&gt; &amp; <a href="#x">x</a>'


def test_a_third_language_is_one_file(tmp_path, monkeypatch):
    monkeypatch.setattr("dagster_project.publish.locale.FOLDER", tmp_path)
    forms = "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);"
    (tmp_path / "ru.po").write_text(
        f'msgid ""\nmsgstr ""\n"Language: ru\\n"\n"Plural-Forms: {forms}\\n"\n\nmsgid "{{n}} row"\n'
        'msgid_plural "{n} rows"\nmsgstr[0] "{n} a"\nmsgstr[1] "{n} b"\nmsgstr[2] "{n} c"\n\n'
        '#, fuzzy\nmsgid "City"\nmsgstr "wrong"\n',
        encoding="utf-8",
    )
    assert languages() == ["en", "ru"]
    words = Catalogue("ru")
    assert [words.say("{n} row", "{n} rows", n=n) for n in (1, 3, 5, 21)] == ["1 a", "3 b", "5 c", "21 a"]
    assert words.gettext("City") == "City", "a guess of the collector is not shown"


OVERVIEW = findings.overview()
CLAIMS = {
    f"{slug}/{k}/{j}": claim
    for slug, page in findings.pages().items()
    for k, question in enumerate(page["questions"])
    for j, claim in enumerate(question["claims"])
}
CLAIMS |= {f"index/{name}": OVERVIEW[name] for name in ("headline", "bare")}
CLAIMS |= {f"index/findings/{k}": claim for k, claim in enumerate(OVERVIEW["findings"])}
CLAIMS |= {f"index/{card['title']}": card for card in OVERVIEW["cards"] if "sql" in card}

DOUBT = {"en": "not distinguishable|ranks first", "zh": "无法与|不能区分|居首|尚无法|无法区分"}
CAUSAL = re.compile(r"\b(causes?|caused|because of|leads to|drives?|proves?|improves?|raises?|lowers)\b", re.I)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"est": 1.0, "lo": 0.1, "hi": 2.0}, 1),
        ({"est": -1.0, "lo": -2.0, "hi": -0.1}, -1),
        ({"est": 1.0, "lo": -0.1, "hi": 2.0}, 0),
        ({"est": 1.0, "lo": 0.0, "hi": 2.0}, 0),
        ({"est": 5.0, "lo": None, "hi": None, "p": None}, 0),
        ({"est": 1.0, "p": 0.05}, 1),
        ({"est": -1.0, "p": 0.01}, -1),
        ({"est": 1.0, "p": 0.051}, 0),
        ({"est": 1.0, "lo": -1.0, "hi": 3.0, "p": 0.001}, 0),  # an interval outranks the p of another test
    ],
)
def test_a_direction_is_said_only_where_the_interval_or_the_test_allows_it(row, says):
    assert findings.side(row) == says


def sentences(claim, *sides):
    return [*(claim[side] for side in sides if side in claim), *(claim.get("adds", []) if "say" in sides else [])]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_a_sentence_shows_its_doubt_in_every_language_and_names_no_cause(claim):
    """A direction comes with an interval, a p-value, or the ranges that decide it; nothing is said to cause."""
    for text in sentences(claim, "up", "down"):
        assert re.search(r"\{lo|\{p:|_lo|ci_lo|interval|ranges|correction|draws|whatever the method", text), text
    for text in sentences(claim, "up", "down", "none", "say"):
        assert not CAUSAL.search(text), text
    for language in languages() if "none" in claim else ():
        words = catalogue(language)
        assert re.search(DOUBT[language], words.gettext(claim["none"])), words.gettext(claim["none"])
        for text in map(words.gettext, sentences(claim, "up", "down")):
            assert not re.search("not distinguishable|无法与|无法区分", text)
            assert language == "en" or re.search("[一-鿿]", text)


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_the_query_of_a_claim_fits_the_contracts_and_fills_its_sentence(claim, reader):
    own = reader()
    text, values = own.ready(claim["sql"])
    read = set(re.findall(r"mart\.((?:mart|dim_model)_\w+)", text))
    assert read <= set(claim["marts"]) <= set(promised())
    fields = {column[0] for column in own.con.execute(text, values).description} | {"size"}
    for sentence in sentences(claim, "up", "down", "none", "say"):
        assert set(re.findall(r"\{(\w+)", sentence)) <= fields
    if "none" in claim:
        assert fields & {"lo", "hi", "p"}


def rank_ranges(con, *cities):
    for k, (name, low, high, top) in enumerate(cities, 1):
        insert(con, "dim_city", city_id=name, name_en=name, name_zh=name, boundary_vintage=2021)
        rank = {"rank_year": k, "rank_p05": low, "rank_p95": high, "p_top20": top}
        insert(con, "mart_index_uncertainty", city_id=name, year=2021, **rank)


def test_the_title_says_that_a_city_leads_only_where_its_range_is_the_first_rank(empty, reader):
    rank_ranges(empty, ("Ahe", 1, 1, 1.0), ("Bei", 2, 5, 0.96), ("Cun", 2, 6, 0.4))
    text = findings.headline(reader()).text
    assert text == "Ahe leads 3 cities in 2021; 2 of them are in the top 20 whatever the method"
    empty.execute("update mart.mart_index_uncertainty set rank_p95 = 3 where city_id = 'Ahe'")
    text = findings.headline(reader()).text
    assert text.startswith("Ahe ranks first of 3 cities in 2021; ")
    assert "Ahe" in findings.headline(reader("zh")).text


def test_a_mover_is_a_city_whose_two_ranges_do_not_overlap(empty, reader):
    rank_ranges(empty, ("Ahe", 1, 3, 1.0), ("Bei", 2, 5, 1.0))
    card = next(card for card in findings.overview()["cards"] if card["title"] == "Movers")
    for city, low, high, rank in (("Ahe", 3, 9, 8), ("Bei", 4, 9, 6)):
        insert(empty, "mart_index_uncertainty", city_id=city, year=2012, rank_year=rank, rank_p05=low, rank_p95=high)
    (one,) = findings.sentences_of(reader(), card)
    assert one.says == 0
    assert "not distinguishable from chance" in one.text
    empty.execute("update mart.mart_index_uncertainty set rank_p05 = 4 where city_id = 'Ahe' and year = 2012")
    (one,) = findings.sentences_of(reader(), card)
    assert one.says == 1
    assert one.text.startswith("1 of 2 cities rose and 0 fell")
    assert "Ahe most, from 8 to 1" in one.text


def test_clusters_are_counted_after_the_correction_and_none_is_said_to_be_none(empty, reader):
    claim = findings.pages()["space"]["questions"][1]["claims"][0]
    for k in range(40):
        classes = {"class_raw": "HH" if k < 6 else "ns", "class_fdr": "ns"}
        insert(empty, "mart_lisa", w_code="queen_row", year=2021, city_id=f"c{k}", **classes)
    (one,) = findings.sentences_of(reader(), claim)
    assert one.says == 0
    assert "no city stands in a local cluster" in one.text
    assert "the 6 that pass without it are not distinguishable from the 2 or so" in one.text


def test_the_most_frequent_class_counts_each_city_once(empty, reader):
    """The other scale of coupling, where the lowest class is the rule, is not counted."""
    often, seldom = "good_coordination", "extreme_imbalance"
    for city, own in (("a", often), ("b", often), ("c", seldom)):
        for scale, code in (("minmax01", own), ("rank", seldom)):
            insert(empty, "mart_coupling", city_id=city, year=2021, form="corrected", scale=scale, class_10=code)
    claim = findings.pages()["relations"]["questions"][0]["claims"][1]
    (one,) = findings.sentences_of(reader(), claim)
    assert one.text == "The most frequent class in 2021 is “good coordination” (67 % of the cities)."


def test_a_claim_or_figure_whose_table_is_absent_is_left_out_and_said(empty, reader):
    empty.execute("drop table mart.mart_robustness_summary; drop table mart.mart_robustness")
    found = findings.page(reader(), "influences")
    assert "Does the answer hang on the choices?" not in [question["ask"] for question in found["questions"]]
    assert any("Not in this release" in text for text in found["absent"])


FINDINGS = read_findings(PROJECT / "dagster_project" / "study" / "specs" / "findings.yml")


def headline_tests(con, *ps):
    """The declared tests with Holm's p or None, and one that is not among them."""
    keys = {"model_id": "nqpf_sdm", "basis": "frozen_2012_2021"}
    for finding, p in zip(FINDINGS, ps, strict=True):
        own = {"analysis": finding.analysis, "variant": finding.variant, "finding": finding.code, "p_holm": p}
        insert(con, "mart_level_adjusted_test", **keys, **own)
    insert(con, "mart_level_adjusted_test", **keys, analysis="spatial lag", variant="rho", finding="", p=0.9)


def test_the_first_page_names_every_finding_that_the_files_do_not_support(empty, reader):
    headline_tests(empty, 0.001, 0.001, 0.2, 0.03, None, 0.5, 0.0512)
    (one,) = findings.findings_held(reader())
    assert one.says == 0
    names = "Asymmetry of core and periphery · Core cities against the rest · City clusters against the rest"
    assert one.text.startswith("3 of 7 findings on influences hold (")
    assert one.text.endswith(f"{names} · Province borders. 1 of them could not be tested here.")
    (zh,) = findings.findings_held(reader("zh"))
    assert "：核心与外围不对称 · " in zh.text


def test_the_first_page_says_that_findings_hold_only_where_all_of_them_do(empty, reader):
    assert findings.findings_held(reader()) == []
    headline_tests(empty, *[0.01] * 6, 0.05)
    (one,) = findings.findings_held(reader())
    assert (one.says, one.text[:34]) == (1, "All 7 findings on influences hold ")
    border = {"model_id": "nqpf_sdm", "basis": "frozen_2012_2021", "barrier_code": "province", "ring_id": "joint"}
    insert(empty, "mart_border_barrier", **border, theta_in=0.1, se_in=0.02, barrier_index=0.4)
    assert len(findings.findings_held(reader())) == 1
    empty.execute("update mart.mart_border_barrier set se_in = 0.08, barrier_index = null")
    held, alone = findings.findings_held(reader())
    assert held.says == 1
    assert "itself not distinguishable from zero (0.100, 95 % interval −0.057 to 0.257)" in alone.text
    empty.execute("update mart.mart_level_adjusted_test set p_holm = null where analysis = 'border'")
    assert findings.findings_held(reader())[0].says == 0
    empty.execute("delete from mart.mart_level_adjusted_test")  # without the regression nothing can be tested
    keys = {"model_id": "nqpf_sdm", "basis": "frozen_2012_2021"}
    insert(empty, "mart_panel_fit", **keys, status="skipped", skip_reason="index 'pr' has no score.")
    (one,) = findings.findings_held(reader())
    assert one.text == "No finding on influences can be tested with these files: index 'pr' has no score."
