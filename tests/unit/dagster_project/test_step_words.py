"""What a person reads beside each step of a run."""

from dagster_project.defs.dbt_project import STEPS
from dagster_project.run.steps import STEP_WORDS, step_words
from dagster_project.study.registry import REGISTRY


def test_every_method_has_words():
    assert {f"py_{entry.name}" for entry in REGISTRY} <= set(STEP_WORDS)


def test_every_dbt_step_has_words():
    assert set(STEPS) <= set(STEP_WORDS)


def test_a_step_that_was_split_keeps_its_words():
    assert step_words("dbt_marts_2") == step_words("dbt_marts") == "build marts (dbt)"
    assert step_words("a_new_step") == "a_new_step"
