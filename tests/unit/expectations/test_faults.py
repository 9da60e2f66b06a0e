"""Each fault alone fails exactly its own rule and the message names the place; figures against limits."""

import csv
import math
from decimal import Decimal

import pandas as pd
import pytest
from loads import RULES, at_cell, clean_load

from expectations.contract import FRAME_COLUMNS


def append_row(frames, **changes):
    row = frames["rows"].iloc[0].to_dict() | {"row_no": 40, "cell": "A40"} | changes
    frames["rows"] = pd.concat([frames["rows"], pd.DataFrame([row])], ignore_index=True)


def scale(frames, mask, factor):
    values = frames["values"]
    values.loc[mask, "value"] *= factor
    values.loc[mask, "text"] = values.loc[mask, "value"].map(lambda value: f"{value:.0f}")


def test_clean_loads_of_one_year_and_of_several_fail_no_rule(frames, judge):
    assert judge(frames) == {}
    assert judge(clean_load(years=(2017, 2018, 2019)), data_year=0) == {}


@pytest.mark.parametrize(
    ("column", "rule"),
    [
        ("is_known", "header_is_known"),
        ("is_unit_known", "header_unit_is_known"),
        ("is_unit_consistent", "header_unit_is_consistent"),
    ],
)
def test_doubtful_header_fails_its_rule_also_when_the_flag_is_null(frames, judge, column, rule):
    headers = frames["headers"]
    headers[column] = headers[column].astype("object")
    headers.loc[[2, 3], column] = [False, None]
    failed = judge(frames)
    assert set(failed) == {rule}
    for word in ("2-9 平均工资 / 全市", "yearbook_2019.xlsx", "Sheet1", "column D"):
        assert word in failed[rule].sentence
    assert failed[rule].n_unexpected == 2


def test_missing_required_variable_is_named(frames, judge):
    frames["headers"] = frames["headers"].query("variable_code != 'population_registered'")
    frames["values"] = frames["values"].query("variable_code != 'population_registered'")
    failed = judge(frames)
    assert set(failed) == {"required_variable_has_column"}
    row = failed["required_variable_has_column"]
    assert "population_registered" in row.sentence
    assert "gdp_nom" not in row.sentence
    assert (row.n_checked, row.n_unexpected) == (2, 1)


NOTE = {"row_kind": "note", "city_id": None, "n_values": 0}
UNKNOWN = {"row_kind": "unknown", "city_id": None}


@pytest.mark.parametrize(
    ("row", "rule", "severity", "says"),
    [
        (
            {**UNKNOWN, "city_text": "麥庄市", "n_values": 4},
            "row_city_is_known",
            "error",
            ["'麥庄市' (2019) [yearbook_2019.xlsx, sheet Sheet1, cell A40]"],
        ),
        ({**UNKNOWN, "city_text": "附记", "n_values": 0}, "row_label_is_known", "warn", []),  # without numbers
        ({}, "row_city_is_unique", "error", ["cell A6]", "cell A40]", "北京市"]),  # the first row once more
        ({**NOTE, "sheet": "广告", "city_text": "更多数据"}, "table_has_cities", "error", ["sheet 广告"]),
    ],
)
def test_a_row_at_fault_is_named_with_its_place(frames, judge, row, rule, severity, says):
    append_row(frames, **row)
    failed = judge(frames)
    assert {one: found.severity for one, found in failed.items()} == {rule: severity}
    for word in says:
        assert word in failed[rule].sentence


def test_provinces_notes_a_city_in_another_sheet_and_the_unit_of_an_ignored_column_are_no_fault(frames, judge):
    frames["headers"].loc[3, ["variable_code", "is_unit_known", "is_unit_consistent"]] = ["ignore", False, False]
    frames["values"] = frames["values"].query("variable_code != 'mobile_subscribers'")
    append_row(frames, city_text="河北省", row_kind="province", city_id=None, n_values=4)
    append_row(frames, **NOTE, city_text="注：本表不含市辖县")
    second = frames["rows"].assign(sheet="Sheet2")
    frames["rows"] = pd.concat([frames["rows"], second], ignore_index=True)
    assert judge(frames) == {}


