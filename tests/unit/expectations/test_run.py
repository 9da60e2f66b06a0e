"""The contract of the gate: plain rows, loud failures, Data Docs that need no network."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from great_expectations.expectations.expectation import Expectation
from loads import BASELINE

from expectations import ResultRow, context, is_accepted, judge, validate
from expectations.docs_index import write_overview
from expectations.run import by_influence, second_look
from expectations.suites import ALL, values


@pytest.fixture
def run(frames, tmp_path):
    """run(name, the baseline with changes): rows of the frames as the test left them."""
    return lambda name="a", own=frames, **changes: validate(
        own, dataclasses.replace(BASELINE, **changes), docs_dir=tmp_path, name=name
    )


def failures(rows):
    return {row.rule_id: row for row in rows if not row.passed}


def test_every_rule_answers_once_in_a_stable_order_with_plain_values_whatever_the_order_of_rows(frames, run):
    frames["values"].loc[5, "value"] = 1e12
    before = {name: frame.copy() for name, frame in frames.items()}
    rows = run()
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, before[name])
    assert [row.rule_id for row in rows] == [
        one.meta["rule_id"] for suite in ALL for one in suite.build_suite(BASELINE).expectations
    ]
    assert len({row.rule_id for row in rows}) == len(rows)
    assert all(type(row) is ResultRow for row in rows)
    assert json.loads(json.dumps([dataclasses.asdict(row) for row in rows]))
    types = {type(value) for row in rows for detail in row.details for value in detail.values()}
    assert types <= {str, int, float, bool, type(None)}
    mixed = run("b", {name: frame.sample(frac=1, random_state=3) for name, frame in frames.items()})
    assert failures(mixed) == failures(rows)


def test_accepted_means_rules_ran_and_no_error_failed(run):
    rows = run()
    failed = dataclasses.replace(rows[0], passed=False)
    assert is_accepted(rows)
    assert not is_accepted([*rows, failed])
    assert is_accepted([*rows, dataclasses.replace(failed, severity="warn")])
    assert not is_accepted([])


def test_expectation_that_breaks_counts_as_failed(run, tmp_path, monkeypatch):
    prepare = values.prepare
    monkeypatch.setattr(values, "prepare", lambda f, b: prepare(f, b).drop(columns=["is_near_last"]))
    rows = run()
    ((rule, failed),) = failures(rows).items()
    assert (rule, failed.severity) == ("value_is_near_last", "error")
    assert 'column "is_near_last"' in failed.sentence
    assert not is_accepted(rows)
    assert "could not be checked" in (tmp_path / "a" / "values.html").read_text(encoding="utf-8")


def test_suite_that_breaks_fails_all_its_rules(run, monkeypatch):
    def broken(frames, baseline):
        raise TypeError("no such thing")

    monkeypatch.setattr(values, "prepare", broken)
    rows = run()
    failed = failures(rows).values()
    assert [row.suite for row in failed] == ["values"] * 3
    assert all("TypeError: no such thing" in row.sentence for row in failed)
    assert not is_accepted(rows)


def test_expectation_without_a_result_and_a_pass_that_skipped_rows_count_as_failed(run, monkeypatch):
    run_suite = judge.run_suite

    def forgetful(context, suite, frame):
        result = run_suite(context, suite, frame)
        result.results = result.results[:1]
        return result

    monkeypatch.setattr(judge, "run_suite", forgetful)
    rows = run()
    assert not is_accepted(rows)
    assert sum(row.passed for row in rows) == len(ALL)
    monkeypatch.setattr(judge, "run_suite", lambda c, suite, frame: run_suite(c, suite, frame.iloc[1:]))
    rows = run()
    # of these the small load has none, so no row to skip
    assert {row.suite for row in rows if row.passed} == {"identities", "across", "edits"}
    assert any("looked at 47 of 48 rows" in row.sentence for row in rows)


def test_a_configuration_that_is_worked_out_once_changes_no_answer_and_leaves_nothing_behind(run, monkeypatch):
    worked_out = Expectation.configuration
    rows = run()
    assert Expectation.configuration is worked_out
    monkeypatch.setattr(context, "_configured_once", nullcontext)
    assert run("b") == rows


def test_missing_column_or_frame_is_one_clear_message(frames, run):
    with pytest.raises(ValueError, match="cannot name a validation"):
        run("../..")
    frames["values"] = frames["values"].drop(columns=["band_low", "cell"])
    with pytest.raises(ValueError, match="Frame 'values' lacks the column\\(s\\) cell, band_low"):
        run()
    with pytest.raises(ValueError, match="missing: rows"):
        run(own={"headers": frames["headers"], "values": frames["values"]})


@pytest.mark.parametrize("change", [{"rows_min": 20}, {"min_coverage": 90.0}, {"jump_limit_log": 0.0}])
def test_baseline_that_contradicts_itself_is_refused(change):
    with pytest.raises(ValueError, match="baseline of yearbook, data year 2019"):
        dataclasses.replace(BASELINE, **change)


def loads_from_elsewhere(text: str) -> list[str]:
    """Every src, href, url() or script of a page that a browser would fetch from another host."""
    links = re.findall(r"""(?:src|href|action)\s*=\s*["']?\s*((?:https?:)?//[^"'\s>]+)""", text, re.IGNORECASE)
    return links + re.findall(r"url\((?!data:)[^)]*\)|@import|<script|<iframe|\son\w+=", text, re.IGNORECASE)


def test_data_docs_need_no_network(frames, run, tmp_path):
    frames["values"].loc[:2, ["text", "is_number"]] = ["12", False]
    run("yearbook 2019 abc")
    pages = [*tmp_path.rglob("*.html"), *tmp_path.rglob("*.css")]
    assert len(pages) == 2 * len(ALL) + 3
    for page in pages:
        assert loads_from_elsewhere(page.read_text(encoding="utf-8")) == [], page.name
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 500_000


def test_data_docs_index_links_existing_pages_and_keeps_earlier_loads(run, tmp_path):
    for name in ("yearbook 2019 aaa", "panel 2019 bbb", "panel 2019 bbb"):
        run(name)
    for name in ("index.html", "index.zh.html"):
        index = (tmp_path / name).read_text(encoding="utf-8")
        assert index.count("<section") == 2
        links = re.findall(r'href="([^":]+\.(?:html|css))"', index)
        assert len(links) == 2 * len(ALL) + 2
        assert all((tmp_path / link).is_file() for link in links)


def test_data_docs_speak_chinese_but_for_code_and_the_record(frames, tmp_path):
    """A rule without its words in zh.json would show here: every rule has a section on the page of its suite."""
    frames["values"].loc[:2, ["text", "is_number"]] = ["12", False]
    frames["values"].loc[5, "value"] = 1e12
    rows = validate(frames, BASELINE, docs_dir=tmp_path / "2019", name="a")
    write_overview(tmp_path)
    shown = []
    for path in tmp_path.rglob("*.zh.html"):
        page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for finding in page.select(".finding") if path.name != "index.zh.html" else ():
            shown.append(finding["id"])
            assert re.search("[一-鿿]", finding.find("p").get_text()), finding["id"]
        for other in page.select("code, pre, [lang=en], a[lang]"):
            other.decompose()
        shown_texts = {part.get_text(" ", strip=True) for part in page.select("th, td, p, small, b, span")}
        texts = shown_texts - {"a", "yearbook"}
        latin = {text for text in texts if re.search("[A-Za-z]{2,}", text) and not re.search("[一-鿿]", text)}
        assert {text for text in latin if not text.endswith(" UTC")} == set(), path.name
    assert sorted(shown) == sorted(row.rule_id for row in rows)


def test_data_docs_name_the_offender_and_keep_the_record(frames, run, tmp_path):
    frames["values"].loc[0, "value"] = 1e12
    run()
    page, index = ((tmp_path / name).read_text(encoding="utf-8") for name in ("a/values.html", "index.html"))
    for word in ("北京市", "B6", "value_is_inside_band", "Record of Great Expectations", "unexpected values found"):
        assert word in page
    assert '<section class="finding error" id="value_is_inside_band">' in page
    for word in (
        "refused",
        '<a href="a/values.html">values</a> <b>(1 error',
        'href="a/values.html#value_is_inside_band"',
    ):
        assert word in index
    (row,) = re.findall(r"<tr>(<td>[^\n]*?B6</code></td>.*?)</tr>", index)  # the cell, in a table
    assert {"B6", "北京市", "1,000,000,000,000"} <= set(re.findall("<td>(?:<code>)?(.*?)(?:</code>)?</td>", row))


def test_data_docs_of_all_years_are_one_table_that_leads_to_each_load(frames, tmp_path):
    broken = {**frames, "values": frames["values"].assign(value=1e12)}
    validate(frames, BASELINE, docs_dir=tmp_path / "2019", name="good")
    validate(broken, dataclasses.replace(BASELINE, data_year=2018), docs_dir=tmp_path / "2018", name="bad")
    top = write_overview(tmp_path).read_text(encoding="utf-8")
    rows = re.findall("<tr><td>(.*?)</tr>", top)
    assert ["refused" in row for row in rows] == [True, False]
    links = re.findall(r'href="([^":#]+)#(\w+)"', top)
    assert links == [("2018/index.html", "bad"), ("2019/index.html", "good")]
    for file, place in links:
        text = (tmp_path / file).read_text(encoding="utf-8")
        assert f'id="{place}"' in text
        assert 'href="../index.html"' in text
    assert loads_from_elsewhere(top) == []


ALONE = """
import sys, expectations
assert "great_expectations" not in sys.modules
import logging, os, pandas as pd
from expectations.contract import FRAME_COLUMNS
logging.getLogger("expectations").setLevel(logging.CRITICAL)
frames = {name: pd.DataFrame(columns=columns) for name, columns in FRAME_COLUMNS.items()}
baseline = expectations.Baseline("s", 2019, 0, 1, (), 0.0, 1.0)
rows = expectations.validate(frames, baseline, docs_dir=sys.argv[1], name="a")
assert [row.rule_id for row in rows if not row.passed] == ["header_exists"]
assert os.environ["GX_ANALYTICS_ENABLED"] == "False"
"""


def test_import_of_the_package_does_not_load_great_expectations_and_a_run_prints_nothing(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", ALONE, str(tmp_path)], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_rules_across_rows_do_not_repeat_what_refused_a_load_already():
    def row(suite: str, *, passed: bool) -> ResultRow:
        return ResultRow("rule_of_" + suite, suite, "error", passed, 1, int(not passed), "", "")

    across, edits = row("across", passed=False), row("edits", passed=True)
    alone = second_look([row("values", passed=True), across, edits])
    beside = second_look([row("values", passed=False), across, edits])
    assert [one.severity for one in alone] == ["error", "error", "error"]
    assert [one.severity for one in beside] == ["error", "warn", "error"]
    assert not is_accepted(alone)
    assert not is_accepted(beside)


def warning(rule_id, n, variable, scope="city", **more):
    detail = {"variable_code": variable, "scope": scope, **more}
    return ResultRow(rule_id, "values", "warn", False, 100, n, f"{n} of 100", f"{n} of 100 figures.", [detail])


def test_warnings_that_can_move_a_score_come_first_and_those_beyond_sound_editions_before_them():
    usual = {"many": (4, 6), "few": (1, 9)}
    known = dataclasses.replace(BASELINE, weights={"gdp_nom": 0.5, "road_area": 0.1}, usual=usual)
    rows = [
        warning("unused", 3, "emp_total"),
        warning("district", 3, "gdp_nom", "district"),
        warning("road", 3, "road_area"),
        warning("gdp", 3, "gdp_nom"),
        warning("far", 3, "road_area", influence=0.8),
        warning("few", 5, "gdp_nom", influence=9.0),
        dataclasses.replace(warning("refused", 1, ""), severity="error", details=[{}]),
    ]
    ranked = [row.rule_id for row in by_influence(rows, known)]
    assert ranked == ["refused", "far", "gdp", "road", "unused", "district", "few"]


def test_a_warning_says_how_many_findings_accepted_editions_had(frames, run, tmp_path):
    frames["values"].loc[:2, "value"] *= 4
    plain = failures(run())["value_is_near_last"]
    for usual, start in (
        ((1, 2), "More than in accepted editions (1 to 2): "),
        ((5, 5), "As in accepted editions (5): "),
    ):
        row = failures(run("b", usual={"value_is_near_last": usual}))["value_is_near_last"]
        assert row.sentence == start + plain.sentence
    assert start in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_the_figures_of_a_warning_are_ordered_by_what_they_can_move(frames, run):
    values = frames["values"]
    codes = list(dict.fromkeys(values["variable_code"]))[:2]
    for code, factor in zip(codes, (9, 3), strict=True):
        values.loc[values.index[values["variable_code"] == code][3], "value"] *= factor
    row = failures(run(weights={codes[1]: 0.2}))["value_is_near_last"]
    assert [one["variable_code"] for one in row.details] == codes[::-1]
