"""What the gate observes is judged, and has its words: a rule that one of these places forgets fails here."""

import json
import re

from dagster_project.paths import PROJECT
from expectations import Baseline
from expectations.suites import ALL, across

GATE_SQL = PROJECT / "dbt" / "models" / "gate"
RULE_ID = re.compile(r"'(\w+)' as rule_id|rule_id := '(\w+)'")


def rules_in(model):
    text = (GATE_SQL / f"{model}.sql").read_text(encoding="utf-8")
    return {left or right for left, right in RULE_ID.findall(text)}


def test_every_rule_that_is_observed_is_judged():
    assert rules_in("gate_observation") == {rule.rule_id for rule in across.RULES}


def test_every_rule_that_is_judged_has_its_words_in_chinese():
    baseline = Baseline("yearbook", 2019, 1, 400, (), 0.0, 1.0)
    known = json.loads((PROJECT / "expectations" / "zh.json").read_text(encoding="utf-8"))["rules"]
    judged = {one.meta["rule_id"] for suite in ALL for one in suite.build_suite(baseline).expectations}
    assert judged == set(known)