def test_wrong_year_fails_the_year_rule(judge):
    frames = clean_load()
    frames["rows"].loc[:, "year"] = 2018
    frames["values"].loc[:, "year"] = 2018
    failed = judge(frames)
    assert set(failed) == {"row_year_is_expected"}
    assert "has year 2018" in failed["row_year_is_expected"].sentence


def test_too_few_rows_tells_found_and_expected_also_in_one_year_of_many(frames, judge):
    frames["rows"], frames["values"] = frames["rows"].head(8), frames["values"].head(32)
    many = clean_load(years=(2017, 2018, 2019))
    many["rows"] = many["rows"][(many["rows"]["year"] != 2018) | (many["rows"]["row_no"] % 2 == 0)]
    for failed, says in (
        (judge(frames), "2019: 8 cities (expected 11 to 13)"),
        (judge(many, data_year=0), "2018: 6 cities"),
    ):
        assert set(failed) == {"table_city_count_is_expected"}
        assert says in failed["table_city_count_is_expected"].sentence


def test_text_in_number_column_names_city_year_cell_and_text(frames, judge):
    mask = at_cell(frames, "唐山市", "gdp_nom")
    frames["values"].loc[mask, ["value", "text", "is_number"]] = [math.nan, "8659!", False]
    failed = judge(frames)
    assert set(failed) == {"value_is_number"}
    row = failed["value_is_number"]
    assert "唐山市 2019 gdp_nom: '8659!' [yearbook_2019.xlsx, sheet Sheet1, cell B9]" in row.sentence
    assert row.details[0]["cell"] == "B9"
    assert row.details[0]["city_name"] == "唐山市"


def test_one_city_times_10000_fails_the_band_and_without_one_warns_of_a_unit_slip(frames, judge):
    scale(frames, at_cell(frames, "保定市", "gdp_nom"), 10_000)
    failed = judge(frames)
    assert set(failed) == {"value_is_inside_band"}
    for word in ("保定市", "2019", "gdp_nom", "cell B13", "band 100,000 to 500,000,000"):
        assert word in failed["value_is_inside_band"].sentence
    frames["values"][["band_low", "band_high"]] = math.nan
    failed = judge(frames)
    assert {rule: row.severity for rule, row in failed.items()} == {"value_is_near_last": "warn"}
    assert "保定市 2019 gdp_nom" in failed["value_is_near_last"].sentence
    assert "unit slip of x10,000" in failed["value_is_near_last"].sentence


def test_jump_that_is_no_power_of_ten_is_not_called_a_slip(frames, judge):
    frames["values"][["band_low", "band_high"]] = math.nan
    scale(frames, frames["values"]["variable_code"] == "wage_avg_nom", 4)
    failed = judge(frames)
    assert set(failed) == {"jump_of_variable_is_small"}
    assert "wage_avg_nom (city) 2019: median change x4.2" in failed["jump_of_variable_is_small"].sentence
    assert "12 cities since 2018" in failed["jump_of_variable_is_small"].sentence


def test_jump_in_one_year_of_many_is_found(judge):
    frames = clean_load(years=(2016, 2017, 2018, 2019))
    values = frames["values"]
    values[["band_low", "band_high"]] = math.nan
    scale(frames, (values["variable_code"] == "gdp_nom") & (values["year"] == 2017), 0.0001)
    failed = judge(frames, data_year=0)
    assert set(failed) == {"value_is_no_unit_slip"}
    # the year after is held against the year before: it is not blamed for its neighbour
    assert failed["value_is_no_unit_slip"].n_unexpected == 1
    assert "gdp_nom (city) 2017" in failed["value_is_no_unit_slip"].sentence


def test_empty_year_is_named_and_a_load_without_any_number_refused(frames, judge):
    frames["values"] = frames["values"].head(0)
    assert set(judge(frames)) == {"year_has_numbers"}
    frames = clean_load(years=(2018, 2019))
    frames["values"].loc[frames["values"]["year"] == 2018, ["value", "text"]] = [math.nan, None]
    failed = judge(frames, data_year=0)
    assert set(failed) == {"year_has_numbers"}
    assert "2018: 12 cities, no number" in failed["year_has_numbers"].sentence


