"""Findings: what the gate says about places, as one frame; ready-made rows; fills, totals and left-out columns."""

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from loads import BASELINE, clean_load, country_load

from expectations import validate
from expectations.findings import FINDING_COLUMNS, findings_frame, rows_to_review
from expectations.paste import ignore_rows, keep_row

YEAR = 2019


@pytest.fixture
def run():
    """Frames -> (rows, baseline) of a load of 120 cities."""

    def one(frames, **changes):
        base = replace(BASELINE, **{"rows_max": 130, "required_variables": (), **changes})
        return validate(frames, base, docs_dir=None, name="load"), base

    return one


def test_figures_read_otherwise_than_printed_come_with_a_correction_in_the_unit_of_the_column(run):
    load = clean_load()
    values = load["values"].astype({"value": float})
    at = values.index[values["variable_code"] == "mobile_subscribers"]
    values.loc[at, "text"] = (values.loc[at, "value"] / 1e4).map("{:.2f}".format)
    right = values.loc[at, "text"].tolist()
    texts = [f"{right[0]}'", right[1].replace(".", ","), right[2].replace(".", ""), "mi"]
    values.loc[at[:4], "text"] = texts
    values.loc[at[:4], "reading"] = "no number"
    values.loc[at[2:4], "value"] = np.nan  # outside the band, and no figure at all
    rows, _ = run({**load, "values": values})
    ready = {fields[8]: fields for _, line, _ in rows_to_review(rows) for fields in csv.reader([line])}
    assert [float(ready[text][7]) for text in texts[:3]] == pytest.approx([float(text) for text in right[:3]])
    assert ready["mi"][5:] == ["city", "replace", "", "mi", "", "open"]
    assert {fields[4] for fields in ready.values()} == {"mobile_subscribers"}


@pytest.fixture
def swapped(figures):
    city, district = ("gdp_nom/city", YEAR), ("gdp_nom/district", YEAR)
    figures[city], figures[district] = figures[district], figures[city]
    return country_load(figures)


def test_a_load_without_a_fault_has_no_finding_and_all_columns(figures, run):
    found = findings_frame(*run(country_load(figures)))
    assert found.empty
    assert list(found.columns) == list(FINDING_COLUMNS)


def test_a_refused_block_is_a_few_example_cells_with_figure_reason_and_rows(swapped, run):
    found = findings_frame(*run(swapped))
    assert set(found["block"]) == {"gdp_nom/city/2019", "gdp_nom/district/2019"}
    assert (found.groupby("block").size() == 5).all()
    first = found.iloc[0]
    assert (first["source"], first["data_year"], first["severity"]) == ("yearbook", 2019, "error")
    assert (first["file"], first["sheet"]) == ("yearbook_2019.xlsx", "Sheet1")
    assert first["header_path"] == "表 2 / gdp_nom / city"
    assert first["cell"].startswith("B")
    printed = swapped["values"].set_index("cell").loc[first["cell"]]
    assert (first["city_name"], first["figure"]) == (printed["city_name"], printed["value"])
    assert first["sentence"].startswith("gdp_nom (city) 2019 [yearbook_2019.xlsx, sheet Sheet1, 表 2 / gdp_nom / city]")
    assert first["rule_id"] == "block_stands_in_its_place"
    assert found.loc[found["block"] == "gdp_nom/city/2019", "cell"].nunique() == 5


def test_a_refused_block_comes_with_the_row_that_leaves_it_out_and_why(swapped, run):
    rows, _ = run(swapped)
    city, district = rows_to_review(rows)
    assert (city[0], district[0]) == ("header_map.csv", "header_map.csv")
    assert district[1].startswith("yearbook,2019,2019,表3/gdp_nom/district,ignore,district,万元,2019 ")
    assert city[2].startswith("block_stands_in_its_place: the figures follow gdp_nom (district) of 2018")


def test_a_cell_and_a_header_are_findings_without_a_block(frames, run):
    frames["values"].loc[0, ["value", "text", "is_number"]] = [np.nan, "8659!", False]
    frames["headers"].loc[2, "is_known"] = False
    found = findings_frame(*run(frames)).set_index("rule_id")
    found_number = found.loc["value_is_number", ["city_name", "cell", "text", "block"]]
    assert found_number.tolist() == ["北京市", "B6", "8659!", ""]
    assert found.loc["header_is_known", "header_path"] == "2-9 平均工资 / 全市"


