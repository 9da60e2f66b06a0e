"""What a person reads beside each step of a run."""

from dagster_project.assets.models import REGISTRY
from dagster_project.cli.runner import STEP_WORDS, step_words


def test_every_method_has_words():
    assert {f"py_{entry.name}" for entry in REGISTRY} <= set(STEP_WORDS)


def test_dbt_steps_have_words_whatever_number_they_get():
    assert {step_words(f"dbt_models_{n}", "rebuild") for n in range(2, 12)} == {"build tables with dbt"}
    assert step_words("dbt_models", "ingest") == "read with dbt"
    assert step_words("a_new_step", "rebuild") == "a_new_step"
