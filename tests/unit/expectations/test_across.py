"""Suites `across` and `edits`: figures against limits, and what a person can do about one beyond its limit."""

import csv

import pandas as pd
import pytest

from expectations.contract import FRAME_COLUMNS
from expectations.suites.across import RULES

FLOW = {"variable_code": "gdp_nom", "scope": "city", "year": 2019, "block": "gdp_nom/city/2019"}


def observation(rule_id, observed, limit, **more):
    return {
        **dict.fromkeys(FRAME_COLUMNS["across"]),
        "rule_id": rule_id,
        "observed": observed,
        "limit_at": limit,
        "why": "what was seen",
        "subject": "gdp_nom/city/2019",
        **more,
    }


def with_rows(frames, name, *rows):
    return frames | {name: pd.DataFrame(rows, columns=FRAME_COLUMNS[name])}


PLACE = {"file": "yearbook_2019.xlsx", "sheet": "Sheet1"}
CITY = {"city_id": "CN110000", "city_name": "北京市", "year": 2019}
EDIT = {
    **CITY,
    "variable_code": "gdp_nom",
    "scope": "city",
    "unit": "yuan10k",
    **PLACE,
    "cell": "B6",
    "text": "3000000",
    "rule": "E5",
    "action": "quarantine",
    "printed_value": 3e6,
    "used_value": None,
    "evidence": "the years beside it lead to 3e+07",
}


@pytest.mark.parametrize("rule", [rule.rule_id for rule in RULES])
def test_a_figure_at_its_limit_is_accepted_and_one_beyond_it_is_refused(frames, judge, rule):
    assert judge(with_rows(frames, "across", observation(rule, 0.9, 0.9, **FLOW))) == {}
    beyond = with_rows(frames, "across", observation(rule, 0.91, 0.9, **FLOW), observation(rule, 0.5, 0.9, **FLOW))
    failed = judge(beyond)
    assert set(failed) == {rule}
    assert (failed[rule].severity, failed[rule].n_unexpected, failed[rule].n_checked) == ("error", 1, 2)
    assert "what was seen" in failed[rule].sentence


def test_a_column_at_fault_comes_with_the_row_that_leaves_it_out(frames, judge):
    rule = "block_is_of_its_year"
    assert judge(with_rows(frames, "across", observation(rule, None, 0.9, **FLOW))) == {}  # it does not apply
    (detail,) = judge(with_rows(frames, "across", observation(rule, 0.99, 0.9, **FLOW)))[rule].details
    assert detail["paste_into"] == "header_map.csv"
    (row,) = csv.reader([detail["paste_rows"]])
    assert row[:5] == ["yearbook", "2019", "2019", "2-10地区生产总值/全市", "ignore"]
    assert "2-10 地区生产总值 / 全市" in detail["sentence"]
    assert detail["file"] == "yearbook_2019.xlsx"


def test_exchanged_rows_come_with_an_answer_that_a_person_completes(frames, judge):
    row = observation("row_holds_its_own_figures", 4.0, 2.0, **CITY, subject="CN110000", **PLACE, cell="A6")
    (detail,) = judge(with_rows(frames, "across", row))["row_holds_its_own_figures"].details
    assert detail["paste_into"] == "gate_answer.csv"
    assert detail["paste_rows"] == "yearbook,2019,,row_holds_its_own_figures,CN110000,accept,,"


def test_figures_that_are_left_out_are_told_with_both_figures_and_do_not_refuse(frames, judge):
    failed = judge(with_rows(frames, "edits", EDIT, EDIT | {"used_value": 3e7, "action": "replace", "cell": "B7"}))
    assert set(failed) == {"figure_is_used_as_printed"}
    row = failed["figure_is_used_as_printed"]
    assert (row.severity, row.n_unexpected) == ("warn", 2)
    assert "printed '3000000', used blank" in row.sentence
    assert "used 30,000,000" in row.sentence
    assert row.details[0]["paste_rows"].startswith("yearbook,,CN110000,2019,gdp_nom,city,keep,,3000000,")


def test_many_edits_ask_once_with_the_list(frames, judge):
    loads = with_rows(frames, "edits", *[EDIT] * 12)
    loads = with_rows(loads, "across", observation("edits_are_few", 12, 10, why="12 of 48", subject="edits"))
    row = judge(loads)["edits_are_few"]
    assert row.n_unexpected == 1
    assert row.sentence.count("北京市 gdp_nom (city) '3000000' [Sheet1 B6]") == 10
    assert "and 2 more" in row.sentence
    assert row.details[0]["paste_rows"] == "yearbook,2019,,edits_are_few,edits,accept,,"


def test_many_edits_of_one_city_or_column_list_its_figures_alone(frames, judge):
    other = {**EDIT, "city_id": "CN120000", "city_name": "天津市", "text": "77"}
    found = observation("edits_of_a_city_are_few", 5, 4, **CITY | {"subject": "CN110000/2019", "why": "5 figures"})
    row = judge(with_rows(with_rows(frames, "edits", EDIT, other), "across", found))["edits_of_a_city_are_few"]
    assert "北京市: 5 figures: 北京市 gdp_nom (city) '3000000' [Sheet1 B6]" in row.sentence
    assert "天津市" not in row.sentence
    assert row.details[0]["paste_rows"] == "yearbook,2019,,edits_of_a_city_are_few,CN110000/2019,accept,,"
    other = {**EDIT, "variable_code": "wage_avg_nom", "text": "77"}
    found = observation("edits_of_a_column_are_few", 12, 11, variable_code="gdp_nom", scope="city", year=2019)
    row = judge(with_rows(with_rows(frames, "edits", other, EDIT), "across", found))["edits_of_a_column_are_few"]
    assert "'3000000'" in row.sentence
    assert "wage_avg_nom" not in row.sentence


def test_the_data_docs_show_what_was_observed_and_the_limit(frames, judge, tmp_path):
    judge(with_rows(frames, "across", observation("block_is_of_its_year", 0.9876, 0.9, **FLOW)))
    page = (tmp_path / "small_load" / "across.html").read_text(encoding="utf-8")
    assert "0.9876" in page.partition("Record of Great Expectations")[2]
    judge(with_rows(frames, "edits", EDIT))
    assert "3000000" in (tmp_path / "small_load" / "edits.html").read_text(encoding="utf-8")