def test_few_numbers_of_a_required_variable_fail_coverage_and_of_another_only_warn(frames, judge):
    mask = (frames["values"]["variable_code"] == "gdp_nom") & (frames["values"].index < 20)
    failed = judge(frames | {"values": frames["values"][~mask]})
    assert set(failed) == {"coverage_of_required_variable"}
    assert "gdp_nom: 7 of 12 city rows" in failed["coverage_of_required_variable"].sentence
    mask = (frames["values"]["variable_code"] == "wage_avg_nom") & (frames["values"].index < 20)
    frames["values"].loc[mask, ["value", "text"]] = [math.nan, "  "]
    failed = judge(frames)
    assert {rule: row.severity for rule, row in failed.items()} == {"coverage_of_other_variable": "warn"}


def test_corrected_cells_are_exempt(frames, judge):
    values = frames["values"]
    scale(frames, at_cell(frames, "保定市", "gdp_nom"), 10_000)
    values.loc[at_cell(frames, "唐山市", "gdp_nom"), ["text", "is_number"]] = ["8659!", False]
    values.loc[at_cell(frames, "天津市", "wage_avg_nom"), "value_last"] = 15_000.0
    corrected = values["city_name"].isin(["保定市", "唐山市", "天津市"])
    assert set(judge(frames)) == {"value_is_inside_band", "value_is_number", "value_is_near_last"}
    values.loc[corrected, "is_corrected"] = True
    assert judge(frames) == {}


def test_empty_frames_are_refused(frames, judge):
    seeds = {name: frames[name] for name in ("rules", "parameters")}
    failed = judge({name: frame.head(0) for name, frame in frames.items()} | seeds)
    assert set(failed) == {"header_exists", "required_variable_has_column"}


def test_database_types_are_read_as_they_come(frames, judge):
    values = frames["values"]
    values["value"] = [Decimal(str(value)) for value in values["value"]]
    values["is_corrected"] = pd.array([False, None] * 24, dtype="boolean")
    values["year"] = values["year"].astype("int32")
    frames["headers"]["is_known"] = frames["headers"]["is_known"].astype("object")
    frames["rows"]["n_values"] = frames["rows"]["n_values"].astype("Int64")
    assert judge(frames) == {}


def test_two_columns_with_one_meaning_are_named(frames, judge):
    headers = frames["headers"]
    headers.loc[2, ["variable_code", "scope"]] = headers.loc[1, ["variable_code", "scope"]].tolist()
    failed = judge(frames)
    row = failed["header_meaning_is_unique"]
    assert row.n_unexpected == 2
    assert headers.loc[1, "header_path"] in row.sentence
    assert headers.loc[2, "header_path"] in row.sentence


def test_the_same_meaning_in_another_scope_is_fine_and_ignored_columns_may_repeat(frames, judge):
    headers = frames["headers"]
    headers.loc[2, ["variable_code", "scope"]] = [headers.loc[1, "variable_code"], "district"]
    assert "header_meaning_is_unique" not in judge(frames)
    headers.loc[[2, 3], "variable_code"] = "ignore"
    assert "header_meaning_is_unique" not in judge(frames)


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
EDIT = {**CITY, "variable_code": "gdp_nom", "scope": "city", "unit": "yuan10k", **PLACE, "cell": "B6"}
EDIT |= {"rule": "E5", "action": "quarantine", "printed_value": 3e6, "used_value": None, "text": "3000000"}
EDIT["evidence"] = "the years beside it lead to 3e+07"


def test_a_figure_at_its_limit_is_accepted_and_one_beyond_it_is_refused(frames, judge):
    rules = RULES.loc[(RULES["frame"] == "across") & (RULES["verdict"] != "tell"), "rule_id"]
    assert judge(with_rows(frames, "across", *(observation(rule, 0.9, 0.9, **FLOW) for rule in rules))) == {}
    beyond = [observation(rule, observed, 0.9, **FLOW) for rule in rules for observed in (0.91, 0.5)]
    failed = judge(with_rows(frames, "across", *beyond))
    assert set(failed) == set(rules)
    assert {(row.severity, row.n_unexpected, row.n_checked) for row in failed.values()} == {("error", 1, 2)}
    assert all("what was seen" in row.sentence for row in failed.values())


