"""A rule of the gate is a row of gate_rule.csv: what is observed has one, and each is judged and has its words."""

import re
from string import Formatter

import pandas as pd
import pytest
from dbt_models import DBT
from loads import BASELINE, PARAMETERS, RULES
from test_faults import FLOW, observation, with_rows

from dagster_project.paths import PROJECT
from expectations import validate
from expectations.contract import Frames
from expectations.suites import PREPARE

RULE_ID = re.compile(r"'(\w+)' as rule_id|rule_id := '(\w+)'")
SQL = [DBT / "macros" / "gate.sql", *(DBT / "models").rglob("*.sql")]
CODE = [*(PROJECT / "expectations").rglob("*.py"), PROJECT / "dagster_project" / "defs" / "gate.py"]
JUDGED = RULES[RULES["verdict"] != "leave out"]


def text_of(files):
    return "".join(file.read_text(encoding="utf-8") for file in files)


def rules_in(models):
    found = RULE_ID.findall(text_of(DBT / "models" / f"{model}.sql" for model in models.split()))
    assert found
    return {left or right for left, right in found}


@pytest.mark.parametrize(
    ("models", "frame"), [("gate/gate_observation gate/gate_column", "across"), ("edit/edit_doubt", "cell")]
)
def test_every_rule_of_the_models_has_a_row_and_every_such_row_is_observed(models, frame):
    assert rules_in(models) == set(RULES.loc[RULES["frame"] == frame, "rule_id"])


def test_every_row_is_judged_in_its_order_but_those_that_leave_out_a_figure(frames):
    rows = validate(frames, BASELINE, docs_dir=None, name="a")
    assert [(row.rule_id, row.suite) for row in rows] == list(zip(JUDGED["rule_id"], JUDGED["frame"], strict=True))
    assert all(row.passed for row in rows)


@pytest.mark.parametrize("name", PREPARE)
def test_every_rule_of_a_frame_has_its_column_and_its_example_speaks_of_others(frames, name):
    rules = JUDGED[JUDGED["frame"] == name]
    prepared = PREPARE[name](Frames(frames), BASELINE)
    assert set(rules.loc[rules["condition"] != "has rows", "rule_id"]) <= set(prepared.columns)
    named = {part for text in rules["example"].fillna("") for _, part, _, _ in Formatter().parse(text) if part}
    assert named <= {*prepared.columns, "city_name"}


def test_every_rule_speaks_both_languages():
    assert RULES["rule_id"].is_unique
    for column in ("sentence", "advice", "sentence_zh", "advice_zh"):
        assert RULES[column].str.strip().str.len().gt(5).all(), column
        assert RULES[column].str.contains("[一-鿿]").all() == column.endswith("_zh")
    assert JUDGED[["condition", "things", "fault"]].notna().all().all()


def test_every_parameter_is_used_and_every_one_that_is_used_is_known():
    known = pd.read_csv(DBT / "seeds" / "gate_parameter.csv")
    code, in_sql = text_of(CODE), set(re.findall(r"gate_parameter\('(\w+)'\)", text_of(SQL)))
    assert known["parameter"].is_unique
    assert in_sql <= set(known["parameter"])
    assert set(re.findall(r'limits\["(\w+)"\]', code)) <= set(PARAMETERS["parameter"])
    assert [name for name in known["parameter"] if name not in in_sql and f'"{name}"' not in code] == []
    assert set(known["rule_id"].dropna()) <= set(RULES["rule_id"])
    limits = set(re.findall(r"gate_limit\('(\w+)'\)", text_of(SQL)))
    assert limits <= set(RULES.loc[RULES["limit_at"].notna(), "rule_id"])


def test_a_row_and_what_it_observes_are_all_that_a_new_rule_needs(frames, judge, tmp_path):
    like = RULES[RULES["rule_id"] == "block_is_of_its_year"]
    row = like.assign(rule_id="column_is_of_this_world", fault="are of another one", sentence_zh="各列属于本世界。")
    frames = {**frames, "rules": pd.concat([RULES, row])}
    failed = judge(with_rows(frames, "across", observation("column_is_of_this_world", 0.95, 0.9, **FLOW)), tmp_path)
    assert set(failed) == {"column_is_of_this_world"}
    assert "1 of 1 columns are of another one: gdp_nom (city) 2019" in failed["column_is_of_this_world"].sentence
    page = (tmp_path / "small_load.html").read_text(encoding="utf-8")
    assert '<h2 id="column_is_of_this_world">' in page
    assert "各列属于本世界。" in page
    told = {**frames, "rules": pd.concat([RULES, row.assign(verdict="tell")])}
    (warned,) = judge(with_rows(told, "across", observation("column_is_of_this_world", 0.95, 0.9, **FLOW))).values()
    assert warned.severity == "warn"


@pytest.mark.parametrize(
    ("text", "last", "typed"),
    [
        ("4123'", 4000.0, "4123"),
        ("4123", 42.0, "41.23"),
        ("mi", 42.0, ""),
        ("4123'", -42.0, ""),
        ("4123'", 0.0, ""),
        ("4123'", None, ""),
    ],
)
def test_a_text_is_offered_as_the_figure_that_the_year_before_makes_likely(frames, text, last, typed):
    values = frames["values"].copy()
    at = values.index[values["variable_code"] == "wage_avg_nom"][0]
    values.loc[at, ["value", "value_last"]] = None, last
    values.loc[at, ["text", "reading"]] = text, "left_out"
    of_two_lines = values.index[values["variable_code"] == "wage_avg_nom"][1]
    values.loc[of_two_lines, ["text", "reading"]] = "4123\n17", "left_out"
    offered = PREPARE["values"](Frames({**frames, "values": values}), BASELINE).set_index("cell")["paste_rows"]
    assert offered[values.loc[at, "cell"]].split(",")[7] == typed
    assert offered[values.loc[of_two_lines, "cell"]] == ""