def test_ready_made_rows_are_lines_of_their_seed():
    head = {"header_key": "甲,乙/全市", "scope": "city", "unit": "万元", "header_unit": None, "variable_code": "x"}
    (line,) = ignore_rows("s", [head], 2020, "why, so")
    assert ",".join(next(csv.reader(io.StringIO(line)))[4:]) == "ignore,city,万元,why, so"
    assert line.startswith('s,2020,2020,"甲,乙/全市",ignore,')
    cell = {"city_id": "CN1", "year": 2020.0, "variable_code": "x", "scope": "city", "text": " 134 "}
    assert keep_row("s", cell, "seen") == "s,,CN1,2020,x,city,keep,,134,seen,open"


def test_a_required_column_that_is_ignored_is_missing_and_one_that_was_left_out_only_warns(frames, judge):
    frames["values"] = frames["values"].query("variable_code != 'gdp_nom'")
    frames["headers"].loc[0, "variable_code"] = "ignore"
    assert set(judge(frames)) == {"required_variable_has_column"}
    frames["headers"].loc[0, "variable_left_out"] = "gdp_nom"
    failed = judge(frames)
    assert {rule: row.severity for rule, row in failed.items()} == {"required_variable_is_not_left_out": "warn"}
    assert "gdp_nom" in failed["required_variable_is_not_left_out"].sentence


def test_a_year_of_midpoints_is_told(judge):
    frames = clean_load(years=(2017, 2018, 2019))
    values = frames["values"]
    wages = values["variable_code"] == "wage_avg_nom"
    first, middle, last = (values.index[wages & (values["year"] == year)] for year in (2017, 2018, 2019))
    for ends in (first, last):
        values.loc[ends, "value"] = values.loc[ends, "value"].round(0)
    values.loc[middle, "value"] = (values.loc[first, "value"].to_numpy() + values.loc[last, "value"].to_numpy()) / 2
    values.loc[middle, "text"] = values.loc[middle, "value"].map("{:.1f}".format)
    failed = judge(frames, data_year=0)
    assert {rule: row.severity for rule, row in failed.items()} == {"year_is_no_midpoint": "warn"}
    assert "wage_avg_nom (city) 2018: 100.0% of 12 cities" in failed["year_is_no_midpoint"].sentence


@pytest.mark.parametrize(("n_repeats", "last_year", "is_told"), [(2, 2018, False), (3, 2018, True), (12, 2017, False)])
def test_a_year_that_repeats_the_year_before_and_no_older_one_is_told(frames, judge, n_repeats, last_year, is_told):
    values, last = frames["values"], frames["last"]
    same = values[values["variable_code"] == "wage_avg_nom"].index[:n_repeats]
    values.loc[same, "value"] = values.loc[same, "value_last"]
    values["year_last"] = last["year_last"] = last_year
    before = last.loc[last["variable_code"] == "wage_avg_nom", "value_last"].tolist()
    assert values.loc[same, "value"].tolist() == before[:n_repeats]
    assert ("year_is_no_repeat" in judge(frames)) is is_told


@pytest.mark.parametrize(("factor", "is_told"), [(1.0, False), (1.1, False), (1.3, True), (0.8, True)])
def test_cities_sum_to_their_province_within_fifteen_per_cent(frames, judge, factor, is_told):
    total = frames["values"].query("variable_code == 'gdp_nom'")["value"].sum() * factor
    what = {"year": YEAR, "variable_code": "gdp_nom", "scope": "city", "value": total}
    province = {"province_id": "130000", "province_name": "河北省", "file": "f.xlsx", "sheet": "S", "cell": "B5"}
    failed = judge(frames | {"totals": pd.DataFrame([what | province])})
    assert set(failed) == ({"province_sum_is_near_total"} if is_told else set())
    if is_told:
        sentence = failed["province_sum_is_near_total"].sentence
        assert f"河北省 2019 gdp_nom: cities sum to {1 / factor:.4g} of the total" in sentence
        assert "cell B5" in sentence


def test_jump_limit_widens_with_the_years_between(frames, judge):
    values, last = frames["values"], frames["last"]
    values["value_last"] /= 2.6  # 2.6 times the growth of a year: more than e
    last["value_last"] /= 2.6
    assert "jump_of_variable_is_small" in judge(frames)
    for frame in (values, last):
        frame["year_last"] = 2016
    assert judge(frames) == {}