def test_a_column_at_fault_comes_with_the_row_that_leaves_it_out(frames, judge):
    rule = "block_is_of_its_year"
    assert judge(with_rows(frames, "across", observation(rule, None, 0.9, **FLOW))) == {}  # it does not apply
    (detail,) = judge(with_rows(frames, "across", observation(rule, 0.99, 0.9, **FLOW)))[rule].details
    assert detail["paste_into"] == "header_map.csv"
    (row,) = csv.reader([detail["paste_rows"]])
    assert row[:5] == ["yearbook", "2019", "2019", "2-10地区生产总值/全市", "ignore"]
    assert "2-10 地区生产总值 / 全市" in detail["sentence"]
    assert detail["file"] == "yearbook_2019.xlsx"


def test_what_no_index_uses_is_left_out_and_refuses_nothing(frames, judge):
    revenue = {**FLOW, "variable_code": "fiscal_revenue", "block": "fiscal_revenue/city/2019", "province_id": "130000"}
    other = observation("province_is_of_its_year", 1.0, 0.0, **revenue, weighs=False)
    (row,) = judge(with_rows(frames, "across", other), weights={"gdp_nom": 0.2}).values()
    assert (row.severity, "they are left out" in row.sentence) == ("warn", True)
    place = {"variable_code": "fiscal_revenue", "scope": "city", "year": 2019, "province_id": "130000", "city_id": None}
    assert row.left_out == [{**place, "why": "what was seen", "rule_id": "province_is_of_its_year"}]
    both = with_rows(frames, "across", other, observation("province_is_of_its_year", 1.0, 0.0, **FLOW, weighs=True))
    (row,) = judge(both, weights={"gdp_nom": 0.2}).values()
    assert (row.severity, row.n_unexpected, row.left_out) == ("error", 2, [])


def test_an_unknown_header_refuses_unless_its_words_say_what_no_index_uses(frames, judge):
    frames["headers"].loc[2, ["is_known", "variable_code"]] = [False, None]
    weights = {"gdp_nom": 0.2, "population_registered": 0.2, "mobile_subscribers": 0.2}
    assert judge(frames, weights=weights)["header_is_known"].severity == "error"
    for words, severity in (("wage_avg_nom", "warn"), ("gdp_nom", "error")):
        frames["headers"].loc[2, "words_code"] = words
        assert judge(frames, weights=weights)["header_is_known"].severity == severity


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


def test_many_edits_ask_once_with_the_list_of_them_or_of_their_city_or_column(frames, judge):
    loads = with_rows(frames, "edits", *[EDIT] * 12)
    loads = with_rows(loads, "across", observation("edits_are_few", 12, 10, why="12 of 48", subject="edits"))
    row = judge(loads)["edits_are_few"]
    assert row.n_unexpected == 1
    assert row.sentence.count("北京市 gdp_nom (city) '3000000' [Sheet1 B6]") == 10
    assert "and 2 more" in row.sentence
    assert row.details[0]["paste_rows"] == "yearbook,2019,,edits_are_few,edits,accept,,"
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


def test_an_observation_of_a_rule_without_a_row_refuses_the_load(frames, judge):
    failed = judge(with_rows(frames, "across", observation("no_such_rule", 0, 1, **FLOW)))
    assert set(failed) == set(RULES.loc[RULES["frame"] == "across", "rule_id"])
    assert "no_such_rule: give it a row in gate_rule.csv" in failed["edits_are_few"].sentence


def test_the_data_docs_show_what_was_observed_and_the_limit(frames, judge, tmp_path):
    judge(with_rows(frames, "across", observation("block_is_of_its_year", 0.9876, 0.9, **FLOW)), tmp_path)
    page = (tmp_path / "small_load.html").read_text(encoding="utf-8")
    assert "<td>0.9876</td>\n      <td>0.9</td>" in page
    judge(with_rows(frames, "edits", EDIT), tmp_path)
    assert "3000000" in (tmp_path / "small_load.html").read_text(encoding="utf-8")
