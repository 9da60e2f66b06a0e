"""The contract of the gate: plain rows, loud failures, Data Docs that need no network."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from loads import BASELINE, RULES

from expectations import ResultRow, is_accepted, judge, validate
from expectations.run import by_influence, second_look, write_index
from expectations.suites import PREPARE


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
    assert [row.rule_id for row in rows] == RULES.loc[RULES["verdict"] != "leave out", "rule_id"].tolist()
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
    prepare = PREPARE["values"]
    monkeypatch.setitem(PREPARE, "values", lambda f, b: prepare(f, b).drop(columns=["value_is_near_last"]))
    rows = run()
    ((rule, failed),) = failures(rows).items()
    assert (rule, failed.severity) == ("value_is_near_last", "error")
    assert 'column "value_is_near_last"' in failed.sentence
    assert not is_accepted(rows)
    assert "could not be checked" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_suite_that_breaks_fails_all_its_rules(run, monkeypatch):
    def broken(frames, baseline):
        raise TypeError("no such thing")

    monkeypatch.setitem(PREPARE, "values", broken)
    rows = run()
    failed = failures(rows).values()
    assert [row.suite for row in failed] == ["values"] * 5
    assert all("TypeError: no such thing" in row.sentence for row in failed)
    assert not is_accepted(rows)


def test_expectation_without_a_result_and_a_pass_that_skipped_rows_count_as_failed(run, monkeypatch):
    run_suite = judge.run_suite

    def forgetful(suite, frame):
        result = run_suite(suite, frame)
        result.results = result.results[1:]
        return result

    rules = {row.rule_id for row in run() if row.n_checked}
    for broken in (forgetful, lambda suite, frame: run_suite(suite, frame.iloc[1:])):
        monkeypatch.setattr(judge, "run_suite", broken)
        rows = run()
        assert not is_accepted(rows)
        assert set(failures(rows)) == rules
    assert all(re.search(r"it saw (\d+) of (?!\1 )\d+ rows", row.sentence) for row in failures(rows).values())


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


LOAD = {"name": "a", "source": "yearbook", "data_year": 2019, "is_accepted": False, "errors": 1, "warnings": 0}
LOAD["checked_at"] = "2026-11-28 12:00 UTC"


def test_data_docs_need_no_network(frames, run, tmp_path):
    frames["values"].loc[:2, ["text", "is_number"]] = ["12", False]
    run("yearbook 2019 abc")
    write_index(tmp_path, pd.DataFrame([LOAD]))
    pages = list(tmp_path.rglob("*"))
    assert sorted(page.name for page in pages) == ["index.html", "yearbook_2019_abc.html"]
    for page in pages:
        assert loads_from_elsewhere(page.read_text(encoding="utf-8")) == [], page.name
    assert sum(path.stat().st_size for path in pages) < 500_000


def test_data_docs_show_rule_verdict_city_and_cell_in_both_languages_and_keep_the_record(frames, run, tmp_path):
    frames["values"].loc[0, "value"] = 1e12
    run()
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    page = BeautifulSoup(text, "html.parser")
    assert page.find("b").get_text() == "refused 拒收"
    heading = page.find("h2", id="value_is_inside_band")
    assert heading.get_text() == "value_is_inside_band error 错误"
    chinese, english = heading.find_next_siblings("p")[:2]
    assert chinese.get_text().startswith("每个数值都在该变量的界限之内。")
    assert english.get_text().startswith(
        "1 of 48 values (gdp_nom 1) lie outside the band of their variable: 北京市 2019"
    )
    (row,) = heading.find_next("table").find("tbody").find_all("tr")
    assert {"yearbook_2019.xlsx", "B6", "北京市", "gdp_nom", "1,000,000,000,000"} <= {td.get_text() for td in row("td")}
    rules = [[cell.get_text() for cell in row("td")] for row in page.find_all("table")[-1].find("tbody")("tr")]
    assert len(rules) == len(RULES[RULES["verdict"] != "leave out"])
    (band,) = (cells for cells in rules if cells[0] == "value_is_inside_band")
    assert band[1] == "Every value is inside the band of its variable."
    assert band[3:] == ["1 of 48 values (gdp_nom 1)", "error 错误"]


def test_the_index_of_the_data_docs_is_one_table_that_leads_to_each_page(run, tmp_path):
    run("a")
    loads = [{**LOAD, "name": "b", "is_accepted": True}, LOAD, {**LOAD, "name": "c", "data_year": 0, "source": "<b>"}]
    index = write_index(tmp_path, pd.DataFrame(loads)).read_text(encoding="utf-8")
    page = BeautifulSoup(index, "html.parser")
    rows = [[cell.get_text() for cell in row("td")] for row in page.find("tbody").find_all("tr")]
    assert [row[0] for row in rows] == ["a", "c", "b"]  # refused ones first, the newest year before
    assert rows[1] == ["c", "<b>", "several 多年", "refused 拒收", "1", "0", "2026-11-28 12:00 UTC"]
    assert [link["href"] for link in page.find_all("a")] == ["a.html"]  # of the others there is no page here
    many = pd.DataFrame([{**LOAD, "name": f"load {n}"} for n in range(200)])
    assert write_index(tmp_path, many).read_text(encoding="utf-8").count("<tr") == 201


ALONE = """
import sys, expectations
assert "great_expectations" not in sys.modules
import logging, os, pathlib, pandas as pd
from expectations.contract import FRAME_COLUMNS
logging.getLogger("expectations").setLevel(logging.CRITICAL)
frames = {name: pd.DataFrame(columns=columns) for name, columns in FRAME_COLUMNS.items()}
frames |= {name: pd.read_pickle(sys.argv[1] + "/" + name) for name in ("rules", "parameters")}
baseline = expectations.Baseline("s", 2019, 0, 1, (), 0.0, 1.0)
rows = expectations.validate(frames, baseline, docs_dir=pathlib.Path(sys.argv[1]), name="a")
assert [row.rule_id for row in rows if not row.passed] == ["header_exists"]
assert os.environ["GX_ANALYTICS_ENABLED"] == "False"
"""


def test_import_of_the_package_does_not_load_great_expectations_and_a_run_prints_nothing(frames, tmp_path):
    for name in ("rules", "parameters"):
        frames[name].to_pickle(tmp_path / name)
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
    assert start in (tmp_path / "b.html").read_text(encoding="utf-8")


def test_the_figures_of_a_warning_are_ordered_by_what_they_can_move(frames, run):
    values = frames["values"]
    codes = list(dict.fromkeys(values["variable_code"]))[:2]
    for code, factor in zip(codes, (9, 3), strict=True):
        values.loc[values.index[values["variable_code"] == code][3], "value"] *= factor
    row = failures(run(weights={codes[1]: 0.2}))["value_is_near_last"]
    assert [one["variable_code"] for one in row.details] == codes[::-1]
