"""An accepted load is judged again exactly when something that reads or judges it has changed."""

import re
import shutil

import pytest

from dagster_project.assets.gate import READING
from dagster_project.paths import PROJECT, Paths
from dagster_project.run_state import READING_MODELS, gate_hash

READS_OR_JUDGES = [
    *(f"dbt/models/intermediate/{model}.sql" for model in READING_MODELS),
    "dbt/models/staging/stg_landing__cells.sql",
    "dbt/macros/text.sql",
    "dbt/seeds/header_map.csv",
    "dagster_project/ingest/headers.py",
    "expectations/run.py",
]


@pytest.fixture
def project(tmp_path):
    for folder in ("dbt/models", "dbt/macros", "dbt/seeds", "dagster_project/ingest", "expectations"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return Paths(warehouse=tmp_path, landing=tmp_path, sidecars=tmp_path, project=tmp_path)


@pytest.mark.parametrize("file", READS_OR_JUDGES)
def test_a_change_in_what_reads_or_judges_a_load_changes_the_hash(project, file):
    before = gate_hash(project)
    with (project.project / file).open("a", encoding="utf-8") as stream:
        stream.write("\n")
    assert gate_hash(project) != before


def test_a_change_after_the_gate_does_not_change_the_hash(project):
    before = gate_hash(project)
    (project.dbt_project / "models" / "marts" / "index" / "mart_index_score.sql").write_text("select 1")
    assert gate_hash(project) == before


def test_the_reading_models_are_what_the_gate_reads_and_what_that_stands_on():
    folder = PROJECT / "dbt" / "models" / "intermediate"
    found, new = set(), {key[-1] for key in READING if key[0] == "int"}
    while new:
        found |= new
        text = "".join((folder / f"{model}.sql").read_text(encoding="utf-8") for model in new)
        new = set(re.findall(r"ref\('(int_\w+)'\)", text)) - found
    assert found == set(READING_MODELS)
